/*
 * owner.c
 *		Acting as the owner of the tables, as foreign-key triggers do.
 *
 * The only place in ddd that switches privileges. The scope pins search_path
 * and sets the restricted-operation flag, so that nothing which runs inside
 * it (a user's trigger, a default, an index expression) can change the role
 * or leave objects behind.
 *
 * Invariant: between owner_begin and owner_end an error propagates to a
 * (sub)transaction abort, which restores user, flags and settings; code in
 * between must not catch errors without a subtransaction of its own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "core/core.h"

void
owner_begin(OwnerScope *scope, Oid owner)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(owner,
						   scope->sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	scope->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
owner_end(OwnerScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}
