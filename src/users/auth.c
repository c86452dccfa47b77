/*
 * auth.c
 *		Proving who one is by a password: ddd.authenticate() and
 *		ddd.change_password().
 *
 * One path, whatever is found: look the account up, verify against its hash or
 * against one that cannot match, wait until the answer has taken its time, and
 * answer. No such account, one not in use, without password, with a hash that
 * is not supported and a wrong password are one answer in one time
 * (throttle.c); an error depends on the arguments alone, but where the server
 * has no memory or slot left to hash.
 *
 * A hash weaker than the settings is replaced on the way, if nobody else
 * writes the row: compare and swap, so a password changed meanwhile stays. It
 * is no change of the user, so updated_at stays, and the tokens go on. Where it
 * cannot be written, on a standby, in a read-only transaction or under a
 * snapshot that is older, it is not.
 * Whoever finds that another log-in has replaced it verifies the new one.
 *
 * Locks: no row is locked while hashing or waiting. What the transaction has
 * stays: ACCESS SHARE on ddd.users, which keeps nobody from writing, and the
 * snapshot of the caller's statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "users/throttle.h"
#include "users/token.h"
#include "users/users.h"
#include "users/write.h"

/* What is compared with a password. */
typedef struct Account
{
	bool		found;
	bool		is_active;
	int64		user_id;
	char	   *hashed_password;
} Account;

#define ACCOUNT_COLUMNS "u.id, u.is_active, u.hashed_password"

static SpiPlan by_email_plan = {
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM ddd.users u"
	" WHERE lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\")",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static SpiPlan by_id_plan = {
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM ddd.users u WHERE u.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* What was verified must still be so after the wait. */
static SpiPlan user_plan = {
	.sql = "SELECT " USER_COLUMNS " FROM ddd.users u"
	" WHERE u.id = $1 AND u.hashed_password = $2 AND u.is_active",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTOID},
};

static SpiPlan change_plan = {
	.sql = "UPDATE ddd.users SET hashed_password = $3 WHERE id = $1 AND hashed_password = $2",
	.nargs = 3,
	.argtypes = {INT8OID, TEXTOID, TEXTOID},
};

/*
 * The tokens are bound to the hash: they are bound to the new one, since it is
 * the same password. Nothing is waited for: where somebody else has one of
 * these rows, none is changed.
 */
#define BOUND_TO_OLD "t.user_id = old.id AND t.bound_to = ANY (old.bound_to)"

static SpiPlan rehash_plan = {
	.sql = "WITH old AS ("
	"SELECT u.id, ARRAY[" TOKEN_BOUND_TO("'access'") ", " TOKEN_BOUND_TO("'reset_password'") "] AS bound_to"
	" FROM ddd.users u"
	" WHERE u.id = $1 AND u.hashed_password = $2 FOR NO KEY UPDATE SKIP LOCKED"
	"), held AS MATERIALIZED ("
	"SELECT t.digest FROM ddd.tokens t JOIN old ON " BOUND_TO_OLD " FOR UPDATE OF t SKIP LOCKED"
	"), rehashed AS ("
	"UPDATE ddd.users u SET hashed_password = $3 FROM old WHERE u.id = old.id"
	" AND (SELECT count(*) FROM held) = (SELECT count(*) FROM ddd.tokens t JOIN old ON " BOUND_TO_OLD ")"
	" RETURNING u.*"
	") UPDATE ddd.tokens t SET bound_to = " TOKEN_BOUND_TO("t.purpose")
	" FROM held, rehashed u WHERE t.digest = held.digest",
	.nargs = 3,
	.argtypes = {INT8OID, TEXTOID, TEXTOID},
};

static void find_account(SpiPlan *plan, Datum key, Account *account);
static text *account_name(const text *email);
static bool password_is_right(const Account *account, const text *password);
static bool rehashed_meanwhile(Account *account, const text *password);
static void rehash(Account *account, const text *password);
static char *replace_hash(const Account *account, const text *password);

PG_FUNCTION_INFO_V1(ddd_authenticate);

Datum
ddd_authenticate(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Attempt		attempt;
	Account		account;
	text	   *email;
	text	   *password;
	text	   *source;
	bool		matches;

	secret_call(fcinfo, "authenticate", 1);
	email = text_trim(arg_text(fcinfo, 0, "email"));
	password = arg_text(fcinfo, 1, "password");
	source = arg_text_or_null(fcinfo, 2);
	version_guard();
	password_check_given(password);
	attempt_begin(&attempt, ATTEMPT_BY_ADDRESS, account_name(email), source);

	find_account(&by_email_plan, PointerGetDatum(email), &account);
	matches = password_is_right(&account, password);
	attempt_wait(&attempt);
	if (!matches)
		PG_RETURN_NULL();
	attempt_succeeded(&attempt);
	if (password_needs_rehash(account.hashed_password))
		rehash(&account, password);

	do
	{
		Datum		values[] = {
			Int64GetDatum(account.user_id),
			CStringGetTextDatum(account.hashed_password),
		};

		api_begin(&call);
		if (plan_execute_latest(&user_plan, values) > 0)
		{
			bool		isnull;
			bool		is_superuser = DatumGetBool(plan_value(0, 5, BOOLOID, &isnull));

			identity_set(account.user_id, is_superuser, SCOPE_ALL, DT_NOEND);
			return api_end_row(&call, fcinfo, 1);
		}
		api_end(&call);
	} while (rehashed_meanwhile(&account, password));
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_change_password);

Datum
ddd_change_password(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Attempt		attempt;
	Account		account;
	int64		user_id;
	text	   *old_password;
	text	   *new_password;
	char	   *hash;
	bool		matches;
	bool		changed;

	secret_call(fcinfo, "change_password", 1);
	secret_call(fcinfo, "change_password", 2);
	user_id = arg_int64(fcinfo, 0, "user_id");
	old_password = arg_text(fcinfo, 1, "old_password");
	new_password = arg_text(fcinfo, 2, "new_password");
	version_guard();
	PreventCommandIfReadOnly("ddd.change_password()");
	access_check(ACCESS_CHANGE_PASSWORD, user_id);
	password_check_given(old_password);
	password_check_new(new_password);

	find_account(&by_id_plan, Int64GetDatum(user_id), &account);
	attempt_begin(&attempt, ATTEMPT_BY_ID, cstring_to_text(psprintf(INT64_FORMAT, user_id)), NULL);
	/* both are hashed in any case, so that no error tells that the old one is right */
	hash = password_hash(new_password);
	matches = password_is_right(&account, old_password);
	attempt_wait(&attempt);
	if (!matches)
		PG_RETURN_BOOL(false);
	attempt_succeeded(&attempt);
	do
	{
		Datum		values[] = {
			Int64GetDatum(user_id),
			CStringGetTextDatum(account.hashed_password),
			CStringGetTextDatum(hash),
		};

		api_begin(&call);
		changed = user_write(&change_plan, values, NULL) > 0;
		api_end(&call);
	} while (!changed && !IsolationUsesXactSnapshot() && rehashed_meanwhile(&account, old_password));
	if (!changed && IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	PG_RETURN_BOOL(changed);
}

/* Fills in an account, or makes one that no password opens; in the caller's memory. */
static void
find_account(SpiPlan *plan, Datum key, Account *account)
{
	ApiCall		call;

	memset(account, 0, sizeof(*account));
	api_begin(&call);
	if (plan_execute_latest(plan, &key) > 0)
	{
		MemoryContext spi_context = MemoryContextSwitchTo(call.result_context);
		bool		isnull;

		account->found = true;
		account->user_id = plan_int64(0, 1);
		account->is_active = DatumGetBool(plan_value(0, 2, BOOLOID, &isnull));
		account->hashed_password = text_to_cstring(plan_text(0, 3));
		MemoryContextSwitchTo(spi_context);
	}
	api_end(&call);
}

/* Returns the form that all spellings of an address share: capital ASCII letters are small. */
static text *
account_name(const text *email)
{
	text	   *name = DatumGetTextPCopy(PointerGetDatum(email));
	char	   *s = VARDATA_ANY(name);

	for (size_t i = 0; i < VARSIZE_ANY_EXHDR(name); i++)
		s[i] = pg_ascii_tolower((unsigned char) s[i]);
	return name;
}

/* Hashes once in any case, but for passwords that libcrypt cannot take. */
static bool
password_is_right(const Account *account, const text *password)
{
	bool		matches;

	if (!account->found)
		return password_matches(password, PASSWORD_UNUSABLE_HASH);
	matches = password_matches(password, account->hashed_password);
	return matches && account->is_active;
}

/*
 * Tells whether another log-in has replaced the hash since it was verified, by
 * one of the same password: then the account has that one.
 */
static bool
rehashed_meanwhile(Account *account, const text *password)
{
	char	   *verified = account->hashed_password;

	find_account(&by_id_plan, Int64GetDatum(account->user_id), account);
	return account->found && strcmp(account->hashed_password, verified) != 0 &&
		password_is_right(account, password);
}

/*
 * Replaces the hash of a password that is right, if that can be done now. What
 * fails here, a trigger of the user's or slots that are all taken, must not
 * keep anybody from logging in: but for a cancel, it is undone and forgotten.
 */
static void
rehash(Account *account, const text *password)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	char	   *volatile hash = NULL;

	/* an old snapshot does not show the tokens that are to be bound to the new hash */
	if (RecoveryInProgress() || XactReadOnly || IsInParallelMode() || IsolationUsesXactSnapshot() ||
		!password_may_be_new(password))
		return;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		hash = replace_hash(account, password);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error = error_take(context);

		touch_row_stop(InvalidOid);
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = resources;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(error);
		FreeErrorData(error);
		hash = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
	if (hash != NULL)
		account->hashed_password = hash;
}

/* Returns the hash that the account has then, or NULL if somebody else had its row or one of its tokens. */
static char *
replace_hash(const Account *account, const text *password)
{
	ApiCall		call;
	char	   *hash = password_hash(password);
	Datum		values[] = {
		Int64GetDatum(account->user_id),
		CStringGetTextDatum(account->hashed_password),
		CStringGetTextDatum(hash),
	};
	bool		replaced;

	api_begin(&call);
	touch_row_stop(get_relname_relid("users", get_namespace_oid("ddd", false)));
	plan_execute(&rehash_plan, values, NULL, false);
	replaced = plan_execute_latest(&user_plan, (Datum[])
								   {
									   values[0], values[2]
								   }) > 0;
	touch_row_stop(InvalidOid);
	api_end(&call);
	return replaced ? hash : NULL;
}
