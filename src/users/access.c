/*
 * access.c
 *		Who may write what: the one table of rules, which every writing function
 *		of the API asks when ddd.enforce_identity is on.
 *
 * The caller is the identity of the transaction (core/identity.c), never an
 * argument. Reading is not restricted here, and neither is what has to work
 * before anybody is known: sign-up, log-in, and what a token in a message
 * proves.
 *
 * Locks: whose a row is, is asked with the row's lock (FOR NO KEY UPDATE), so
 * that it cannot become another's before it is written. The writing functions
 * begin with a lock on that row, so the order of locks is theirs.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/guc.h"

#include "core/compat.h"
#include "core/core.h"
#include "users/users.h"

typedef enum AccessRule
{
	SUPERUSER,					/* a superuser of the application */
	SELF,						/* the user whose id it is, or a superuser */
	AUTHOR						/* the author of the row, or a superuser */
} AccessRule;

static SpiPlan post_author_plan = {
	.sql = "SELECT author_id FROM ddd.posts WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan comment_author_plan = {
	.sql = "SELECT author_id FROM ddd.comments WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static const struct
{
	const char *function;
	AccessRule	rule;
	SpiPlan    *author;			/* AUTHOR: finds him */
}			rules[] =
{
	[ACCESS_CREATE_SUPERUSER] = {"create_user", SUPERUSER, NULL},
	[ACCESS_IMPORT_HASH] = {"create_user", SUPERUSER, NULL},
	[ACCESS_CREATE_USERS] = {"create_users", SUPERUSER, NULL},
	[ACCESS_UPDATE_USER] = {"update_user", SELF, NULL},
	[ACCESS_UPDATE_USER_FLAGS] = {"update_user", SUPERUSER, NULL},
	[ACCESS_DELETE_USER] = {"delete_user", SELF, NULL},
	[ACCESS_REASSIGN_CONTENT] = {"delete_user", SUPERUSER, NULL},
	[ACCESS_SET_PASSWORD] = {"set_password", SUPERUSER, NULL},
	[ACCESS_CHANGE_PASSWORD] = {"change_password", SELF, NULL},
	[ACCESS_ISSUE_TOKEN] = {"issue_token", SELF, NULL},
	[ACCESS_REVOKE_TOKENS] = {"revoke_tokens", SELF, NULL},
	[ACCESS_PRUNE_TOKENS] = {"prune_tokens", SUPERUSER, NULL},
	[ACCESS_TAKE_OUTBOX] = {"take_outbox", SUPERUSER, NULL},
	[ACCESS_CREATE_POST] = {"create_post", SELF, NULL},
	[ACCESS_UPDATE_POST] = {"update_post", AUTHOR, &post_author_plan},
	[ACCESS_DELETE_POST] = {"delete_post", AUTHOR, &post_author_plan},
	[ACCESS_TAG_POST] = {"tag_post", AUTHOR, &post_author_plan},
	[ACCESS_UNTAG_POST] = {"untag_post", AUTHOR, &post_author_plan},
	[ACCESS_SET_POST_TAGS] = {"set_post_tags", AUTHOR, &post_author_plan},
	[ACCESS_ADD_COMMENT] = {"add_comment", SELF, NULL},
	[ACCESS_UPDATE_COMMENT] = {"update_comment", AUTHOR, &comment_author_plan},
	[ACCESS_DELETE_COMMENT] = {"delete_comment", AUTHOR, &comment_author_plan},
	[ACCESS_RENAME_TAG] = {"rename_tag", SUPERUSER, NULL},
	[ACCESS_MERGE_TAGS] = {"merge_tags", SUPERUSER, NULL},
	[ACCESS_ADD_TAG_SYNONYM] = {"add_tag_synonym", SUPERUSER, NULL},
	[ACCESS_DROP_TAG_SYNONYM] = {"drop_tag_synonym", SUPERUSER, NULL},
	[ACCESS_DELETE_TAG] = {"delete_tag", SUPERUSER, NULL},
	[ACCESS_PRUNE_TAGS] = {"prune_tags", SUPERUSER, NULL},
};

static bool enforce_identity = false;

static void refuse(AccessAction action) pg_attribute_noreturn();

void
access_init(void)
{
	struct config_generic *before = compat_find_setting("ddd.enforce_identity");

	/*
	 * A role's connection options come before what its database says, and are
	 * refused when the setting is defined: that must not leave it off. What it
	 * SET afterwards is refused as well, and stands before them.
	 */
	DefineCustomBoolVariable("ddd.enforce_identity",
							 "Lets functions write only what belongs to the caller.",
							 "The caller is the user of ddd.begin_as() or ddd.authenticate() in the same transaction; "
							 "superusers of the application may write everything.",
							 &enforce_identity, before != NULL && before->reset_source == PGC_S_CLIENT,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

bool
access_check(AccessAction action, int64 id)
{
	const Identity *identity;
	Datum		value = Int64GetDatum(id);

	if (!enforce_identity)
		return true;
	identity = identity_require();
	if (!identity_has_scope(identity, "write"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ddd.%s()", rules[action].function),
				 errdetail("The scope of the token does not let it write.")));
	if (identity->is_superuser)
		return true;
	switch (rules[action].rule)
	{
		case SUPERUSER:
			refuse(action);
		case SELF:
			if (identity->user_id != id)
				refuse(action);
			return true;
		case AUTHOR:
			if (plan_execute(rules[action].author, &value, NULL, false) == 0)
				return false;
			if (plan_int64(0, 1) != identity->user_id)
				refuse(action);
			return true;
	}
	return false;
}

void
access_check_scope(const char *scope)
{
	char	   *words;
	char	   *save;

	if (!enforce_identity)
		return;
	words = pstrdup(scope);
	for (char *word = strtok_r(words, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
	{
		if (!identity_has_scope(identity_require(), word))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for scope \"%s\"", word),
					 errdetail("A token cannot have more scope than the caller who issues it.")));
	}
}

static void
refuse(AccessAction action)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for ddd.%s()", rules[action].function),
			 rules[action].rule == AUTHOR ? errdetail("Only the author or a superuser of the application may do it.") :
			 rules[action].rule == SELF ? errdetail("Only the user or a superuser of the application may do it.") :
			 errdetail("Only a superuser of the application may do it.")));
}
