/*
 * migrate.c
 *		What migration scripts stand on: ddd.migrate(), and the guard trigger of
 *		ddd.schema_version.
 *
 * A migration changes tables as their owner, never as the superuser who runs
 * ALTER EXTENSION: a trigger, a default or a constraint that the owner has
 * planted there runs with no more than his own rights. SET ROLE would not do,
 * for what is planted could reset it; owner_begin's restricted operation
 * cannot be left.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"

#include "core/core.h"
#include "migrations/migrations.h"

static SpiPlan lock_plan = {
	.sql = "SELECT FROM ddd.schema_version FOR UPDATE",
};

static SpiPlan set_version_plan = {
	.sql = "UPDATE ddd.schema_version SET version = $1",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static SpiPlan exists_plan = {
	.sql = "SELECT FROM ddd.schema_version WHERE version = $1",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static SpiPlan any_plan = {
	.sql = "SELECT FROM ddd.schema_version",
};

static void run_migration(const char *statements, const char *from, MemoryContext context);
static HeapTuple keep_version(TriggerData *trigger);

PG_FUNCTION_INFO_V1(ddd_migrate);

Datum
ddd_migrate(PG_FUNCTION_ARGS)
{
	/* scripts up to 0.3.0 have no argument "tables": they lock them themselves */
	bool		has_tables = PG_NARGS() == 3;
	char	   *from = text_to_cstring(arg_text(fcinfo, 0, "from_version"));
	char	   *statements = text_to_cstring(arg_text(fcinfo, has_tables ? 2 : 1, "statements"));
	int			count = 0;
	Datum	   *own = has_tables ? arg_text_array(fcinfo, 1, "tables", &count) : NULL;
	MemoryContext context = CurrentMemoryContext;
	QuietTables *quiet;
	char	   *code;
	Datum		version;
	char	   *tables;
	OwnerScope	owner;

	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ddd.migrate() is only for the scripts of ALTER EXTENSION ddd UPDATE")));
	if (!OidIsValid(relation_schema_version()) || stamp_in_progress())
		PG_RETURN_BOOL(false);
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("ddd cannot be migrated in a REPEATABLE READ or SERIALIZABLE transaction"),
				 errdetail("It must see what was committed while it waited for its locks.")));

	log_step_begin(from, version_of_code());
	grant_to_owner();
	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(&lock_plan, NULL, NULL, false);

	tables = version_of_tables();
	if (tables == NULL || strcmp(tables, from) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of ddd are at version %s, this migration starts at version %s",
						tables ? tables : "unknown", from),
				 tables ? errhint("Run SELECT ddd.stamp('%s'); then ALTER EXTENSION ddd UPDATE.", tables) : 0));

	/* rows that a policy hides must stop a migration, not stay behind */
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	quiet = quiet_begin(own, count);
	run_migration(statements, from, context);
	quiet_end(quiet);
	code = version_of_code();
	version = CStringGetTextDatum(code);
	plan_execute(&set_version_plan, &version, NULL, false);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(ddd_guard_schema_version);

Datum
ddd_guard_schema_version(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("ddd.guard_schema_version() must be called as a BEFORE row trigger")));

	CacheInvalidateRelcache(trigger->tg_relation);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(keep_version(trigger));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(trigger->tg_newtuple);
	return PointerGetDatum(trigger->tg_trigtuple);
}

/* Runs a migration's statements; an error does not quote the whole script. */
static void
run_migration(const char *statements, const char *from, MemoryContext context)
{
	PG_TRY();
	{
		if (SPI_execute(statements, false, 0) < 0)
			elog(ERROR, "could not run a migration");
	}
	PG_CATCH();
	{
		ErrorData  *error = error_take(context);

		error->context = psprintf("migration of ddd from version %s", from);
		ReThrowError(error);
	}
	PG_END_TRY();
}

/*
 * Returns the row to insert: none when its version is there already (the
 * data of a dump is loaded into tables that exist).
 */
static HeapTuple
keep_version(TriggerData *trigger)
{
	HeapTuple	row = trigger->tg_trigtuple;
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	OwnerScope	owner;
	bool		isnull;
	Datum		version = SPI_getbinval(row, desc, SPI_fnumber(desc, "version"), &isnull);

	if (isnull)
		return row;				/* NOT NULL answers */
	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (plan_execute(&exists_plan, &version, NULL, false) > 0)
		row = NULL;
	else if (plan_execute(&any_plan, NULL, NULL, false) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("data of ddd version %s does not fit these tables", TextDatumGetCString(version)),
				 errdetail("ddd.schema_version holds another version."),
				 errhint("Load it into tables of its own version, then run ALTER EXTENSION ddd UPDATE.")));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	return row;
}
