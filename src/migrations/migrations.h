/*
 * migrations.h
 *		Installing, stamping and migrating: what ddd.c needs to know, and what
 *		the files of this context share.
 */
#ifndef DDD_MIGRATIONS_H
#define DDD_MIGRATIONS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"

/* Defines ddd.create_tables and ddd.allow_data_loss. */
extern void migrations_init(void);

/* install.c ---------------------------------------------------------------- */

/* Raises 42501 unless the caller is a superuser. */
extern void check_superuser(const char *function);

/* Lets the owner of the tables execute all functions, those too that a script has just made. */
extern void grant_to_owner(void);

/* quiet.c ------------------------------------------------------------------ */

/* The triggers that were enabled on tables which a migration has for itself. */
typedef struct QuietTables
{
	SPITupleTable *triggers;
	uint64		count;
} QuietTables;

/*
 * Locks tables of ddd, by their names, in the order given, and disables their
 * triggers until quiet_end, inside the same SPI connection. NULL for none.
 * Raises 42P01 where there is no such table.
 */
extern QuietTables *quiet_begin(Datum *tables, int count);
extern void quiet_end(QuietTables *quiet);

/* stamp.c ------------------------------------------------------------------ */

/* Tells whether scripts run that bring the code to the tables' version, and leave the tables alone. */
extern bool stamp_in_progress(void);

/* log.c -------------------------------------------------------------------- */

/* Begins a step, which log_step_end logs if it is called in a script that has come to its end. */
extern void log_step_begin(const char *from, const char *to);
extern void log_step_end(void);

/* Logs what has been done since "started"; from is NULL where there was nothing before. */
extern void log_write(const char *from, const char *to, const char *direction, TimestampTz started);

#endif							/* DDD_MIGRATIONS_H */
