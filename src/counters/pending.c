/*
 * pending.c
 *		Reading what is to be added to ddd.counters, as of the active snapshot.
 *
 * Through index cursors; where one is refused the caller has SPI do it all.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/xid8.h"

#include "counters/fold.h"
#include "counters/pending.h"

static const IndexColumn state_key[] = {{"counter", INT2OID, false}};
static const IndexColumn ledger_order[] = {{"counter", INT2OID, false}, {"xid", XID8OID, false}};
static const IndexColumn counters_key[] = {{"counter", INT2OID, false}, {"subject_id", INT8OID, false}};

static bool read_state(int16 counter, CounterState *state);
static bool read_ledger(int16 counter, Pending *pending);

bool
pending_read(Pending *pending, int16 counter)
{
	pending->subjects = NULL;
	pending->largest = 0;
	if (!read_state(counter, &pending->state))
		return false;
	return pending->state.stale || read_ledger(counter, pending);
}

bool
numbers_open(IndexCursor *numbers)
{
	return index_cursor_open(numbers, "counters", counters_key, lengthof(counters_key), false);
}

bool
numbers_read(IndexCursor *numbers, int16 counter, int64 subject_id, int64 *number)
{
	int			column = index_cursor_column(numbers, "value", INT8OID);
	ScanKeyData keys[2];
	bool		isnull = false;

	*number = 0;
	if (column == 0)
		return false;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(counter));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(subject_id));
	index_cursor_seek(numbers, keys, 2);
	if (index_cursor_next_row(numbers))
		*number = DatumGetInt64(slot_getattr(numbers->slot, column, &isnull));
	return !isnull;
}

static bool
read_state(int16 counter, CounterState *state)
{
	IndexCursor states;
	ScanKeyData key;
	int			columns[3];
	Datum		values[3];
	bool		isnull = false;

	if (!index_cursor_open(&states, "counter_state", state_key, lengthof(state_key), false))
		return false;
	columns[0] = index_cursor_column(&states, "low_water", XID8OID);
	columns[1] = index_cursor_column(&states, "system_identifier", INT8OID);
	columns[2] = index_cursor_column(&states, "stale", BOOLOID);
	if (columns[0] == 0 || columns[1] == 0 || columns[2] == 0)
	{
		index_cursor_close(&states);
		return false;
	}
	state->low_water = FullTransactionIdFromU64(0);
	state->stale = false;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(counter));
	index_cursor_seek(&states, &key, 1);
	if (index_cursor_next_row(&states))
	{
		for (int i = 0; i < 3 && !isnull; i++)
			values[i] = slot_getattr(states.slot, columns[i], &isnull);
		if (!isnull)
			state_take(state, values[0], values[1], values[2]);
	}
	index_cursor_close(&states);
	return !isnull;
}

static bool
read_ledger(int16 counter, Pending *pending)
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
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(counter));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_XID8GE,
				FullTransactionIdGetDatum(pending->state.low_water));
	index_cursor_seek(&ledger, keys, 2);
	while (index_cursor_next_row(&ledger))
	{
		bool		nulls[2];
		int64		subject_id = DatumGetInt64(slot_getattr(ledger.slot, subject, &nulls[0]));
		int32		change = DatumGetInt32(slot_getattr(ledger.slot, delta, &nulls[1]));

		if (nulls[0] || nulls[1])
			continue;
		if (pending->subjects == NULL)
			pending->subjects = subjects_create(CurrentMemoryContext, 256, NULL);
		subjects_add(pending->subjects, subject_id, change);
		rows++;
	}
	index_cursor_close(&ledger);
	fold_ask_read(rows);

	if (pending->subjects != NULL)
	{
		subjects_iterator at;
		Subject    *each;

		subjects_start_iterate(pending->subjects, &at);
		while ((each = subjects_iterate(pending->subjects, &at)) != NULL)
			pending->largest = Max(pending->largest, each->delta);
	}
	return true;
}
