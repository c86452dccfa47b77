/*
 * users.h
 *		The users context: sign-up, profile, search, passwords.
 */
#ifndef DDD_USERS_H
#define DDD_USERS_H

#include "users/password.h"

/* The columns of ddd.user_info, in its order, of a table or alias u. */
#define USER_COLUMNS \
	"u.id, u.email, u.full_name, u.is_active, u.is_superuser, u.bio, u.created_at, u.updated_at"

/* Starts libsodium and defines the settings of the context. */
extern void users_init(void);

#endif							/* DDD_USERS_H */
