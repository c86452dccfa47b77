/*
 * state.c
 *		ddd.counter_state: a row for each counter that was ever folded.
 *
 * The row's lock is what keeps two folds of one counter apart, and a fold
 * from whatever makes the counter stale.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/xid8.h"

#include "counters/state.h"

#define STATE_COLUMNS	"s.low_water, s.system_identifier, s.written_by, s.xmin, s.stale"

static SpiPlan read_plan = {
	.sql = "SELECT " STATE_COLUMNS " FROM ddd.counter_state s WHERE s.counter = $1",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static SpiPlan create_plan = {
	.sql = "INSERT INTO ddd.counter_state (counter, low_water, system_identifier, written_by, stale)"
	" VALUES ($1, '0'::xid8, 0, '0'::xid8, false) ON CONFLICT (counter) DO NOTHING",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static SpiPlan lock_plan = {
	.sql = "SELECT " STATE_COLUMNS " FROM ddd.counter_state s WHERE s.counter = $1 FOR UPDATE",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static SpiPlan try_lock_plan = {
	.sql = "SELECT " STATE_COLUMNS " FROM ddd.counter_state s WHERE s.counter = $1 FOR UPDATE SKIP LOCKED",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static SpiPlan write_plan = {
	.sql = "UPDATE ddd.counter_state"
	" SET low_water = $2, system_identifier = $3, written_by = $4, stale = false WHERE counter = $1",
	.nargs = 4,
	.argtypes = {INT2OID, XID8OID, INT8OID, XID8OID},
};

static SpiPlan make_stale_plan = {
	.sql = "INSERT INTO ddd.counter_state AS s (counter, low_water, system_identifier, written_by, stale)"
	" VALUES ($1, '0'::xid8, 0, '0'::xid8, true) ON CONFLICT (counter) DO UPDATE SET stale = true WHERE NOT s.stale",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static SpiPlan stale_if_there_plan = {
	.sql = "UPDATE ddd.counter_state SET stale = true WHERE counter = $1",
	.nargs = 1,
	.argtypes = {INT2OID},
};

static void take_row(CounterState *state);

PG_FUNCTION_INFO_V1(ddd_keep_counter_state);

Datum
ddd_keep_counter_state(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.keep_counter_state()");
	Relation	relation = ((TriggerData *) fcinfo->context)->tg_relation;
	OwnerScope	owner;
	Datum		counter;
	bool		isnull;

	counter = heap_getattr(row, row_column(relation, "counter", INT2OID), RelationGetDescr(relation), &isnull);
	if (isnull || !restore_by_owner())
		return PointerGetDatum(row);
	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (plan_execute(&stale_if_there_plan, &counter, NULL, false) > 0)
		row = NULL;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	return PointerGetDatum(row);
}

const char *const state_columns[STATE_NCOLUMNS] = {"low_water", "system_identifier", "written_by", "xmin", "stale"};
const Oid	state_types[STATE_NCOLUMNS] = {XID8OID, INT8OID, XID8OID, XIDOID, BOOLOID};

/*
 * A dump carries the row to another cluster, or to a physical copy of this one,
 * which has the same identifier: there another transaction has written it.
 */
void
state_take(CounterState *state, const Datum *values)
{
	bool		ours = DatumGetInt64(values[1]) == (int64) GetSystemIdentifier() &&
		XidFromFullTransactionId(DatumGetFullTransactionId(values[2])) == DatumGetTransactionId(values[3]);

	state->low_water = ours ? DatumGetFullTransactionId(values[0]) : FullTransactionIdFromU64(0);
	state->stale = DatumGetBool(values[4]);
}

void
state_read(CounterState *state, int16 counter)
{
	Datum		number = Int16GetDatum(counter);

	state->low_water = FullTransactionIdFromU64(0);
	state->stale = false;
	if (plan_execute(&read_plan, &number, NULL, true) > 0)
		take_row(state);
}

bool
state_lock(CounterState *state, int16 counter, bool wait)
{
	SpiPlan    *plan = wait ? &lock_plan : &try_lock_plan;
	Datum		number = Int16GetDatum(counter);

	if (plan_execute(plan, &number, NULL, false) == 0)
	{
		plan_execute(&create_plan, &number, NULL, false);
		if (plan_execute(plan, &number, NULL, false) == 0)
			return false;
	}
	take_row(state);
	return true;
}

void
state_write(int16 counter, FullTransactionId low_water)
{
	plan_execute(&write_plan, (Datum[])
				 {
					 Int16GetDatum(counter), FullTransactionIdGetDatum(low_water),
					 Int64GetDatum((int64) GetSystemIdentifier()),
					 FullTransactionIdGetDatum(GetCurrentFullTransactionId())
				 }, NULL, false);
}

void
state_make_stale(int16 counter)
{
	Datum		number = Int16GetDatum(counter);

	plan_execute(&make_stale_plan, &number, NULL, false);
}

/* Takes the first row of the last statement over. */
static void
take_row(CounterState *state)
{
	Datum		values[STATE_NCOLUMNS];

	for (int i = 0; i < STATE_NCOLUMNS; i++)
	{
		bool		isnull;

		values[i] = plan_value(0, i + 1, state_types[i], &isnull);
		if (isnull)
			elog(ERROR, "unexpected null in column %d of a result", i + 1);
	}
	state_take(state, values);
}
