/*
 * patch.c
 *		What the functions that change one row by a JSON patch share.
 *
 * Their statement takes the id as $1, the expected updated_at (or NULL) as $2,
 * then two parameters for each column that a patch may name: whether to change
 * it, and to what.
 */
#include "postgres.h"

#include "core/core.h"

void
patch_target(FunctionCallInfo fcinfo, const char *id_name, Datum *values, char *nulls)
{
	values[0] = Int64GetDatum(arg_int64(fcinfo, 0, id_name));
	arg_required(fcinfo, 1, "patch");
	nulls[0] = ' ';
	nulls[1] = PG_ARGISNULL(2) ? 'n' : ' ';
	values[1] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
}

void
patch_columns(JsonField *fields, int nfields, Datum *values, char *nulls)
{
	for (int i = 0; i < nfields; i++)
	{
		values[2 + 2 * i] = BoolGetDatum(fields[i].present);
		values[3 + 2 * i] = fields[i].value;
		nulls[2 + 2 * i] = ' ';
		nulls[3 + 2 * i] = fields[i].isnull ? 'n' : ' ';
	}
}

void
patch_check_stale(uint64 rows, SpiPlan *get_plan, Datum *values, const char *nulls,
				  const char *table, const char *what)
{
	if (rows > 0 || nulls[1] == 'n' || plan_execute(get_plan, values, NULL, false) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s " INT64_FORMAT " was changed by somebody else", what, DatumGetInt64(values[0])),
			 errhint("Read it again and repeat the change with its updated_at."),
			 err_object(table, "updated_at", psprintf("%s_stale_update", table))));
}
