/*
 * privileges.h
 *		What the files of privileges share.
 */
#ifndef DDD_PRIVILEGES_H
#define DDD_PRIVILEGES_H

#include "core/core.h"

typedef enum Level
{
	LEVEL_READER = 1,
	LEVEL_WRITER,
	LEVEL_ADMIN,
} Level;

/*
 * Raises 42501 unless the caller is the owner of the tables or a superuser,
 * 25006 in a read-only transaction, and waits for others who change privileges.
 */
extern void privileges_begin(const char *function);

/* Returns the role that an argument names; raises 42704, or 22023 for PUBLIC and the owner of the tables. */
extern Oid	arg_grantee(FunctionCallInfo fcinfo, int argno);

/* Returns a level up to the highest; raises 22023. */
extern Level arg_level(FunctionCallInfo fcinfo, int argno, Level highest);

/*
 * Runs the commands that a statement makes, (role to act as, command, what to
 * say of it), and returns the last column as the function's rows.
 */
extern void privileges_change(FunctionCallInfo fcinfo, SpiPlan *plan, Datum *values);

/* Tells whether all tables that roles may be let write are under row-level security. */
extern bool rls_enabled(void);

#endif							/* DDD_PRIVILEGES_H */
