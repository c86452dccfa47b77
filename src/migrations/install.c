/*
 * install.c
 *		Bringing tables and code together: ddd.version(), ddd.tables_wanted(),
 *		ddd.install().
 *
 * Tables are not members of the extension. CREATE EXTENSION creates them,
 * unless a dump is about to bring them (a restore), this node only holds
 * shards (a Citus worker), or ddd.create_tables says otherwise;
 * tables_wanted() is the one place that decides. install() does the rest at
 * any later time, and re-attaches the triggers that DROP EXTENSION ...
 * CASCADE took away.
 *
 * The text that creates tables and triggers is the SQL functions
 * ddd.create_tables() and ddd.attach_triggers(), so it always is that of the
 * installed version, whatever the version of this library.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "migrations/migrations.h"

typedef enum CreateTables
{
	CREATE_TABLES_OFF,
	CREATE_TABLES_ON,
	CREATE_TABLES_AUTO,
} CreateTables;

static const struct config_enum_entry create_tables_options[] = {
	{"auto", CREATE_TABLES_AUTO, false},
	{"on", CREATE_TABLES_ON, false},
	{"off", CREATE_TABLES_OFF, false},
	{"true", CREATE_TABLES_ON, true},
	{"false", CREATE_TABLES_OFF, true},
	{"yes", CREATE_TABLES_ON, true},
	{"no", CREATE_TABLES_OFF, true},
	{"1", CREATE_TABLES_ON, true},
	{"0", CREATE_TABLES_OFF, true},
	{NULL, 0, false},
};

static int	create_tables = CREATE_TABLES_AUTO;
static bool allow_data_loss = false;

static Oid	schema_owner(void);
static void check_tables_version(void);
static bool on_citus_worker(void);
static int64 run_internal(const char *sql);

void
migrations_init(void)
{
	DefineCustomEnumVariable("ddd.create_tables",
							 "Sets whether CREATE EXTENSION ddd creates its tables.",
							 "\"auto\" leaves them out during a restore and on a Citus worker.",
							 &create_tables, CREATE_TABLES_AUTO, create_tables_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("ddd.allow_data_loss",
							 "Lets a downgrade drop tables that hold rows.",
							 NULL,
							 &allow_data_loss, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

PG_FUNCTION_INFO_V1(ddd_version);

Datum
ddd_version(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3];
	char	   *versions[3] = {version_of_code(), DDD_VERSION, version_of_tables()};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 3)
		elog(ERROR, "function must return a row of three columns");
	for (int i = 0; i < 3; i++)
	{
		nulls[i] = versions[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(versions[i]);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

PG_FUNCTION_INFO_V1(ddd_tables_wanted);

Datum
ddd_tables_wanted(PG_FUNCTION_ARGS)
{
	if (create_tables != CREATE_TABLES_AUTO)
		PG_RETURN_BOOL(create_tables == CREATE_TABLES_ON);
	PG_RETURN_BOOL(!restore_in_progress() && !on_citus_worker());
}

PG_FUNCTION_INFO_V1(ddd_owns_type);

Datum
ddd_owns_type(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(arg_text(fcinfo, 0, "name"));
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
									   ObjectIdGetDatum(get_namespace_oid("ddd", false)));

	PG_RETURN_BOOL(OidIsValid(type) &&
				   getExtensionOfObject(TypeRelationId, type) == get_extension_oid("ddd", false));
}

PG_FUNCTION_INFO_V1(ddd_install);

Datum
ddd_install(PG_FUNCTION_ARGS)
{
	OwnerScope	owner;
	TimestampTz started = GetCurrentTimestamp();
	bool		created = false;
	int64		attached;

	check_superuser("install");
	PreventCommandIfReadOnly("ddd.install()");
	/* on the way to the tables' version there is nothing that could be attached */
	if (stamp_in_progress() && strcmp(version_of_code(), version_of_tables()) != 0)
		PG_RETURN_TEXT_P(cstring_to_text("nothing to do"));
	grant_to_owner();

	if (!OidIsValid(relation_schema_version()))
	{
		owner_begin(&owner, schema_owner());
		run_internal("SELECT ddd.create_tables()");
		owner_end(&owner);
		created = true;
	}
	else
		check_tables_version();

	owner_begin(&owner, relation_owner());
	attached = run_internal("SELECT ddd.attach_triggers()");
	owner_end(&owner);
	version_changed();
	if (created)
		log_write(NULL, version_of_code(), "install", started);
	else if (creating_extension)
		log_step_end();

	if (created)
		PG_RETURN_TEXT_P(cstring_to_text("created the tables"));
	if (attached > 0)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("attached triggers: " INT64_FORMAT, attached)));
	PG_RETURN_TEXT_P(cstring_to_text("nothing to do"));
}

/*
 * Lets the owner execute the functions. While a script runs, PostgreSQL would
 * take the grants for the extension's own, and pg_dump would leave them out.
 */
void
grant_to_owner(void)
{
	bool		in_script = creating_extension;

	creating_extension = false;
	PG_TRY();
	{
		run_internal("SELECT ddd.grant_to_owner()");
	}
	PG_FINALLY();
	{
		creating_extension = in_script;
	}
	PG_END_TRY();
}

static Oid
schema_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("ddd"));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"ddd\" does not exist")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
check_superuser(const char *function)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ddd.%s()", function),
				 errhint("Only a superuser may run it, like CREATE and ALTER EXTENSION themselves.")));
}

/*
 * Raises 55000 unless the tables are at the code's version. While CREATE
 * EXTENSION runs there is no extension yet that could be stamped.
 */
static void
check_tables_version(void)
{
	char	   *code = version_of_code();
	char	   *tables = version_of_tables();

	if (creating_extension && code != NULL && tables != NULL && strcmp(code, tables) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"ddd\" holds tables of version %s, not %s", tables, code),
				 version_is_newer(tables, code) ?
				 errhint("Run CREATE EXTENSION ddd VERSION '%s';", tables) :
				 errhint("Run CREATE EXTENSION ddd VERSION '%s'; ALTER EXTENSION ddd UPDATE TO '%s';",
						 tables, code)));
	version_tables_guard(code);
}

/* A Citus worker knows its own group, which on the coordinator is 0. */
static bool
on_citus_worker(void)
{
	Oid			relid;
	bool		worker = false;

	if (!OidIsValid(get_extension_oid("citus", true)))
		return false;
	relid = get_relname_relid("pg_dist_local_group", PG_CATALOG_NAMESPACE);
	if (!OidIsValid(relid))
		return false;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute("SELECT FROM pg_catalog.pg_dist_local_group WHERE groupid OPERATOR(pg_catalog.<>) 0",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_dist_local_group");
	worker = SPI_processed > 0;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	return worker;
}

/* Calls one of the internal SQL functions; returns its result, 0 for none. */
static int64
run_internal(const char *sql)
{
	bool		isnull;
	Datum		value;
	int64		result = 0;

	owner_pin_path();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", sql);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull && SPI_gettypeid(SPI_tuptable->tupdesc, 1) == INT4OID)
		result = DatumGetInt32(value);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	return result;
}
