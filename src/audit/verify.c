/*
 * verify.c
 *		ddd.audit_verify(): whether log and seals are as they were written.
 *
 * Each seal is compared with the rows that are there, with itself and with the
 * one before as it is, so that a finding is about the seal where something was
 * changed, and not about all that follow.
 *
 * Who may write the tables can rewrite a row, its seal and every later one, and
 * nothing in the tables tells. That shows only if the digest of a later seal
 * was kept where he could not reach it: it is the argument. The same goes for
 * seals that were taken away at the end.
 *
 * Writes nothing, and reads in the caller's snapshot: a seal that it sees
 * covers rows that it sees. Memory: one seal and one row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "audit/audit.h"

static SpiPlan next_plan = {
	.sql = "SELECT " SEAL_COLUMNS " FROM ddd.audit_seals s WHERE s.number > $1 ORDER BY s.number LIMIT 1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan switched_plan = {
	.sql = "SELECT l.action = 'ENABLE' FROM ddd.audit_log l WHERE l.action IN ('ENABLE', 'DISABLE')"
	" ORDER BY l.at DESC, l.id DESC LIMIT 1",
	.choice = PLAN_WALK,
};

static void verify_seal(FunctionCallInfo fcinfo, const AuditSeal *seal, const AuditSeal *before);
static void verify_switch(FunctionCallInfo fcinfo);
static void report(FunctionCallInfo fcinfo, const AuditSeal *seal, const char *finding,
				   const char *expected, const char *found);
static char *hex(const bytea *digest);
static char *decimal(int64 number);

PG_FUNCTION_INFO_V1(ddd_audit_verify);

Datum
ddd_audit_verify(PG_FUNCTION_ARGS)
{
	bytea	   *wanted = PG_ARGISNULL(0) ? NULL : PG_GETARG_BYTEA_PP(0);
	bool		found = wanted == NULL;
	ApiCall		call;
	AuditSeal	seal;
	AuditSeal	before = {0};
	MemoryContext contexts[2];
	Datum		number = Int64GetDatum(PG_INT64_MIN);

	api_begin(&call);
	audit_no_policy();
	page_result(fcinfo);
	/* a seal lives until the one after it was compared with it */
	for (int i = 0; i < 2; i++)
		contexts[i] = AllocSetContextCreate(CurrentMemoryContext, "ddd audit seal", ALLOCSET_SMALL_SIZES);
	for (int i = 0; plan_execute(&next_plan, &number, NULL, true) > 0; i = 1 - i)
	{
		SPITupleTable *result = SPI_tuptable;
		MemoryContext spi_context;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(contexts[i]);
		spi_context = MemoryContextSwitchTo(contexts[i]);
		seal_take(&seal);
		verify_seal(fcinfo, &seal, before.digest != NULL ? &before : NULL);
		found = found || digest_equal(seal.digest, wanted);
		before = seal;
		before.digest = (bytea *) pg_detoast_datum_copy((struct varlena *) seal.digest);
		MemoryContextSwitchTo(spi_context);
		SPI_freetuptable(result);
		number = Int64GetDatum(seal.number);
	}
	if (!found)
		report(fcinfo, NULL, "no seal has the expected digest", hex(wanted), NULL);
	verify_switch(fcinfo);
	api_end(&call);
	return (Datum) 0;
}

/* Compares a seal with the rows, with itself, and with the one before if that is kept. */
static void
verify_seal(FunctionCallInfo fcinfo, const AuditSeal *seal, const AuditSeal *before)
{
	AuditSeal	now = *seal;

	if (before != NULL && seal->number != before->number + 1)
		report(fcinfo, seal, "the seal before it is missing", decimal(seal->number - 1),
			   decimal(before->number));
	if (before != NULL && !digest_equal(seal->previous_digest, before->digest))
		report(fcinfo, seal, "it does not follow the seal before it", hex(seal->previous_digest),
			   hex(before->digest));
	if (!digest_equal(seal_digest(seal), seal->digest))
		report(fcinfo, seal, "the seal was changed", hex(seal->digest), hex(seal_digest(seal)));

	seal_read_rows(&now, true);
	if (now.row_count != seal->row_count)
		report(fcinfo, seal, now.row_count < seal->row_count ? "rows are missing" : "rows were added",
			   decimal(seal->row_count), decimal(now.row_count));
	else if (!digest_equal(now.rows_digest, seal->rows_digest))
		report(fcinfo, seal, "rows were changed", hex(seal->rows_digest), hex(now.rows_digest));
}

/* Tells when the log ends with the audit enabled, and not all of its triggers are in force. */
static void
verify_switch(FunctionCallInfo fcinfo)
{
	bool		isnull;
	int			wanted;
	int			there;

	if (plan_execute(&switched_plan, NULL, NULL, true) == 0 ||
		!DatumGetBool(plan_value(0, 1, BOOLOID, &isnull)))
		return;
	there = audit_triggers(true, &wanted);
	if (there < wanted)
		report(fcinfo, NULL, "the audit was enabled, and triggers are not in force", decimal(wanted),
			   decimal(there));
}

static void
report(FunctionCallInfo fcinfo, const AuditSeal *seal, const char *finding,
	   const char *expected, const char *found)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		nulls[4] = {seal == NULL, false, false, found == NULL};
	Datum		values[4] = {0};

	if (seal != NULL)
		values[0] = Int64GetDatum(seal->number);
	values[1] = CStringGetTextDatum(finding);
	values[2] = CStringGetTextDatum(expected);
	if (found != NULL)
		values[3] = CStringGetTextDatum(found);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static char *
hex(const bytea *digest)
{
	return DatumGetCString(DirectFunctionCall1(byteaout, PointerGetDatum(digest)));
}

static char *
decimal(int64 number)
{
	return psprintf(INT64_FORMAT, number);
}
