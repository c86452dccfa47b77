/*
 * token.c
 *		What libFuzzer runs: any bytes as a token, without a server.
 *
 * Claims, besides what the sanitizers watch: exactly "ddd_" and 43 characters of
 * base64url are a token, of which the last has no bit that does not count, so
 * that no two texts are one token; its digest is the SHA-256 of its bytes; a
 * token that is made is one. Compiled with -DPLANTED, a fault is in it that has
 * to be found.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "users/token.h"

/* the server's are not here */
#undef fprintf

#define claim(true_claim) \
	do { \
		if (!(true_claim)) \
		{ \
			fprintf(stderr, "not true: %s\n", #true_claim); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* core/text.c looks for a cancel request. */
volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc(Size size)
{
	return malloc(size);
}

/* Decodes by the definition of RFC 4648 section 5, without padding; tells whether it is canonical. */
static bool
decode(const char *s, size_t length, uint8 *bytes)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32		bits = 0;
	int			nbits = 0;

	for (size_t i = 0; i < length; i++)
	{
		const char *found = memchr(alphabet, s[i], 64);

		if (found == NULL)
			return false;
		bits = (bits << 6 | (found - alphabet)) & 0xFFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			*bytes++ = bits >> nbits;
		}
	}
	return (bits & ((1 << nbits) - 1)) == 0;
}

static text *
text_of(const void *data, size_t size)
{
	text	   *value = malloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), data, size);
	return value;
}

/* A token that is made has the digest that it is made with. */
static void
claim_made(void)
{
	Datum		digest;
	Datum		again;
	char	   *token = token_make(&digest);
	text	   *value = text_of(token, strlen(token));

	claim(token_digest(value, &again));
	claim(memcmp(DatumGetPointer(digest), DatumGetPointer(again), VARHDRSZ + 32) == 0);
	free(DatumGetPointer(digest));
	free(DatumGetPointer(again));
	free(token);
	free(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	text	   *value = text_of(data, size);
	uint8		bytes[32];
	uint8		expected[32];
	Datum		digest = 0;
	bool		is_token = size == 47 && memcmp(data, "ddd_", 4) == 0 && decode((const char *) data + 4, 43, bytes);

	claim(token_digest(value, &digest) == is_token);
	if (is_token)
	{
#ifdef PLANTED
		claim(bytes[0] != 0);
#endif
		crypto_hash_sha256(expected, bytes, sizeof(bytes));
		claim(VARSIZE(DatumGetPointer(digest)) == VARHDRSZ + 32);
		claim(memcmp(VARDATA(DatumGetPointer(digest)), expected, sizeof(expected)) == 0);
		free(DatumGetPointer(digest));
	}
	else
		claim(digest == 0);
	if (size == 0)
		claim_made();
	free(value);
	return 0;
}
