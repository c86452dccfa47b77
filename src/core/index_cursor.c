/*
 * index_cursor.c
 *		Reading a table of ddd in the order of an index, without the executor.
 *
 * For the few reads where starting the executor costs more than the rows. It
 * never raises an error about a table that is not as expected: it declines,
 * and the caller runs its SPI twin, which answers the same question and says
 * what is wrong. It declines whatever the planner would have to think about:
 * row security that the owner is subject to, inheritance, partitions, foreign
 * and unlogged tables (which a standby does not have), an owner who has taken
 * his own SELECT privilege away, an index that this snapshot may not use.
 * ddd.access_path = spi makes it decline always.
 *
 * Locks: AccessShareLock on table and index, kept to the end of the
 * transaction as the executor keeps them. Buffers are pinned until the next
 * step or the close; an error releases everything through the resource owner.
 * Reads see the active snapshot; under SERIALIZABLE the index and the heap
 * take their predicate locks here as in the executor.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/nbtree.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "storage/sinval.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "core/core.h"

enum AccessPath
{
	ACCESS_AUTO,
	ACCESS_SPI
};

static const struct config_enum_entry access_paths[] = {
	{"auto", ACCESS_AUTO, false},
	{"spi", ACCESS_SPI, false},
	{NULL, 0, false}
};

static int	access_path = ACCESS_AUTO;

static Relation open_table(const char *name);
static Relation open_index(Relation table, const IndexColumn *columns, int ncolumns);
static bool index_serves(Relation table, Relation index, const IndexColumn *columns, int ncolumns);
static bool is_plain_key(Relation table, Relation index, int i, const IndexColumn *column);
static RegProcedure comparison_of(Oid type);

void
index_cursor_init(void)
{
	DefineCustomEnumVariable("ddd.access_path",
							 "Chooses how hot paths reach the tables.",
							 "\"auto\" reads and writes directly where that is faster; \"spi\" always runs SQL. Results are equal.",
							 &access_path, ACCESS_AUTO, access_paths,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

bool
direct_access_allowed(void)
{
	return access_path != ACCESS_SPI && ExecutorCheckPerms_hook == NULL;
}

bool
index_cursor_open(IndexCursor *cursor, const char *table, const IndexColumn *columns, int ncolumns,
				  bool keys_only)
{
	memset(cursor, 0, sizeof(IndexCursor));
	cursor->keys_only = keys_only;
	cursor->visibility = InvalidBuffer;
	if (!direct_access_allowed())
		return false;

	cursor->table = open_table(table);
	if (cursor->table == NULL)
		return false;
	cursor->index = open_index(cursor->table, columns, ncolumns);
	if (cursor->index == NULL)
	{
		table_close(cursor->table, NoLock);
		return false;
	}
	cursor->slot = table_slot_create(cursor->table, NULL);
	return true;
}

int
index_cursor_column(IndexCursor *cursor, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(cursor->table);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (strcmp(NameStr(attribute->attname), name) != 0 || attribute->attisdropped)
			continue;
		return attribute->atttypid == type || (type == TEXTOID && attribute->atttypid == VARCHAROID) ?
			attribute->attnum : 0;
	}
	return 0;
}

void
index_cursor_seek(IndexCursor *cursor, ScanKey keys, int nkeys)
{
	if (cursor->scan == NULL)
	{
		cursor->scan = index_beginscan(cursor->table, cursor->index, GetActiveSnapshot(), nkeys, 0);
		cursor->scan->xs_want_itup = cursor->keys_only;
	}
	index_rescan(cursor->scan, keys, nkeys, NULL, 0);
}

void
index_cursor_before(ScanKey key, ScanKey members, const IndexColumn *columns, int first, int n,
					const int64 *values)
{
	for (int i = 0; i < n; i++)
	{
		int			flags = SK_ROW_MEMBER | (i == n - 1 ? SK_ROW_END : 0);

		ScanKeyEntryInitialize(&members[i], flags, first + i + 1, BTLessStrategyNumber, InvalidOid,
							   InvalidOid, comparison_of(columns[first + i].type),
							   Int64GetDatum(values[i]));
	}
	MemSet(key, 0, sizeof(ScanKeyData));
	key->sk_flags = SK_ROW_HEADER;
	key->sk_attno = first + 1;
	key->sk_strategy = BTLessStrategyNumber;
	key->sk_argument = PointerGetDatum(members);
}

bool
index_cursor_next_keys(IndexCursor *cursor, Datum *values, int nvalues)
{
	IndexScanDesc scan = cursor->scan;
	ItemPointer tid;

	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		bool		any_null = false;

		CHECK_FOR_INTERRUPTS();
		if (VM_ALL_VISIBLE(cursor->table, ItemPointerGetBlockNumber(tid), &cursor->visibility))
			PredicateLockPage(cursor->table, ItemPointerGetBlockNumber(tid), scan->xs_snapshot);
		else if (!index_fetch_heap(scan, cursor->slot))
			continue;
		for (int i = 0; i < nvalues; i++)
		{
			bool		isnull;

			values[i] = index_getattr(scan->xs_itup, i + 1, scan->xs_itupdesc, &isnull);
			any_null |= isnull;
		}
		/* nothing comes before or after NULL: SQL leaves such a row out */
		if (!any_null)
			return true;
	}
	return false;
}

bool
index_cursor_next_row(IndexCursor *cursor)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(cursor->scan, ForwardScanDirection, cursor->slot);
}

void
index_cursor_rest(IndexCursor *cursor)
{
	if (BufferIsValid(cursor->visibility))
		ReleaseBuffer(cursor->visibility);
	cursor->visibility = InvalidBuffer;
	ExecClearTuple(cursor->slot);
	if (cursor->scan != NULL)
		index_endscan(cursor->scan);
	cursor->scan = NULL;
}

void
index_cursor_close(IndexCursor *cursor)
{
	index_cursor_rest(cursor);
	ExecDropSingleTupleTableSlot(cursor->slot);
	index_close(cursor->index, NoLock);
	table_close(cursor->table, NoLock);
}

/* Opens a plain table of ddd that the current role may read as a whole, or returns NULL. */
static Relation
open_table(const char *name)
{
	uint64		invalidations = SharedInvalidMessageCounter;
	Oid			namespace = get_namespace_oid("ddd", true);
	Oid			relid = OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
	Relation	table;

	if (!OidIsValid(relid))
		return NULL;
	table = try_table_open(relid, AccessShareLock);
	if (table == NULL)
		return NULL;
	/* the name may have moved on while waiting for the lock */
	if ((invalidations == SharedInvalidMessageCounter || get_relname_relid(name, namespace) == relid) &&
		table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relam == HEAP_TABLE_AM_OID &&
		RelationIsPermanent(table) &&
		!table->rd_rel->relhassubclass && !table->rd_rel->relispartition &&
		(!table->rd_rel->relrowsecurity || check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED) &&
		pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return table;
	table_close(table, NoLock);
	return NULL;
}

/* Opens an index whose first keys are the columns, or returns NULL. */
static Relation
open_index(Relation table, const IndexColumn *columns, int ncolumns)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index_serves(table, index, columns, ncolumns))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return NULL;
}

static bool
index_serves(Relation table, Relation index, const IndexColumn *columns, int ncolumns)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || form->indnkeyatts < ncolumns)
		return false;
	for (int i = 0; i < ncolumns; i++)
	{
		if (((index->rd_indoption[i] & INDOPTION_DESC) != 0) != columns[i].descending ||
			!is_plain_key(table, index, i, &columns[i]))
			return false;
	}
	if (!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	/* an index built over broken HOT chains is not for older snapshots */
	return !form->indcheckxmin ||
		TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin);
}

static bool
is_plain_key(Relation table, Relation index, int i, const IndexColumn *column)
{
	AttrNumber	attribute = index->rd_index->indkey.values[i];
	Form_pg_attribute found;

	if (attribute <= 0)
		return false;
	found = TupleDescAttr(RelationGetDescr(table), attribute - 1);
	return strcmp(NameStr(found->attname), column->name) == 0 && found->atttypid == column->type &&
		index_getprocid(index, i + 1, BTORDER_PROC) == comparison_of(column->type) &&
		(column->type != TEXTOID || index->rd_indcollation[i] == C_COLLATION_OID);
}

static RegProcedure
comparison_of(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return F_BTINT2CMP;
		case INT8OID:
			return F_BTINT8CMP;
		case XID8OID:
			return F_XID8CMP;
		case TEXTOID:
			return F_BTTEXTCMP;
		default:
			Assert(type == TIMESTAMPTZOID);
			return F_TIMESTAMPTZ_CMP;
	}
}
