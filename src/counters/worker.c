/*
 * worker.c
 *		The background worker that folds, and who asks for it.
 *
 * It is started when there is something to fold, folds, and ends: nothing has
 * to be preloaded, and no idle worker keeps a database from being dropped.
 *
 * A reader sees how much is pending, and asks when that is more than
 * ddd.fold_threshold. A writer does not see it, and should not look: each row
 * that it writes asks with a chance of one in ddd.fold_threshold, so that all
 * writers together ask about once in so many rows. It asks right before its
 * transaction commits. Where no worker can be started, because all
 * max_worker_processes are in use, somebody will ask again.
 *
 * A worker waits for nobody who has locked the tables, and there is one in a
 * database: who is second ends. DROP DATABASE waits five seconds for others to leave. So the worker looks
 * before each batch whether the database is locked, and ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "counters/counters.h"
#include "counters/fold.h"

#define DEFAULT_FOLD_THRESHOLD	10000

/* A session does not ask more often than this. */
#define ASK_EVERY_MS	1000

static int	fold_threshold = DEFAULT_FOLD_THRESHOLD;
static bool ask_at_commit = false;
static TimestampTz last_asked = 0;

PGDLLEXPORT void ddd_fold_worker(Datum database);

static void at_transaction_end(XactEvent event, void *arg);
static void start_worker(void);
static bool run_batch(Counter *counter);
static bool lock_database(void);
static bool is_only_worker(void);

void
counters_init(void)
{
	DefineCustomIntVariable("ddd.fold_threshold",
							"Sets how many rows of ddd.counter_ledger may be pending before a background worker folds them.",
							"0 starts no worker: ddd.fold_counters() has to be called.",
							&fold_threshold, DEFAULT_FOLD_THRESHOLD, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(at_transaction_end, NULL);
}

void
fold_ask_read(int64 rows)
{
	if (fold_threshold > 0 && rows > fold_threshold)
		start_worker();
}

void
fold_ask_written(int64 rows)
{
	if (fold_threshold > 0 && pg_prng_double(&pg_global_prng_state) * fold_threshold < rows)
		ask_at_commit = true;
}

/* An error before the commit only undoes the transaction; nothing here raises one after it. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (ask_at_commit && event == XACT_EVENT_PRE_COMMIT)
		start_worker();
	ask_at_commit = false;
}

static void
start_worker(void)
{
	BackgroundWorker worker = {
		.bgw_name = "ddd fold worker",
		.bgw_type = "ddd fold worker",
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_library_name = "ddd",
		.bgw_function_name = "ddd_fold_worker",
		.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId),
	};
	TimestampTz now = GetCurrentTimestamp();

	if (RecoveryInProgress() || IsBinaryUpgrade || !IsUnderPostmaster || IsInParallelMode() ||
		!TimestampDifferenceExceeds(last_asked, now, ASK_EVERY_MS))
		return;
	last_asked = now;
	(void) RegisterDynamicBackgroundWorker(&worker, NULL);
}

void
ddd_fold_worker(Datum database)
{
	int			ncounters;
	Counter    *const *counters = counters_defined(&ncounters);

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);

	for (int i = 0; i < ncounters; i++)
	{
		while (run_batch(counters[i]))
			CHECK_FOR_INTERRUPTS();
	}
}

/* Folds a batch in a transaction; returns whether there may be more. */
static bool
run_batch(Counter *counter)
{
	bool		more;

	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	StartTransactionCommand();
	/* whatever the database or the role has as its default */
	XactIsoLevel = XACT_READ_COMMITTED;
	XactReadOnly = false;
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ddd.fold_counters");
	more = lock_database() && is_only_worker() && version_agrees() && fold_batch(counter);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return more;
}

/* Locks the database as connecting to it does; returns false where somebody is about to drop it. */
static bool
lock_database(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	return LockAcquire(&tag, RowExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* Tells whether no other worker of this database is folding; none will until the transaction ends. */
static bool
is_only_worker(void)
{
	LOCKTAG		tag;

	/* an object that nobody else locks */
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, DatabaseRelationId, MyDatabaseId, 1);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}
