/*
 * version.c
 *		The version guard: library, code and tables must agree.
 *
 * pg_extension.extversion is the version of the SQL objects (the code),
 * ddd.schema_version that of the tables, DDD_VERSION that of this library.
 * They differ after restoring an old dump onto newer code, or between the
 * installation of a package and ALTER EXTENSION ddd UPDATE.
 *
 * The guard checks once per backend and again after an invalidation: any
 * change of the relation ddd.schema_version (version_changed sends one when a
 * row of it changes) or of any function.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "core/core.h"

/* checked_relid is ddd.schema_version at the time of the check. */
static bool checked = false;
static Oid	checked_relid = InvalidOid;

static SpiPlan tables_plan = {
	.sql = "SELECT DISTINCT version FROM ddd.schema_version",
};

static void forget_relation(Datum arg, Oid relid);
static void forget_function(Datum arg, int cacheid, uint32 hashvalue);

void
version_init(void)
{
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_function, (Datum) 0);
}

void
version_guard(void)
{
	char	   *code;

	if (checked)
		return;

	/* set first: an invalidation that arrives while reading must win */
	checked_relid = relation_schema_version();
	checked = true;
	PG_TRY();
	{
		code = version_of_code();
		version_tables_guard(code);
		if (code == NULL || strcmp(code, DDD_VERSION) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the library of ddd is version %s, its SQL objects are version %s",
							DDD_VERSION, code ? code : "unknown"),
					 errhint("Run ALTER EXTENSION ddd UPDATE, or start a new session if it has been run.")));
	}
	PG_CATCH();
	{
		checked = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

bool
version_agrees(void)
{
	char	   *code = version_of_code();
	char	   *tables = version_of_tables();

	return code != NULL && tables != NULL && strcmp(code, tables) == 0 && strcmp(code, DDD_VERSION) == 0;
}

void
version_tables_guard(const char *code)
{
	char	   *tables = version_of_tables();

	if (tables == NULL && !OidIsValid(relation_schema_version()))
		relation_missing();
	if (tables == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ddd.schema_version\" does not say which version the tables are at"),
				 errhint("Run SELECT ddd.stamp('%s'), with their version, then ALTER EXTENSION ddd UPDATE.",
						 code ? code : DDD_VERSION)));
	if (code != NULL && strcmp(code, tables) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of ddd are at version %s, its code is at version %s", tables, code),
				 version_is_newer(tables, code) ?
				 errhint("Run DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd VERSION '%s'; no row is lost by it.", tables) :
				 errhint("Run SELECT ddd.stamp('%s'); ALTER EXTENSION ddd UPDATE TO '%s';", tables, code)));
}

void
version_changed(void)
{
	Oid			relid = relation_schema_version();

	if (OidIsValid(relid))
		CacheInvalidateRelcacheByRelid(relid);
}

bool
version_is_newer(const char *a, const char *b)
{
	for (;;)
	{
		char	   *a_end;
		char	   *b_end;
		unsigned long a_part = strtoul(a, &a_end, 10);
		unsigned long b_part = strtoul(b, &b_end, 10);

		if (a_part != b_part)
			return a_part > b_part;
		if (*a_end != '.' || *b_end != '.')
			return false;
		a = a_end + 1;
		b = b_end + 1;
	}
}

char *
version_of_code(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("ddd"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(catalog), &isnull);

		if (!isnull)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return version;
}

char *
version_of_tables(void)
{
	MemoryContext context = CurrentMemoryContext;
	OwnerScope	owner;
	char	   *version = NULL;
	uint64		rows;

	if (!OidIsValid(relation_schema_version()))
		return NULL;

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	rows = plan_execute(&tables_plan, NULL, NULL, true);
	if (rows > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ddd.schema_version\" holds more than one version"),
				 errhint("Delete the rows that are not the version of the tables.")));
	if (rows == 1)
	{
		bool		isnull;
		Datum		value = plan_value(0, 1, TEXTOID, &isnull);

		if (!isnull)
			version = MemoryContextStrdup(context, TextDatumGetCString(value));
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	return version;
}

static void
forget_relation(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == checked_relid)
		checked = false;
}

static void
forget_function(Datum arg, int cacheid, uint32 hashvalue)
{
	checked = false;
}
