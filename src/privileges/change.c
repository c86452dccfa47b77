/*
 * change.c
 *		How privileges are changed: who may, for whom, and as whom.
 *
 * Each GRANT and REVOKE runs as the owner of its object, or as whoever made
 * the grant that is taken away, so that it needs no superuser and pg_dump
 * finds the owner's grants. In the script of an extension PostgreSQL would
 * take them for that extension's own, and pg_dump would leave them out.
 *
 * The commands are made of names that the catalog quotes; the role comes in as
 * an OID. Locks: ddd.schema_version, so that two calls do not meet at one row
 * of the catalog, which PostgreSQL answers with an internal error.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "privileges/privileges.h"

static const char *const level_names[] = {
	[LEVEL_READER] = "reader",
	[LEVEL_WRITER] = "writer",
	[LEVEL_ADMIN] = "admin",
};

static void refuse_to_go_on(void) pg_attribute_noreturn();
static void run_as(Oid role, const char *command);

void
privileges_begin(const char *function)
{
	PreventCommandIfReadOnly(function);
	check_isolation(function);
	version_guard();
	if (!has_privs_of_role(GetUserId(), relation_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for %s", function),
				 errdetail("It is for the owner of the tables.")));
	LockRelationOid(relation_schema_version(), ShareUpdateExclusiveLock);
}

Oid
arg_grantee(FunctionCallInfo fcinfo, int argno)
{
	char	   *name = text_to_cstring(arg_text(fcinfo, argno, "role"));
	Oid			role;

	if (strcmp(name, "public") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"role\" must be one role, not PUBLIC")));
	role = get_role_oid(name, true);
	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%.*s\" does not exist",
						pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1), name)));
	if (role == relation_owner())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" owns the tables of ddd", name),
				 errdetail("What it may do is not a matter of grants.")));
	return role;
}

Level
arg_level(FunctionCallInfo fcinfo, int argno, Level highest)
{
	char	   *name = text_to_cstring(arg_text(fcinfo, argno, "level"));

	for (Level level = LEVEL_READER; level <= highest; level++)
	{
		if (strcmp(name, level_names[level]) == 0)
			return level;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 highest == LEVEL_ADMIN ? errmsg("\"level\" must be reader, writer or admin") :
			 errmsg("\"level\" must be reader or writer")));
}

void
privileges_change(FunctionCallInfo fcinfo, SpiPlan *plan, Datum *values)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	OwnerScope	caller;
	SPITupleTable *changes;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	owner_begin_catalog(&caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(plan, values, NULL, false);
	changes = SPI_tuptable;
	for (uint64 i = 0; i < changes->numvals; i++)
	{
		HeapTuple	change = changes->vals[i];
		TupleDesc	desc = changes->tupdesc;
		bool		isnull;
		Datum		what = SPI_getbinval(change, desc, 3, &isnull);

		CHECK_FOR_INTERRUPTS();
		run_as(DatumGetObjectId(SPI_getbinval(change, desc, 1, &isnull)), SPI_getvalue(change, desc, 2));
		tuplestore_putvalues(result->setResult, result->setDesc, &what, (bool[]) {false});
	}
	if (plan_execute(plan, values, NULL, false) > 0)
		refuse_to_go_on();
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&caller);
}

/*
 * Raises an error for what the statements have not changed. PostgreSQL chooses
 * whose grant it is that a superuser, or a member of several roles, takes back.
 */
static void
refuse_to_go_on(void)
{
	StringInfoData objects;

	initStringInfo(&objects);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			grantor = DatumGetObjectId(plan_value(i, 1, OIDOID, &isnull));

		appendStringInfo(&objects, "%s%s by %s", i > 0 ? ", " : "",
						 text_to_cstring(plan_text(i, 3)), GetUserNameFromId(grantor, false));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_GRANT_OPERATION),
			 errmsg("privileges could not be changed"),
			 errdetail("These are as they were: %s.", objects.data),
			 errhint("Change them as the role that granted them.")));
}

static void
run_as(Oid role, const char *command)
{
	bool		in_script = creating_extension;
	OwnerScope	caller;

	owner_begin(&caller, role);
	owner_pin_path();
	creating_extension = false;
	PG_TRY();
	{
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not run \"%s\"", command);
	}
	PG_FINALLY();
	{
		creating_extension = in_script;
	}
	PG_END_TRY();
	owner_end(&caller);
}
