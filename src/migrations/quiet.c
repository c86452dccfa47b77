/*
 * quiet.c
 *		Tables that a migration has for itself: locked, and without triggers.
 *
 * Migrating is not an edit. No trigger of a user or of ddd sees it, so
 * updated_at stays, and none can hide a row. Foreign keys stay in force, and
 * rows that come and go are counted. What was enabled before is enabled again
 * in the same way, except for triggers that the migration drops.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/core.h"
#include "migrations/migrations.h"

static SpiPlan enabled_plan = {
	.sql = "SELECT tgrelid, tgname::text, CASE tgenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END"
	" FROM pg_catalog.pg_trigger"
	" WHERE tgrelid = ANY ($1::regclass[]) AND NOT tgisinternal AND tgenabled <> 'D' AND tgparentid = 0"
	" AND tgfoid IS DISTINCT FROM to_regprocedure('ddd.count_rows()')",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
};

static SpiPlan exists_plan = {
	.sql = "SELECT tgrelid::regclass::text FROM pg_catalog.pg_trigger WHERE tgrelid = $1 AND tgname = $2",
	.nargs = 2,
	.argtypes = {OIDOID, TEXTOID},
};

static void set_trigger(QuietTables *quiet, uint64 i, const char *action, const char *way);
static void run_utility(const char *sql);

QuietTables *
quiet_begin(Datum *tables, int count)
{
	QuietTables *quiet;
	StringInfoData names;
	Datum	   *qualified;

	if (count == 0)
		return NULL;
	quiet = palloc(sizeof(QuietTables));
	qualified = palloc_array(Datum, count);
	initStringInfo(&names);
	for (int i = 0; i < count; i++)
	{
		char	   *table = TextDatumGetCString(tables[i]);
		const char *name = quote_qualified_identifier("ddd", table);

		if (!OidIsValid(get_relname_relid(table, get_namespace_oid("ddd", false))))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("table \"ddd.%s\" does not exist", table)));
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", name);
		qualified[i] = CStringGetTextDatum(name);
	}
	run_utility("SET CONSTRAINTS ALL IMMEDIATE");
	run_utility(psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", names.data));

	qualified[0] = text_array(qualified, count);
	quiet->count = plan_execute(&enabled_plan, qualified, NULL, false);
	quiet->triggers = SPI_tuptable;
	for (uint64 i = 0; i < quiet->count; i++)
		set_trigger(quiet, i, "DISABLE", "");
	return quiet;
}

void
quiet_end(QuietTables *quiet)
{
	if (quiet == NULL)
		return;
	for (uint64 i = 0; i < quiet->count; i++)
		set_trigger(quiet, i, "ENABLE", SPI_getvalue(quiet->triggers->vals[i], quiet->triggers->tupdesc, 3));
}

/* Disables a trigger, or enables it in its way, if it is there. */
static void
set_trigger(QuietTables *quiet, uint64 i, const char *action, const char *way)
{
	HeapTuple	trigger = quiet->triggers->vals[i];
	TupleDesc	desc = quiet->triggers->tupdesc;
	bool		isnull;
	Datum		which[2];

	for (int column = 0; column < 2; column++)
		which[column] = SPI_getbinval(trigger, desc, column + 1, &isnull);
	if (plan_execute(&exists_plan, which, NULL, false) > 0)
		run_utility(psprintf("ALTER TABLE %s %s%s TRIGGER %s",
							 SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), action, way,
							 quote_identifier(SPI_getvalue(trigger, desc, 2))));
}

static void
run_utility(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", sql);
}
