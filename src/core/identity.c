/*
 * identity.c
 *		Who the caller is: a user of the application, proved in this transaction.
 *
 * It is kept in memory that only code reaches, so no SET, set_config() or
 * table can make one up. Which proofs there are is the matter of users.
 *
 * Invariants:
 *	- it ends with the transaction that it was proved in, however that ends, so
 *	  that the next client of a pooled connection finds none. PREPARE
 *	  TRANSACTION ends it as well;
 *	- what was proved after a savepoint ends with ROLLBACK TO it, and what was
 *	  proved before it counts again;
 *	- it counts for the role that had logged in, and until its token expires;
 *	- a parallel worker has none: what asks for it is PARALLEL RESTRICTED.
 *
 * Memory: a stack in TopTransactionContext, one entry for each level of
 * savepoints that proved one. The callbacks raise nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/core.h"

typedef struct IdentityEntry
{
	struct IdentityEntry *below;
	int			nest_level;		/* of the (sub)transaction that it belongs to */
	Oid			session_user;
	Identity	identity;		/* last: has a flexible member */
} IdentityEntry;

static IdentityEntry *stack = NULL;

static void pop(void);
static void at_transaction_end(XactEvent event, void *arg);
static void at_subtransaction_end(SubXactEvent event, SubTransactionId my_subid,
								  SubTransactionId parent_subid, void *arg);

void
identity_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

void
identity_set(int64 user_id, bool is_superuser, const char *scope, TimestampTz expires_at)
{
	int			nest_level = GetCurrentTransactionNestLevel();
	IdentityEntry *entry = MemoryContextAlloc(TopTransactionContext,
											  offsetof(IdentityEntry, identity.scope) + strlen(scope) + 1);

	entry->nest_level = nest_level;
	entry->session_user = GetSessionUserId();
	entry->identity.user_id = user_id;
	entry->identity.is_superuser = is_superuser;
	entry->identity.expires_at = expires_at;
	strlcpy(entry->identity.scope, scope, strlen(scope) + 1);

	if (stack != NULL && stack->nest_level == nest_level)
		pop();
	entry->below = stack;
	stack = entry;
}

const Identity *
identity_current(void)
{
	if (stack == NULL || stack->session_user != GetSessionUserId() ||
		stack->identity.expires_at <= GetCurrentTimestamp())
		return NULL;
	return &stack->identity;
}

const Identity *
identity_require(void)
{
	const Identity *identity = identity_current();

	if (identity == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no user is authenticated in this transaction"),
				 errhint("Call ddd.begin_as() in the same transaction, after BEGIN.")));
	return identity;
}

const Identity *
identity_last(void)
{
	return stack != NULL && stack->session_user == GetSessionUserId() ? &stack->identity : NULL;
}

bool
identity_has_scope(const Identity *identity, const char *scope)
{
	size_t		length = strlen(scope);

	if (strcmp(identity->scope, SCOPE_ALL) == 0)
		return true;
	for (const char *at = identity->scope; *at != '\0';)
	{
		size_t		word = strcspn(at, " ");

		if (word == length && strncmp(at, scope, length) == 0)
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

static void
pop(void)
{
	IdentityEntry *top = stack;

	stack = top->below;
	pfree(top);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			/* the memory goes with the transaction */
			stack = NULL;
			break;
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId my_subid,
					  SubTransactionId parent_subid, void *arg)
{
	int			nest_level = GetCurrentTransactionNestLevel();

	if (stack == NULL || stack->nest_level < nest_level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		pop();
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		IdentityEntry *replaced = stack->below;

		stack->nest_level = nest_level - 1;
		if (replaced != NULL && replaced->nest_level == stack->nest_level)
		{
			stack->below = replaced->below;
			pfree(replaced);
		}
	}
}
