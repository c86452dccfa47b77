/*
 * rows.c
 *		ddd.audit_rows(): the triggers that write ddd.audit_log.
 *
 * One row for a statement and table, in the transaction of the change. Nobody
 * who writes waits for anybody else who does: a row is inserted, and nothing
 * is read or updated. Rows go through the executor, so that the log may be
 * partitioned, and filled by defaults of columns that a user has added.
 *
 * Who is the user that was proved to be the caller (core/identity.c) and the
 * roles of the session, not the owner of the tables whom an API call acts as.
 * What is ids and names of columns, never a value: no secret gets here.
 *
 * Memory: a scratch context; MAX_ROW_IDS ids at most, however many rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

#include "audit/audit.h"

#define MAX_ROW_IDS 1000

static SpiPlan append_plan = {
	.sql = "INSERT INTO ddd.audit_log (at, xid, system_identifier, user_id, login_role, acting_role,"
	" table_name, action, row_count, row_ids, columns)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	.nargs = 11,
	.argtypes = {TIMESTAMPTZOID, XID8OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
	INT8ARRAYOID, TEXTARRAYOID},
};

/* Reads a transition table from its beginning, as other triggers of the statement do. */
typedef struct RowReader
{
	Tuplestorestate *rows;
	TupleTableSlot *slot;
} RowReader;

static void describe_rows(AuditEntry *entry, TriggerData *trigger);
static Datum first_ids(Tuplestorestate *rows, Relation table, int column);
static Datum changed_columns(Tuplestorestate *old_rows, Tuplestorestate *new_rows, Relation table);
static bool value_changed(Form_pg_attribute attribute, Datum old_value, bool old_null,
						  Datum new_value, bool new_null);
static void reader_begin(RowReader *reader, Tuplestorestate *rows, Relation table);
static bool reader_next(RowReader *reader);
static void reader_end(RowReader *reader);
static char *role_name(Oid role);

PG_FUNCTION_INFO_V1(ddd_audit_rows);

Datum
ddd_audit_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AuditEntry	entry = {.row_count = -1};
	MemoryContext caller_context;
	MemoryContext scratch;

	statement_trigger_check(fcinfo, "ddd.audit_rows()");
	if (trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ddd.audit_rows() needs the column that names a row")));
	if (restore_by_owner())
		return PointerGetDatum(NULL);

	scratch = AllocSetContextCreate(CurrentMemoryContext, "ddd audit", ALLOCSET_SMALL_SIZES);
	caller_context = MemoryContextSwitchTo(scratch);
	entry.table = RelationGetRelationName(trigger->tg_relation);
	describe_rows(&entry, trigger);
	if (entry.row_count != 0)
	{
		OwnerScope	owner;

		owner_begin(&owner, relation_owner());
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		audit_append(&entry);
		if (SPI_finish() != SPI_OK_FINISH)
			elog(ERROR, "could not finish SPI");
		owner_end(&owner);
	}
	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(scratch);
	return PointerGetDatum(NULL);
}

void
audit_append(const AuditEntry *entry)
{
	const Identity *identity = identity_last();
	Oid			login_role = GetSessionUserId();
	Oid			acting_role = GetOuterUserId();
	Datum		values[11] = {0};
	char		nulls[12] = "           ";

	values[0] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[2] = Int64GetDatum((int64) GetSystemIdentifier());
	if (identity != NULL)
		values[3] = Int64GetDatum(identity->user_id);
	else
		nulls[3] = 'n';
	values[4] = CStringGetTextDatum(role_name(login_role));
	if (acting_role != login_role)
		values[5] = CStringGetTextDatum(role_name(acting_role));
	else
		nulls[5] = 'n';
	values[6] = CStringGetTextDatum(entry->table);
	values[7] = CStringGetTextDatum(entry->action);
	if (entry->row_count >= 0)
		values[8] = Int64GetDatum(entry->row_count);
	else
		nulls[8] = 'n';
	values[9] = entry->row_ids;
	nulls[9] = entry->row_ids ? ' ' : 'n';
	values[10] = entry->columns;
	nulls[10] = entry->columns ? ' ' : 'n';
	plan_execute(&append_plan, values, nulls, false);
}

/* Fills in what the statement did, and to which rows. */
static void
describe_rows(AuditEntry *entry, TriggerData *trigger)
{
	Tuplestorestate *rows = trigger->tg_oldtable ? trigger->tg_oldtable : trigger->tg_newtable;
	Relation	table = trigger->tg_relation;

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		entry->action = "TRUNCATE";
		return;
	}
	entry->action = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "INSERT" :
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE" : "DELETE";
	entry->row_count = tuplestore_tuple_count(rows);
	if (entry->row_count == 0)
		return;
	entry->row_ids = first_ids(rows, table, row_column(table, trigger->tg_trigger->tgargs[0], INT8OID));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		entry->columns = changed_columns(trigger->tg_oldtable, trigger->tg_newtable, table);
}

/* Returns the ids of the first rows as a bigint[]; of neighbours with the same id, one. */
static Datum
first_ids(Tuplestorestate *rows, Relation table, int column)
{
	int64	   *ids = palloc_array(int64, MAX_ROW_IDS);
	int			count = 0;
	RowReader	reader;

	reader_begin(&reader, rows, table);
	while (count < MAX_ROW_IDS && reader_next(&reader))
	{
		bool		isnull;
		int64		id = DatumGetInt64(slot_getattr(reader.slot, column, &isnull));

		if (!isnull && (count == 0 || ids[count - 1] != id))
			ids[count++] = id;
	}
	reader_end(&reader);
	return plan_array(INT8OID, ids, count, sizeof(int64));
}

/*
 * Returns the names of the columns that differ between old and new in any row,
 * in order of the columns; the executor fills both tables row by row. Stops
 * when all differ.
 */
static Datum
changed_columns(Tuplestorestate *old_rows, Tuplestorestate *new_rows, Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);
	int		   *same = palloc_array(int, desc->natts);	/* numbers of the columns that are equal so far */
	int			nsame = 0;
	bool	   *changed = palloc0_array(bool, desc->natts);
	Datum	   *names = palloc_array(Datum, desc->natts);
	int			nnames = 0;
	RowReader	old_reader;
	RowReader	new_reader;

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			same[nsame++] = i;
	}
	reader_begin(&old_reader, old_rows, table);
	reader_begin(&new_reader, new_rows, table);
	while (nsame > 0 && reader_next(&old_reader) && reader_next(&new_reader))
	{
		int			kept = 0;

		slot_getallattrs(old_reader.slot);
		slot_getallattrs(new_reader.slot);
		for (int k = 0; k < nsame; k++)
		{
			int			i = same[k];

			changed[i] = value_changed(TupleDescAttr(desc, i),
									   old_reader.slot->tts_values[i], old_reader.slot->tts_isnull[i],
									   new_reader.slot->tts_values[i], new_reader.slot->tts_isnull[i]);
			if (!changed[i])
				same[kept++] = i;
		}
		nsame = kept;
	}
	reader_end(&old_reader);
	reader_end(&new_reader);

	for (int i = 0; i < desc->natts; i++)
	{
		if (changed[i])
			names[nnames++] = CStringGetTextDatum(NameStr(TupleDescAttr(desc, i)->attname));
	}
	return text_array(names, nnames);
}

/* Compares bytes, as touch_row does; a value that was stored apart and not touched is not fetched. */
static bool
value_changed(Form_pg_attribute attribute, Datum old_value, bool old_null,
			  Datum new_value, bool new_null)
{
	if (old_null || new_null)
		return old_null != new_null;
	if (attribute->attlen == -1)
	{
		struct varlena *old_bytes = (struct varlena *) DatumGetPointer(old_value);
		struct varlena *new_bytes = (struct varlena *) DatumGetPointer(new_value);

		if (VARATT_IS_EXTERNAL(old_bytes) && VARATT_IS_EXTERNAL(new_bytes) &&
			VARSIZE_EXTERNAL(old_bytes) == VARSIZE_EXTERNAL(new_bytes) &&
			memcmp(old_bytes, new_bytes, VARSIZE_EXTERNAL(old_bytes)) == 0)
			return false;
	}
	return !datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

static void
reader_begin(RowReader *reader, Tuplestorestate *rows, Relation table)
{
	int			pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	reader->rows = rows;
	reader->slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsMinimalTuple);
	tuplestore_select_read_pointer(rows, pointer);
	tuplestore_rescan(rows);
}

static bool
reader_next(RowReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	return tuplestore_gettupleslot(reader->rows, true, false, reader->slot);
}

static void
reader_end(RowReader *reader)
{
	tuplestore_select_read_pointer(reader->rows, 0);
	ExecDropSingleTupleTableSlot(reader->slot);
}

/* Returns a role's name; of one that was dropped meanwhile, or is no text in this database, its OID. */
static char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL && pg_verify_mbstr(GetDatabaseEncoding(), name, strlen(name), true) ?
		name : psprintf("%u", role);
}
