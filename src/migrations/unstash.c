/*
 * unstash.c
 *		Bringing back what was set aside: ddd.unstash().
 *
 * A row comes back where its table takes it: its key and its other unique
 * columns are free, and what it refers to is there. A column's value comes
 * back where its row is still there and what it was to be known by is as it
 * was. What does not come back stays in ddd.stash, and so does a value for
 * which the table has no column: it waits for one there.
 *
 * Rows go in batches, in a subtransaction each. A batch that is refused is
 * halved, down to the rows that are to blame. Rows may refer to each other, so
 * what is left is tried again for as long as some of it comes back.
 *
 * Triggers are off meanwhile, and the planner learns first how much there is:
 * ddd.stash may have been filled by this very transaction.
 *
 * Text is turned into values by the types' input functions, which
 * jsonb_populate_record calls for a string. For json it would take the string
 * itself: those columns are cast.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "core/core.h"
#include "migrations/migrations.h"
#include "migrations/stash.h"

/* Rows of ddd.stash that one statement brings back. */
#define BATCH_SIZE	100000

typedef struct Unstash
{
	StashTable	table;
	Bitmapset  *stored;			/* columns of the table */
	Datum		columns;		/* text[]: their names */
	Datum		key;			/* text[]: names of its primary key's columns */
	Datum		version;
	Datum		table_name;
	MemoryContext context;
	SPIPlanPtr	statement;		/* brings back a batch of the shape at hand */
	bool		whole_rows;
	int			times;			/* that all was tried */
	uint64		restored;
	char	   *first_key;		/* of what this time was refused, and why */
	char	   *first_error;
} Unstash;

/* What a row of ddd.stash has values for: whole rows first, for the columns of which others may be. */
#define SHAPE \
	"s.content ? 'row'," \
	" array(SELECT jsonb_object_keys(coalesce(s.content -> 'row', s.content -> 'columns')) ORDER BY 1)," \
	" array(SELECT jsonb_object_keys(coalesce(s.content -> 'where', '{}')) ORDER BY 1)"

static SpiPlan shapes_plan = {
	.sql = "SELECT DISTINCT " SHAPE " FROM ddd.stash s WHERE s.version = $1 AND s.table_name = $2 ORDER BY 1 DESC, 2, 3",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID},
};

/*
 * In the order in which they were set aside, which mostly is that of writing,
 * with what a row refers to before it; every other time the other way round.
 */
#define KEYS_SQL \
	"SELECT s.row_key FROM ddd.stash s WHERE s.version = $1 AND s.table_name = $2" \
	" AND (" SHAPE ") = ($3, $4, $5) ORDER BY s.ctid"

static const char *const keys_sql[] = {KEYS_SQL, KEYS_SQL " DESC"};

/* The values for which the table has no column. */
#define LEFT_OVER \
	"(SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(coalesce(s.content -> 'row', s.content -> 'columns')) e" \
	" WHERE e.value <> 'null' AND e.key <> ALL ($4))"

static SpiPlan keep_plan = {
	.sql = "UPDATE ddd.stash s SET content = (s.content - 'row') || jsonb_build_object('columns', " LEFT_OVER ", 'where', coalesce(s.content -> 'where',"
	" (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(s.content -> 'row') e WHERE e.key = ANY ($5))))"
	" FROM unnest($3) AS k (row_key)"
	" WHERE s.version = $1 AND s.table_name = $2 AND s.row_key = k.row_key AND " LEFT_OVER " IS NOT NULL",
	.nargs = 5,
	.argtypes = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID},
};

static SpiPlan forget_plan = {
	.sql = "DELETE FROM ddd.stash s USING unnest($3) AS k (row_key)"
	" WHERE s.version = $1 AND s.table_name = $2 AND s.row_key = k.row_key AND " LEFT_OVER " IS NULL",
	.nargs = 4,
	.argtypes = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID},
};

static SpiPlan left_plan = {
	.sql = "SELECT count(*) FROM ddd.stash WHERE version = $1 AND table_name = $2",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID},
};

static void unstash_shapes(Unstash *stash);
static void unstash_shape(Unstash *stash, const Datum *shape);
static SPIPlanPtr prepare_for(Unstash *stash, Datum columns, Datum where);
static char *rows_statement(Unstash *stash, Datum *names, int count);
static char *columns_statement(Unstash *stash, Datum *names, int count, Datum *where, int where_count);
static const char *value_of(Unstash *stash, int number);
static int	stored_column(Unstash *stash, Datum name);
static void unstash_batch(Unstash *stash, Datum *keys, int count);
static bool try_batch(Unstash *stash, Datum *keys, int count);
static bool is_the_rows(ErrorData *error);
static void run_batch(Unstash *stash, Datum *keys, int count);
static void note_refusal(Unstash *stash, Datum key, ErrorData *error);
static Datum column_names(StashTable *table, Bitmapset *columns);

PG_FUNCTION_INFO_V1(ddd_unstash);

Datum
ddd_unstash(PG_FUNCTION_ARGS)
{
	Unstash		stash = {
		.version = PointerGetDatum(arg_text(fcinfo, 0, "version")),
		.table_name = PointerGetDatum(arg_text(fcinfo, 1, "table_name")),
	};
	OwnerScope	owner;
	QuietTables *quiet;
	uint64		before;
	int64		left;

	if (!creating_extension)
		check_superuser("unstash");
	PreventCommandIfReadOnly("ddd.unstash()");
	owner_begin(&owner, relation_owner());
	owner_pin_path();
	stash_pin_formats();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	stash.context = CurrentMemoryContext;
	if (SPI_execute("ANALYZE ddd.stash", false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not analyze ddd.stash");
	quiet = quiet_begin(&stash.table_name, 1);
	stash_table_open(&stash.table, TextDatumGetCString(stash.table_name));
	stash.stored = stash_stored_columns(&stash.table);
	stash.columns = column_names(&stash.table, stash.stored);
	stash.key = column_names(&stash.table, stash.table.key);

	do
	{
		before = stash.restored;
		stash.first_error = NULL;
		unstash_shapes(&stash);
		stash.times++;
	} while (stash.restored > before);

	plan_execute(&left_plan, (Datum[]) {stash.version, stash.table_name}, NULL, false);
	left = plan_int64(0, 1);
	if (left > 0)
		ereport(WARNING,
				(errmsg("not all rows of ddd.%s could be put back: " INT64_FORMAT " stay in ddd.stash",
						stash.table.name, left),
				 stash.first_error ?
				 errdetail("Row %s, for one: %s.", stash.first_key, stash.first_error) :
				 errdetail("They are gone or have been changed, or ddd.%s has no such columns.",
						   stash.table.name)));
	stash_table_close(&stash.table);
	quiet_end(quiet);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	PG_RETURN_INT64((int64) stash.restored);
}

/* Goes once over all that is there, the rows of one shape after the other. */
static void
unstash_shapes(Unstash *stash)
{
	Datum		values[] = {stash->version, stash->table_name};
	uint64		shapes = plan_execute(&shapes_plan, values, NULL, false);
	SPITupleTable *rows = SPI_tuptable;

	for (uint64 i = 0; i < shapes; i++)
	{
		Datum		shape[3];
		bool		isnull;

		for (int column = 0; column < 3; column++)
			shape[column] = SPI_getbinval(rows->vals[i], rows->tupdesc, column + 1, &isnull);
		stash->whole_rows = DatumGetBool(shape[0]);
		stash->statement = prepare_for(stash, shape[1], shape[2]);
		if (stash->statement != NULL)
		{
			unstash_shape(stash, shape);
			SPI_freeplan(stash->statement);
		}
	}
}

static void
unstash_shape(Unstash *stash, const Datum *shape)
{
	Oid			types[] = {TEXTOID, TEXTOID, BOOLOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[] = {stash->version, stash->table_name, shape[0], shape[1], shape[2]};
	const char *sql = keys_sql[stash->times % 2];
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, lengthof(types), types, values, NULL, false, 0);

	for (;;)
	{
		SPITupleTable *batch;
		Datum	   *keys;
		int			count;

		SPI_cursor_fetch(portal, true, BATCH_SIZE);
		batch = SPI_tuptable;
		count = SPI_processed;
		if (count == 0)
			break;
		check_column_type(batch->tupdesc, 1, TEXTOID);
		keys = palloc_array(Datum, count);
		for (int row = 0; row < count; row++)
		{
			bool		isnull;

			keys[row] = SPI_getbinval(batch->vals[row], batch->tupdesc, 1, &isnull);
		}
		unstash_batch(stash, keys, count);
		pfree(keys);
		SPI_freetuptable(batch);
	}
	SPI_cursor_close(portal);
}

/* Returns the statement for rows with these columns; NULL where the table has none of them. */
static SPIPlanPtr
prepare_for(Unstash *stash, Datum columns, Datum where)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTARRAYOID};
	const char *sql;
	SPIPlanPtr	plan;
	Datum	   *names;
	Datum	   *where_names;
	int			count;
	int			where_count;

	deconstruct_array(DatumGetArrayTypeP(columns), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	deconstruct_array(DatumGetArrayTypeP(where), TEXTOID, -1, false, TYPALIGN_INT,
					  &where_names, NULL, &where_count);
	sql = stash->whole_rows ? rows_statement(stash, names, count) :
		columns_statement(stash, names, count, where_names, where_count);
	if (sql == NULL)
		return NULL;
	plan = SPI_prepare(sql, lengthof(types), types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	return plan;
}

static char *
rows_statement(Unstash *stash, Datum *names, int count)
{
	StringInfoData columns;
	StringInfoData values;

	initStringInfo(&columns);
	initStringInfo(&values);
	for (int i = 0; i < count; i++)
	{
		int			number = stored_column(stash, names[i]);
		const char *comma = columns.len > 0 ? ", " : "";

		if (number == 0)
			continue;
		appendStringInfo(&columns, "%s%s", comma, quote_identifier(stash_column_name(&stash->table, number)));
		appendStringInfo(&values, "%s%s", comma, value_of(stash, number));
	}
	if (columns.len == 0)
		return NULL;
	return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s"
					" FROM unnest($3) AS k (row_key), ddd.stash s, jsonb_populate_record(NULL::%s, s.content -> 'row') r"
					" WHERE s.version = $1 AND s.table_name = $2 AND s.row_key = k.row_key",
					stash->table.qualified, columns.data, values.data, stash->table.qualified);
}

/* A row is found by its key; what else it is known by must be as it was. */
static char *
columns_statement(Unstash *stash, Datum *names, int count, Datum *where, int where_count)
{
	StringInfoData columns;
	StringInfoData condition;
	Bitmapset  *key = bms_copy(stash->table.key);

	initStringInfo(&columns);
	initStringInfo(&condition);
	for (int i = 0; i < count; i++)
	{
		int			number = stored_column(stash, names[i]);

		if (number > 0)
			appendStringInfo(&columns, "%s%s = %s", columns.len > 0 ? ", " : "",
							 quote_identifier(stash_column_name(&stash->table, number)),
							 value_of(stash, number));
	}
	for (int i = 0; i < where_count; i++)
	{
		int			number = stored_column(stash, where[i]);
		const char *name;

		if (number == 0)
			return NULL;
		name = stash_column_name(&stash->table, number);
		if (bms_is_member(number, key))
			appendStringInfo(&condition, " AND t.%s = w.%s", quote_identifier(name), quote_identifier(name));
		else
		{
			appendStringInfoString(&condition, " AND ");
			stash_append_value(&condition, &stash->table, number);
			appendStringInfo(&condition, " IS NOT DISTINCT FROM s.content -> 'where' ->> %s", quote_literal_cstr(name));
		}
		key = bms_del_member(key, number);
	}
	if (columns.len == 0 || !bms_is_empty(key))
		return NULL;
	return psprintf("UPDATE %s t SET %s FROM unnest($3) AS k (row_key), ddd.stash s,"
					" jsonb_populate_record(NULL::%s, s.content -> 'columns') r,"
					" jsonb_populate_record(NULL::%s, s.content -> 'where') w"
					" WHERE s.version = $1 AND s.table_name = $2 AND s.row_key = k.row_key%s RETURNING s.row_key",
					stash->table.qualified, columns.data, stash->table.qualified,
					stash->table.qualified, condition.data);
}

/* Returns an expression: the value for a column, of its type. */
static const char *
value_of(Unstash *stash, int number)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(stash->table.relation), number - 1);
	Oid			base = getBaseType(column->atttypid);

	if (base != JSONOID && base != JSONBOID)
		return psprintf("r.%s", quote_identifier(NameStr(column->attname)));
	return psprintf("(s.content -> '%s' ->> %s)::%s", stash->whole_rows ? "row" : "columns",
					quote_literal_cstr(NameStr(column->attname)), format_type_be_qualified(column->atttypid));
}

/* Returns the number of a column of the table, or 0 where it stores none of that name. */
static int
stored_column(Unstash *stash, Datum name)
{
	AttrNumber	number = get_attnum(RelationGetRelid(stash->table.relation), TextDatumGetCString(name));

	return number > 0 && bms_is_member(number, stash->stored) ? number : 0;
}

/* Brings back rows; those that are refused stay. */
static void
unstash_batch(Unstash *stash, Datum *keys, int count)
{
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (count == 0 || try_batch(stash, keys, count) || count == 1)
		return;
	unstash_batch(stash, keys, count / 2);
	unstash_batch(stash, keys + count / 2, count - count / 2);
}

/* Brings back all rows in a subtransaction, or none: returns false where one is refused. */
static bool
try_batch(Unstash *stash, Datum *keys, int count)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	volatile bool accepted = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run_batch(stash, keys, count);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error = error_take(context);

		RollbackAndReleaseCurrentSubTransaction();
		if (!is_the_rows(error))
		{
			MemoryContextSwitchTo(context);
			CurrentResourceOwner = resources;
			ReThrowError(error);
		}
		if (count == 1)
			note_refusal(stash, keys[0], error);
		FreeErrorData(error);
		accepted = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
	return accepted;
}

/* Tells whether an error is one that rows are to blame for. */
static bool
is_the_rows(ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
			return false;
		default:
			return error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

static void
run_batch(Unstash *stash, Datum *keys, int count)
{
	Datum		values[] = {stash->version, stash->table_name, text_array(keys, count),
							stash->columns, stash->key};
	bool		isnull;

	if (SPI_execute_plan(stash->statement, values, NULL, false, 0) < 0)
		elog(ERROR, "could not bring rows of ddd.%s back", stash->table.name);
	if (stash->whole_rows && SPI_processed != (uint64) count)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a rule or a trigger on ddd.%s keeps it from being put back", stash->table.name)));
	if (!stash->whole_rows)
	{
		/* rows that are not there, or not as they were, are not in the result */
		Datum	   *updated = palloc_array(Datum, SPI_processed + 1);

		count = SPI_processed;
		for (int i = 0; i < count; i++)
			updated[i] = plan_value(i, 1, TEXTOID, &isnull);
		values[2] = text_array(updated, count);
	}
	plan_execute(&keep_plan, values, NULL, false);
	plan_execute(&forget_plan, values, NULL, false);
	stash->restored += count;
}

/* Keeps the first refusal for the warning. */
static void
note_refusal(Unstash *stash, Datum key, ErrorData *error)
{
	MemoryContext context;

	if (stash->first_error != NULL)
		return;
	context = MemoryContextSwitchTo(stash->context);
	stash->first_key = TextDatumGetCString(key);
	stash->first_error = pstrdup(error->message);
	MemoryContextSwitchTo(context);
}

static Datum
column_names(StashTable *table, Bitmapset *columns)
{
	Datum	   *names = palloc_array(Datum, bms_num_members(columns) + 1);
	int			number = -1;
	int			count = 0;

	while ((number = bms_next_member(columns, number)) >= 0)
		names[count++] = CStringGetTextDatum(stash_column_name(table, number));
	return text_array(names, count);
}
