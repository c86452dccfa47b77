/*
 * ledger.c
 *		ddd.count_rows(): the triggers that write the counter ledger.
 *
 * A counter says how many rows of a table name each subject. It is kept in two
 * parts: ddd.counters holds a number for each subject, ddd.counter_ledger what
 * is yet to be added to it. The invariant, in every snapshot S:
 *
 *		rows(subject) = counters.value(subject) + sum of ledger.delta(subject)
 *
 * with all three read in S, and with the ledger read from the low-water mark
 * that S sees in ddd.counter_state. It holds because
 *
 * 1. whoever changes the rows writes the deltas in the same subtransaction and
 *	  statement, so that no snapshot sees one without the other (but for other
 *	  AFTER triggers of that very statement, which may come before ddd's);
 * 2. nobody else writes the ledger, and only a fold takes from it: in one
 *	  statement it deletes rows and adds their sums to the counters, so no
 *	  snapshot sees one without the other;
 * 3. the mark is at most the oldest transaction that could still be running
 *	  when a fold took everything it saw before it. Whatever is before the mark
 *	  was finished by then, and so was taken, or never happened.
 *
 * Deltas are only ever added up. So it does not matter in which order
 * statements, cascades and their triggers come, whether a subject's id is used
 * again, or whether the subject is there at all; and nobody who writes waits
 * for anybody else who does: two transactions that comment on one post insert
 * two rows.
 *
 * What fires no such trigger breaks the first condition: session_replication_role
 * = replica, a disabled trigger, logical replication of the table without the
 * three others. ddd.verify_counters() finds it, ddd.rebuild_counters() mends
 * it. TRUNCATE and the loading of a dump would break it too, or count twice,
 * where the dump brings the counters: both make the counter stale instead,
 * which is to say that it is counted anew at the next fold and that readers
 * count the rows until then.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "counters/append.h"
#include "counters/counters.h"
#include "counters/fold.h"
#include "counters/state.h"
#include "counters/subjects.h"

static int16 counter_of(Trigger *trigger);
static void make_stale(int16 counter);
static subjects_hash *deltas_of(TriggerData *trigger);
static void add_rows(subjects_hash *deltas, Tuplestorestate *rows, Relation table, int column, int delta);

PG_FUNCTION_INFO_V1(ddd_count_rows);

Datum
ddd_count_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext caller_context;
	MemoryContext scratch;
	int16		counter;

	statement_trigger_check(fcinfo, "ddd.count_rows()");
	counter = counter_of(trigger->tg_trigger);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) || restore_by_owner())
	{
		make_stale(counter);
		fold_ask_written(PG_INT64_MAX);
		return PointerGetDatum(NULL);
	}

	scratch = AllocSetContextCreate(CurrentMemoryContext, "ddd deltas", ALLOCSET_SMALL_SIZES);
	caller_context = MemoryContextSwitchTo(scratch);
	fold_ask_written(ledger_append(counter, deltas_of(trigger)));
	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(scratch);
	return PointerGetDatum(NULL);
}

/* Reads the first of the trigger's arguments: counter, column of the subject. */
static int16
counter_of(Trigger *trigger)
{
	if (trigger->tgnargs != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ddd.count_rows() needs the number of a counter and a column")));
	return DatumGetInt16(DirectFunctionCall1(int2in, CStringGetDatum(trigger->tgargs[0])));
}

static void
make_stale(int16 counter)
{
	OwnerScope	owner;

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	state_make_stale(counter);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
}

/* Sums up what the statement has changed for each subject, in the current memory context. */
static subjects_hash *
deltas_of(TriggerData *trigger)
{
	subjects_hash *deltas = subjects_create(CurrentMemoryContext, 8, NULL);
	int			column = row_column(trigger->tg_relation, trigger->tg_trigger->tgargs[1], INT8OID);

	if (trigger->tg_oldtable != NULL)
		add_rows(deltas, trigger->tg_oldtable, trigger->tg_relation, column, -1);
	if (trigger->tg_newtable != NULL)
		add_rows(deltas, trigger->tg_newtable, trigger->tg_relation, column, 1);
	return deltas;
}

/* Adds for each row's subject; a row without one counts for nobody. */
static void
add_rows(subjects_hash *deltas, Tuplestorestate *rows, Relation table, int column, int delta)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsMinimalTuple);
	/* other triggers of the statement read the same rows */
	int			reader = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(rows, reader);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool		isnull;
		Datum		subject = slot_getattr(slot, column, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			subjects_add(deltas, DatumGetInt64(subject), delta);
	}
	tuplestore_select_read_pointer(rows, 0);
	ExecDropSingleTupleTableSlot(slot);
}
