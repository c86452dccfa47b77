/*
 * stamp.c
 *		Telling the code which version the tables are at: ddd.stamp().
 *
 * After an old dump was restored onto newer code, functions of one version
 * stand beside tables of another. The scripts that migrate the tables up start
 * from functions of the tables' version. So stamping brings the code there: it
 * runs the scripts down, all but what they do to tables. What ALTER EXTENSION
 * ddd UPDATE then starts from is what a fresh installation is.
 *
 * A wrong stamp makes the next migration run on tables that it does not fit,
 * so they must look like the version, unless the caller knows better. Triggers
 * may be missing: the last script attaches them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "migrations/fingerprint.h"
#include "migrations/migrations.h"
#include "migrations/revisions.h"

/* Faults that an error lists. */
#define SHOWN_FAULTS	5

/* Set while scripts run that are to leave the tables alone. */
static bool stamping = false;

static SpiPlan set_version_plan = {
	.sql = "UPDATE ddd.schema_version SET version = $1 WHERE version <> $1",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

/* where there is none: a dump of the schema alone was restored */
static SpiPlan add_version_plan = {
	.sql = "INSERT INTO ddd.schema_version (version) SELECT $1 WHERE NOT EXISTS (SELECT FROM ddd.schema_version)",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static char *stamped_version(const char *target, const char *code);
static void check_tables(const char *version, const char *tables);
static void set_tables_version(const char *version);
static void set_code_version(const char *version);

PG_FUNCTION_INFO_V1(ddd_stamp);

Datum
ddd_stamp(PG_FUNCTION_ARGS)
{
	char	   *target = text_to_cstring(arg_text(fcinfo, 0, "version"));
	/* before VERSION_OF_LOG there was no argument "force" */
	bool		force = PG_NARGS() > 1 && arg_bool(fcinfo, 1, "force");
	TimestampTz started = GetCurrentTimestamp();
	char	   *code;
	char	   *tables;
	char	   *version;
	MemoryContext context = CurrentMemoryContext;
	OwnerScope	caller;

	check_superuser("stamp");
	PreventCommandIfReadOnly("ddd.stamp()");
	code = revision_current();
	tables = version_of_tables();
	if (!OidIsValid(relation_schema_version()))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no tables of ddd to stamp"),
				 errhint("Run SELECT ddd.install().")));

	owner_begin_catalog(&caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	version = MemoryContextStrdup(context, stamped_version(target, code));
	if (!force)
		check_tables(version, tables);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&caller);

	if (tables == NULL || strcmp(version, tables) != 0 || strcmp(version, code) != 0)
	{
		set_tables_version(version);
		if (strcmp(version, code) != 0)
			set_code_version(version);
		version_changed();
		log_write(code, version, "stamp", started);
	}
	PG_RETURN_TEXT_P(cstring_to_text(version));
}

bool
stamp_in_progress(void)
{
	return stamping;
}

/* Returns the version that a target names, which must not be above the code. */
static char *
stamped_version(const char *target, const char *code)
{
	/* by its digits, for the code does not know the versions above it */
	bool		is_newer = target[0] != '\0' && strspn(target, "0123456789.") == strlen(target) &&
		version_is_newer(target, code);
	char	   *version = is_newer ? pstrdup(target) : revision_target(target);

	if (version_is_newer(version, code))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot stamp version \"%.*s\" on older code",
						pg_mbcliplen(version, strlen(version), MAX_VERSION), version),
				 errhint("Run DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd VERSION '%.*s';"
						 " no row is lost by it.",
						 pg_mbcliplen(version, strlen(version), MAX_VERSION), version)));
	return version;
}

/* Raises 22023 unless the tables look like the version. */
static void
check_tables(const char *version, const char *tables)
{
	uint64		count = fingerprint_check(NULL, version);
	StringInfoData list;
	int			faults = 0;

	initStringInfo(&list);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		const char *object = SPI_getvalue(row, desc, FINDING_OBJECT);
		const char *deviation = SPI_getvalue(row, desc, FINDING_DEVIATION);

		if (strcmp(SPI_getvalue(row, desc, FINDING_IS_FAULT), "t") != 0 ||
			(strncmp(object, "trigger ", strlen("trigger ")) == 0 && strcmp(deviation, "missing") == 0))
			continue;
		if (faults++ < SHOWN_FAULTS)
			appendStringInfo(&list, "%s%s is %s", faults > 1 ? ", " : "", object, deviation);
	}
	if (faults > SHOWN_FAULTS)
		appendStringInfo(&list, " and %d more", faults - SHOWN_FAULTS);
	if (faults > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the tables of ddd do not look like version \"%s\"", version),
				 errdetail("Compared with that version, %s.", list.data),
				 errhint("ddd.schema_version says that they are at version %s."
						 " If you know better, use force => true.", tables ? tables : "none")));
}

static void
set_tables_version(const char *version)
{
	Datum		value = CStringGetTextDatum(version);
	OwnerScope	owner;

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(&set_version_plan, &value, NULL, false);
	plan_execute(&add_version_plan, &value, NULL, false);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
}

/* Brings the code to an older version, and leaves the tables alone. */
static void
set_code_version(const char *version)
{
	char	   *command = psprintf("ALTER EXTENSION ddd UPDATE TO %s", quote_literal_cstr(version));

	stamping = true;
	PG_TRY();
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not run \"%s\"", command);
		if (SPI_finish() != SPI_OK_FINISH)
			elog(ERROR, "could not finish SPI");
	}
	PG_FINALLY();
	{
		stamping = false;
	}
	PG_END_TRY();
}
