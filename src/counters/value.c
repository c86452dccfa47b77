/*
 * value.c
 *		Reading one subject's count: its number, and what is pending for it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/xid8.h"

#include "counters/counters.h"
#include "counters/pending.h"

static SpiPlan value_plan = {
	.sql = "SELECT coalesce((SELECT c.value FROM ddd.counters c WHERE c.counter = $1 AND c.subject_id = $2), 0)"
	" + coalesce((SELECT sum(l.delta) FROM ddd.counter_ledger l"
	" WHERE l.counter = $1 AND l.xid >= $3 AND l.subject_id = $2), 0)::bigint",
	.nargs = 3,
	.argtypes = {INT2OID, INT8OID, XID8OID},
	.choice = PLAN_GENERIC,
};

static bool read_value(int16 counter, int64 subject_id, const Pending *pending, int64 *value);

int64
counter_value(Counter *counter, int64 subject_id, bool *stale)
{
	Pending		pending;
	bool		direct = pending_read(&pending, counter->number);
	int64		value;

	if (!direct)
		state_read(&pending.state, counter->number);
	*stale = pending.state.stale;
	if (*stale)
		return 0;
	if (direct && read_value(counter->number, subject_id, &pending, &value))
		return value;
	plan_execute(&value_plan, (Datum[])
				 {
					 Int16GetDatum(counter->number), Int64GetDatum(subject_id),
					 FullTransactionIdGetDatum(pending.state.low_water)
				 }, NULL, true);
	return plan_int64(0, 1);
}

/* Reads the number and adds the delta; false where SPI must. */
static bool
read_value(int16 counter, int64 subject_id, const Pending *pending, int64 *value)
{
	IndexCursor numbers;
	Subject    *subject;
	bool		known;

	if (!numbers_open(&numbers))
		return false;
	known = numbers_read(&numbers, counter, subject_id, value);
	index_cursor_close(&numbers);
	if (known && pending->subjects != NULL)
	{
		subject = subjects_lookup(pending->subjects, subject_id);
		if (subject != NULL)
			*value += subject->delta;
	}
	return known;
}
