/*
 * pbkdf2.c
 *		PBKDF2-HMAC-SHA256 that a cancel request can stop.
 *
 * Not a general PBKDF2: one output block (32 bytes), which is what passlib's
 * and Django's hashes hold. For verification only; ddd writes no such hash.
 * The loop is here because a library's is one call that no cancel request
 * reaches, and two million rounds take seconds.
 *
 * Memory: the HMAC context is freed and intermediate values are wiped on
 * every way out; the caller owns all buffers.
 */
#include "postgres.h"

#include <sodium.h>

#include "common/cryptohash.h"
#include "common/hmac.h"
#include "miscadmin.h"
#include "users/password.h"

static void hmac(pg_hmac_ctx *context, const uint8 *key, size_t key_length,
				 const uint8 *data, size_t data_length,
				 const uint8 *more, size_t more_length, uint8 *result);

/*
 * Derives the 32 bytes of RFC 8018 section 5.2 from a password and a salt.
 *
 * Raises 57014 when cancelled, 53200 and 38000 when no HMAC can be had.
 */
void
pbkdf2_sha256(const uint8 *password, size_t password_length,
			  const uint8 *salt, size_t salt_length,
			  uint32 rounds, uint8 *digest)
{
	static const uint8 block_number[4] = {0, 0, 0, 1};
	uint8		u[PBKDF2_SHA256_LENGTH];
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	if (context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errhidestmt(true),
				 errhidecontext(true)));

	PG_TRY();
	{
		hmac(context, password, password_length, salt, salt_length,
			 block_number, sizeof(block_number), u);
		memcpy(digest, u, sizeof(u));

		for (uint32 i = 1; i < rounds; i++)
		{
			CHECK_FOR_INTERRUPTS();
			hmac(context, password, password_length, u, sizeof(u),
				 NULL, 0, u);
			for (size_t j = 0; j < sizeof(u); j++)
				digest[j] ^= u[j];
		}
	}
	PG_FINALLY();
	{
		sodium_memzero(u, sizeof(u));
		pg_hmac_free(context);
	}
	PG_END_TRY();
}

/*
 * Computes HMAC-SHA256 over data followed by more; result may be data itself.
 */
static void
hmac(pg_hmac_ctx *context, const uint8 *key, size_t key_length,
	 const uint8 *data, size_t data_length,
	 const uint8 *more, size_t more_length, uint8 *result)
{
	if (pg_hmac_init(context, key, key_length) < 0 ||
		pg_hmac_update(context, data, data_length) < 0 ||
		(more_length > 0 && pg_hmac_update(context, more, more_length) < 0) ||
		pg_hmac_final(context, result, PBKDF2_SHA256_LENGTH) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute HMAC: %s", pg_hmac_error(context)),
				 errhidestmt(true),
				 errhidecontext(true)));
}
