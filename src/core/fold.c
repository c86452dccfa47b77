/*
 * fold.c
 *		The caseless form of a name: two names that a reader takes for the same
 *		have the same.
 *
 * White space (ASCII) around the name goes, then
 *
 *		NFC(toCasefold(NFD(name)))
 *
 * (The Unicode Standard, D145, canonical caseless matching, in composed form;
 * full case folding, so that ß is ss.) No locale, collation or setting has a
 * say: i without a dot stays another letter than i. The form of a form is
 * itself.
 *
 * libutf8proc has the tables, but no say in which version of Unicode it is:
 * what was not assigned in the one that fold_ranges.h names stays as it is, for
 * ever. Unicode promises never to change what it says of a character that it
 * has assigned (Stability Policy, "Normalization" and "Case Folding").
 *
 * Text of another encoding than UTF-8 is folded as its UTF-8. Where the form
 * has no place in the encoding (LATIN1 has µ, but not the letter that it folds
 * to) each character is folded by itself, and that one stays as it is. So do
 * bytes that are no text (SQL_ASCII), with ASCII letters folded.
 */
#include "postgres.h"

#include <utf8proc.h>

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "core/fold_ranges.h"

/* NFC, NFD and full case folding each make at most three bytes of one, or three characters. */
#define MAX_GROWTH	3
#define MAX_FOLDED	(MAX_GROWTH * MAX_FOLD)

static int	fold_bytes(const char *s, int len, char *folded);
static int	fold_run(const char *s, int len, char *folded);
static int	fold_encoded(const char *s, int len, char *folded);
static int	fold_characters(const char *s, int len, char *folded);
static int	fold_ascii(const char *s, int len, char *folded);
static int	convert(const char *s, int len, int from, int to, char *converted, int size);

char *
name_fold(const char *s, int len, int *folded_len)
{
	int			encoding = GetDatabaseEncoding();
	char		folded[MAX_FOLDED];

	text_trim_bounds(&s, &len);
	if (len > MAX_FOLD)
		return NULL;
	if (text_is_ascii(s, len))
		*folded_len = fold_ascii(s, len, folded);
	else if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		*folded_len = fold_bytes(s, len, folded);
	else
	{
		*folded_len = fold_encoded(s, len, folded);
		if (*folded_len < 0)
			*folded_len = fold_characters(s, len, folded);
	}
	/* the form of a form is itself, so it must have one */
	return *folded_len > MAX_FOLD ? NULL : pnstrdup(folded, *folded_len);
}

text *
name_key(text *name)
{
	int			length;
	char	   *folded = name_fold(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &length);
	text	   *key = NULL;

	if (folded != NULL)
	{
		key = cstring_to_text_with_len(folded, length);
		pfree(folded);
	}
	return key;
}

/* Folds UTF-8, run by run of what folding may change; "folded" has room for MAX_GROWTH times its length. */
static int
fold_bytes(const char *s, int len, char *folded)
{
	int			run = 0;
	int			n = 0;

	for (int at = 0; at < len;)
	{
		utf8proc_int32_t code;
		utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *) s + at, len - at, &code);
		bool		is_text = size > 0;

		if (!is_text)
			size = 1;
		if (!is_text || !code_is_in(code, fold_ranges, lengthof(fold_ranges)))
		{
			n += fold_run(s + run, at - run, folded + n);
			memcpy(folded + n, s + at, size);
			n += size;
			run = at + size;
		}
		at += size;
	}
	return n + fold_run(s + run, len - run, folded + n);
}

static int
fold_run(const char *s, int len, char *folded)
{
	utf8proc_ssize_t most = MAX_GROWTH * MAX_GROWTH * len;
	utf8proc_int32_t *codes;
	utf8proc_ssize_t n;

	if (text_is_ascii(s, len))
		return fold_ascii(s, len, folded);
	codes = palloc((most + 1) * sizeof(*codes));

	/* code by code: the order of marks must be settled before they are folded */
	n = utf8proc_decompose((const utf8proc_uint8_t *) s, len, codes, most,
						   UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
	if (n >= 0 && n <= most)
		n = utf8proc_reencode(codes, n, UTF8PROC_STABLE);
	if (n >= 0 && n <= MAX_GROWTH * len)
	{
		memcpy(folded, codes, n);
		n = utf8proc_decompose((const utf8proc_uint8_t *) folded, n, codes, most,
							   UTF8PROC_CASEFOLD | UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
	}
	if (n >= 0 && n <= most)
		n = utf8proc_reencode(codes, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	if (n >= 0 && n <= MAX_GROWTH * len)
		memcpy(folded, codes, n);
	else
		n = fold_ascii(s, len, folded);
	pfree(codes);
	return (int) n;
}

/* Folds text in the database's encoding; -1 where it, or its form, has no place in the other. */
static int
fold_encoded(const char *s, int len, char *folded)
{
	int			size = MAX_FOLDED * MAX_CONVERSION_GROWTH + 1;
	char	   *converted = palloc(size);
	char		folded_utf8[MAX_FOLDED];
	int			n;

	n = convert(s, len, GetDatabaseEncoding(), PG_UTF8, converted, size);
	if (n >= 0)
		n = n > MAX_FOLD ? -1 : fold_bytes(converted, n, folded_utf8);
	if (n >= 0)
	{
		n = convert(folded_utf8, n, PG_UTF8, GetDatabaseEncoding(), converted, size);
		if (n > MAX_GROWTH * len)
			n = -1;
	}
	if (n >= 0)
		memcpy(folded, converted, n);
	pfree(converted);
	return n;
}

/* The same for each character by itself. */
static int
fold_characters(const char *s, int len, char *folded)
{
	int			n = 0;

	for (int at = 0; at < len;)
	{
		int			size = Min(pg_mblen(s + at), len - at);
		int			length = IS_HIGHBIT_SET(s[at]) ? fold_encoded(s + at, size, folded + n) : -1;

		n += length >= 0 ? length : fold_ascii(s + at, size, folded + n);
		at += size;
	}
	return n;
}

/* ASCII text is in NFC, and its capitals fold to its small letters. */
static int
fold_ascii(const char *s, int len, char *folded)
{
	for (int i = 0; i < len; i++)
		folded[i] = pg_ascii_tolower((unsigned char) s[i]);
	return len;
}

/* Returns the length, or -1 where not all of it has a form in the other encoding. */
static int
convert(const char *s, int len, int from, int to, char *converted, int size)
{
	/* whatever search_path says */
	Oid			conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, from, to);

	if (!OidIsValid(conversion) ||
		pg_do_encoding_conversion_buf(conversion, from, to, (unsigned char *) unconstify(char *, s), len,
									  (unsigned char *) converted, size, true) < len)
		return -1;
	return strlen(converted);
}
