/*
 * append.c
 *		Writing rows of ddd.counter_ledger.
 *
 * A comment should cost little more with its delta than without, and the
 * executor would cost more than the delta. So rows are inserted directly where
 * the ledger is as it was made: a plain table with its four columns and plain
 * indexes, and nothing that the executor would have to do. Elsewhere, and with
 * ddd.access_path = spi, a statement inserts them.
 *
 * The owner of the tables is who writes. Directly, that is but his INSERT
 * privilege: no code of anybody's runs.
 *
 * Locks: RowExclusiveLock on table and indexes, to the end of the transaction.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "core/core.h"
#include "counters/append.h"

#define MAX_INDEXES 4

/* The columns, in the order of a row's values here. */
static const struct
{
	const char *name;
	Oid			type;
}			columns[] = {
	{"xid", XID8OID},
	{"counter", INT2OID},
	{"subject_id", INT8OID},
	{"delta", INT4OID},
};

static SpiPlan append_plan = {
	.sql = "INSERT INTO ddd.counter_ledger (xid, counter, subject_id, delta) VALUES ($1, $2, $3, $4)",
	.nargs = lengthof(columns),
	.argtypes = {XID8OID, INT2OID, INT8OID, INT4OID},
};

/* The ledger, opened to be written. */
typedef struct Ledger
{
	Relation	table;
	int			numbers[lengthof(columns)];
	TupleTableSlot *slot;
	int			nindexes;
	Relation	indexes[MAX_INDEXES];
	IndexInfo  *infos[MAX_INDEXES];
} Ledger;

static uint64 write_deltas(Ledger *ledger, int16 counter, subjects_hash *deltas);
static bool open_ledger(Ledger *ledger);
static bool is_plain(Relation table);
static bool find_columns(Ledger *ledger);
static bool open_indexes(Ledger *ledger);
static void close_ledger(Ledger *ledger);
static void insert_row(Ledger *ledger, const Datum *row);

uint64
ledger_append(int16 counter, subjects_hash *deltas)
{
	Ledger		ledger;
	OwnerScope	owner;
	uint64		rows;

	/* nothing for nothing: no lock, no transaction id */
	if (deltas->members == 0)
		return 0;
	if (open_ledger(&ledger))
	{
		rows = write_deltas(&ledger, counter, deltas);
		close_ledger(&ledger);
		return rows;
	}

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	rows = write_deltas(NULL, counter, deltas);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	return rows;
}

/* Writes the deltas, through SPI without a ledger. */
static uint64
write_deltas(Ledger *ledger, int16 counter, subjects_hash *deltas)
{
	subjects_iterator at;
	Subject    *subject;
	uint64		rows = 0;

	subjects_start_iterate(deltas, &at);
	while ((subject = subjects_iterate(deltas, &at)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		/* more than an integer holds becomes several rows */
		for (int64 rest = subject->delta; rest != 0;)
		{
			int32		delta = Min(Max(rest, PG_INT32_MIN), PG_INT32_MAX);
			Datum		row[] = {
				FullTransactionIdGetDatum(GetTopFullTransactionId()), Int16GetDatum(counter),
				Int64GetDatum(subject->id), Int32GetDatum(delta)
			};

			if (ledger != NULL)
				insert_row(ledger, row);
			else
				plan_execute(&append_plan, row, NULL, false);
			rest -= delta;
			rows++;
		}
	}
	return rows;
}

/* Opens the ledger where rows can be inserted directly; false elsewhere. */
static bool
open_ledger(Ledger *ledger)
{
	Oid			namespace = get_namespace_oid("ddd", true);
	Oid			relid = OidIsValid(namespace) ? get_relname_relid("counter_ledger", namespace) : InvalidOid;

	if (!direct_access_allowed() || !OidIsValid(relid))
		return false;
	ledger->table = try_table_open(relid, RowExclusiveLock);
	if (ledger->table == NULL)
		return false;
	ledger->nindexes = 0;
	ledger->slot = NULL;
	/* the name may have moved on while waiting for the lock */
	if (get_relname_relid("counter_ledger", namespace) == relid && is_plain(ledger->table) &&
		find_columns(ledger) && open_indexes(ledger))
	{
		ledger->slot = MakeSingleTupleTableSlot(RelationGetDescr(ledger->table), &TTSOpsVirtual);
		return true;
	}
	close_ledger(ledger);
	return false;
}

static bool
is_plain(Relation table)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;

	return table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relam == HEAP_TABLE_AM_OID &&
		RelationIsPermanent(table) && !table->rd_rel->relispartition && !table->rd_rel->relrowsecurity &&
		table->trigdesc == NULL && table->rd_rules == NULL &&
		(constraints == NULL || (constraints->num_check == 0 && !constraints->has_generated_stored)) &&
		pg_class_aclcheck(RelationGetRelid(table), relation_owner(), ACL_INSERT) == ACLCHECK_OK;
}

/* Finds the four columns; false where one is missing or there are others. */
static bool
find_columns(Ledger *ledger)
{
	TupleDesc	desc = RelationGetDescr(ledger->table);
	int			found = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		size_t		nth = 0;

		if (attribute->attisdropped)
			continue;
		while (nth < lengthof(columns) && strcmp(NameStr(attribute->attname), columns[nth].name) != 0)
			nth++;
		if (nth == lengthof(columns) || attribute->atttypid != columns[nth].type)
			return false;
		ledger->numbers[nth] = attribute->attnum;
		found++;
	}
	return found == lengthof(columns);
}

static bool
open_indexes(Ledger *ledger)
{
	List	   *indexes = RelationGetIndexList(ledger->table);
	ListCell   *cell;

	if (list_length(indexes) > MAX_INDEXES)
		return false;
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);

		ledger->indexes[ledger->nindexes] = index;
		ledger->infos[ledger->nindexes++] = info;
		if (index->rd_rel->relam != BTREE_AM_OID || info->ii_Unique || info->ii_Expressions != NIL ||
			info->ii_Predicate != NIL || info->ii_ExclusionOps != NULL || !info->ii_ReadyForInserts)
			return false;
	}
	list_free(indexes);
	return true;
}

static void
close_ledger(Ledger *ledger)
{
	if (ledger->slot != NULL)
		ExecDropSingleTupleTableSlot(ledger->slot);
	for (int i = 0; i < ledger->nindexes; i++)
		index_close(ledger->indexes[i], NoLock);
	table_close(ledger->table, NoLock);
}

static void
insert_row(Ledger *ledger, const Datum *row)
{
	TupleTableSlot *slot = ledger->slot;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (size_t i = 0; i < lengthof(columns); i++)
	{
		slot->tts_values[ledger->numbers[i] - 1] = row[i];
		slot->tts_isnull[ledger->numbers[i] - 1] = false;
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(ledger->table);
	table_tuple_insert(ledger->table, slot, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < ledger->nindexes; i++)
	{
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];

		FormIndexDatum(ledger->infos[i], slot, NULL, values, isnull);
		index_insert(ledger->indexes[i], values, isnull, &slot->tts_tid, ledger->table,
					 UNIQUE_CHECK_NO, false, ledger->infos[i]);
	}
}
