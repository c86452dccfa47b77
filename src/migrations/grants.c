/*
 * grants.c
 *		ddd.pass_grants(): a function with other arguments keeps the grants of
 *		the one that it takes the place of.
 *
 * A GRANT in an extension's script is noted as the extension's own, and pg_dump
 * leaves it out. These are the user's, so they are made outside the script as
 * far as PostgreSQL is concerned.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"

#include "core/core.h"

static SpiPlan grants_plan = {
	.sql = "SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s%s', $2,"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,"
	" CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)"
	" FROM pg_catalog.pg_proc p, aclexplode(p.proacl) a WHERE p.oid = $1 AND a.grantee <> p.proowner",
	.nargs = 2,
	.argtypes = {REGPROCEDUREOID, REGPROCEDUREOID},
};

static void run_grants(SPITupleTable *grants);

PG_FUNCTION_INFO_V1(ddd_pass_grants);

Datum
ddd_pass_grants(PG_FUNCTION_ARGS)
{
	arg_required(fcinfo, 0, "from_function");
	arg_required(fcinfo, 1, "to_function");
	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ddd.pass_grants() is only for the scripts of ALTER EXTENSION ddd UPDATE")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(&grants_plan, (Datum[]) {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)}, NULL, true);
	creating_extension = false;
	PG_TRY();
	{
		run_grants(SPI_tuptable);
	}
	PG_FINALLY();
	{
		creating_extension = true;
	}
	PG_END_TRY();
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	PG_RETURN_VOID();
}

static void
run_grants(SPITupleTable *grants)
{
	for (uint64 i = 0; i < grants->numvals; i++)
	{
		const char *command = SPI_getvalue(grants->vals[i], grants->tupdesc, 1);

		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not run \"%s\"", command);
	}
}
