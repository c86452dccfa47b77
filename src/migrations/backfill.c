/*
 * backfill.c
 *		Filling a column of a large table batch by batch: CALL ddd.backfill().
 *
 * A migration holds its locks until it has written every row. What can be
 * written before or after it is written here instead: a batch of rows in the
 * order of the primary key, then a commit. ddd.backfills says how far it has
 * come, in the transaction that wrote the rows, so that each row is written
 * once, wherever it was stopped, and by however many sessions at a time.
 *
 * It is no edit: ddd.touch_row() leaves updated_at. All other triggers see it,
 * for without a lock they cannot be switched off.
 *
 * The statement is made of the caller's expressions, who has the privileges of
 * the owner of the tables; it runs as that owner.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "migrations/migrations.h"
#include "migrations/stash.h"

typedef struct Backfill
{
	Datum		job[3];			/* table, assignments, condition: what it is known by */
	char	   *table_name;
	char	   *assignments;
	char	   *condition;
	int			batch_size;
	bool		has_begun;		/* its row in ddd.backfills was there */
	int64		rows_read;
	int64		rows_changed;
} Backfill;

/* How a column of the table's primary key is written. */
typedef enum KeyForm
{
	KEY_NAME,
	KEY_LITERAL,				/* its name as a string */
} KeyForm;

#define IS_JOB	"(table_name, assignments, condition) = ($1, $2, $3)"

static SpiPlan begin_plan = {
	.sql = "INSERT INTO ddd.backfills (table_name, assignments, condition, rows_read, rows_changed, started_at, started_by)"
	" VALUES ($1, $2, $3, 0, 0, clock_timestamp(), session_user::text) ON CONFLICT DO NOTHING",
	.nargs = 3,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID},
};

static SpiPlan lock_plan = {
	.sql = "SELECT last_key, rows_read, rows_changed FROM ddd.backfills WHERE " IS_JOB " FOR UPDATE",
	.nargs = 3,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID},
};

static SpiPlan advance_plan = {
	.sql = "UPDATE ddd.backfills SET last_key = $4, rows_read = $5, rows_changed = $6 WHERE " IS_JOB,
	.nargs = 6,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, INT8OID, INT8OID},
};

static SpiPlan end_plan = {
	.sql = "DELETE FROM ddd.backfills WHERE " IS_JOB,
	.nargs = 3,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID},
};

static void check_caller(FunctionCallInfo fcinfo);
static bool write_batch(Backfill *job);
static int64 run_batch(Backfill *job, Datum *last_key, bool *has_key);
static char *batch_statement(Backfill *job, bool has_key);
static void append_key(StringInfo sql, StashTable *table, const char *before, KeyForm form,
					   const char *after);
static void wait_for(Interval *pause);

PG_FUNCTION_INFO_V1(ddd_backfill);

Datum
ddd_backfill(PG_FUNCTION_ARGS)
{
	Backfill	job = {
		.job = {
			PointerGetDatum(arg_text(fcinfo, 0, "table_name")),
			PointerGetDatum(arg_text(fcinfo, 1, "assignments")),
			PointerGetDatum(arg_text(fcinfo, 2, "condition")),
		},
	};
	bool		is_done = false;

	arg_required(fcinfo, 3, "batch_size");
	arg_required(fcinfo, 4, "pause");
	job.batch_size = PG_GETARG_INT32(3);
	if (job.batch_size < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_size must be at least 1")));
	job.table_name = TextDatumGetCString(job.job[0]);
	job.assignments = TextDatumGetCString(job.job[1]);
	job.condition = TextDatumGetCString(job.job[2]);
	check_caller(fcinfo);

	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	while (!is_done)
	{
		CHECK_FOR_INTERRUPTS();
		PushActiveSnapshot(GetTransactionSnapshot());
		is_done = write_batch(&job);
		PopActiveSnapshot();
		SPI_commit();
		if (!is_done)
			wait_for(PG_GETARG_INTERVAL_P(4));
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	ereport(NOTICE,
			(errmsg("%lld of %lld rows of ddd.%s were written",
					(long long) job.rows_changed, (long long) job.rows_read, job.table_name)));
	PG_RETURN_VOID();
}

/* Raises what a call can be refused for, before anything is done. */
static void
check_caller(FunctionCallInfo fcinfo)
{
	bool		may_commit = fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic;

	PreventCommandIfReadOnly("ddd.backfill()");
	if (!may_commit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("ddd.backfill() commits after each batch, so it must not be called in a transaction")));
	version_guard();
	if (!has_privs_of_role(GetUserId(), relation_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for procedure ddd.backfill()"),
				 errdetail("It is for the owner of the tables.")));
}

/* Writes the next batch; tells whether it was the last. */
static bool
write_batch(Backfill *job)
{
	ApiCall		call;
	Datum		values[6] = {job->job[0], job->job[1], job->job[2]};
	char		nulls[7] = "      ";
	bool		has_key;
	bool		has_begun = job->has_begun;
	bool		is_null;
	int64		rows_read;

	api_begin(&call);
	/* a policy must not hide rows */
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	stash_pin_formats();
	if (!has_begun)
		plan_execute(&begin_plan, values, NULL, false);
	job->has_begun = true;
	if (plan_execute(&lock_plan, values, NULL, false) == 0)
	{
		/* another session has come to the end of it */
		api_end(&call);
		return true;
	}
	values[3] = plan_value(0, 1, JSONBOID, &is_null);
	has_key = !is_null;
	job->rows_read = plan_int64(0, 2);
	job->rows_changed = plan_int64(0, 3);

	rows_read = run_batch(job, &values[3], &has_key);
	nulls[3] = has_key ? ' ' : 'n';
	values[4] = Int64GetDatum(job->rows_read);
	values[5] = Int64GetDatum(job->rows_changed);
	if (rows_read == job->batch_size)
		plan_execute(&advance_plan, values, nulls, false);
	else
		plan_execute(&end_plan, values, NULL, false);
	api_end(&call);
	return rows_read < job->batch_size;
}

/* Writes the rows after a key, if there is one; returns how many it has read, and the last one's key. */
static int64
run_batch(Backfill *job, Datum *last_key, bool *has_key)
{
	Datum		values[2] = {*last_key, Int32GetDatum(job->batch_size)};
	Oid			types[2] = {JSONBOID, INT4OID};
	MemoryContext context = CurrentMemoryContext;
	char	   *sql = batch_statement(job, *has_key);
	int64		rows_read;
	bool		is_null;

	touch_row_stop(true);
	PG_TRY();
	{
		if (SPI_execute_with_args(sql, 2, types, values, *has_key ? "  " : "n ", false, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not run \"%s\"", sql);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		touch_row_stop(false);
		error = error_take(context);
		error->context = psprintf("backfill of ddd.%s", job->table_name);
		ReThrowError(error);
	}
	PG_END_TRY();
	touch_row_stop(false);

	*last_key = plan_value(0, 1, JSONBOID, &is_null);
	*has_key = !is_null;
	rows_read = plan_int64(0, 2);
	job->rows_read += rows_read;
	job->rows_changed += plan_int64(0, 3);
	return rows_read;
}

/*
 * Rows are locked in the order of their keys, as the functions of the API lock
 * them, and then looked at again: the condition holds of what is written. The
 * caller's expressions see the table's columns and no others.
 */
static char *
batch_statement(Backfill *job, bool has_key)
{
	Oid			relid = get_relname_relid(job->table_name, get_namespace_oid("ddd", false));
	StashTable	table;
	StringInfoData sql;
	const char *this_table;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("schema ddd has no table \"%s\"", job->table_name)));
	LockRelationOid(relid, RowExclusiveLock);
	stash_table_open(&table, job->table_name);
	this_table = psprintf("%s.", quote_identifier(table.name));

	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH batch AS MATERIALIZED (SELECT ");
	append_key(&sql, &table, "t.", KEY_NAME, "");
	appendStringInfo(&sql, " FROM %s AS t WHERE ", table.qualified);
	if (has_key)
	{
		appendStringInfoChar(&sql, '(');
		append_key(&sql, &table, "t.", KEY_NAME, "");
		appendStringInfoString(&sql, ") > (SELECT ");
		append_key(&sql, &table, "k.", KEY_NAME, "");
		appendStringInfo(&sql, " FROM jsonb_populate_record(NULL::%s, $1) AS k)", table.qualified);
	}
	else
		appendStringInfoString(&sql, "$1 IS NULL");
	appendStringInfoString(&sql, " ORDER BY ");
	append_key(&sql, &table, "t.", KEY_NAME, "");
	appendStringInfoString(&sql, " LIMIT $2), chosen AS MATERIALIZED (SELECT ");
	append_key(&sql, &table, this_table, KEY_NAME, "");
	appendStringInfo(&sql, " FROM %s WHERE (", table.qualified);
	append_key(&sql, &table, this_table, KEY_NAME, "");
	appendStringInfo(&sql, ") IN (SELECT * FROM batch) AND (%s\n) ORDER BY ", job->condition);
	append_key(&sql, &table, this_table, KEY_NAME, "");
	appendStringInfo(&sql, " FOR NO KEY UPDATE), changed AS (UPDATE %s SET %s\n WHERE (", table.qualified, job->assignments);
	append_key(&sql, &table, this_table, KEY_NAME, "");
	appendStringInfoString(&sql, ") IN (SELECT * FROM chosen) RETURNING 1) SELECT (SELECT jsonb_object(ARRAY[");
	append_key(&sql, &table, "", KEY_LITERAL, "");
	appendStringInfoString(&sql, "]::text[], ARRAY[");
	append_key(&sql, &table, "format('%s', b.", KEY_NAME, ")");
	appendStringInfoString(&sql, "]::text[]) FROM batch AS b ORDER BY ");
	append_key(&sql, &table, "b.", KEY_NAME, " DESC");
	appendStringInfoString(&sql, " LIMIT 1), (SELECT count(*) FROM batch), (SELECT count(*) FROM changed)");
	stash_table_close(&table);
	return sql.data;
}

/* Appends a list of the key's columns, each in one of its forms, between two texts. */
static void
append_key(StringInfo sql, StashTable *table, const char *before, KeyForm form, const char *after)
{
	int			number = -1;
	bool		is_first = true;

	while ((number = bms_next_member(table->key, number)) >= 0)
	{
		const char *name = stash_column_name(table, number);

		appendStringInfo(sql, "%s%s%s%s", is_first ? "" : ", ", before,
						 form == KEY_NAME ? quote_identifier(name) : quote_literal_cstr(name), after);
		is_first = false;
	}
}

static void
wait_for(Interval *pause)
{
	double		seconds = (pause->month * 30.0 + pause->day) * 86400.0 + pause->time / 1000000.0;

	if (seconds > 0)
		DirectFunctionCall1(pg_sleep, Float8GetDatum(seconds));
}
