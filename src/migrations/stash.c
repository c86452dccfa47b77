/*
 * stash.c
 *		Setting aside what an older version cannot hold: ddd.stash_rows() and
 *		ddd.stash_columns(). unstash.c brings it back.
 *
 * For the scripts of migrations, which call them for a table that they have
 * locked (ddd.migrate() does it) before they drop a column or a table. A row
 * goes as a whole, columns with what their row is to be known by again.
 *
 * Whatever would make a row be lost stops the migration: a rule or a trigger
 * that keeps it, a row of another table that a foreign key would take along.
 * That is looked for before anything is written. What already waits under the
 * row's key, for want of a column, goes on waiting.
 *
 * Statements name columns that only the catalog knows, so their text is made
 * here, of quoted identifiers; values are parameters. The condition is a
 * constant of the script.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/core.h"
#include "migrations/catalog.h"
#include "migrations/migrations.h"
#include "migrations/stash.h"

/*
 * Foreign keys whose action takes rows along or empties their columns, with
 * the condition that joins their row "r" to the row "t" of the table. A key of
 * a partitioned table stands for those of its partitions.
 */
static SpiPlan references_plan = {
	.sql = "SELECT c.conname::text, c.conrelid::regclass::text, k.condition, c.conrelid = c.confrelid,"
	" has_table_privilege(c.conrelid, 'SELECT') AND has_schema_privilege(f.relnamespace, 'USAGE')"
	" FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class f ON f.oid = c.conrelid,"
	" LATERAL (SELECT " FOREIGN_KEY_JOINED " FROM " FOREIGN_KEY_PAIRS ") AS k (condition)"
	" WHERE c.contype = 'f' AND c.confrelid = $1 AND c.confdeltype IN ('c', 'n', 'd') AND c.conparentid = 0"
	" ORDER BY c.conname",
	.nargs = 1,
	.argtypes = {OIDOID},
};

/*
 * What DROP COLUMN would take along unasked: indexes and constraints of the
 * user, for a migration has dropped its own by then.
 */
static SpiPlan dependents_plan = {
	.sql = "SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0), ', ')"
	" FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	" LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid"
	" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND a.attname = ANY ($2) AND d.deptype = 'a'"
	" AND d.classid <> 'pg_attrdef'::regclass AND c.relkind IS DISTINCT FROM 'S'",
	.nargs = 2,
	.argtypes = {OIDOID, TEXTARRAYOID},
};

/* One call of a function here. */
typedef struct StashCall
{
	OwnerScope	owner;
	QuietTables *quiet;
	StashTable	table;
} StashCall;

static void check_in_script(const char *function);
static void stash_begin(FunctionCallInfo fcinfo, StashCall *call, const char *function);
static void stash_end(StashCall *call);
static void check_references(StashTable *table, const char *condition);
static uint64 set_aside(FunctionCallInfo fcinfo, StashTable *table, const char *field, Bitmapset *columns,
						Bitmapset *identity, const char *condition);
static Bitmapset *named_columns(StashTable *table, FunctionCallInfo fcinfo, int argno, const char *name);
static void append_object(StringInfo sql, StashTable *table, Bitmapset *columns);
static void append_values(StringInfo sql, StashTable *table, Bitmapset *columns);

PG_FUNCTION_INFO_V1(ddd_stash_rows);

Datum
ddd_stash_rows(PG_FUNCTION_ARGS)
{
	char	   *condition = text_to_cstring(arg_text(fcinfo, 2, "condition"));
	StashCall	call;
	StringInfoData sql;
	uint64		stashed;

	stash_begin(fcinfo, &call, "stash_rows");
	check_references(&call.table, condition);

	stashed = set_aside(fcinfo, &call.table, "row", stash_stored_columns(&call.table), NULL, condition);
	initStringInfo(&sql);
	appendStringInfo(&sql, "DELETE FROM %s AS t WHERE %s", call.table.qualified, condition);
	if (SPI_execute(sql.data, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql.data);
	if (SPI_processed != stashed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a rule on ddd.%s or on ddd.stash keeps rows from being set aside", call.table.name)));
	stash_end(&call);
	PG_RETURN_INT64((int64) stashed);
}

PG_FUNCTION_INFO_V1(ddd_stash_columns);

Datum
ddd_stash_columns(PG_FUNCTION_ARGS)
{
	char	   *condition = text_to_cstring(arg_text(fcinfo, 4, "condition"));
	StashCall	call;
	Bitmapset  *columns;
	Bitmapset  *depends_on;
	uint64		stashed;

	arg_required(fcinfo, 2, "columns");
	arg_required(fcinfo, 3, "depends_on");
	stash_begin(fcinfo, &call, "stash_columns");
	columns = named_columns(&call.table, fcinfo, 2, "columns");
	depends_on = named_columns(&call.table, fcinfo, 3, "depends_on");

	stashed = set_aside(fcinfo, &call.table, "columns", columns, bms_union(call.table.key, depends_on), condition);
	stash_end(&call);
	PG_RETURN_INT64((int64) stashed);
}

PG_FUNCTION_INFO_V1(ddd_check_dependents);

Datum
ddd_check_dependents(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(arg_text(fcinfo, 0, "table_name"));
	Datum		values[2];
	OwnerScope	caller;
	const char *dependents;
	int			count;

	(void) arg_text_array(fcinfo, 1, "columns", &count);
	check_in_script("check_dependents");
	owner_begin_catalog(&caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	values[0] = ObjectIdGetDatum(RangeVarGetRelid(makeRangeVar("ddd", name, -1), AccessShareLock, false));
	values[1] = PG_GETARG_DATUM(1);
	plan_execute(&dependents_plan, values, NULL, true);
	dependents = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (dependents != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("columns of ddd.%s that the other version does not have are used by other objects", name),
				 errdetail("Found: %s.", dependents),
				 errhint("Drop them, then run ALTER EXTENSION ddd UPDATE again.")));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&caller);
	PG_RETURN_VOID();
}

void
stash_table_open(StashTable *table, const char *name)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("ddd", false));
	Bitmapset  *key;
	int			member = -1;

	table->relation = table_open(relid, NoLock);
	table->name = name;
	table->qualified = quote_qualified_identifier("ddd", name);
	table->key = NULL;
	key = RelationGetIndexAttrBitmap(table->relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	while ((member = bms_next_member(key, member)) >= 0)
		table->key = bms_add_member(table->key, member + FirstLowInvalidHeapAttributeNumber);
	if (table->key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ddd.%s\" has no primary key that its rows are known by", name)));
}

void
stash_table_close(StashTable *table)
{
	table_close(table->relation, NoLock);
}

void
stash_pin_formats(void)
{
	static const char *const formats[][2] = {
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "3"},
		{"bytea_output", "hex"},
		{"xmloption", "content"},
		{"lc_monetary", "C"},
	};

	for (size_t i = 0; i < lengthof(formats); i++)
		(void) set_config_option(formats[i][0], formats[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

const char *
stash_column_name(StashTable *table, int number)
{
	return NameStr(TupleDescAttr(RelationGetDescr(table->relation), number - 1)->attname);
}

Bitmapset *
stash_stored_columns(StashTable *table)
{
	TupleDesc	desc = RelationGetDescr(table->relation);
	Bitmapset  *columns = NULL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && column->attgenerated == '\0')
			columns = bms_add_member(columns, column->attnum);
	}
	return columns;
}

void
stash_append_value(StringInfo sql, StashTable *table, int number)
{
	const char *column = quote_identifier(stash_column_name(table, number));

	/* a row of nulls "is null", but is a value */
	appendStringInfo(sql, "CASE num_nulls(t.%s) WHEN 0 THEN format('%%s', t.%s) END", column, column);
}

/* Raises 55000 anywhere but in a migration's script. */
static void
check_in_script(const char *function)
{
	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ddd.%s() is only for the scripts of ALTER EXTENSION ddd UPDATE", function)));
}

static void
stash_begin(FunctionCallInfo fcinfo, StashCall *call, const char *function)
{
	Datum		table_name = PointerGetDatum(arg_text(fcinfo, 1, "table_name"));

	arg_required(fcinfo, 0, "version");
	check_in_script(function);
	owner_begin(&call->owner, relation_owner());
	owner_pin_path();
	stash_pin_formats();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	call->quiet = quiet_begin(&table_name, 1);
	stash_table_open(&call->table, TextDatumGetCString(table_name));
}

static void
stash_end(StashCall *call)
{
	stash_table_close(&call->table);
	quiet_end(call->quiet);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&call->owner);
}

/*
 * Raises 23503 where rows of a table would go with the rows that are set
 * aside, or forget them, and 42501 where that cannot be seen.
 */
static void
check_references(StashTable *table, const char *condition)
{
	Datum		relid = ObjectIdGetDatum(RelationGetRelid(table->relation));
	uint64		count = plan_execute(&references_plan, &relid, NULL, true);
	SPITupleTable *references = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	row = references->vals[i];
		const char *name = SPI_getvalue(row, references->tupdesc, 1);
		const char *referencing = SPI_getvalue(row, references->tupdesc, 2);
		const char *joined = SPI_getvalue(row, references->tupdesc, 3);
		bool		to_itself = strcmp(SPI_getvalue(row, references->tupdesc, 4), "t") == 0;
		bool		may_read = strcmp(SPI_getvalue(row, references->tupdesc, 5), "t") == 0;
		char	   *sql;

		/* of its own rows, those that go as well do not count */
		sql = psprintf("SELECT FROM (SELECT * FROM %s AS t WHERE %s) AS t JOIN (SELECT * FROM %s AS t WHERE %s) AS r ON %s",
					   table->qualified, condition, referencing,
					   to_itself ? psprintf("(%s) IS NOT TRUE", condition) : "true", joined);
		if (!may_read)
			sql = psprintf("SELECT FROM %s AS t WHERE %s", table->qualified, condition);
		if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not run \"%s\"", sql);
		if (SPI_processed == 0)
			continue;
		if (!may_read)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot see whether rows of %s refer to rows of ddd.%s that are to be set aside",
							referencing, table->name),
					 errhint("Grant SELECT on it, and USAGE on its schema, to %s, then run ALTER EXTENSION ddd UPDATE again.",
							 quote_identifier(GetUserNameFromId(GetUserId(), false))),
					 err_generic_string(PG_DIAG_CONSTRAINT_NAME, name)));
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("rows of %s refer to rows of ddd.%s that are to be set aside", referencing, table->name),
				 errdetail("The older version cannot hold them: %s.", condition),
				 errhint("Let them refer to others, then run ALTER EXTENSION ddd UPDATE again."),
				 err_generic_string(PG_DIAG_CONSTRAINT_NAME, name)));
	}
}

/*
 * Writes the columns' values as a field of content, and those by which their
 * row is known, if any, for each row that meets the condition; returns how many.
 */
static uint64
set_aside(FunctionCallInfo fcinfo, StashTable *table, const char *field, Bitmapset *columns,
		  Bitmapset *identity, const char *condition)
{
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	Oid			types[2] = {TEXTOID, TEXTOID};
	int			member = bms_next_member(table->key, -1);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "INSERT INTO ddd.stash AS s (version, table_name, row_key, content) SELECT $1, $2, ");
	if (bms_num_members(table->key) == 1)
		stash_append_value(&sql, table, member);
	else
	{
		appendStringInfoString(&sql, "to_jsonb(");
		append_values(&sql, table, table->key);
		appendStringInfoString(&sql, ")::text");
	}
	appendStringInfo(&sql, ", jsonb_build_object('by', %s, '%s', ", quote_literal_cstr(version_of_code()), field);
	append_object(&sql, table, columns);
	if (identity != NULL)
	{
		appendStringInfoString(&sql, ", 'where', ");
		append_object(&sql, table, identity);
	}
	appendStringInfo(&sql, ") FROM %s AS t WHERE %s ON CONFLICT (version, table_name, row_key) DO UPDATE"
					 " SET content = EXCLUDED.content || jsonb_build_object('%s',"
					 " coalesce(s.content -> 'row', s.content -> 'columns', '{}') || (EXCLUDED.content -> '%s'))"
					 " || CASE WHEN EXCLUDED.content ? 'where' THEN jsonb_build_object('where',"
					 " coalesce(s.content -> 'where', '{}') || (EXCLUDED.content -> 'where')) ELSE '{}' END",
					 table->qualified, condition, field, field);
	if (SPI_execute_with_args(sql.data, 2, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not run \"%s\"", sql.data);
	return SPI_processed;
}

/* Returns the columns that an argument names; raises 42703 where the table stores none of that name. */
static Bitmapset *
named_columns(StashTable *table, FunctionCallInfo fcinfo, int argno, const char *name)
{
	Bitmapset  *stored = stash_stored_columns(table);
	Bitmapset  *columns = NULL;
	int			count;
	Datum	   *names = arg_text_array(fcinfo, argno, name, &count);

	for (int i = 0; i < count; i++)
	{
		char	   *column = TextDatumGetCString(names[i]);
		AttrNumber	number = get_attnum(RelationGetRelid(table->relation), column);

		if (number <= 0 || !bms_is_member(number, stored))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"ddd.%s\" stores no column \"%s\"", table->name, column)));
		columns = bms_add_member(columns, number);
	}
	return columns;
}

/* Appends a JSON object of the columns' values in the row "t". */
static void
append_object(StringInfo sql, StashTable *table, Bitmapset *columns)
{
	int			number = -1;

	appendStringInfoString(sql, "jsonb_object(ARRAY[");
	while ((number = bms_next_member(columns, number)) >= 0)
		appendStringInfo(sql, "%s%s", number == bms_next_member(columns, -1) ? "" : ", ",
						 quote_literal_cstr(stash_column_name(table, number)));
	appendStringInfoString(sql, "]::text[], ");
	append_values(sql, table, columns);
	appendStringInfoChar(sql, ')');
}

static void
append_values(StringInfo sql, StashTable *table, Bitmapset *columns)
{
	int			number = -1;

	appendStringInfoString(sql, "ARRAY[");
	while ((number = bms_next_member(columns, number)) >= 0)
	{
		if (number != bms_next_member(columns, -1))
			appendStringInfoString(sql, ", ");
		stash_append_value(sql, table, number);
	}
	appendStringInfoString(sql, "]::text[]");
}
