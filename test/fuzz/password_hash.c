/*
 * password_hash.c
 *		What libFuzzer runs: any bytes as a stored password hash, without a
 *		server.
 *
 * Claims, besides what the sanitizers watch: what is refused has one of two
 * reasons; what is accepted is a hash by the grammar and the limits, which are
 * written here once more, as regular expressions and numbers; what libraries
 * read of it is the text itself and zeros behind it, and that text is accepted
 * as the same. The settings are drawn from the text. Compiled with -DPLANTED, a
 * fault is in it that has to be found.
 *
 * Before it begins: the dummy hash is accepted, has the cost of the settings, is
 * of no password, and takes as long as a new hash does.
 */
#include "postgres.h"

#include <regex.h>
#include <sodium.h>
#include <time.h>

#include "users/password.h"

/* the server's are not here */
#undef qsort
#undef fprintf
#undef vsnprintf

#define claim(true_claim) \
	do { \
		if (!(true_claim)) \
		{ \
			fprintf(stderr, "not true: %s\n", #true_claim); \
			abort(); \
		} \
	} while (0)

#define TIMINGS 31

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int			argon2_memory_kib = 19456;
int			argon2_time = 2;

void *
palloc(Size size)
{
	return malloc(size);
}

int
pg_snprintf(char *s, size_t size, const char *format,...)
{
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(s, size, format, args);
	va_end(args);
	return length;
}

size_t
strlcpy(char *to, const char *from, size_t size)
{
	size_t		length = strlen(from);

	if (size > 0)
	{
		size_t		copied = Min(length, size - 1);

		memcpy(to, from, copied);
		to[copied] = '\0';
	}
	return length;
}

#define NUMBER	"(0|[1-9][0-9]*)"
#define CRYPT	"[./0-9A-Za-z]"

/* In the order of PasswordScheme. The numbers of a scheme are its groups from the second on. */
static const char *const grammars[] = {
	[PASSWORD_UNUSABLE] = "^!$",
	[PASSWORD_ARGON2ID] = "^(argon2)?\\$argon2id\\$v=19\\$m=" NUMBER ",t=" NUMBER ",p=" NUMBER "\\$([^$]+)\\$([^$]+)$",
	[PASSWORD_ARGON2I] = "^(argon2)?\\$argon2i\\$v=19\\$m=" NUMBER ",t=" NUMBER ",p=" NUMBER "\\$([^$]+)\\$([^$]+)$",
	[PASSWORD_BCRYPT] = "^()\\$2[aby]\\$([0-9]{2})\\$" CRYPT "{53}$",
	[PASSWORD_SHA256_CRYPT] = "^()\\$5\\$(rounds=" NUMBER "\\$)?" CRYPT "{1,16}\\$" CRYPT "{43}$",
	[PASSWORD_SHA512_CRYPT] = "^()\\$6\\$(rounds=" NUMBER "\\$)?" CRYPT "{1,16}\\$" CRYPT "{86}$",
	[PASSWORD_PBKDF2_SHA256] = "^()\\$pbkdf2-sha256\\$" NUMBER "\\$([A-Za-z0-9./]+)\\$([A-Za-z0-9./]{43})$",
	[PASSWORD_DJANGO_PBKDF2_SHA256] = "^()pbkdf2_sha256\\$" NUMBER "\\$([!-#%-~]+)\\$([A-Za-z0-9+/]{43}=)$",
};

static regex_t compiled[lengthof(grammars)];

/* Returns a number of the text; more than any limit where it is of many digits. */
static double
number(const char *s, const regmatch_t *match)
{
	return match->rm_so < 0 ? 5000 : strtod(s + match->rm_so, NULL);
}

/* Returns how many bytes a field of base64 stands for, or -1 where another text stands for the same. */
static int
base64_bytes(const char *s, const regmatch_t *match, const char *last_two)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int			length = match->rm_eo - match->rm_so;
	int			bits = length * 6 % 8;
	int			last = 0;

	for (int i = 0; i < length; i++)
	{
		char		c = s[match->rm_so + i];
		const char *found = memchr(alphabet, c, 62);

		if (found != NULL)
			last = found - alphabet;
		else if (c == last_two[0] || c == last_two[1])
			last = c == last_two[0] ? 62 : 63;
		else
			return -1;
	}
	return bits == 6 || (last & ((1 << bits) - 1)) != 0 ? -1 : length * 6 / 8;
}

/* Tells whether an argon2 hash is within RFC 9106, the limits and what the settings add to them. */
static bool
argon2_is_bounded(const char *s, const regmatch_t *match, const StoredHash *stored)
{
	double		m = number(s, &match[2]);
	double		t = number(s, &match[3]);
	double		p = number(s, &match[4]);
	int			salt = base64_bytes(s, &match[5], "+/");
	int			tag = base64_bytes(s, &match[6], "+/");

	claim(stored->memory_kib == m && stored->time == t);
	return t >= 1 && p >= 1 && p <= 16 && t <= 64 && m >= 8 * p &&
		(m <= 131072 || m <= argon2_memory_kib) &&
		(m * t <= 262144 || m * t <= (double) argon2_memory_kib * argon2_time) &&
		salt >= 8 && salt <= 64 && tag >= 16 && tag <= 64;
}

static bool
is_bounded(const char *s, const StoredHash *stored)
{
	regmatch_t	match[7];

	if (strlen(s) > 255 || regexec(&compiled[stored->scheme], s, lengthof(match), match, 0) != 0)
		return false;
	switch (stored->scheme)
	{
		case PASSWORD_UNUSABLE:
			return true;
		case PASSWORD_ARGON2ID:
		case PASSWORD_ARGON2I:
			return argon2_is_bounded(s, match, stored);
		case PASSWORD_BCRYPT:
			return number(s, &match[2]) >= 4 && number(s, &match[2]) <= 15 && stored->digest_start == 29;
		case PASSWORD_SHA256_CRYPT:
		case PASSWORD_SHA512_CRYPT:
			return number(s, &match[3]) >= 1000 && number(s, &match[3]) <= 1000000 &&
				s + stored->digest_start == strrchr(s, '$') + 1;
		case PASSWORD_PBKDF2_SHA256:
			return number(s, &match[2]) >= 1 && number(s, &match[2]) <= 2000000 && stored->rounds == number(s, &match[2]) &&
				base64_bytes(s, &match[3], "./") == (int) stored->salt_length && base64_bytes(s, &match[4], "./") == 32;
		case PASSWORD_DJANGO_PBKDF2_SHA256:
			match[4].rm_eo--;
			return number(s, &match[2]) >= 1 && number(s, &match[2]) <= 2000000 && stored->rounds == number(s, &match[2]) &&
				(size_t) (match[3].rm_eo - match[3].rm_so) == stored->salt_length &&
				memcmp(stored->salt, s + match[3].rm_so, stored->salt_length) == 0 &&
				base64_bytes(s, &match[4], "+/") == 32;
	}
	return false;
}

static double
seconds_to_verify(const char *hash)
{
	struct timespec begun,
				ended;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	claim(crypto_pwhash_str_verify(hash, "another", strlen("another")) != 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	return ended.tv_sec - begun.tv_sec + (ended.tv_nsec - begun.tv_nsec) / 1e9;
}

static int
compare_seconds(const void *a, const void *b)
{
	return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b);
}

static void
claim_dummy(void)
{
	char		real[crypto_pwhash_STRBYTES];
	char		zeros[PASSWORD_HASH_MAX_LENGTH + 1] = "";
	char	   *dummy = password_dummy_hash();
	char	   *other = password_dummy_hash();
	double		of_dummy[TIMINGS];
	double		of_real[TIMINGS];
	double		ratio = 0;
	StoredHash	stored;
	const char *reason;

	claim(strcmp(dummy, other) != 0);
	claim(stored_hash_parse(dummy, &stored, &reason) && stored.scheme == PASSWORD_ARGON2ID);
	claim(stored.memory_kib == (uint32) argon2_memory_kib && stored.time == (uint32) argon2_time);

	/* it has the shape of a new one, and its time */
	claim(crypto_pwhash_argon2id_str(real, "password", 8, argon2_time, (size_t) argon2_memory_kib * 1024) == 0);
	claim(strlen(real) == strlen(dummy) && strrchr(real, '$') - real == strrchr(dummy, '$') - dummy);
	strlcpy(zeros, dummy, sizeof(zeros));

	/* again where something else had the machine meanwhile */
	for (int attempt = 0; attempt < 3 && (ratio < 0.9 || ratio > 1.1); attempt++)
	{
		for (int i = 0; i < TIMINGS; i++)
		{
			of_dummy[i] = seconds_to_verify(zeros);
			of_real[i] = seconds_to_verify(real);
		}
		qsort(of_dummy, TIMINGS, sizeof(double), compare_seconds);
		qsort(of_real, TIMINGS, sizeof(double), compare_seconds);
		ratio = of_dummy[TIMINGS / 2] / of_real[TIMINGS / 2];
		fprintf(stderr, "dummy hash: %.2f ms, new hash: %.2f ms\n", 1000 * of_dummy[TIMINGS / 2], 1000 * of_real[TIMINGS / 2]);
	}
	claim(ratio >= 0.9 && ratio <= 1.1);
	free(dummy);
	free(other);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	claim(sodium_init() >= 0);
	for (size_t i = 0; i < lengthof(grammars); i++)
		claim(regcomp(&compiled[i], grammars[i], REG_EXTENDED) == 0);
	claim_dummy();
	argon2_memory_kib = 8192;
	argon2_time = 1;
	claim_dummy();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *s;
	StoredHash	stored;
	StoredHash	again;
	const char *reason = NULL;

	/* now and then a setting above the limits, as superusers may have */
	argon2_memory_kib = size % 3 == 0 ? 262144 : 19456;
	argon2_time = size % 5 == 0 ? 10 : 2;

	/* no text of the server has a zero byte; a copy ends where it ends, for the sanitizer */
	size = strnlen((const char *) data, size);
	s = malloc(size + 1);
	memcpy(s, data, size);
	s[size] = '\0';
	if (stored_hash_parse(s, &stored, &reason))
	{
		size_t		length = strlen(stored.text);

#ifdef PLANTED
		claim(stored.scheme != PASSWORD_SHA256_CRYPT);
#endif
		claim(reason == NULL);
		claim(is_bounded(s, &stored));

		/* libraries read the text without Django's prefix, and zeros after it */
		claim(stored.scheme == PASSWORD_UNUSABLE || (length <= size && strcmp(stored.text, s + size - length) == 0));
		for (size_t i = length; i < sizeof(stored.text); i++)
			claim(stored.text[i] == '\0');
		if (stored.scheme != PASSWORD_UNUSABLE)
			claim(stored_hash_parse(stored.text, &again, &reason) && memcmp(&again, &stored, sizeof(stored)) == 0);
	}
	else
		claim(strcmp(reason, "It is not of a known scheme or not well formed.") == 0 ||
			  strcmp(reason, "Its cost is over the limit.") == 0);

	free(s);
	return 0;
}
