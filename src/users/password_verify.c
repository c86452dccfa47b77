/*
 * password_verify.c
 *		Verifies a password against a stored hash of each scheme.
 *
 * By libsodium (argon2), libxcrypt (bcrypt, sha-crypt) and pbkdf2.c. Takes
 * only hashes that stored_hash_parse() accepted: crypt_r would take anything
 * else for DES, and both libraries would obey any cost.
 *
 * Digests are compared in constant time. A hash that the library cannot
 * compute, or has no memory for, is never a wrong password.
 *
 * Interrupts: one library call cannot be cancelled, so each has a check right
 * before and right after it. The only lock is the slot of hash_slots.c. No
 * thread.
 *
 * Memory: what is derived from the password is wiped before anything can
 * raise; the password itself is the caller's to wipe.
 */
#include "postgres.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <sys/mman.h>

#include "miscadmin.h"
#include "users/password.h"

/* What bcrypt reads of a password; programs before 2025 cut it silently. */
#define BCRYPT_PASSWORD_LENGTH	72

static HashAnswer verify(const StoredHash *stored, const char *password,
						 size_t length);
static HashAnswer verify_argon2(const char *password, size_t length,
								const StoredHash *stored);
static bool memory_available(uint32 kib);
static HashAnswer verify_crypt(const char *password, size_t length,
							   const StoredHash *stored);
static HashAnswer verify_pbkdf2(const char *password, size_t length,
								const StoredHash *stored);

/*
 * Tells whether a password in UTF-8 is the one that a stored hash was made of.
 *
 * Raises 53200 when the memory cannot be had, 53300 when too many sessions
 * hash, 57014 when cancelled.
 */
HashAnswer
stored_hash_verify(const StoredHash *stored, const char *password,
				   size_t length)
{
	int			slot;
	HashAnswer	answer;

	if (stored->scheme == PASSWORD_UNUSABLE)
		return HASH_DIFFERS;

	slot = hash_slot_take();
	answer = verify(stored, password, length);
	hash_slot_give_back(slot);
	return answer;
}

static HashAnswer
verify(const StoredHash *stored, const char *password, size_t length)
{
	switch (stored->scheme)
	{
		case PASSWORD_UNUSABLE:
			return HASH_DIFFERS;
		case PASSWORD_ARGON2ID:
		case PASSWORD_ARGON2I:
			return verify_argon2(password, length, stored);
		case PASSWORD_BCRYPT:
		case PASSWORD_SHA256_CRYPT:
		case PASSWORD_SHA512_CRYPT:
			return verify_crypt(password, length, stored);
		case PASSWORD_PBKDF2_SHA256:
		case PASSWORD_DJANGO_PBKDF2_SHA256:
			return verify_pbkdf2(password, length, stored);
	}
	return HASH_DIFFERS;
}

static HashAnswer
verify_argon2(const char *password, size_t length, const StoredHash *stored)
{
	bool		matches;

	CHECK_FOR_INTERRUPTS();
	errno = 0;
	matches = crypto_pwhash_str_verify(stored->text, password, length) == 0;

	/* EINVAL is a mismatch, anything else a text that it does not read. */
	if (!matches && errno != EINVAL)
		return HASH_UNREADABLE;
	/* libsodium 1.0.18 reports missing memory as a mismatch, too. */
	if (!matches && !memory_available(stored->memory_kib))
		argon2_out_of_memory();
	CHECK_FOR_INTERRUPTS();
	return matches ? HASH_MATCHES : HASH_DIFFERS;
}

/*
 * Tells whether libsodium can map that much memory. malloc would not do: it
 * keeps what it has once handed out, and this process lives long.
 */
static bool
memory_available(uint32 kib)
{
	size_t		size = (size_t) kib * 1024;
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
							  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	munmap(memory, size);
	return true;
}

/*
 * Verifies by crypt_r. libxcrypt takes no password over 511 bytes, so such a
 * one never matches a sha-crypt hash.
 */
static HashAnswer
verify_crypt(const char *password, size_t length, const StoredHash *stored)
{
	char		phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	struct crypt_data *data;
	const char *computed;
	bool		computed_one;
	bool		matches = false;

	if (stored->scheme == PASSWORD_BCRYPT)
		length = Min(length, BCRYPT_PASSWORD_LENGTH);
	else if (length >= sizeof(phrase))
		return HASH_DIFFERS;

	CHECK_FOR_INTERRUPTS();
	data = palloc0(sizeof(*data));
	memcpy(phrase, password, length);
	phrase[length] = '\0';

	computed = crypt_r(phrase, stored->text, data);

	/* On failure crypt_r returns "*0" or "*1". */
	computed_one = computed != NULL &&
		strlen(computed) == strlen(stored->text);
	if (computed_one)
	{
		/*
		 * The salt of bcrypt is compared by crypt_r in its canonical form
		 * only, which old passlib did not always write; so the digest alone.
		 */
		matches = sodium_memcmp(computed + stored->digest_start,
								stored->text + stored->digest_start,
								strlen(computed) - stored->digest_start) == 0;
	}

	sodium_memzero(phrase, sizeof(phrase));
	sodium_memzero(data, sizeof(*data));
	pfree(data);
	if (!computed_one)
		return HASH_UNREADABLE;
	CHECK_FOR_INTERRUPTS();
	return matches ? HASH_MATCHES : HASH_DIFFERS;
}

static HashAnswer
verify_pbkdf2(const char *password, size_t length, const StoredHash *stored)
{
	uint8		digest[PBKDF2_SHA256_LENGTH];
	bool		matches;

	pbkdf2_sha256((const uint8 *) password, length,
				  stored->salt, stored->salt_length, stored->rounds, digest);
	matches = sodium_memcmp(digest, stored->digest, sizeof(digest)) == 0;
	sodium_memzero(digest, sizeof(digest));
	return matches ? HASH_MATCHES : HASH_DIFFERS;
}

/*
 * Raises the one error for every hash that is not verified; reason repeats
 * nothing of the hash.
 */
void
stored_hash_unsupported(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unsupported password hash"),
			 errdetail("%s", reason),
			 errhidestmt(true),
			 errhidecontext(true)));
}

void
argon2_out_of_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Could not map the memory that Argon2 needs."),
			 errhidestmt(true),
			 errhidecontext(true)));
}
