/*
 * token.c
 *		Access tokens: issue, rotate, revoke, and acting as their user.
 *
 * A token is 256 bits of the system's random source. Only its SHA-256 is
 * stored: a fast hash is right for a secret that cannot be guessed, and a
 * look-up by the digest tells nothing by its time.
 *
 * A token is bound to what its user had when it was made (ddd.tokens.bound_to),
 * so that a new password ends all of them, whoever sets it and however: no
 * trigger has to run, and no downgrade brings one back.
 *
 * Every token that does not count, for whatever reason, raises one error.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "users/token.h"
#include "users/users.h"

#define MAX_SCOPE_LENGTH	255
#define MAX_TTL_MONTHS		120

/* Whoever deletes a user locks him first, and what is his after that: so does everything here. */
static SpiPlan lock_user_plan = {
	.sql = "SELECT FROM ddd.users WHERE id = $1 FOR KEY SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* Waits for those who are making tokens of the user. */
static SpiPlan stop_user_plan = {
	.sql = "SELECT FROM ddd.users WHERE id = $1 FOR UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan issue_plan = {
	.sql = "INSERT INTO ddd.tokens (digest, user_id, purpose, scope, bound_to, expires_at)"
	" SELECT $1, u.id, 'access'::text, $3, " TOKEN_BOUND_TO("'access'") ", clock_timestamp() + $4"
	" FROM ddd.users u WHERE u.id = $2 AND u.is_active",
	.nargs = 4,
	.argtypes = {BYTEAOID, INT8OID, TEXTOID, INTERVALOID},
};

static SpiPlan prune_user_plan = {
	.sql = "DELETE FROM ddd.tokens WHERE digest = ANY (ARRAY("
	"SELECT digest FROM ddd.tokens WHERE user_id = $1 AND expires_at <= clock_timestamp()"
	" FOR UPDATE SKIP LOCKED))",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan find_plan = {
	.sql = "SELECT u.id, u.is_superuser, t.scope, t.expires_at"
	" FROM ddd.tokens t JOIN ddd.users u ON u.id = t.user_id"
	" WHERE t.digest = $1 AND t.purpose = 'access' AND " TOKEN_COUNTS,
	.nargs = 1,
	.argtypes = {BYTEAOID},
};

/* Whoever deletes the old one makes the new one; a second rotation finds nothing. */
static SpiPlan rotate_plan = {
	.sql = "WITH owner AS MATERIALIZED ("
	"SELECT u.* FROM ddd.tokens t JOIN ddd.users u ON u.id = t.user_id WHERE t.digest = $1 FOR KEY SHARE OF u"
	"), gone AS ("
	"DELETE FROM ddd.tokens t USING owner u"
	" WHERE u.id = t.user_id AND t.digest = $1 AND t.purpose = 'access' AND " TOKEN_COUNTS
	" RETURNING t.user_id, t.scope, t.bound_to)"
	" INSERT INTO ddd.tokens (digest, user_id, purpose, scope, bound_to, expires_at)"
	" SELECT $2, user_id, 'access'::text, scope, bound_to, clock_timestamp() + $3 FROM gone",
	.nargs = 3,
	.argtypes = {BYTEAOID, BYTEAOID, INTERVALOID},
};

static SpiPlan revoke_plan = {
	.sql = "DELETE FROM ddd.tokens WHERE digest = $1 AND purpose = 'access'",
	.nargs = 1,
	.argtypes = {BYTEAOID},
};

static SpiPlan revoke_all_plan = {
	.sql = "DELETE FROM ddd.tokens WHERE user_id = $1 AND purpose = 'access'",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan prune_plan = {
	.sql = "DELETE FROM ddd.tokens WHERE expires_at <= clock_timestamp()",
};

static Datum digest_of(const uint8 *secret);
static text *arg_scope(FunctionCallInfo fcinfo, int argno);

PG_FUNCTION_INFO_V1(ddd_issue_token);

Datum
ddd_issue_token(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[4];
	char	   *token;
	uint64		rows;

	values[1] = Int64GetDatum(arg_int64(fcinfo, 0, "user_id"));
	values[3] = arg_ttl(fcinfo, 1, "ttl");
	values[2] = PointerGetDatum(arg_scope(fcinfo, 2));
	token = token_make(&values[0]);

	api_begin(&call);
	access_check(ACCESS_ISSUE_TOKEN, DatumGetInt64(values[1]));
	access_check_scope(TextDatumGetCString(values[2]));
	rows = plan_execute(&lock_user_plan, &values[1], NULL, false);
	if (rows > 0)
	{
		plan_execute(&prune_user_plan, &values[1], NULL, false);
		rows = plan_execute(&issue_plan, values, NULL, false);
	}
	api_end(&call);
	if (rows == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(token));
}

PG_FUNCTION_INFO_V1(ddd_rotate_token);

Datum
ddd_rotate_token(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[3];
	text	   *old;
	char	   *token;
	uint64		rows;

	secret_call(fcinfo, "rotate_token", 0);
	old = arg_text(fcinfo, 0, "token");
	values[2] = arg_ttl(fcinfo, 1, "ttl");
	version_guard();
	if (!token_digest(old, &values[0]))
		token_invalid();
	token = token_make(&values[1]);

	api_begin(&call);
	rows = plan_execute(&rotate_plan, values, NULL, false);
	api_end(&call);
	if (rows == 0)
		token_invalid();
	PG_RETURN_TEXT_P(cstring_to_text(token));
}

PG_FUNCTION_INFO_V1(ddd_revoke_token);

Datum
ddd_revoke_token(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *token;
	Datum		digest;
	bool		revoked;

	secret_call(fcinfo, "revoke_token", 0);
	token = arg_text(fcinfo, 0, "token");
	version_guard();
	if (!token_digest(token, &digest))
		PG_RETURN_BOOL(false);
	api_begin(&call);
	revoked = plan_execute(&revoke_plan, &digest, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(revoked);
}

PG_FUNCTION_INFO_V1(ddd_revoke_tokens);

Datum
ddd_revoke_tokens(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		user_id = Int64GetDatum(arg_int64(fcinfo, 0, "user_id"));
	uint64		revoked;

	check_isolation("ddd.revoke_tokens()");
	api_begin(&call);
	access_check(ACCESS_REVOKE_TOKENS, DatumGetInt64(user_id));
	plan_execute(&stop_user_plan, &user_id, NULL, false);
	revoked = plan_execute(&revoke_all_plan, &user_id, NULL, false);
	api_end(&call);
	PG_RETURN_INT64((int64) revoked);
}

PG_FUNCTION_INFO_V1(ddd_prune_tokens);

Datum
ddd_prune_tokens(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	uint64		pruned;

	api_begin(&call);
	access_check(ACCESS_PRUNE_TOKENS, 0);
	pruned = plan_execute(&prune_plan, NULL, NULL, false);
	api_end(&call);
	PG_RETURN_INT64((int64) pruned);
}

PG_FUNCTION_INFO_V1(ddd_begin_as);

Datum
ddd_begin_as(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *token;
	Datum		digest;
	int64		user_id;
	bool		isnull;

	secret_call(fcinfo, "begin_as", 0);
	token = arg_text(fcinfo, 0, "token");
	version_guard();
	if (!token_digest(token, &digest))
		token_invalid();
	api_begin(&call);
	if (plan_execute_latest(&find_plan, &digest) == 0)
		token_invalid();
	user_id = plan_int64(0, 1);
	identity_set(user_id, DatumGetBool(plan_value(0, 2, BOOLOID, &isnull)),
				 text_to_cstring(plan_text(0, 3)),
				 DatumGetTimestampTz(plan_value(0, 4, TIMESTAMPTZOID, &isnull)));
	api_end(&call);
	PG_RETURN_INT64(user_id);
}

PG_FUNCTION_INFO_V1(ddd_current_user_id);

Datum
ddd_current_user_id(PG_FUNCTION_ARGS)
{
	const Identity *identity = identity_current();

	if (identity == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64(identity->user_id);
}

PG_FUNCTION_INFO_V1(ddd_current_scope);

Datum
ddd_current_scope(PG_FUNCTION_ARGS)
{
	const Identity *identity = identity_current();

	if (identity == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(identity->scope));
}

PG_FUNCTION_INFO_V1(ddd_require_user);

Datum
ddd_require_user(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(identity_require()->user_id);
}

char *
token_make(Datum *digest)
{
	uint8		secret[TOKEN_BYTES];
	char	   *token = palloc(TOKEN_LENGTH + 1);

	randombytes_buf(secret, sizeof(secret));
	memcpy(token, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
	sodium_bin2base64(token + strlen(TOKEN_PREFIX), TOKEN_LENGTH + 1 - strlen(TOKEN_PREFIX),
					  secret, sizeof(secret), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	*digest = digest_of(secret);
	sodium_memzero(secret, sizeof(secret));
	return token;
}

bool
token_digest(const text *token, Datum *digest)
{
	uint8		secret[TOKEN_BYTES];
	size_t		length;
	const char *s = VARDATA_ANY(token);
	bool		well_formed;

	/* libsodium 1.0.18 takes some bytes over 127 */
	if (VARSIZE_ANY_EXHDR(token) != TOKEN_LENGTH ||
		memcmp(s, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 || !text_is_ascii(s, TOKEN_LENGTH))
		return false;
	well_formed = sodium_base642bin(secret, sizeof(secret), s + strlen(TOKEN_PREFIX),
									TOKEN_LENGTH - strlen(TOKEN_PREFIX), NULL, &length, NULL,
									sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
		length == sizeof(secret);
	if (well_formed)
		*digest = digest_of(secret);
	sodium_memzero(secret, sizeof(secret));
	return well_formed;
}

static Datum
digest_of(const uint8 *secret)
{
	bytea	   *digest = palloc(VARHDRSZ + crypto_hash_sha256_BYTES);

	SET_VARSIZE(digest, VARHDRSZ + crypto_hash_sha256_BYTES);
	crypto_hash_sha256((unsigned char *) VARDATA(digest), secret, TOKEN_BYTES);
	return PointerGetDatum(digest);
}

void
token_invalid(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("invalid token"),
			 errdetail("It is malformed, expired, revoked or of an account that is not in use."),
			 errhidestmt(true),
			 errhidecontext(true)));
}

Datum
arg_ttl(FunctionCallInfo fcinfo, int argno, const char *name)
{
	static const Interval none = {0};
	static const Interval most = {.month = MAX_TTL_MONTHS};
	Datum		ttl;
	const Interval *fields;

	arg_required(fcinfo, argno, name);
	ttl = PG_GETARG_DATUM(argno);
	fields = DatumGetIntervalP(ttl);
	/* of fields with different signs the sum depends on the calendar */
	if (fields->month < 0 || fields->day < 0 || fields->time < 0 ||
		!DatumGetBool(DirectFunctionCall2(interval_gt, ttl, IntervalPGetDatum(&none))) ||
		DatumGetBool(DirectFunctionCall2(interval_gt, ttl, IntervalPGetDatum(&most))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be more than 0 and at most 10 years", name)));
	return ttl;
}

/*
 * Returns a scope: words of RFC 6749 section 3.3 between single blanks, any
 * printable ASCII but quotes and backslashes.
 */
static text *
arg_scope(FunctionCallInfo fcinfo, int argno)
{
	text	   *scope = arg_text(fcinfo, argno, "scope");
	const char *s = VARDATA_ANY(scope);
	int			len = VARSIZE_ANY_EXHDR(scope);
	bool		valid = len > 0 && len <= MAX_SCOPE_LENGTH && s[len - 1] != ' ';

	for (int i = 0; valid && i < len; i++)
		valid = s[i] == ' ' ? i > 0 && s[i - 1] != ' ' :
			s[i] > ' ' && s[i] <= '~' && s[i] != '"' && s[i] != '\\';
	/* what lets everything has no other word beside it */
	for (int i = 0; valid && len > 1 && i < len; i++)
		valid = s[i] != '*' || (i > 0 && s[i - 1] != ' ') || (i + 1 < len && s[i + 1] != ' ');
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"scope\" must be words of printable ASCII between single blanks"),
				 errdetail("At most %d characters, without quotes and backslashes.", MAX_SCOPE_LENGTH)));
	return scope;
}
