/*
 * password_hash.c
 *		Reads stored password hashes: which scheme, well formed, how costly. Makes
 *		the one that no password has.
 *
 * Does no hashing. A stored hash may come from an import or from anyone with
 * UPDATE on the column, and libsodium and crypt_r obey the cost written in it
 * without looking at a cancel request. So nothing reaches them that did not
 * pass here: a whitelist of schemes (crypt_r takes unknown text for DES), a
 * strict grammar, and limits of cost.
 *
 * Grammar, all of it ASCII, at most 255 bytes:
 *
 *	[argon2]$argon2id$v=19$m=M,t=T,p=P$salt$tag		also argon2i; base64
 *	$2a$CC$<53>		also $2b$ $2y$, not $2x$
 *	$5$[rounds=N$]salt$<43>		$6$ with <86>
 *	$pbkdf2-sha256$N$salt$<43>		passlib: base64 with . for +, unpadded
 *	pbkdf2_sha256$N$salt$<44>		Django: salt is text, padded base64
 *	!		no password
 *
 * Numbers are decimal, without sign and leading zeros (bcrypt's cost is two
 * digits). Base64 must be canonical.
 *
 * Limits of cost, chosen so that one verification cannot hold a backend:
 *
 *	argon2	m <= 128 MiB, t <= 64, p <= 16, and m * t <= 256 MiB-passes: at
 *			0.5 ms per MiB-pass (measured) about 130 ms, under 300 ms on a
 *			machine of half the speed. libsodium's and argon2-cffi's defaults,
 *			passlib's and Django's 100 MiB x 2 pass. Where the settings ask
 *			for more, m and m * t are allowed that much, or new hashes would
 *			not verify.
 *	bcrypt	cost <= 15, sha-crypt <= 1,000,000 rounds, pbkdf2 <= 2,000,000
 *			iterations: seconds at the very limit, as large as the guides for
 *			these schemes have ever asked. Only pbkdf2 can be cancelled.
 *
 * Memory: reading allocates nothing; the result is filled into the caller's
 * struct and holds no pointer.
 */
#include "postgres.h"

#include <sodium.h>

#include "users/password.h"

#define ARGON2_MAX_MEMORY_KIB	(128 * 1024)
#define ARGON2_MAX_WORK_KIB		(256 * 1024)
#define ARGON2_MAX_TIME			64
#define ARGON2_MAX_LANES		16
#define ARGON2_MIN_SALT			8
#define ARGON2_MAX_SALT			64
#define ARGON2_MIN_TAG			16
#define ARGON2_MAX_TAG			64

/* What new hashes of libsodium have. */
#define NEW_SALT				16
#define NEW_TAG					32
#define NEW_VARIANT				sodium_base64_VARIANT_ORIGINAL_NO_PADDING

#define BCRYPT_LENGTH			60
#define BCRYPT_SETTING_LENGTH	29	/* $2b$12$ and 22 characters of salt */
#define BCRYPT_MIN_COST			4
#define BCRYPT_MAX_COST			15

#define SHA_CRYPT_MIN_ROUNDS	1000
#define SHA_CRYPT_MAX_ROUNDS	1000000
#define SHA_CRYPT_MAX_SALT		16

#define PBKDF2_MAX_ROUNDS		2000000

#define CRYPT_ALPHABET \
	"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#define BASE64_ALPHABET \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

static const char malformed[] = "It is not of a known scheme or not well formed.";
static const char too_costly[] = "Its cost is over the limit.";

static const char *parse_argon2(const char *rest, StoredHash *stored);
static const char *parse_bcrypt(const char *rest, StoredHash *stored);
static const char *parse_sha_crypt(const char *rest, StoredHash *stored,
								   size_t digest_length);
static const char *parse_pbkdf2(const char *rest, StoredHash *stored);
static const char *parse_django_pbkdf2(const char *rest, StoredHash *stored);
static const char *check_pbkdf2(const StoredHash *stored,
								size_t digest_length);
static bool take(const char **rest, const char *expected);
static bool take_decimal(const char **rest, uint32 *value);
static bool take_field(const char **rest, size_t *length);
static bool decode(const char *base64, size_t length, int variant,
				   uint8 *bytes, size_t size, size_t *decoded);

/*
 * Reads a stored hash. Returns whether it can be verified; if not, *reason is
 * a sentence for DETAIL that repeats nothing of the hash.
 */
bool
stored_hash_parse(const char *hash, StoredHash *stored, const char **reason)
{
	const char *rest = stored->text;
	size_t		length = strnlen(hash, PASSWORD_HASH_MAX_LENGTH + 1);

	memset(stored, 0, sizeof(*stored));
	*reason = malformed;
	if (length > PASSWORD_HASH_MAX_LENGTH)
		return false;
	if (strcmp(hash, PASSWORD_UNUSABLE_HASH) == 0)
	{
		stored->scheme = PASSWORD_UNUSABLE;
		*reason = NULL;
		return true;
	}

	/* Django writes its own name for the algorithm before the PHC string. */
	if (strncmp(hash, "argon2$argon2", strlen("argon2$argon2")) == 0)
	{
		hash += strlen("argon2");
		length -= strlen("argon2");
	}
	memcpy(stored->text, hash, length);

	if (take(&rest, "$argon2id$"))
	{
		stored->scheme = PASSWORD_ARGON2ID;
		*reason = parse_argon2(rest, stored);
	}
	else if (take(&rest, "$argon2i$"))
	{
		stored->scheme = PASSWORD_ARGON2I;
		*reason = parse_argon2(rest, stored);
	}
	else if (take(&rest, "$2a$") || take(&rest, "$2b$") || take(&rest, "$2y$"))
	{
		stored->scheme = PASSWORD_BCRYPT;
		*reason = parse_bcrypt(rest, stored);
	}
	else if (take(&rest, "$5$"))
	{
		stored->scheme = PASSWORD_SHA256_CRYPT;
		*reason = parse_sha_crypt(rest, stored, 43);
	}
	else if (take(&rest, "$6$"))
	{
		stored->scheme = PASSWORD_SHA512_CRYPT;
		*reason = parse_sha_crypt(rest, stored, 86);
	}
	else if (take(&rest, "$pbkdf2-sha256$"))
	{
		stored->scheme = PASSWORD_PBKDF2_SHA256;
		*reason = parse_pbkdf2(rest, stored);
	}
	else if (take(&rest, "pbkdf2_sha256$"))
	{
		stored->scheme = PASSWORD_DJANGO_PBKDF2_SHA256;
		*reason = parse_django_pbkdf2(rest, stored);
	}
	return *reason == NULL;
}

/*
 * Makes an Argon2id hash at the present cost, palloc'd, that no password
 * verifies: of random salt and tag. Verifying it takes as long as verifying a
 * new hash, so that a login tells nothing by its time. Made anew for each
 * login: the cost may have changed.
 */
char *
password_dummy_hash(void)
{
	uint8		salt[NEW_SALT];
	uint8		tag[NEW_TAG];
	char		salt_base64[sodium_base64_ENCODED_LEN(NEW_SALT, NEW_VARIANT)];
	char		tag_base64[sodium_base64_ENCODED_LEN(NEW_TAG, NEW_VARIANT)];
	char	   *hash = palloc(PASSWORD_HASH_MAX_LENGTH + 1);

	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(tag, sizeof(tag));
	sodium_bin2base64(salt_base64, sizeof(salt_base64), salt, sizeof(salt), NEW_VARIANT);
	sodium_bin2base64(tag_base64, sizeof(tag_base64), tag, sizeof(tag), NEW_VARIANT);
	snprintf(hash, PASSWORD_HASH_MAX_LENGTH + 1, "$argon2id$v=19$m=%d,t=%d,p=1$%s$%s",
			 argon2_memory_kib, argon2_time, salt_base64, tag_base64);
	return hash;
}

/*
 * The parsers below read what follows the scheme's prefix, to the end of the
 * text, and return why it is refused or NULL.
 */

static const char *
parse_argon2(const char *rest, StoredHash *stored)
{
	uint64		max_memory = Max(ARGON2_MAX_MEMORY_KIB, argon2_memory_kib);
	uint64		max_work = Max((uint64) ARGON2_MAX_WORK_KIB,
							   (uint64) argon2_memory_kib * argon2_time);
	uint32		lanes;
	const char *salt;
	size_t		salt_length;
	const char *tag;
	size_t		tag_length;
	size_t		decoded;
	uint8		bytes[PASSWORD_HASH_MAX_LENGTH];

	if (!take(&rest, "v=19$m=") ||
		!take_decimal(&rest, &stored->memory_kib) ||
		!take(&rest, ",t=") ||
		!take_decimal(&rest, &stored->time) ||
		!take(&rest, ",p=") ||
		!take_decimal(&rest, &lanes) ||
		!take(&rest, "$"))
		return malformed;

	salt = rest;
	if (!take_field(&rest, &salt_length) || !take(&rest, "$"))
		return malformed;
	tag = rest;
	if (!take_field(&rest, &tag_length) || *rest != '\0')
		return malformed;

	if (!decode(salt, salt_length, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
				bytes, sizeof(bytes), &decoded) ||
		decoded < ARGON2_MIN_SALT || decoded > ARGON2_MAX_SALT)
		return malformed;
	if (!decode(tag, tag_length, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
				bytes, sizeof(bytes), &decoded) ||
		decoded < ARGON2_MIN_TAG || decoded > ARGON2_MAX_TAG)
		return malformed;

	if (stored->memory_kib > max_memory ||
		stored->time > ARGON2_MAX_TIME ||
		lanes > ARGON2_MAX_LANES ||
		(uint64) stored->memory_kib * stored->time > max_work)
		return too_costly;

	/* RFC 9106 section 3.1. */
	if (stored->time < 1 || lanes < 1 || stored->memory_kib < 8 * lanes)
		return malformed;
	return NULL;
}

static const char *
parse_bcrypt(const char *rest, StoredHash *stored)
{
	int			cost;

	if (strlen(stored->text) != BCRYPT_LENGTH ||
		rest[0] < '0' || rest[0] > '9' ||
		rest[1] < '0' || rest[1] > '9' ||
		rest[2] != '$' ||
		strspn(rest + 3, CRYPT_ALPHABET) != strlen(rest + 3))
		return malformed;

	cost = (rest[0] - '0') * 10 + (rest[1] - '0');
	if (cost < BCRYPT_MIN_COST)
		return malformed;
	if (cost > BCRYPT_MAX_COST)
		return too_costly;
	stored->digest_start = BCRYPT_SETTING_LENGTH;
	return NULL;
}

static const char *
parse_sha_crypt(const char *rest, StoredHash *stored, size_t digest_length)
{
	uint32		rounds = SHA_CRYPT_MIN_ROUNDS;
	size_t		salt_length;

	if (take(&rest, "rounds=") &&
		(!take_decimal(&rest, &rounds) || !take(&rest, "$")))
		return malformed;

	salt_length = strspn(rest, CRYPT_ALPHABET);
	if (salt_length < 1 || salt_length > SHA_CRYPT_MAX_SALT)
		return malformed;
	rest += salt_length;
	if (!take(&rest, "$") ||
		strlen(rest) != digest_length ||
		strspn(rest, CRYPT_ALPHABET) != digest_length)
		return malformed;

	if (rounds > SHA_CRYPT_MAX_ROUNDS)
		return too_costly;
	if (rounds < SHA_CRYPT_MIN_ROUNDS)
		return malformed;
	stored->digest_start = rest - stored->text;
	return NULL;
}

static const char *
parse_pbkdf2(const char *rest, StoredHash *stored)
{
	char		base64[PASSWORD_HASH_MAX_LENGTH + 1];
	const char *digest = base64;
	size_t		salt_length;
	size_t		decoded;

	if (!take_decimal(&rest, &stored->rounds) || !take(&rest, "$"))
		return malformed;

	/* passlib's alphabet has "." where base64 has "+". */
	if (strchr(rest, '+') != NULL)
		return malformed;
	strlcpy(base64, rest, sizeof(base64));
	for (char *c = base64; *c != '\0'; c++)
	{
		if (*c == '.')
			*c = '+';
	}

	if (!take_field(&digest, &salt_length) ||
		!take(&digest, "$") ||
		!decode(base64, salt_length,
				sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
				stored->salt, sizeof(stored->salt), &stored->salt_length) ||
		!decode(digest, strlen(digest),
				sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
				stored->digest, sizeof(stored->digest), &decoded))
		return malformed;
	return check_pbkdf2(stored, decoded);
}

static const char *
parse_django_pbkdf2(const char *rest, StoredHash *stored)
{
	const char *salt;
	size_t		decoded;

	if (!take_decimal(&rest, &stored->rounds) || !take(&rest, "$"))
		return malformed;

	salt = rest;
	if (!take_field(&rest, &stored->salt_length))
		return malformed;
	for (size_t i = 0; i < stored->salt_length; i++)
	{
		if (salt[i] <= ' ' || salt[i] > '~')
			return malformed;
	}
	memcpy(stored->salt, salt, stored->salt_length);

	if (!take(&rest, "$") ||
		!decode(rest, strlen(rest), sodium_base64_VARIANT_ORIGINAL,
				stored->digest, sizeof(stored->digest), &decoded))
		return malformed;
	return check_pbkdf2(stored, decoded);
}

static const char *
check_pbkdf2(const StoredHash *stored, size_t digest_length)
{
	if (digest_length != sizeof(stored->digest) || stored->rounds < 1)
		return malformed;
	if (stored->rounds > PBKDF2_MAX_ROUNDS)
		return too_costly;
	return NULL;
}

/*
 * Moves past an expected piece of text; stays where it is if another follows.
 */
static bool
take(const char **rest, const char *expected)
{
	size_t		length = strlen(expected);

	if (strncmp(*rest, expected, length) != 0)
		return false;
	*rest += length;
	return true;
}

/*
 * Moves past a decimal number without sign and leading zeros. A number that
 * does not fit is the largest one that does, and so over every limit.
 */
static bool
take_decimal(const char **rest, uint32 *value)
{
	const char *digit = *rest;
	uint64		number = 0;

	if (digit[0] == '0' && digit[1] >= '0' && digit[1] <= '9')
		return false;
	for (; *digit >= '0' && *digit <= '9'; digit++)
		number = Min(number * 10 + (*digit - '0'), PG_UINT32_MAX);
	if (digit == *rest)
		return false;
	*rest = digit;
	*value = (uint32) number;
	return true;
}

/*
 * Moves to the next "$" or the end; the field passed over must not be empty.
 */
static bool
take_field(const char **rest, size_t *length)
{
	*length = strcspn(*rest, "$");
	*rest += *length;
	return *length > 0;
}

/*
 * Decodes canonical base64; false when it is not, or does not fit. The check
 * of the alphabet is needed: libsodium 1.0.18 takes some bytes over 127.
 */
static bool
decode(const char *base64, size_t length, int variant,
	   uint8 *bytes, size_t size, size_t *decoded)
{
	return strspn(base64, BASE64_ALPHABET) >= length &&
		sodium_base642bin(bytes, size, base64, length, NULL, decoded,
						  NULL, variant) == 0;
}
