/*
 * reader.c
 *		Beginning to read a counter, and the counts of some subjects.
 *
 * The state and what is pending are read once, as of the active snapshot,
 * through index cursors; where one is refused SPI does it.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/xid8.h"

#include "counters/fold.h"
#include "counters/reader.h"

static const IndexColumn state_key[] = {{"counter", INT2OID, false}};
static const IndexColumn ledger_order[] = {{"counter", INT2OID, false}, {"xid", XID8OID, false}};
static const IndexColumn counters_key[] = {{"counter", INT2OID, false}, {"subject_id", INT8OID, false}};

static SpiPlan values_plan = {
	.sql = "SELECT coalesce(c.value, 0) + coalesce(p.delta, 0) FROM unnest($2) WITH ORDINALITY AS u (id, nth)"
	" LEFT JOIN ddd.counters c ON c.counter = $1 AND c.subject_id = u.id"
	" LEFT JOIN (SELECT l.subject_id, sum(l.delta)::bigint AS delta FROM ddd.counter_ledger l"
	" WHERE l.counter = $1 AND l.xid >= $3 GROUP BY l.subject_id) p ON p.subject_id = u.id"
	" ORDER BY u.nth",
	.nargs = 3,
	.argtypes = {INT2OID, INT8ARRAYOID, XID8OID},
	.choice = PLAN_GENERIC,
};

static bool read_state(int16 counter, CounterState *state);
static bool read_ledger(CounterReader *reader);

CounterReader *
counter_open(Counter *counter)
{
	CounterReader *reader = palloc0_object(CounterReader);

	reader->counter = counter;
	reader->direct = read_state(counter->number, &reader->state);
	if (!reader->direct)
		state_read(&reader->state, counter->number);
	if (reader->state.stale)
	{
		fold_ask_read(PG_INT64_MAX);
		return NULL;
	}
	reader->direct = reader->direct && read_ledger(reader);
	return reader;
}

void
counter_values(CounterReader *reader, const int64 *subject_ids, int n, int64 *values)
{
	if (!reader->direct || !numbers_open(reader))
	{
		plan_execute(&values_plan, (Datum[])
					 {
						 Int16GetDatum(reader->counter->number),
						 plan_array(INT8OID, subject_ids, n, sizeof(int64)),
						 FullTransactionIdGetDatum(reader->state.low_water)
					 }, NULL, true);
		for (int i = 0; i < n; i++)
			values[i] = plan_int64(i, 1);
		SPI_freetuptable(SPI_tuptable);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		Subject    *subject = NULL;

		if (reader->pending != NULL)
			subject = subjects_lookup(reader->pending, subject_ids[i]);
		values[i] = numbers_read(reader, subject_ids[i]) + (subject == NULL ? 0 : subject->delta);
	}
}

void
counter_close(CounterReader *reader)
{
	if (reader->value != 0)
		index_cursor_close(&reader->numbers);
}

bool
numbers_open(CounterReader *reader)
{
	if (reader->value != 0)
		return true;
	if (!index_cursor_open(&reader->numbers, "counters", counters_key, lengthof(counters_key), false))
		return false;
	reader->value = index_cursor_column(&reader->numbers, "value", INT8OID);
	if (reader->value == 0)
		index_cursor_close(&reader->numbers);
	return reader->value != 0;
}

int64
numbers_read(CounterReader *reader, int64 subject_id)
{
	ScanKeyData keys[2];
	bool		isnull;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(reader->counter->number));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(subject_id));
	index_cursor_seek(&reader->numbers, keys, 2);
	if (!index_cursor_next_row(&reader->numbers))
		return 0;
	return DatumGetInt64(slot_getattr(reader->numbers.slot, reader->value, &isnull));
}

static bool
read_state(int16 counter, CounterState *state)
{
	IndexCursor states;
	ScanKeyData key;
	int			columns[STATE_NCOLUMNS];
	Datum		values[STATE_NCOLUMNS];
	bool		isnull = false;

	if (!index_cursor_open(&states, "counter_state", state_key, lengthof(state_key), false))
		return false;
	for (int i = 0; i < STATE_NCOLUMNS; i++)
	{
		columns[i] = state_types[i] == XIDOID ? MinTransactionIdAttributeNumber :
			index_cursor_column(&states, state_columns[i], state_types[i]);
		if (columns[i] == 0)
		{
			index_cursor_close(&states);
			return false;
		}
	}
	state->low_water = FullTransactionIdFromU64(0);
	state->stale = false;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(counter));
	index_cursor_seek(&states, &key, 1);
	if (index_cursor_next_row(&states))
	{
		for (int i = 0; i < STATE_NCOLUMNS && !isnull; i++)
			values[i] = columns[i] < 0 ? slot_getsysattr(states.slot, columns[i], &isnull) :
				slot_getattr(states.slot, columns[i], &isnull);
		if (!isnull)
			state_take(state, values);
	}
	index_cursor_close(&states);
	return !isnull;
}

static bool
read_ledger(CounterReader *reader)
{
	IndexCursor ledger;
	ScanKeyData keys[2];
	int			subject;
	int			delta;
	int64		rows = 0;

	if (!index_cursor_open(&ledger, "counter_ledger", ledger_order, lengthof(ledger_order), false))
		return false;
	subject = index_cursor_column(&ledger, "subject_id", INT8OID);
	delta = index_cursor_column(&ledger, "delta", INT4OID);
	if (subject == 0 || delta == 0)
	{
		index_cursor_close(&ledger);
		return false;
	}
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(reader->counter->number));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_XID8GE,
				FullTransactionIdGetDatum(reader->state.low_water));
	index_cursor_seek(&ledger, keys, 2);
	while (index_cursor_next_row(&ledger))
	{
		bool		nulls[2];
		int64		subject_id = DatumGetInt64(slot_getattr(ledger.slot, subject, &nulls[0]));
		int32		change = DatumGetInt32(slot_getattr(ledger.slot, delta, &nulls[1]));

		if (nulls[0] || nulls[1])
			continue;
		if (reader->pending == NULL)
			reader->pending = subjects_create(CurrentMemoryContext, 256, NULL);
		subjects_add(reader->pending, subject_id, change);
		rows++;
	}
	index_cursor_close(&ledger);
	fold_ask_read(rows);

	if (reader->pending != NULL)
	{
		subjects_iterator at;
		Subject    *each;

		subjects_start_iterate(reader->pending, &at);
		while ((each = subjects_iterate(reader->pending, &at)) != NULL)
			reader->largest = Max(reader->largest, each->delta);
	}
	return true;
}
