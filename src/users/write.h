/*
 * write.h
 *		Checks and writes shared by sign-up and profile; private to users.
 */
#ifndef DDD_USERS_WRITE_H
#define DDD_USERS_WRITE_H

#include "core/core.h"

/* Returns the address without surrounding blanks. 22023 not an address, 22001 too long. */
extern text *user_check_email(text *email);

/* Raises 22001 or 23514. */
extern void user_check_full_name(text *full_name);

/*
 * Runs a statement that writes ddd.users inside an API call; a duplicate
 * e-mail becomes 23505 "Email already registered" with its constraint.
 */
extern uint64 user_write(SpiPlan *plan, Datum *values, const char *nulls);

#endif							/* DDD_USERS_WRITE_H */
