/*
 * users.h
 *		The users context: sign-up, profile, search, passwords.
 */
#ifndef DDD_USERS_H
#define DDD_USERS_H

#include "core/core.h"
#include "users/password.h"

/* The columns of ddd.user_info, in its order, of a table or alias u. */
#define USER_COLUMNS \
	"u.id, u.email, u.full_name, u.is_active, u.is_superuser, u.bio, u.created_at, u.updated_at"

/* What access_check() is asked about: the rules are in access.c. */
typedef enum AccessAction
{
	ACCESS_CREATE_SUPERUSER,
	ACCESS_IMPORT_HASH,
	ACCESS_CREATE_USERS,
	ACCESS_UPDATE_USER,
	ACCESS_UPDATE_USER_FLAGS,
	ACCESS_DELETE_USER,
	ACCESS_REASSIGN_CONTENT,
	ACCESS_SET_PASSWORD,
	ACCESS_CHANGE_PASSWORD,
	ACCESS_ISSUE_TOKEN,
	ACCESS_REVOKE_TOKENS,
	ACCESS_PRUNE_TOKENS,
	ACCESS_TAKE_OUTBOX,
	ACCESS_CREATE_POST,
	ACCESS_UPDATE_POST,
	ACCESS_DELETE_POST,
	ACCESS_TAG_POST,
	ACCESS_UNTAG_POST,
	ACCESS_SET_POST_TAGS,
	ACCESS_ADD_COMMENT,
	ACCESS_UPDATE_COMMENT,
	ACCESS_DELETE_COMMENT,
	ACCESS_RENAME_TAG,
	ACCESS_MERGE_TAGS,
	ACCESS_ADD_TAG_SYNONYM,
	ACCESS_DROP_TAG_SYNONYM,
	ACCESS_DELETE_TAG,
	ACCESS_PRUNE_TAGS
} AccessAction;

/*
 * Inside an API call: raises 28000 or 42501 where ddd.enforce_identity is on
 * and the caller may not do this to the user, post or comment of the id.
 * Returns false where there is no such post or comment: then nothing may be
 * written, for it may come to be meanwhile, and be another's.
 */
extern bool access_check(AccessAction action, int64 id);

/* Raises 28000 or 42501 where it is on and the caller lacks a word of the scope. */
extern void access_check_scope(const char *scope);

/* Defines ddd.enforce_identity. */
extern void access_init(void);

/* Starts libsodium and defines the settings of the context. */
extern void users_init(void);

#endif							/* DDD_USERS_H */
