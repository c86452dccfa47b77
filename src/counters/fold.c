/*
 * fold.c
 *		Taking the ledger into the counters: ddd.fold_counters(),
 *		ddd.rebuild_counters().
 *
 * One fold of a counter at a time: the row lock on ddd.counter_state is taken
 * in a statement of its own, so the statement that folds has a younger
 * snapshot than whoever held the lock before. Under REPEATABLE READ it would
 * not, so a fold is refused there.
 *
 * The low-water mark moves to the oldest transaction that was running when a
 * fold looked: everything before it was finished, so the fold saw all of it.
 * Readers then pass over the rows that were taken without meeting them, even
 * while a long snapshot keeps vacuum from removing them.
 *
 * Locks: ACCESS SHARE on the counted tables and the subjects' first, as a
 * TRUNCATE of them holds more and comes for the row lock then; the row of
 * ddd.counter_state; what the statements lock. The worker waits for none of
 * the first two, and folds one counter in a transaction.
 *
 * Where a subscription writes the ledger nothing is folded: its rows carry
 * another server's transactions, and that server folds.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/xid8.h"

#include "counters/counters.h"
#include "counters/fold.h"
#include "counters/state.h"

/* How many rows one statement takes; it takes all of a transaction's, so there may be more. */
#define FOLD_AT_ONCE	100000

static SpiPlan boundary_plan = {
	.sql = "SELECT l.xid FROM ddd.counter_ledger l WHERE l.counter = $1 AND l.xid >= $2"
	" ORDER BY l.xid OFFSET $3 LIMIT 1",
	.nargs = 3,
	.argtypes = {INT2OID, XID8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan delete_plan = {
	.sql = "DELETE FROM ddd.counters WHERE counter = $1 AND subject_id = ANY ($2) AND value = 0",
	.nargs = 2,
	.argtypes = {INT2OID, INT8ARRAYOID},
};

static SpiPlan subscription_plan = {
	.sql = "SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = $1",
	.nargs = 1,
	.argtypes = {OIDOID},
};

static Counter *counters[8];
static int	ncounters;

static void begin(ApiCall *call);
static int64 fold(Counter *counter);
static int64 recount(Counter *counter);
static int64 take(Counter *counter, CounterState *state, bool *more);
static int64 for_each_counter(const char *function, int64 (*run) (Counter *counter));
static bool is_replicated(void);
static bool lock_tables(Counter *counter, bool wait);
static Oid	table_oid(const char *name);
static FullTransactionId oldest_running(int column);

void
counter_define(Counter *counter)
{
	if (ncounters == lengthof(counters))
		elog(ERROR, "too many counters");
	Assert(ncounters == 0 || counters[ncounters - 1]->number < counter->number);
	counters[ncounters++] = counter;
}

Counter *const *
counters_defined(int *count)
{
	*count = ncounters;
	return counters;
}

PG_FUNCTION_INFO_V1(ddd_fold_counters);

Datum
ddd_fold_counters(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(for_each_counter("fold_counters", fold));
}

PG_FUNCTION_INFO_V1(ddd_rebuild_counters);

Datum
ddd_rebuild_counters(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(for_each_counter("rebuild_counters", recount));
}

bool
fold_batch(Counter *counter)
{
	ApiCall		call;
	CounterState state;
	bool		more = false;

	begin(&call);
	if (!is_replicated() && lock_tables(counter, false) && state_lock(&state, counter->number, false))
	{
		if (state.stale)
			recount(counter);
		else
			take(counter, &state, &more);
	}
	api_end(&call);
	return more;
}

/* Runs a function for each counter and returns the sum of its results. */
static int64
for_each_counter(const char *function, int64 (*run) (Counter *counter))
{
	ApiCall		call;
	int64		sum = 0;

	check_isolation(psprintf("ddd.%s()", function));
	begin(&call);
	if (is_replicated())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the counters are replicated from another server"),
				 errhint("Run ddd.%s() there.", function)));
	for (int i = 0; i < ncounters; i++)
		(void) lock_tables(counters[i], true);
	for (int i = 0; i < ncounters; i++)
		sum += run(counters[i]);
	api_end(&call);
	return sum;
}

/* Tells whether a subscription writes the ledger: its transactions are another server's. */
static bool
is_replicated(void)
{
	Datum		ledger = ObjectIdGetDatum(table_oid("counter_ledger"));

	return plan_execute(&subscription_plan, &ledger, NULL, true) > 0;
}

/* Locks what folding and counting read; returns false if somebody is in the way and "wait" is not set. */
static bool
lock_tables(Counter *counter, bool wait)
{
	const char *const names[] = {counter->source, counter->subjects};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (wait)
			LockRelationOid(table_oid(names[i]), AccessShareLock);
		else if (!ConditionalLockRelationOid(table_oid(names[i]), AccessShareLock))
			return false;
	}
	return true;
}

static Oid
table_oid(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("ddd", false));
}

/* Begins a call in which rows that a policy hides are an error, not left out. */
static void
begin(ApiCall *call)
{
	api_begin(call);
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Takes whatever is pending; returns the number of ledger rows. */
static int64
fold(Counter *counter)
{
	CounterState state;
	int64		rows = 0;
	bool		more = true;

	(void) state_lock(&state, counter->number, true);
	if (state.stale)
	{
		recount(counter);
		return 0;
	}
	while (more)
		rows += take(counter, &state, &more);
	return rows;
}

/* Counts the rows anew; returns the number of subjects whose number was changed. */
static int64
recount(Counter *counter)
{
	CounterState state;
	int64		changed;

	(void) state_lock(&state, counter->number, true);
	plan_execute(&counter->recount, NULL, NULL, false);
	changed = plan_int64(0, 2);
	state_write(counter->number, oldest_running(3));
	return changed;
}

/* Takes the oldest rows; returns how many, and whether there may be more. */
static int64
take(Counter *counter, CounterState *state, bool *more)
{
	Datum		range[2] = {FullTransactionIdGetDatum(state->low_water), UInt64GetDatum(PG_UINT64_MAX)};
	Datum		emptied[2] = {Int16GetDatum(counter->number)};
	FullTransactionId low_water;
	int64		rows;
	bool		isnull;

	*more = plan_execute(&boundary_plan, (Datum[])
						 {
							 Int16GetDatum(counter->number), range[0], Int64GetDatum(FOLD_AT_ONCE)
						 }, NULL, false) > 0;
	if (*more)
		range[1] = plan_value(0, 1, XID8OID, &isnull);

	plan_execute(&counter->fold, range, NULL, false);
	rows = plan_int64(0, 1);
	low_water = oldest_running(3);
	emptied[1] = plan_value(0, 2, INT8ARRAYOID, &isnull);
	if (!isnull)
		plan_execute(&delete_plan, emptied, NULL, false);

	/* what is beyond this batch is still to be read */
	if (*more && U64FromFullTransactionId(low_water) > DatumGetUInt64(range[1]))
		low_water = FullTransactionIdFromU64(DatumGetUInt64(range[1]) + 1);
	if (FullTransactionIdFollows(low_water, state->low_water))
	{
		state_write(counter->number, low_water);
		state->low_water = low_water;
	}
	return rows;
}

/* Returns a statement's pg_snapshot_xmin. */
static FullTransactionId
oldest_running(int column)
{
	bool		isnull;
	Datum		value = plan_value(0, column, XID8OID, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a result", column);
	return DatumGetFullTransactionId(value);
}
