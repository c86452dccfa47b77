/*
 * password.h
 *		Password: hash and verify. Knows no table.
 *
 * The first part is for every caller; the second one is shared by
 * password.c, password_hash.c, password_verify.c, hash_slots.c and pbkdf2.c
 * only.
 */
#ifndef DDD_USERS_PASSWORD_H
#define DDD_USERS_PASSWORD_H

#include "postgres.h"

/* Length of a password that is accepted for hashing, in bytes of UTF-8. */
#define PASSWORD_MIN_LENGTH		8
#define PASSWORD_MAX_LENGTH		1024

/* Longest stored hash; the column is varchar(255). */
#define PASSWORD_HASH_MAX_LENGTH	255

/* The hash of a user without password: never verifies. */
#define PASSWORD_UNUSABLE_HASH	"!"

extern void password_init(void);

extern char *password_hash(const text *password);
extern bool password_verify(const text *password, const char *hash);
extern const char *password_identify(const char *hash);
extern void password_check_hash(const char *hash);
extern bool password_matches(const text *password, const char *hash);
extern void password_check_given(const text *password);
extern void password_check_new(const text *password);
extern bool password_may_be_new(const text *password);

/* Overwrites a copy of a password. */
extern void password_wipe(text *copy);
extern bool password_needs_rehash(const char *hash);
extern char *password_dummy_hash(void);

/* ---- inside the module --------------------------------------------------- */

#define PBKDF2_SHA256_LENGTH	32

typedef enum PasswordScheme
{
	PASSWORD_UNUSABLE,
	PASSWORD_ARGON2ID,
	PASSWORD_ARGON2I,
	PASSWORD_BCRYPT,
	PASSWORD_SHA256_CRYPT,
	PASSWORD_SHA512_CRYPT,
	PASSWORD_PBKDF2_SHA256,
	PASSWORD_DJANGO_PBKDF2_SHA256
} PasswordScheme;

/* A stored hash that passed every check of shape and cost. */
typedef struct StoredHash
{
	PasswordScheme scheme;

	/*
	 * What the verifying library reads, zero-padded: libsodium declares its
	 * argument as an array of 128 bytes. Without Django's "argon2" prefix.
	 */
	char		text[PASSWORD_HASH_MAX_LENGTH + 1];

	uint32		memory_kib;		/* argon2: m, for all lanes together */
	uint32		time;			/* argon2: t, passes over the memory */
	uint32		rounds;			/* pbkdf2: iterations */
	size_t		digest_start;	/* crypt: where in text the digest begins */
	size_t		salt_length;	/* pbkdf2 */
	uint8		salt[PASSWORD_HASH_MAX_LENGTH]; /* pbkdf2 */
	uint8		digest[PBKDF2_SHA256_LENGTH];	/* pbkdf2 */
} StoredHash;

/* What became of verifying a password against a hash. */
typedef enum HashAnswer
{
	HASH_MATCHES,
	HASH_DIFFERS,
	HASH_UNREADABLE				/* for the library, though it was parsed well */
} HashAnswer;

extern int	argon2_memory_kib;
extern int	argon2_time;

extern void hash_slots_init(void);
extern int	hash_slot_take(void);
extern void hash_slot_give_back(int slot);
extern bool stored_hash_parse(const char *hash, StoredHash *stored,
							  const char **reason);
extern HashAnswer stored_hash_verify(const StoredHash *stored, const char *password,
									 size_t length);
extern void stored_hash_unsupported(const char *reason) pg_attribute_noreturn();
extern void argon2_out_of_memory(void) pg_attribute_noreturn();
extern void pbkdf2_sha256(const uint8 *password, size_t password_length,
						  const uint8 *salt, size_t salt_length,
						  uint32 rounds, uint8 *digest);

#endif							/* DDD_USERS_PASSWORD_H */
