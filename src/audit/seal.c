/*
 * seal.c
 *		ddd.audit_seal(): a chain of digests over ddd.audit_log.
 *
 * Who writes the log does not chain, or each would wait for the one before. A
 * seal is made later, over a range of transactions that is closed: every
 * transaction before the xmin of a snapshot has ended, so whatever it has
 * written is there, and nothing will follow. How late it commits, and which id
 * or time its rows have, does not matter.
 *
 * Transactions count in their own cluster only. Rows of another one, which came
 * with a dump or through pg_upgrade, are sealed as a range of that cluster's,
 * up to the last that is there.
 *
 * Invariants: numbers are without gap; ranges of a cluster follow one another
 * and do not overlap; the seal of a range is written once.
 *
 * Locks: SHARE ROW EXCLUSIVE on ddd.audit_seals to the end of the transaction,
 * taken before the snapshot that is read in. So one seals at a time, and sees
 * the seals of who came before; a fixed snapshot would not, so REPEATABLE READ
 * is refused.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/xid8.h"

#include "audit/audit.h"

static SpiPlan subscription_plan = {
	.sql = "SELECT FROM pg_catalog.pg_subscription_rel r"
	" WHERE r.srrelid IN (to_regclass('ddd.audit_log'), to_regclass('ddd.audit_seals'))",
};

static SpiPlan snapshot_plan = {
	.sql = "SELECT pg_catalog.pg_snapshot_xmin(s), pg_catalog.pg_snapshot_xmax(s)"
	" FROM pg_catalog.pg_current_snapshot() s",
};

static SpiPlan last_plan = {
	.sql = "SELECT " SEAL_COLUMNS " FROM ddd.audit_seals s ORDER BY s.number DESC LIMIT 1",
};

/* Clusters that rows are of, one after the other. */
static SpiPlan cluster_plan = {
	.sql = "SELECT l.system_identifier FROM ddd.audit_log l WHERE l.system_identifier > $1"
	" ORDER BY l.system_identifier LIMIT 1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_WALK,
};

/* Where the seals of a cluster end. */
static SpiPlan sealed_plan = {
	.sql = "SELECT coalesce(max(s.to_xid), '0'::xid8) FROM ddd.audit_seals s WHERE s.system_identifier = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* The last transaction of another cluster. */
static SpiPlan newest_plan = {
	.sql = "SELECT l.xid FROM ddd.audit_log l WHERE l.system_identifier = $1"
	" ORDER BY l.xid DESC LIMIT 1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan append_plan = {
	.sql = "INSERT INTO ddd.audit_seals AS s (number, system_identifier, from_xid, to_xid, row_count, first_at,"
	" sealed_at, rows_digest, previous_digest, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.nargs = 10,
	.argtypes = {INT8OID, INT8OID, XID8OID, XID8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID,
	BYTEAOID, BYTEAOID, BYTEAOID},
};

static void check_publisher(void);
static FullTransactionId ended_before(void);
static void seal_cluster(AuditSeal *seal, FullTransactionId own_end);
static void append(const AuditSeal *seal);
static FullTransactionId xid_result(int column);

PG_FUNCTION_INFO_V1(ddd_audit_seal);

Datum
ddd_audit_seal(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	AuditSeal	seal = {0};
	FullTransactionId own_end;
	bytea	   *digest = NULL;

	PreventCommandIfReadOnly("ddd.audit_seal()");
	check_isolation("ddd.audit_seal()");
	api_begin(&call);
	audit_no_policy();
	check_publisher();
	/* as a migration does, the log before the seals */
	LockRelationOid(get_relname_relid("audit_log", get_namespace_oid("ddd", false)), AccessShareLock);
	LockRelationOid(get_relname_relid("audit_seals", get_namespace_oid("ddd", false)), ShareRowExclusiveLock);

	own_end = ended_before();
	if (plan_execute(&last_plan, NULL, NULL, false) > 0)
		seal_take(&seal);
	for (int64 cluster = PG_INT64_MIN;
		 plan_execute(&cluster_plan, (Datum[]) {Int64GetDatum(cluster)}, NULL, false) > 0;)
	{
		CHECK_FOR_INTERRUPTS();
		cluster = seal.system_identifier = plan_int64(0, 1);
		seal_cluster(&seal, own_end);
	}
	if (seal.digest != NULL)
	{
		MemoryContext spi_context = MemoryContextSwitchTo(call.result_context);

		digest = palloc(VARSIZE_ANY(seal.digest));
		memcpy(digest, seal.digest, VARSIZE_ANY(seal.digest));
		MemoryContextSwitchTo(spi_context);
	}
	api_end(&call);
	if (digest == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(digest);
}

/* Another server's transactions go on there, and so do its seals. */
static void
check_publisher(void)
{
	if (plan_execute(&subscription_plan, NULL, NULL, false) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log is replicated from another server"),
				 errhint("Run ddd.audit_seal() there.")));
}

/*
 * Returns the transaction before which all have ended. Refuses a log that was
 * sealed beyond the transactions of this cluster: a physical copy has the same
 * identifier, and a dump of it may have been loaded here.
 */
static FullTransactionId
ended_before(void)
{
	FullTransactionId xmin;
	FullTransactionId xmax;
	Datum		own = Int64GetDatum((int64) GetSystemIdentifier());

	plan_execute(&snapshot_plan, NULL, NULL, false);
	xmin = xid_result(1);
	xmax = xid_result(2);
	plan_execute(&sealed_plan, &own, NULL, false);
	if (FullTransactionIdFollows(xid_result(1), xmax))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log was sealed in a copy of this cluster that is ahead of it"),
				 errhint("Move the rows of ddd.audit_log and ddd.audit_seals to other tables.")));
	return xmin;
}

/*
 * Appends a seal over what is not sealed yet of the cluster that "seal" names,
 * the last one otherwise; leaves in "seal" what is the last one then.
 */
static void
seal_cluster(AuditSeal *seal, FullTransactionId own_end)
{
	Datum		cluster = Int64GetDatum(seal->system_identifier);
	AuditSeal	next = {
		.number = seal->number + 1,
		.system_identifier = seal->system_identifier,
		.to_xid = own_end,
		.sealed_at = GetCurrentTimestamp(),
		.previous_digest = seal->digest != NULL ? seal->digest : digest_none(),
	};

	plan_execute(&sealed_plan, &cluster, NULL, false);
	next.from_xid = xid_result(1);
	if (seal->system_identifier != (int64) GetSystemIdentifier() &&
		plan_execute(&newest_plan, &cluster, NULL, false) > 0)
	{
		next.to_xid = xid_result(1);
		FullTransactionIdAdvance(&next.to_xid);
	}
	seal_read_rows(&next, false);
	if (next.row_count == 0)
		return;
	next.digest = seal_digest(&next);
	append(&next);
	*seal = next;
}

static void
append(const AuditSeal *seal)
{
	plan_execute(&append_plan, (Datum[])
				 {
					 Int64GetDatum(seal->number), Int64GetDatum(seal->system_identifier),
					 FullTransactionIdGetDatum(seal->from_xid), FullTransactionIdGetDatum(seal->to_xid),
					 Int64GetDatum(seal->row_count), TimestampTzGetDatum(seal->first_at),
					 TimestampTzGetDatum(seal->sealed_at), PointerGetDatum(seal->rows_digest),
					 PointerGetDatum(seal->previous_digest), PointerGetDatum(seal->digest)
				 }, NULL, false);
}

/* Returns an xid8 of the first row of the last statement. */
static FullTransactionId
xid_result(int column)
{
	bool		isnull;
	Datum		value = plan_value(0, column, XID8OID, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a result", column);
	return DatumGetFullTransactionId(value);
}
