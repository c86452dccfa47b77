/*
 * top.c
 *		Reading the top of a ranking, exactly, as of the active snapshot.
 *
 * The top of the ranking comes from a threshold algorithm. The ranked index
 * has the counts without what is pending. It is walked from the place given;
 * a subject that has a pending delta is ranked by its own sum when it is met.
 * Once enough are held, one that was not met can still enter only if the
 * number at which the walk stands and its own delta reach the last that is
 * held. So the walk goes on while that is so for the largest delta, but takes
 * no more steps than there are rows wanted and subjects pending, and the few
 * that could still enter are then looked up one by one. A place in the middle
 * of the ranking adds those whose delta is not positive: they may stand above
 * the place in the index, where the walk does not pass.
 *
 * Cost: the ledger rows from the mark on, the rows wanted, the lookups. The
 * first is what folding keeps small. (R. Fagin, A. Lotem, M. Naor, "Optimal
 * aggregation algorithms for middleware", 2001.)
 *
 * The SPI twin looks every pending subject up; it is used where an index
 * cursor is refused.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "counters/reader.h"

static const IndexColumn subject_key[] = {{"id", INT8OID, false}};
static const IndexColumn ranking[] = {
	{"counter", INT2OID, false},
	{"value", INT8OID, true},
	{"subject_at", TIMESTAMPTZOID, true},
	{"subject_id", INT8OID, true},
};

/* Where a ranking is read, and the subjects where something is pending. */
typedef struct Parts
{
	CounterReader *reader;
	IndexCursor ranking;
	IndexCursor subjects;
	int			created_at;		/* the column's number in the subjects' table */
} Parts;

static void top_by_spi(CounterReader *reader, Ranking *top);
static bool open_parts(Parts *parts, CounterReader *reader);
static bool open_subjects(Parts *parts);
static void close_parts(Parts *parts);
static bool walk(Parts *parts, Ranking *top, int64 *reached);
static void look_up(Parts *parts, Ranking *top, bool at_end, int64 reached);
static void enter_subject(Parts *parts, Ranking *top, int64 count, int64 subject_id);
static bool can_reach(const Ranking *top, int64 most);
static void forget_met(subjects_hash *pending);

void
counter_top(CounterReader *reader, Ranking *top)
{
	Parts		parts;
	int64		reached;
	bool		at_end;

	if (top->wanted == 0)
		return;
	if (!reader->direct || !open_parts(&parts, reader))
	{
		top_by_spi(reader, top);
		return;
	}
	if (reader->pending != NULL)
		forget_met(reader->pending);
	at_end = walk(&parts, top, &reached);
	if (reader->pending != NULL)
		look_up(&parts, top, at_end, reached);
	close_parts(&parts);
}

static void
top_by_spi(CounterReader *reader, Ranking *top)
{
	static const Oid types[] = {INT8OID, TIMESTAMPTZOID, INT8OID};
	int			rows = plan_execute(&reader->counter->top, (Datum[])
									{
										FullTransactionIdGetDatum(reader->state.low_water),
										Int64GetDatum(top->after[0]), TimestampTzGetDatum(top->after[1]),
										Int64GetDatum(top->after[2]),
										Int64GetDatum(top->least), Int64GetDatum(top->wanted)
									}, NULL, true);

	for (int row = 0; row < rows; row++)
	{
		int64		keys[RANK_KEYS];
		bool		isnull;

		for (int i = 0; i < RANK_KEYS; i++)
			keys[i] = DatumGetInt64(plan_value(row, i + 1, types[i], &isnull));
		ranking_enter(top, keys, keys[0]);
	}
}

/* Opens the parts; false where SPI must do it instead. */
static bool
open_parts(Parts *parts, CounterReader *reader)
{
	parts->reader = reader;
	if (!index_cursor_open(&parts->ranking, "counters", ranking, lengthof(ranking), true))
		return false;
	if (reader->pending == NULL || (numbers_open(reader) && open_subjects(parts)))
		return true;
	index_cursor_close(&parts->ranking);
	return false;
}

static bool
open_subjects(Parts *parts)
{
	if (!index_cursor_open(&parts->subjects, parts->reader->counter->subjects,
						   subject_key, lengthof(subject_key), false))
		return false;
	parts->created_at = index_cursor_column(&parts->subjects, "created_at", TIMESTAMPTZOID);
	if (parts->created_at == 0)
		index_cursor_close(&parts->subjects);
	return parts->created_at != 0;
}

static void
close_parts(Parts *parts)
{
	if (parts->reader->pending != NULL)
		index_cursor_close(&parts->subjects);
	index_cursor_close(&parts->ranking);
}

/*
 * Walks the ranking from the place on, until it has nothing more to give.
 * Returns whether that was its end; "reached" is the last number read, which
 * no subject after it exceeds.
 */
static bool
walk(Parts *parts, Ranking *top, int64 *reached)
{
	subjects_hash *pending = parts->reader->pending;
	ScanKeyData keys[2];
	ScanKeyData members[3];
	Datum		values[lengthof(ranking)];
	int64		steps = top->wanted + (pending != NULL ? pending->members : 0);

	*reached = top->after[0];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(parts->reader->counter->number));
	index_cursor_before(&keys[1], members, ranking, 1, 3, top->after);
	index_cursor_seek(&parts->ranking, keys, top->after[0] == PG_INT64_MAX ? 1 : 2);
	for (int64 step = 0;; step++)
	{
		int64		place[RANK_KEYS];
		Subject    *subject = NULL;

		if (!index_cursor_next_keys(&parts->ranking, values, lengthof(values)))
			break;
		place[0] = *reached = DatumGetInt64(values[1]);
		place[1] = DatumGetTimestampTz(values[2]);
		place[2] = DatumGetInt64(values[3]);

		if (pending != NULL)
			subject = subjects_lookup(pending, place[2]);
		if (subject != NULL)
		{
			subject->met = true;
			enter_subject(parts, top, place[0] + subject->delta, place[2]);
		}
		else
			ranking_enter(top, place, place[0]);

		/* what comes next can enter by its delta only, if at all */
		if ((!ranking_can_enter(top, place[0]) || ranking_is_full_before(top, place)) &&
			(step >= steps || !can_reach(top, place[0] + parts->reader->largest)))
			return false;
	}
	*reached = 0;
	return true;
}

/* Ranks the pending subjects that the walk has not met. */
static void
look_up(Parts *parts, Ranking *top, bool at_end, int64 reached)
{
	subjects_hash *pending = parts->reader->pending;
	bool		from_start = top->after[0] == PG_INT64_MAX;
	subjects_iterator at;
	Subject    *subject;

	subjects_start_iterate(pending, &at);
	while ((subject = subjects_iterate(pending, &at)) != NULL)
	{
		bool		may_be_above = !from_start && subject->delta <= 0;
		int64		number = 0;

		CHECK_FOR_INTERRUPTS();
		if (subject->met || !can_reach(top, may_be_above ? top->after[0] : reached + subject->delta))
			continue;
		/* a walk over all of the ranking meets whoever has a number */
		if (!(from_start && at_end))
			number = numbers_read(parts->reader, subject->id);
		enter_subject(parts, top, number + subject->delta, subject->id);
	}
}

/*
 * Enters a subject that has a pending delta. Its row is read for created_at:
 * it may be another one of the same id than ddd.counters knows.
 */
static void
enter_subject(Parts *parts, Ranking *top, int64 count, int64 subject_id)
{
	ScanKeyData key;
	Datum		created_at;
	bool		isnull;

	if (!ranking_can_enter(top, count))
		return;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(subject_id));
	index_cursor_seek(&parts->subjects, &key, 1);
	if (!index_cursor_next_row(&parts->subjects))
		return;
	created_at = slot_getattr(parts->subjects.slot, parts->created_at, &isnull);
	if (!isnull)
		ranking_enter(top, (int64[]) {count, DatumGetTimestampTz(created_at), subject_id}, count);
}

/* Tells whether a subject with at most this count could have a place. */
static bool
can_reach(const Ranking *top, int64 most)
{
	return ranking_can_enter(top, Min(most, top->after[0]));
}

static void
forget_met(subjects_hash *pending)
{
	subjects_iterator at;
	Subject    *subject;

	subjects_start_iterate(pending, &at);
	while ((subject = subjects_iterate(pending, &at)) != NULL)
		subject->met = false;
}
