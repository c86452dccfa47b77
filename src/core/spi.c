/*
 * spi.c
 *		Saved plans and typed reads of their results.
 *
 * A statement is a static SpiPlan beside the function that uses it: constant
 * text, parameters, every name schema-qualified. It is prepared under the
 * owner's search_path on first use and kept for the life of the backend;
 * PostgreSQL's plan cache re-plans it when a table changes. "saved" is set
 * last, so an error while preparing leaves nothing half made.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"

#include "core/core.h"

uint64
plan_execute(SpiPlan *plan, Datum *values, const char *nulls, bool read_only)
{
	int			code;

	if (plan->saved == NULL)
	{
		SPIPlanPtr	prepared = SPI_prepare_cursor(plan->sql, plan->nargs, plan->argtypes,
												  plan->generic ? CURSOR_OPT_GENERIC_PLAN : 0);

		if (prepared == NULL)
			elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
		if (SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not keep a prepared statement");
		plan->saved = prepared;
	}

	code = SPI_execute_plan(plan->saved, values, nulls, read_only, 0);
	if (code < 0)
		elog(ERROR, "could not run statement: %s", SPI_result_code_string(code));
	return SPI_processed;
}

Datum
plan_value(uint64 row, int col, Oid type, bool *isnull)
{
	Assert(row < SPI_processed);
	check_column_type(SPI_tuptable->tupdesc, col, type);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col, isnull);
}

int64
plan_int64(uint64 row, int col)
{
	bool		isnull;
	Datum		value = plan_value(row, col, INT8OID, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a result", col);
	return DatumGetInt64(value);
}
