/*
 * messages.c
 *		What users are sent by mail: a token that proves an address, a token that
 *		resets a password.
 *
 * A request leaves a row in ddd.outbox; sending is the application's matter,
 * which takes the rows by ddd.take_outbox(). Tokens are made there, so that
 * none is stored, and one that could not be delivered was never made: the
 * transaction that took it rolls back.
 *
 * A request tells nobody whether there is such an account. It takes the time
 * of a log-in, and where no row is written it puts as much into the write-ahead
 * log, so that its commit takes as long. It waits before it writes: whoever
 * asks for the same account meanwhile need not wait for it. What others have
 * written is seen whatever the isolation level, for an error would tell, too.
 *
 * There is one message of a kind to a user at a time, and a next one only when
 * the last is a minute old, so nobody's mailbox can be filled.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "users/throttle.h"
#include "users/token.h"
#include "users/users.h"
#include "users/write.h"

#define DEFAULT_RESET_TTL	(60 * 60)
#define DEFAULT_VERIFY_TTL	(24 * 60 * 60)
#define MAX_TTL				(365 * 24 * 60 * 60)

#define VERIFY_EMAIL	"verify_email"

/* In the tag of a message's lock. */
#define RESET_LOCK		4
#define VERIFY_LOCK		5

/* What one request writes, in bytes: the row and its two entries in indexes. */
#define REQUEST_SIZE		200

static int	reset_ttl = DEFAULT_RESET_TTL;
static int	verify_ttl = DEFAULT_VERIFY_TTL;

static SpiPlan find_plan = {
	.sql = "SELECT u.id FROM ddd.users u"
	" WHERE lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\") AND u.is_active",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

/* $2 is the kind, which is the purpose of the token as well. */
static SpiPlan wanted_plan = {
	.sql = "SELECT FROM ddd.users u WHERE u.id = $1 AND u.is_active"
	" AND NOT EXISTS (SELECT FROM ddd.outbox m WHERE m.user_id = u.id AND m.kind = $2)"
	" AND NOT EXISTS (SELECT FROM ddd.tokens t WHERE t.user_id = u.id AND t.purpose = $2"
	" AND t.created_at > now() - interval '1 minute')"
	" AND NOT ($2 = 'verify_email' AND EXISTS (SELECT FROM ddd.verified_emails v"
	" WHERE v.user_id = u.id AND v.email = u.email))",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTOID},
};

/* What the owner of the tables inserts himself at the same moment is no error. */
static SpiPlan request_plan = {
	.sql = "INSERT INTO ddd.outbox (user_id, kind) VALUES ($1, $2) ON CONFLICT (user_id, kind) DO NOTHING",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTOID},
};

/* Users before their messages, as whoever deletes a user does; one who is being deleted is passed over. */
static SpiPlan next_plan = {
	.sql = "SELECT m.kind, u.id, u.email, u.full_name, u.is_active"
	" FROM ddd.outbox m JOIN ddd.users u ON u.id = m.user_id"
	" ORDER BY m.requested_at, m.user_id, m.kind LIMIT $1"
	" FOR KEY SHARE OF u SKIP LOCKED FOR UPDATE OF m SKIP LOCKED",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan take_plan = {
	.sql = "DELETE FROM ddd.outbox WHERE user_id = $1 AND kind = $2",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTOID},
};

static SpiPlan make_token_plan = {
	.sql = "INSERT INTO ddd.tokens (digest, user_id, purpose, scope, bound_to, expires_at)"
	" SELECT $1, u.id, $3, '', " TOKEN_BOUND_TO("$3") ", clock_timestamp() + make_interval(secs => $4)"
	" FROM ddd.users u WHERE u.id = $2"
	" RETURNING expires_at",
	.nargs = 4,
	.argtypes = {BYTEAOID, INT8OID, TEXTOID, INT4OID},
};

static SpiPlan verify_email_plan = {
	.sql = "WITH owner AS MATERIALIZED ("
	"SELECT u.* FROM ddd.tokens t JOIN ddd.users u ON u.id = t.user_id WHERE t.digest = $1 FOR KEY SHARE OF u"
	"), proof AS ("
	"DELETE FROM ddd.tokens t USING owner u"
	" WHERE u.id = t.user_id AND t.digest = $1 AND t.purpose = 'verify_email' AND " TOKEN_COUNTS
	" RETURNING u.id, u.email)"
	" INSERT INTO ddd.verified_emails AS v (user_id, email) SELECT id, email FROM proof"
	" ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, verified_at = excluded.verified_at",
	.nargs = 1,
	.argtypes = {BYTEAOID},
};

static SpiPlan reset_token_plan = {
	.sql = "SELECT u.id FROM ddd.tokens t JOIN ddd.users u ON u.id = t.user_id"
	" WHERE t.digest = $1 AND t.purpose = 'reset_password' AND " TOKEN_COUNTS,
	.nargs = 1,
	.argtypes = {BYTEAOID},
};

/* The token is bound to the old hash: of two that use it, one finds it void. */
static SpiPlan reset_plan = {
	.sql = "UPDATE ddd.users u SET hashed_password = $2 FROM ddd.tokens t"
	" WHERE u.id = t.user_id AND t.digest = $1 AND t.purpose = 'reset_password' AND " TOKEN_COUNTS,
	.nargs = 2,
	.argtypes = {BYTEAOID, TEXTOID},
};

static SpiPlan email_verified_plan = {
	.sql = "SELECT EXISTS (SELECT FROM ddd.verified_emails v WHERE v.user_id = u.id AND v.email = u.email)"
	" FROM ddd.users u WHERE u.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static bool lock_message(int64 user_id, bool verifies);
static Datum request(FunctionCallInfo fcinfo, const char *function, const char *kind);

void
messages_init(void)
{
	DefineCustomIntVariable("ddd.reset_token_ttl",
							"Sets how long a token that resets a password counts.",
							"From the time when the message is taken from ddd.outbox.",
							&reset_ttl, DEFAULT_RESET_TTL, 1, MAX_TTL,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.verify_token_ttl",
							"Sets how long a token that proves an e-mail address counts.",
							"From the time when the message is taken from ddd.outbox.",
							&verify_ttl, DEFAULT_VERIFY_TTL, 1, MAX_TTL,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

PG_FUNCTION_INFO_V1(ddd_request_password_reset);

Datum
ddd_request_password_reset(PG_FUNCTION_ARGS)
{
	return request(fcinfo, "ddd.request_password_reset()", "reset_password");
}

PG_FUNCTION_INFO_V1(ddd_request_email_verification);

Datum
ddd_request_email_verification(PG_FUNCTION_ARGS)
{
	return request(fcinfo, "ddd.request_email_verification()", VERIFY_EMAIL);
}

PG_FUNCTION_INFO_V1(ddd_take_outbox);

Datum
ddd_take_outbox(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ApiCall		call;
	ListPage	page;
	SPITupleTable *messages;
	Datum		first;
	uint64		count;

	page_begin(&page, "take_outbox");
	page_limits(&page, fcinfo, 0, -1);
	first = Int64GetDatum(page.first);

	InitMaterializedSRF(fcinfo, 0);
	api_begin(&call);
	access_check(ACCESS_TAKE_OUTBOX, 0);
	count = plan_execute(&next_plan, &first, NULL, false);
	messages = SPI_tuptable;
	check_row_type(messages->tupdesc, rsinfo->setDesc, 4);
	check_column_type(messages->tupdesc, 5, BOOLOID);
	for (uint64 i = 0; i < count; i++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};
		bool		verifies;
		Datum		digest;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		for (int col = 1; col <= 4; col++)
			values[col - 1] = SPI_getbinval(messages->vals[i], messages->tupdesc, col, &nulls[col - 1]);
		verifies = strcmp(TextDatumGetCString(values[0]), VERIFY_EMAIL) == 0;
		(void) lock_message(DatumGetInt64(values[1]), verifies);
		plan_execute(&take_plan, (Datum[])
					 {
						 values[1], values[0]
					 }, NULL, false);
		if (!DatumGetBool(SPI_getbinval(messages->vals[i], messages->tupdesc, 5, &isnull)))
			continue;

		values[4] = CStringGetTextDatum(token_make(&digest));
		if (plan_execute(&make_token_plan, (Datum[])
						 {
							 digest, values[1], values[0], Int32GetDatum(verifies ? verify_ttl : reset_ttl)
						 }, NULL, false) == 0)
			continue;
		values[5] = plan_value(0, 1, TIMESTAMPTZOID, &isnull);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		SPI_freetuptable(SPI_tuptable);
	}
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_verify_email);

Datum
ddd_verify_email(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *token;
	Datum		digest;
	bool		verified;

	secret_call(fcinfo, "verify_email", 0);
	token = arg_text(fcinfo, 0, "token");
	version_guard();
	if (!token_digest(token, &digest))
		PG_RETURN_BOOL(false);
	api_begin(&call);
	verified = plan_execute(&verify_email_plan, &digest, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(verified);
}

PG_FUNCTION_INFO_V1(ddd_reset_password);

Datum
ddd_reset_password(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *token;
	text	   *new_password;
	Datum		values[2];
	bool		counts;

	secret_call(fcinfo, "reset_password", 0);
	secret_call(fcinfo, "reset_password", 1);
	token = arg_text(fcinfo, 0, "token");
	new_password = arg_text(fcinfo, 1, "new_password");
	version_guard();
	PreventCommandIfReadOnly("ddd.reset_password()");
	password_check_new(new_password);
	if (!token_digest(token, &values[0]))
		PG_RETURN_BOOL(false);

	/* no hashing for tokens that are made up */
	api_begin(&call);
	counts = plan_execute(&reset_token_plan, values, NULL, false) > 0;
	api_end(&call);
	if (!counts)
		PG_RETURN_BOOL(false);

	values[1] = CStringGetTextDatum(password_hash(new_password));
	api_begin(&call);
	counts = user_write(&reset_plan, values, NULL) > 0;
	api_end(&call);
	PG_RETURN_BOOL(counts);
}

PG_FUNCTION_INFO_V1(ddd_email_verified);

Datum
ddd_email_verified(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		user_id = Int64GetDatum(arg_int64(fcinfo, 0, "user_id"));
	Datum		verified = (Datum) 0;
	bool		isnull = true;

	api_begin(&call);
	if (plan_execute(&email_verified_plan, &user_id, NULL, true) > 0)
		verified = plan_value(0, 1, BOOLOID, &isnull);
	api_end(&call);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(verified);
}

static Datum
request(FunctionCallInfo fcinfo, const char *function, const char *kind)
{
	static const char as_much[REQUEST_SIZE] = {0};
	ApiCall		call;
	Attempt		attempt;
	Datum		email = PointerGetDatum(text_trim(arg_text(fcinfo, 0, "email")));
	bool		requested = false;

	version_guard();
	PreventCommandIfReadOnly(function);
	attempt_begin_uncounted(&attempt);
	attempt_wait(&attempt);

	api_begin(&call);
	if (plan_execute(&find_plan, &email, NULL, false) > 0)
	{
		int64		user_id = plan_int64(0, 1);
		Datum		values[] = {Int64GetDatum(user_id), CStringGetTextDatum(kind)};

		requested = lock_message(user_id, strcmp(kind, VERIFY_EMAIL) == 0) &&
			plan_execute_latest(&wanted_plan, values) > 0 &&
			plan_execute(&request_plan, values, NULL, false) > 0;
	}
	if (!requested)
		compat_log_message("ddd", as_much, sizeof(as_much));
	api_end(&call);
	PG_RETURN_VOID();
}

/*
 * Takes a message to a user until the transaction ends, without waiting: the
 * row of one that somebody is sending or asking for would have to be waited
 * for, which tells that there is such an account. A lock of the advisory kind,
 * with a number that no SQL function gives it (see hash_slots.c).
 */
static bool
lock_message(int64 user_id, bool verifies)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (user_id >> 32), (uint32) user_id,
						 verifies ? VERIFY_LOCK : RESET_LOCK);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}
