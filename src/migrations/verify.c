/*
 * verify.c
 *		ddd.verify(): whether the rows are what constraints and triggers make of
 *		them, where these might have been switched off.
 *
 * session_replication_role = replica, disabled triggers, logical replication
 * and a library that folds names in another way all get round them. Everything
 * is counted anew, in one snapshot, without locks: each check reads its tables
 * whole.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "counters/counters.h"
#include "migrations/catalog.h"

/* A check: how many rows are against it, and the key of one of them. */
typedef struct Check
{
	const char *finding;
	const char *object;
	SpiPlan		plan;
} Check;

/* A version; what is none has not come from a migration. */
#define VERSION_FORM	"'^[0-9]+[.][0-9]+[.][0-9]+$'"

#define CHECK(finding_, object_, sql_)	{finding_, object_, {.sql = sql_, .choice = PLAN_CUSTOM}}

/* What the sequence has still to give is taken. */
#define CHECK_SEQUENCE(table) \
	CHECK("ids ahead of their sequence", "ddd." table "_id_seq", \
		  "SELECT count(*), min(t.id)::text FROM ddd." table " t WHERE t.id >" \
		  " (SELECT CASE WHEN q.is_called THEN q.last_value ELSE q.last_value - 1 END FROM ddd." table "_id_seq q)")

static Check checks[] = {
	CHECK("addresses of several users", "ddd.users",
		  "SELECT count(*), min(k.id)::text FROM (SELECT min(u.id) AS id FROM ddd.users u"
		  " GROUP BY lower(u.email COLLATE \"C\") HAVING count(*) > 1) k"),
	CHECK("keys that are not the name's", "ddd.tags",
		  "SELECT count(*), min(t.id)::text FROM ddd.tags t"
		  " WHERE t.key IS DISTINCT FROM ddd.tag_key(t.name)"),
	CHECK("names that are one", "ddd.tags",
		  "SELECT count(*), min(k.id)::text FROM (SELECT min(t.id) AS id FROM ddd.tags t"
		  " GROUP BY ddd.tag_key(t.name) HAVING count(*) > 1) k"),
	CHECK("synonyms of synonyms", "ddd.tags",
		  "SELECT count(*), min(t.id)::text FROM ddd.tags t JOIN ddd.tags o ON o.id = t.synonym_of"
		  " WHERE o.synonym_of IS NOT NULL"),
	CHECK("posts of synonyms", "ddd.post_tags",
		  "SELECT count(*), min(l.post_id)::text FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id"
		  " WHERE t.synonym_of IS NOT NULL"),
	CHECK("times that are not the post's", "ddd.post_tags",
		  "SELECT count(*), min(l.post_id)::text FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id"
		  " WHERE l.post_created_at <> p.created_at"),
	CHECK_SEQUENCE("users"),
	CHECK_SEQUENCE("posts"),
	CHECK_SEQUENCE("comments"),
	CHECK_SEQUENCE("tags"),
	/* what only another version can hold waits there by right */
	CHECK("rows not put back", "ddd.stash",
		  "SELECT count(*), min(concat_ws(' ', s.table_name, s.row_key)) FROM ddd.stash s, ddd.schema_version v"
		  " WHERE (s.content ? 'row' OR s.content ? 'columns')"
		  " AND CASE WHEN s.version ~ " VERSION_FORM " AND v.version ~ " VERSION_FORM
		  "      THEN s.version = v.version OR string_to_array(s.version, '.')::numeric[] < string_to_array(v.version, '.')::numeric[]"
		  "       AND NOT CASE WHEN s.content ->> 'by' ~ " VERSION_FORM
		  "                    THEN string_to_array(s.content ->> 'by', '.')::numeric[] > string_to_array(s.version, '.')::numeric[]"
		  "                    ELSE false END END"),
};

/* The foreign keys of ddd's tables, each with the statement that counts rows whose other is missing. */
static SpiPlan foreign_keys_plan = {
	.sql = "SELECT format('%I on %s', c.conname, c.conrelid::regclass), format("
	"'SELECT count(*), min(row_to_json(r)::text) FROM (SELECT %s FROM ONLY %s AS r WHERE %s AND NOT EXISTS (SELECT FROM %s AS t WHERE %s)) AS r',"
	" k.columns, c.conrelid::regclass, k.not_null, c.confrelid::regclass, k.joined)"
	" FROM pg_catalog.pg_constraint c,"
	" LATERAL (SELECT string_agg(format('r.%I', r.attname), ', ') AS columns,"
	"  string_agg(format('r.%I IS NOT NULL', r.attname), ' AND ') AS not_null,"
	" " FOREIGN_KEY_JOINED " AS joined FROM " FOREIGN_KEY_PAIRS ") AS k"
	" WHERE c.contype = 'f' AND c.connamespace = 'ddd'::regnamespace"
	" AND c.confrelid IN (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = 'ddd'::regnamespace)"
	" ORDER BY c.conname",
};

static void verify_foreign_keys(FunctionCallInfo fcinfo);
static void verify_counters(FunctionCallInfo fcinfo);
static void report(FunctionCallInfo fcinfo, const char *finding, const char *object);
static void report_row(FunctionCallInfo fcinfo, const char *finding, const char *object, int64 found,
					   const char *example);

PG_FUNCTION_INFO_V1(ddd_verify);

Datum
ddd_verify(PG_FUNCTION_ARGS)
{
	ApiCall		call;

	api_begin(&call);
	page_result(fcinfo);
	verify_counters(fcinfo);
	verify_foreign_keys(fcinfo);
	for (size_t i = 0; i < lengthof(checks); i++)
	{
		CHECK_FOR_INTERRUPTS();
		plan_execute(&checks[i].plan, NULL, NULL, true);
		report(fcinfo, checks[i].finding, checks[i].object);
	}
	api_end(&call);
	return (Datum) 0;
}

static void
verify_counters(FunctionCallInfo fcinfo)
{
	int			ncounters;
	Counter    *const *counters = counters_defined(&ncounters);

	for (int i = 0; i < ncounters; i++)
	{
		int64		example;
		int64		found = counter_wrong(counters[i], &example);

		if (found > 0)
			report_row(fcinfo, "wrong counts", psprintf("ddd.%s", counters[i]->source), found,
					   psprintf(INT64_FORMAT, example));
	}
}

/* Names come from the catalog, so the statements do. */
static void
verify_foreign_keys(FunctionCallInfo fcinfo)
{
	uint64		count = plan_execute(&foreign_keys_plan, NULL, NULL, true);
	SPITupleTable *keys = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		const char *object = SPI_getvalue(keys->vals[i], keys->tupdesc, 1);
		const char *sql = SPI_getvalue(keys->vals[i], keys->tupdesc, 2);

		CHECK_FOR_INTERRUPTS();
		if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not run \"%s\"", sql);
		report(fcinfo, "rows without the one that they name", object);
	}
}

/* Appends what the last statement, a count and an example, has found. */
static void
report(FunctionCallInfo fcinfo, const char *finding, const char *object)
{
	int64		found = plan_int64(0, 1);

	if (found > 0)
		report_row(fcinfo, finding, object, found,
				   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
}

static void
report_row(FunctionCallInfo fcinfo, const char *finding, const char *object, int64 found,
		   const char *example)
{
	bool		nulls[4] = {false};
	Datum		values[4];

	values[0] = CStringGetTextDatum(finding);
	values[1] = CStringGetTextDatum(object);
	values[2] = Int64GetDatum(found);
	values[3] = CStringGetTextDatum(example);

	result_row(fcinfo, values, nulls);
}
