/*
 * verbs.c
 *		Alembic's verbs that read: ddd.current(), ddd.heads(), ddd.history(),
 *		ddd.plan().
 *
 * They work in every state that ddd.version() works in: with the tables at
 * another version than the code, and without tables.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/core.h"
#include "migrations/catalog.h"
#include "migrations/revisions.h"

static SpiPlan log_plan = {
	.sql = "SELECT version, parent, message, applied_at, applied_by, duration, direction"
	" FROM ddd.migration_log ORDER BY applied_at DESC, version DESC",
};

static Datum text_or_null(const char *value, bool *isnull);

PG_FUNCTION_INFO_V1(ddd_current);

Datum
ddd_current(PG_FUNCTION_ARGS)
{
	char	   *current = revision_current();
	char	   *tables = version_of_tables();
	OwnerScope	caller;
	Datum		values[5];
	bool		nulls[5] = {false};

	catalog_begin(&caller, fcinfo);
	values[0] = CStringGetTextDatum(current);
	values[1] = CStringGetTextDatum(revision_message(current));
	values[2] = BoolGetDatum(strcmp(current, revision_head()) == 0);
	values[3] = CStringGetTextDatum(DDD_VERSION);
	values[4] = text_or_null(tables, &nulls[4]);
	result_row(fcinfo, values, nulls);
	catalog_end(&caller);

	if (strcmp(current, DDD_VERSION) != 0)
		ereport(WARNING,
				(errmsg("the library of ddd is version %s, its SQL objects are version %s", DDD_VERSION, current),
				 errhint("Run SELECT * FROM ddd.upgrade(); or start a new session if it has been run.")));
	if (tables != NULL && strcmp(current, tables) != 0)
		ereport(WARNING,
				(errmsg("the tables of ddd are at version %s, its code is at version %s", tables, current),
				 errhint("Run SELECT ddd.stamp('%s'); SELECT * FROM ddd.upgrade('%s');", tables, current)));
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_heads);

Datum
ddd_heads(PG_FUNCTION_ARGS)
{
	char	   *current = revision_current();
	char	   *head;
	OwnerScope	caller;
	Datum		values[3];
	bool		nulls[3] = {false};

	catalog_begin(&caller, fcinfo);
	head = revision_head();
	values[0] = CStringGetTextDatum(head);
	values[1] = CStringGetTextDatum(revision_message(head));
	values[2] = BoolGetDatum(strcmp(current, head) == 0);
	result_row(fcinfo, values, nulls);
	catalog_end(&caller);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_history);

Datum
ddd_history(PG_FUNCTION_ARGS)
{
	List	   *pending;
	OwnerScope	caller;
	OwnerScope	owner;

	catalog_begin(&caller, fcinfo);

	/* what is still to come, the newest first */
	pending = revision_path(revision_head());
	for (int i = list_length(pending) - 1; i >= 0; i--)
	{
		Step	   *step = list_nth(pending, i);
		bool		nulls[] = {false, false, false, true, true, true, true};
		Datum		values[7] = {
			CStringGetTextDatum(step->to),
			CStringGetTextDatum(step->from),
			CStringGetTextDatum(revision_message(step->to)),
		};

		if (step->is_up)
			result_row(fcinfo, values, nulls);
	}
	if (OidIsValid(get_relname_relid("migration_log", get_namespace_oid("ddd", false))))
	{
		owner_begin(&owner, relation_owner());
		plan_execute(&log_plan, NULL, NULL, true);
		catalog_rows(fcinfo);
		owner_end(&owner);
	}
	catalog_end(&caller);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_plan);

Datum
ddd_plan(PG_FUNCTION_ARGS)
{
	char	   *target = text_to_cstring(arg_text(fcinfo, 0, "target"));
	List	   *steps;
	OwnerScope	caller;

	catalog_begin(&caller, fcinfo);
	steps = revision_path(revision_target(target));
	for (int i = 0; i < list_length(steps); i++)
	{
		Step	   *step = list_nth(steps, i);
		int			milliseconds = 0;
		const char *locks = revision_locks(step, &milliseconds);
		Interval	measured = {.time = milliseconds * INT64CONST(1000)};
		bool		nulls[9] = {[5] = locks == NULL, [6] = locks == NULL};
		Datum		values[9] = {
			Int32GetDatum(i + 1),
			CStringGetTextDatum(step->to),
			CStringGetTextDatum(step->from),
			CStringGetTextDatum(step->is_up ? "up" : "down"),
			CStringGetTextDatum(psprintf("ALTER EXTENSION ddd UPDATE TO %s", quote_literal_cstr(step->to))),
			locks != NULL ? CStringGetTextDatum(locks) : (Datum) 0,
			IntervalPGetDatum(&measured),
			BoolGetDatum(step->reversible),
			CStringGetTextDatum(revision_message(step->is_up ? step->to : step->from)),
		};

		result_row(fcinfo, values, nulls);
	}
	catalog_end(&caller);
	return (Datum) 0;
}

static Datum
text_or_null(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}
