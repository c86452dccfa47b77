/*
 * restore.c
 *		Recognises that this session loads a dump.
 *
 * Every pg_dump output and every pg_restore connection first sets row_security,
 * and turns check_function_bodies off; no application does both. While an
 * extension script runs, PostgreSQL itself turns check_function_bodies off,
 * so inside one the value that counts is the one it put aside.
 *
 * Anybody may set both, so a trigger that trusts the rows of a dump asks for
 * restore_by_owner: whoever could switch the trigger off as well.
 */
#include "postgres.h"

#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rls.h"

#include "core/compat.h"
#include "core/core.h"

static bool sets_row_security(void);
static bool checks_function_bodies(void);

bool
restore_in_progress(void)
{
	/* the cheaper first: every statement that writes comments or tags asks */
	return !checks_function_bodies() && (!row_security || sets_row_security());
}

bool
restore_by_owner(void)
{
	return restore_in_progress() && has_privs_of_role(GetOuterUserId(), relation_owner());
}

/* A dump made with --enable-row-security turns it on, which it was. */
static bool
sets_row_security(void)
{
	struct config_generic *setting = compat_find_setting("row_security");

	return setting != NULL && setting->source == PGC_S_SESSION;
}

static bool
checks_function_bodies(void)
{
	struct config_generic *setting;

	if (check_function_bodies || !creating_extension)
		return check_function_bodies;

	setting = compat_find_setting("check_function_bodies");
	if (setting == NULL)
		return false;

	/* the outermost saved value is the session's own */
	for (GucStack *saved = setting->stack; saved != NULL; saved = saved->prev)
	{
		if (saved->state == GUC_SAVE && saved->prior.val.boolval)
			return true;
	}
	return false;
}
