/*
 * owner.c
 *		Acting as the owner of the tables, as foreign-key triggers do.
 *
 * The only place in ddd that switches privileges. The scope sets the
 * restricted-operation flag, and SQL in it runs with a pinned search_path, so
 * that nothing which runs inside it (a user's trigger, a default, an index
 * expression) can change the role, leave objects behind or be led astray.
 *
 * A changed search_path costs the caller a twentieth of a quick call, since
 * PostgreSQL resolves it anew. So it is pinned by the first SQL of a scope: a
 * call that reads through index cursors alone names no object by the path.
 *
 * Invariant: between owner_begin and owner_end an error propagates to a
 * (sub)transaction abort, which restores user, flags and settings; code in
 * between must not catch errors without a subtransaction of its own.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "core/core.h"

#define PINNED_PATH	"pg_catalog, pg_temp"

void
owner_begin(OwnerScope *scope, Oid owner)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(owner,
						   scope->sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	scope->guc_level = NewGUCNestLevel();
}

void
owner_begin_catalog(OwnerScope *scope)
{
	owner_begin(scope, GetUserId());
	if (jit_enabled)
		(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
owner_pin_path(void)
{
	if (InSecurityRestrictedOperation() && strcmp(namespace_search_path, PINNED_PATH) != 0)
		(void) set_config_option("search_path", PINNED_PATH, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

void
owner_end(OwnerScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}
