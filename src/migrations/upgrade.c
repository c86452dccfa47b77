/*
 * upgrade.c
 *		Alembic's verbs that write: ddd.upgrade() and ddd.downgrade().
 *
 * They run ALTER EXTENSION ddd UPDATE for one step after the other, which is
 * all that a user could do by hand, in the caller's transaction: all steps are
 * made, or none. A dry run makes them in a subtransaction and undoes them.
 *
 * The script of a step replaces or drops the very function that runs it.
 * PostgreSQL allows that: the call goes on with what it has looked up before.
 * So nothing here asks the catalog about the function once the first step has
 * begun, and the result has no type of ddd in it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "migrations/catalog.h"
#include "migrations/migrations.h"
#include "migrations/revisions.h"

static void migrate_to(FunctionCallInfo fcinfo, bool up);
static List *path_to(const char *target, bool up);
static void set_lock_timeout(FunctionCallInfo fcinfo);
static Interval **run_steps(List *steps);
static Interval **try_steps(List *steps);

PG_FUNCTION_INFO_V1(ddd_upgrade);

Datum
ddd_upgrade(PG_FUNCTION_ARGS)
{
	check_superuser("upgrade");
	migrate_to(fcinfo, true);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_downgrade);

Datum
ddd_downgrade(PG_FUNCTION_ARGS)
{
	check_superuser("downgrade");
	migrate_to(fcinfo, false);
	return (Datum) 0;
}

/* Makes the steps to the target; their result has a row for each. */
static void
migrate_to(FunctionCallInfo fcinfo, bool up)
{
	char	   *target = text_to_cstring(arg_text(fcinfo, 0, "target"));
	bool		dry_run = arg_bool(fcinfo, 1, "dry_run");
	OwnerScope	self;
	List	   *steps;
	Interval  **durations;
	int			guc_level;

	arg_required(fcinfo, 2, "lock_timeout");
	PreventCommandIfReadOnly(up ? "ddd.upgrade()" : "ddd.downgrade()");
	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");

	/* as the caller, but with search_path pinned */
	owner_begin_catalog(&self);
	steps = path_to(target, up);
	owner_end(&self);
	guc_level = NewGUCNestLevel();
	set_lock_timeout(fcinfo);
	durations = dry_run ? try_steps(steps) : run_steps(steps);
	AtEOXact_GUC(false, guc_level);

	for (int i = 0; i < list_length(steps); i++)
	{
		Step	   *step = list_nth(steps, i);
		bool		nulls[6] = {false};
		Datum		values[6] = {
			Int32GetDatum(i + 1),
			CStringGetTextDatum(step->to),
			CStringGetTextDatum(step->from),
			CStringGetTextDatum(step->is_up ? "up" : "down"),
			CStringGetTextDatum(revision_message(step->is_up ? step->to : step->from)),
			IntervalPGetDatum(durations[i]),
		};

		result_row(fcinfo, values, nulls);
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
}

/* Returns the steps to the target; raises 22023 where it is the other way. */
static List *
path_to(const char *target, bool up)
{
	char	   *current = revision_current();
	char	   *version = revision_target(target);

	if (up ? version_is_newer(current, version) : version_is_newer(version, current))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version \"%s\" is %s %s, the current one", version, up ? "below" : "above", current),
				 errhint("Run SELECT * FROM ddd.%s('%s');", up ? "downgrade" : "upgrade", version)));
	return revision_path(version);
}

/* Sets lock_timeout until the settings of this level end. */
static void
set_lock_timeout(FunctionCallInfo fcinfo)
{
	Interval   *timeout = PG_GETARG_INTERVAL_P(2);
	/* months of 30 days and days of 24 hours, as in the order of intervals */
	double		milliseconds = (timeout->month * 30.0 + timeout->day) * 86400000.0 + timeout->time / 1000.0;

	if (milliseconds < 0 || milliseconds > INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lock_timeout must be from 0 to %d milliseconds", INT_MAX),
				 errhint("0 waits for ever.")));
	/* less than a millisecond is not "for ever" */
	if (milliseconds > 0 && milliseconds < 1)
		milliseconds = 1;
	(void) set_config_option("lock_timeout", psprintf("%.0f", milliseconds), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Makes the steps; returns how long each took. */
static Interval **
run_steps(List *steps)
{
	Interval  **durations = palloc_array(Interval *, list_length(steps) + 1);

	for (int i = 0; i < list_length(steps); i++)
	{
		Step	   *step = list_nth(steps, i);
		TimestampTz started = GetCurrentTimestamp();
		char	   *command = psprintf("ALTER EXTENSION ddd UPDATE TO %s", quote_literal_cstr(step->to));

		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not run \"%s\"", command);
		durations[i] = DatumGetIntervalP(DirectFunctionCall2(timestamp_mi,
															 TimestampTzGetDatum(GetCurrentTimestamp()),
															 TimestampTzGetDatum(started)));
	}
	return durations;
}

/* Makes the steps and undoes them; an error is the caller's. */
static Interval **
try_steps(List *steps)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	Interval  **durations;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	durations = run_steps(steps);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
	return durations;
}
