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
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
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
	bool		is_shared;		/* another session has come to the end of it */
	int64		rows_read;
	int64		rows_changed;
} Backfill;

/* The primary key of the table, in the order of its index. */
typedef struct BackfillKey
{
	Oid			relid;
	const char *relation;		/* as SQL names it */
	const char *columns;		/* table.a, table.b */
	const char *object;			/* of a row of batch: 'a', its value as text, ... */
	const char *last;			/* values of the last key as their types, NULL before the first */
	const char *descending;		/* a DESC, b DESC */
} BackfillKey;

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

/* $2 is the last key; whether the table still has one like it comes with it. */
static SpiPlan key_plan = {
	.sql = "SELECT string_agg(format('%I.%I', c.relname, a.attname), ', ' ORDER BY k.nth),"
	" string_agg(format('%L, format(''%%s'', b.%I)', a.attname, a.attname), ', ' ORDER BY k.nth),"
	" string_agg(format('(%L::jsonb ->> %L)::%s', $2, a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY k.nth),"
	" string_agg(format('b.%I DESC', a.attname), ', ' ORDER BY k.nth),"
	" $2 IS NULL OR array_agg(a.attname::text ORDER BY a.attname::text) = ARRAY(SELECT jsonb_object_keys($2) ORDER BY 1)"
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid,"
	" unnest(i.indkey) WITH ORDINALITY AS k (attnum, nth), pg_catalog.pg_attribute a"
	" WHERE i.indrelid = $1 AND i.indisprimary AND k.nth <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.attnum"
	" HAVING count(*) > 0",
	.nargs = 2,
	.argtypes = {OIDOID, JSONBOID},
};

static void check_caller(FunctionCallInfo fcinfo);
static void batch_begin(ApiCall *call);
static void begin_job(Backfill *job);
static bool write_batch(Backfill *job);
static void find_key(Backfill *job, Datum last_key, bool has_key, BackfillKey *key);
static int64 run_batch(Backfill *job, const BackfillKey *key, Datum *last_key, bool *has_key);
static char *batch_statement(Backfill *job, const BackfillKey *key);
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
	begin_job(&job);
	SPI_commit();
	while (!is_done)
	{
		CHECK_FOR_INTERRUPTS();
		is_done = write_batch(&job);
		SPI_commit();
		if (!is_done)
			wait_for(PG_GETARG_INTERVAL_P(4));
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	if (job.is_shared)
		ereport(NOTICE,
				(errmsg("the backfill of ddd.%s was ended by another session", job.table_name)));
	else
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
}

/*
 * Begins the work of a transaction. Versions and owner may be others than in
 * the one before it; while the table is locked the owner stays.
 */
static void
batch_begin(ApiCall *call)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	AcceptInvalidationMessages();
	version_guard();
	LockRelationOid(relation_schema_version(), AccessShareLock);
	version_guard();
	if (!has_privs_of_role(GetUserId(), relation_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for procedure ddd.backfill()"),
				 errdetail("It is for the owner of the tables.")));
	api_begin(call);
	/* a policy must not hide rows */
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	stash_pin_formats();
}

/*
 * Says in ddd.backfills that it has begun, unless it had. A session that waits
 * here for another finds the other's job, or that it has come to its end.
 */
static void
begin_job(Backfill *job)
{
	ApiCall		call;
	BackfillKey key;
	bool		is_new;

	batch_begin(&call);
	find_key(job, (Datum) 0, false, &key);
	/* what is no statement has not begun */
	if (SPI_prepare(batch_statement(job, &key), 0, NULL) == NULL)
		elog(ERROR, "could not prepare a backfill: %s", SPI_result_code_string(SPI_result));
	is_new = plan_execute(&begin_plan, job->job, NULL, false) == 1;
	if (!is_new && plan_execute(&lock_plan, job->job, NULL, false) == 1 && plan_int64(0, 2) > 0)
		ereport(NOTICE,
				(errmsg("the backfill of ddd.%s goes on after the %lld rows that were read before",
						job->table_name, (long long) plan_int64(0, 2)),
				 errhint("To begin anew, delete its row from ddd.backfills.")));
	api_end(&call);
	PopActiveSnapshot();
}

/* Writes the next batch; tells whether it was the last. */
static bool
write_batch(Backfill *job)
{
	ApiCall		call;
	Datum		values[6] = {job->job[0], job->job[1], job->job[2]};
	char		nulls[7] = "      ";
	BackfillKey key;
	bool		has_key;
	bool		is_null;
	bool		is_last = true;

	batch_begin(&call);
	if (plan_execute(&lock_plan, values, NULL, false) == 0)
		job->is_shared = true;
	else
	{
		values[3] = plan_value(0, 1, JSONBOID, &is_null);
		has_key = !is_null;
		job->rows_read = plan_int64(0, 2);
		job->rows_changed = plan_int64(0, 3);
		find_key(job, values[3], has_key, &key);
		is_last = run_batch(job, &key, &values[3], &has_key) < job->batch_size;
		nulls[3] = has_key ? ' ' : 'n';
		values[4] = Int64GetDatum(job->rows_read);
		values[5] = Int64GetDatum(job->rows_changed);
		plan_execute(is_last ? &end_plan : &advance_plan, values, is_last ? NULL : nulls, false);
	}
	api_end(&call);
	PopActiveSnapshot();
	return is_last;
}

/* Locks the table and finds its key; raises 42P01, and 55000 where it has none or another than last time. */
static void
find_key(Backfill *job, Datum last_key, bool has_key, BackfillKey *key)
{
	Datum		values[2];
	TupleDesc	desc;
	HeapTuple	row;
	bool		is_null;

	key->relid = RangeVarGetRelid(makeRangeVar("ddd", job->table_name, -1), RowExclusiveLock, false);
	if (get_rel_relkind(key->relid) != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("schema ddd has no table \"%s\"", job->table_name)));
	key->relation = quote_qualified_identifier("ddd", job->table_name);
	values[0] = ObjectIdGetDatum(key->relid);
	values[1] = last_key;
	if (plan_execute(&key_plan, values, has_key ? "  " : " n", false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ddd.%s\" has no primary key that its rows are known by", job->table_name)));
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	key->columns = SPI_getvalue(row, desc, 1);
	key->object = SPI_getvalue(row, desc, 2);
	key->last = has_key ? SPI_getvalue(row, desc, 3) : NULL;
	key->descending = SPI_getvalue(row, desc, 4);
	if (!DatumGetBool(plan_value(0, 5, BOOLOID, &is_null)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the primary key of ddd.%s is another than when the backfill was stopped", job->table_name),
				 errhint("To begin anew, delete its row from ddd.backfills.")));
}

/* Writes the rows after the last key; returns how many it has read, and the new last key. */
static int64
run_batch(Backfill *job, const BackfillKey *key, Datum *last_key, bool *has_key)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *sql = batch_statement(job, key);
	int64		rows_read;
	bool		is_null;

	touch_row_stop(key->relid);
	PG_TRY();
	{
		if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not run \"%s\"", sql);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		touch_row_stop(InvalidOid);
		error = error_take(context);
		error->context = psprintf("backfill of ddd.%s", job->table_name);
		ReThrowError(error);
	}
	PG_END_TRY();
	touch_row_stop(InvalidOid);

	*last_key = plan_value(0, 1, JSONBOID, &is_null);
	*has_key = !is_null;
	rows_read = plan_int64(0, 2);
	job->rows_read += rows_read;
	job->rows_changed += plan_int64(0, 3);
	if (plan_int64(0, 4) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a backfill must not change the primary key"),
				 errdetail("Rows of ddd.%s are taken in its order.", job->table_name)));
	return rows_read;
}

/*
 * Rows are locked in the order of their keys, as the functions of the API lock
 * them, and then looked at again: the condition holds of what is written. The
 * caller's expressions see the table's columns, no others and no parameters.
 */
static char *
batch_statement(Backfill *job, const BackfillKey *key)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "WITH batch AS MATERIALIZED (SELECT %s FROM ONLY %s", key->columns, key->relation);
	if (key->last != NULL)
		appendStringInfo(&sql, " WHERE (%s) > (SELECT %s)", key->columns, key->last);
	appendStringInfo(&sql, " ORDER BY %s LIMIT %d),", key->columns, job->batch_size);
	appendStringInfo(&sql, " chosen AS MATERIALIZED (SELECT %s FROM ONLY %s WHERE (%s) IN (SELECT * FROM batch) AND (%s\n)"
					 " ORDER BY %s FOR NO KEY UPDATE),",
					 key->columns, key->relation, key->columns, job->condition, key->columns);
	appendStringInfo(&sql, " changed AS (UPDATE ONLY %s SET %s\n WHERE (%s) IN (SELECT * FROM chosen) RETURNING %s)",
					 key->relation, job->assignments, key->columns, key->columns);
	appendStringInfo(&sql, " SELECT (SELECT jsonb_build_object(%s) FROM batch AS b ORDER BY %s LIMIT 1),"
					 " (SELECT count(*) FROM batch), (SELECT count(*) FROM changed),"
					 " (SELECT count(*) FROM (TABLE changed EXCEPT TABLE chosen) AS c)",
					 key->object, key->descending);
	return sql.data;
}

static void
wait_for(Interval *pause)
{
	double		seconds = (pause->month * 30.0 + pause->day) * 86400.0 + pause->time / 1000000.0;

	if (seconds > 0)
		DirectFunctionCall1(pg_sleep, Float8GetDatum(seconds));
}
