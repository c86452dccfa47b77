/*
 * password.c
 *		Password: hash and verify. The SQL functions, the settings of cost.
 *
 * Knows no table, no user and no session: who may log in, how often and in
 * what time is decided by callers. How stored hashes are read and bounded is
 * in password_hash.c, how each scheme is verified in password_verify.c.
 *
 * New hashes are Argon2id of libsodium. What is hashed is always the UTF-8
 * form of the password, as other programs do; in a SQL_ASCII database, which
 * does not know its encoding, the bytes as they are.
 *
 * Invariants:
 *	- no hash reaches a library before stored_hash_parse() has bounded it;
 *	- nothing of a password appears in an error, and the errors of this module
 *	  keep the statement, which may carry it as a literal, out of the log;
 *	- no thread is started (libsodium computes lanes one after the other).
 *
 * Interrupts: one hashing call cannot be cancelled, so each has a check right
 * before and right after it. The only lock is the slot of hash_slots.c, held
 * while it hashes.
 *
 * Memory: results are in the caller's context. Every copy made here of a
 * password or of what is derived from it is wiped, on errors too. The argument
 * itself belongs to the executor and cannot be.
 */
#include "postgres.h"

#include <sodium.h>

#include "core/core.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "users/password.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define DEFAULT_ARGON2_MEMORY_KIB	19456
#define MIN_ARGON2_MEMORY_KIB		8192
#define MAX_ARGON2_MEMORY_KIB		1048576
#define DEFAULT_ARGON2_TIME			2
#define MIN_ARGON2_TIME				1
#define MAX_ARGON2_TIME				10

int			argon2_memory_kib = DEFAULT_ARGON2_MEMORY_KIB;
int			argon2_time = DEFAULT_ARGON2_TIME;

static const char *const scheme_names[] = {
	[PASSWORD_UNUSABLE] = "unusable",
	[PASSWORD_ARGON2ID] = "argon2id",
	[PASSWORD_ARGON2I] = "argon2i",
	[PASSWORD_BCRYPT] = "bcrypt",
	[PASSWORD_SHA256_CRYPT] = "sha256-crypt",
	[PASSWORD_SHA512_CRYPT] = "sha512-crypt",
	[PASSWORD_PBKDF2_SHA256] = "pbkdf2-sha256",
	[PASSWORD_DJANGO_PBKDF2_SHA256] = "django-pbkdf2-sha256"
};

static HashAnswer compare(const text *password, const StoredHash *stored);
static void require_supported(const char *hash, StoredHash *stored);
static void check_password_length(size_t length);
static size_t utf8_length(const text *password);
static char *password_to_utf8(const text *password, size_t *length);
static const char *convert_to_utf8(const char *server, int length);

PG_FUNCTION_INFO_V1(ddd_hash_password);
PG_FUNCTION_INFO_V1(ddd_verify_password);
PG_FUNCTION_INFO_V1(ddd_needs_rehash);
PG_FUNCTION_INFO_V1(ddd_identify_hash);

Datum
ddd_hash_password(PG_FUNCTION_ARGS)
{
	secret_call(fcinfo, "hash_password", 0);
	PG_RETURN_TEXT_P(cstring_to_text(password_hash(arg_text(fcinfo, 0, "password"))));
}

Datum
ddd_verify_password(PG_FUNCTION_ARGS)
{
	text	   *password;
	text	   *hash;

	secret_call(fcinfo, "verify_password", 0);
	password = arg_text(fcinfo, 0, "password");
	hash = arg_text(fcinfo, 1, "hash");
	PG_RETURN_BOOL(password_verify(password, text_to_cstring(hash)));
}

Datum
ddd_needs_rehash(PG_FUNCTION_ARGS)
{
	secret_call(fcinfo, "needs_rehash", NO_SECRET);
	PG_RETURN_BOOL(password_needs_rehash(text_to_cstring(arg_text(fcinfo, 0, "hash"))));
}

Datum
ddd_identify_hash(PG_FUNCTION_ARGS)
{
	const char *scheme;

	secret_call(fcinfo, "identify_hash", NO_SECRET);
	scheme = password_identify(text_to_cstring(arg_text(fcinfo, 0, "hash")));
	if (scheme == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(scheme));
}

/*
 * Prepares libsodium and defines the settings; for _PG_init.
 */
void
password_init(void)
{
	if (sodium_init() < 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not initialize libsodium")));

	DefineCustomIntVariable("ddd.argon2_memory_kib",
							"Memory used to hash a password with Argon2id.",
							"More makes guessing dearer and each login use as much. A stored hash may ask for 128 MB, "
							"or for as much as this setting: lowering it from above 128 MB refuses the hashes made before.",
							&argon2_memory_kib,
							DEFAULT_ARGON2_MEMORY_KIB,
							MIN_ARGON2_MEMORY_KIB,
							MAX_ARGON2_MEMORY_KIB,
							PGC_SUSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.argon2_time",
							"Passes over the memory to hash a password with Argon2id.",
							"The time of a hash grows with this times ddd.argon2_memory_kib, and it cannot be cancelled "
							"meanwhile. A stored hash may ask for memory times passes of 256 MB, or for as much as both settings.",
							&argon2_time,
							DEFAULT_ARGON2_TIME,
							MIN_ARGON2_TIME,
							MAX_ARGON2_TIME,
							PGC_SUSET,
							0,
							NULL, NULL, NULL);
	hash_slots_init();
}

/*
 * Hashes a password at the present cost; returns a palloc'd PHC string.
 *
 * Raises 23514 with column "password" and constraint "password_length" unless
 * it has 8 to 1024 bytes of UTF-8, 22P05 or 22021 when it
 * has no UTF-8 form, 53200 when the memory cannot be had, 53300 when too many
 * sessions hash.
 */
char *
password_hash(const text *password)
{
	size_t		length;
	char	   *utf8 = password_to_utf8(password, &length);
	char		hash[crypto_pwhash_argon2id_STRBYTES];

	PG_TRY();
	{
		int			slot;

		check_password_length(length);

		slot = hash_slot_take();
		CHECK_FOR_INTERRUPTS();
		if (crypto_pwhash_argon2id_str(hash, utf8, length, argon2_time,
									   (size_t) argon2_memory_kib * 1024) != 0)
			argon2_out_of_memory();
		hash_slot_give_back(slot);
		CHECK_FOR_INTERRUPTS();
	}
	PG_FINALLY();
	{
		sodium_memzero(utf8, length);
		pfree(utf8);
	}
	PG_END_TRY();

	return pstrdup(hash);
}

/*
 * Tells whether a password is the one that a stored hash was made of.
 *
 * False for "!" and, without hashing, for a password over 1024 bytes; a short
 * one is tried, as other programs may have accepted it. Raises 22023, without
 * hashing, for a hash that is unknown, malformed or over the limits of cost;
 * 22P05, 22021, 53200 and 53300 as password_hash().
 */
bool
password_verify(const text *password, const char *hash)
{
	StoredHash	stored;
	HashAnswer	answer;

	require_supported(hash, &stored);
	answer = compare(password, &stored);
	if (answer == HASH_UNREADABLE)
		stored_hash_unsupported("The library for its scheme does not read it.");
	return answer == HASH_MATCHES;
}

/*
 * Tells the same of an account's hash, and hashes for "!" and for a hash that
 * password_verify() refuses as well, which match nothing, at the present cost.
 * So no error tells which it was; what is left of a difference in time, with
 * hashes that libcrypt does not read and passwords that it does not take, is
 * for the caller to hide.
 */
bool
password_matches(const text *password, const char *hash)
{
	StoredHash	stored;
	const char *reason;

	if (!stored_hash_parse(hash, &stored, &reason) || stored.scheme == PASSWORD_UNUSABLE)
		require_supported(password_dummy_hash(), &stored);
	return compare(password, &stored) == HASH_MATCHES;
}

/*
 * Raises 22023 for a password of more than 1024 bytes, 22P05 and 22021 as
 * password_hash().
 */
void
password_check_given(const text *password)
{
	size_t		length = utf8_length(password);

	if (length > PASSWORD_MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("password must be at most %d bytes long",
						PASSWORD_MAX_LENGTH),
				 err_object(NULL, "password", "password_length"),
				 errhidestmt(true),
				 errhidecontext(true)));
}

void
password_wipe(text *copy)
{
	sodium_memzero(VARDATA_ANY(copy), VARSIZE_ANY_EXHDR(copy));
}

/*
 * Raises what password_hash() would, but for missing memory, without hashing.
 */
void
password_check_new(const text *password)
{
	check_password_length(utf8_length(password));
}

/* Tells whether password_check_new() would raise nothing; 22P05 and 22021 as it does. */
bool
password_may_be_new(const text *password)
{
	size_t		length = utf8_length(password);

	return length >= PASSWORD_MIN_LENGTH && length <= PASSWORD_MAX_LENGTH;
}

/*
 * Names the scheme of a stored hash; NULL where password_verify() would raise
 * 22023. The name is static.
 */
const char *
password_identify(const char *hash)
{
	StoredHash	stored;
	const char *reason;

	if (!stored_hash_parse(hash, &stored, &reason))
		return NULL;
	return scheme_names[stored.scheme];
}

/*
 * Raises 22023 for a hash that password_verify() could not verify.
 */
void
password_check_hash(const char *hash)
{
	StoredHash	stored;

	require_supported(hash, &stored);
}

/*
 * Tells whether a stored hash should be replaced when its password is known.
 *
 * True for every scheme but argon2id, and for an argon2id hash weaker than
 * the settings: less memory, or less work (memory times passes). More memory
 * makes up for fewer passes, more passes never for less memory. Lanes and
 * lengths do not count. False for "!", which has no password. Raises 22023
 * as password_verify().
 */
bool
password_needs_rehash(const char *hash)
{
	StoredHash	stored;

	require_supported(hash, &stored);
	if (stored.scheme == PASSWORD_UNUSABLE)
		return false;
	if (stored.scheme != PASSWORD_ARGON2ID)
		return true;
	return stored.memory_kib < (uint32) argon2_memory_kib ||
		(uint64) stored.memory_kib * stored.time <
		(uint64) argon2_memory_kib * argon2_time;
}

static HashAnswer
compare(const text *password, const StoredHash *stored)
{
	size_t		length;
	char	   *utf8 = password_to_utf8(password, &length);
	HashAnswer	answer = HASH_DIFFERS;

	PG_TRY();
	{
		if (length <= PASSWORD_MAX_LENGTH)
			answer = stored_hash_verify(stored, utf8, length);
	}
	PG_FINALLY();
	{
		sodium_memzero(utf8, length);
		pfree(utf8);
	}
	PG_END_TRY();
	return answer;
}

static void
require_supported(const char *hash, StoredHash *stored)
{
	const char *reason;

	if (!stored_hash_parse(hash, stored, &reason))
		stored_hash_unsupported(reason);
}

static void
check_password_length(size_t length)
{
	if (length < PASSWORD_MIN_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("password must be at least %d bytes long",
						PASSWORD_MIN_LENGTH),
				 err_object(NULL, "password", "password_length"),
				 errhidestmt(true),
				 errhidecontext(true)));
	if (length > PASSWORD_MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("password must be at most %d bytes long",
						PASSWORD_MAX_LENGTH),
				 err_object(NULL, "password", "password_length"),
				 errhidestmt(true),
				 errhidecontext(true)));
}

/* Returns the length in UTF-8; of a password that is too long, any that is. */
static size_t
utf8_length(const text *password)
{
	size_t		length;
	char	   *utf8 = password_to_utf8(password, &length);

	sodium_memzero(utf8, length);
	pfree(utf8);
	return length;
}

/*
 * Copies a password in UTF-8, palloc'd and terminated; the caller wipes it.
 *
 * Of a password that is too long in any encoding, a part is returned that is
 * too long as well: there is no need to copy a megabyte to refuse it.
 */
static char *
password_to_utf8(const text *password, size_t *length)
{
	const char *server = VARDATA_ANY(password);
	int			server_length = VARSIZE_ANY_EXHDR(password);
	const char *converted = server;
	char	   *utf8;

	/* No server encoding needs more than twice the bytes of UTF-8. */
	if (server_length > 2 * PASSWORD_MAX_LENGTH)
		server_length = PASSWORD_MAX_LENGTH + 1;
	else if (GetDatabaseEncoding() != PG_SQL_ASCII)
		converted = convert_to_utf8(server, server_length);

	if (converted != server)
	{
		utf8 = unconstify(char *, converted);
		*length = strlen(utf8);
	}
	else
	{
		utf8 = palloc(server_length + 1);
		memcpy(utf8, server, server_length);
		utf8[server_length] = '\0';
		*length = server_length;
	}
	return utf8;
}

/*
 * Converts as pg_server_to_any(), whose messages show the bytes in question.
 */
static const char *
convert_to_utf8(const char *server, int length)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *converted;

	PG_TRY();
	{
		converted = pg_server_to_any(server, length, PG_UTF8);
	}
	PG_CATCH();
	{
		int			code = geterrcode();

		if (code != ERRCODE_UNTRANSLATABLE_CHARACTER &&
			code != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ereport(ERROR,
				(errcode(code),
				 errmsg("password has a character without equivalent in encoding \"UTF8\""),
				 errhidestmt(true),
				 errhidecontext(true)));
	}
	PG_END_TRY();
	return converted;
}
