/*
 * relation.c
 *		Where ddd's tables are and whom they belong to.
 *
 * All tables of ddd have one owner; that of ddd.schema_version stands for
 * it. What is cached here is dropped whenever a relation or schema changes,
 * so a renamed, dropped or re-owned table is seen by the next call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/core.h"

/* InvalidOid: not known. */
static Oid	schema_version_relid = InvalidOid;
static Oid	tables_owner = InvalidOid;

static void load(void);
static void forget_relation(Datum arg, Oid relid);
static void forget_schema(Datum arg, int cacheid, uint32 hashvalue);

void
relation_init(void)
{
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema, (Datum) 0);
}

Oid
relation_owner(void)
{
	if (!OidIsValid(tables_owner))
		load();
	if (!OidIsValid(tables_owner))
		relation_missing();
	return tables_owner;
}

void
relation_missing(void)
{
	if (!OidIsValid(get_namespace_oid("ddd", true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"ddd\" does not exist in this database"),
				 errhint("If it was renamed, give it its name back.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the tables of ddd do not exist in this database"),
			 errhint("Run SELECT ddd.install().")));
}

Oid
relation_schema_version(void)
{
	if (!OidIsValid(schema_version_relid))
		load();
	return schema_version_relid;
}

static void
load(void)
{
	Oid			namespace = get_namespace_oid("ddd", true);
	Oid			relid;
	HeapTuple	tuple;

	if (!OidIsValid(namespace))
		return;
	relid = get_relname_relid("schema_version", namespace);
	if (!OidIsValid(relid))
		return;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return;
	tables_owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	schema_version_relid = relid;
	ReleaseSysCache(tuple);
}

static void
forget_relation(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == schema_version_relid)
		schema_version_relid = tables_owner = InvalidOid;
}

static void
forget_schema(Datum arg, int cacheid, uint32 hashvalue)
{
	schema_version_relid = tables_owner = InvalidOid;
}
