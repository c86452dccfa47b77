/*
 * spi.c
 *		Saved plans and typed reads of their results.
 *
 * A statement is a static SpiPlan beside the function that uses it: constant
 * text, parameters, every name schema-qualified. It is prepared under the
 * owner's search_path on first use and kept for the life of the backend;
 * PostgreSQL's plan cache re-plans it when a table changes. "saved" is set
 * last, so an error while preparing leaves nothing half made.
 *
 * The planner takes an unknown LIMIT for a tenth of the rows, and would rather
 * sort a table than walk an index that far; knowing the LIMIT it plans each
 * call anew, which costs more than a page. So a page's statement has one plan,
 * made while the planner may only walk indexes. walk_generation tells that
 * plan from one that the plan cache made by itself in the middle of an
 * execution, after an invalidation: such a plan serves that once.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "nodes/params.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#include "core/core.h"

static void prepare(SpiPlan *plan);
static void plan_walk(SpiPlan *plan);
static void allow_index_walks_only(void);

uint64
plan_execute(SpiPlan *plan, Datum *values, const char *nulls, bool read_only)
{
	plan_execute_to(plan, values, nulls, read_only, NULL);
	return SPI_processed;
}

void
plan_execute_to(SpiPlan *plan, Datum *values, const char *nulls, bool read_only,
				DestReceiver *receiver)
{
	SPIExecuteOptions options = {.read_only = read_only, .dest = receiver};
	int			code;

	owner_pin_path();
	if (plan->saved == NULL)
		prepare(plan);

	options.params = makeParamList(plan->nargs);
	for (int i = 0; i < plan->nargs; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = values[i];
		param->isnull = nulls != NULL && nulls[i] == 'n';
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = plan->argtypes[i];
	}

	if (plan->choice == PLAN_WALK)
		plan_walk(plan);

	code = SPI_execute_plan_extended(plan->saved, &options);
	if (code < 0)
		elog(ERROR, "could not run statement: %s", SPI_result_code_string(code));
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

text *
plan_text(uint64 row, int col)
{
	bool		isnull;
	Datum		value = plan_value(row, col, TEXTOID, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of ddd's tables must not be null",
						NameStr(TupleDescAttr(SPI_tuptable->tupdesc, col - 1)->attname))));
	return DatumGetTextPCopy(value);
}

void
check_isolation(const char *call)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run in a REPEATABLE READ or SERIALIZABLE transaction", call),
				 errdetail("It must see what was committed while it waited for its lock.")));
}

uint64
plan_execute_latest(SpiPlan *plan, Datum *values)
{
	uint64		rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = plan_execute(plan, values, NULL, true);
	PopActiveSnapshot();
	return rows;
}

Datum
plan_array(Oid type, const int64 *values, int n, size_t stride)
{
	Datum	   *elements = palloc_array(Datum, n);
	ArrayType  *array;

	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(*(const int64 *) ((const char *) values + i * stride));
	array = construct_array(elements, n, type, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	pfree(elements);
	return PointerGetDatum(array);
}

Datum
text_array(Datum *elements, int n)
{
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
prepare(SpiPlan *plan)
{
	static const int options[] = {
		[PLAN_AUTO] = 0,
		[PLAN_GENERIC] = CURSOR_OPT_GENERIC_PLAN,
		[PLAN_CUSTOM] = CURSOR_OPT_CUSTOM_PLAN,
		[PLAN_WALK] = CURSOR_OPT_GENERIC_PLAN,
	};
	SPIPlanPtr	prepared = SPI_prepare_cursor(plan->sql, plan->nargs, plan->argtypes,
											  options[plan->choice]);

	if (prepared == NULL)
		elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(prepared) != 0)
		elog(ERROR, "could not keep a prepared statement");
	plan->saved = prepared;
}

/* Makes the plan, unless the one that is there was made here. */
static void
plan_walk(SpiPlan *plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan->saved));
	CachedPlan *made = source->gplan;
	int			guc_level;

	if (made != NULL && made->is_valid && made->generation == plan->walk_generation)
		return;
	if (made != NULL)
		made->is_valid = false;

	/* for the planner alone: what the statement calls plans with the session's settings */
	guc_level = NewGUCNestLevel();
	allow_index_walks_only();
	made = SPI_plan_get_cached_plan(plan->saved);
	plan->walk_generation = made->generation;
	ReleaseCachedPlan(made, CurrentResourceOwner);
	AtEOXact_GUC(false, guc_level);
}

static void
allow_index_walks_only(void)
{
	static const char *const off[] = {
		"enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin",
		"jit"					/* what is off costs 10^10 where there is no other way */
	};

	for (size_t i = 0; i < lengthof(off); i++)
		(void) set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}
