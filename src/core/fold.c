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
 * say: i without a dot stays another letter than i. libutf8proc has the tables.
 * The form of a form is itself.
 *
 * Text of another encoding than UTF-8 is folded as its UTF-8. Where that is
 * not possible, because bytes are no text (SQL_ASCII) or the form has no place
 * in the encoding (LATIN1 has µ, but not the letter that it folds to), ASCII
 * letters alone are folded. What Unicode did not know yet when libutf8proc was
 * made is as it is.
 */
#include "postgres.h"

#include <utf8proc.h>

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "core/core.h"

/* NFC, NFD and full case folding each make at most three bytes of one, or three characters. */
#define MAX_FOLDED	(3 * MAX_FOLD)
#define MAX_CODES	(3 * MAX_FOLDED)

static int	fold_utf8(const char *s, int len, char *folded);
static int	fold_other(const char *s, int len, char *folded);
static int	convert(const char *s, int len, int from, int to, char *converted, int size);

char *
name_fold(const char *s, int len, int *folded_len)
{
	int			encoding = GetDatabaseEncoding();
	char	   *folded = NULL;

	text_trim_bounds(&s, &len);
	if (len > MAX_FOLD)
		return NULL;
	if (!text_is_ascii(s, len))
	{
		folded = palloc(MAX_FOLDED + 1);
		*folded_len = encoding == PG_UTF8 || encoding == PG_SQL_ASCII ?
			fold_utf8(s, len, folded) : fold_other(s, len, folded);
	}
	if (folded == NULL || *folded_len < 0)
	{
		/* ASCII text is in NFC, and its capitals fold to its small letters */
		*folded_len = len;
		return asc_tolower(s, len);
	}
	/* the form of a form is itself, so it must have one */
	if (*folded_len > MAX_FOLD)
		return NULL;
	folded[*folded_len] = '\0';
	return folded;
}

text *
name_key(text *name)
{
	int			length;
	char	   *folded = name_fold(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &length);

	return folded == NULL ? NULL : cstring_to_text_with_len(folded, length);
}

/* Returns the length, or -1 for what is not UTF-8. */
static int
fold_utf8(const char *s, int len, char *folded)
{
	utf8proc_int32_t *codes = palloc((MAX_CODES + 1) * sizeof(*codes));
	utf8proc_ssize_t n;

	/* code by code: the order of marks must be settled before they are folded */
	n = utf8proc_decompose((const utf8proc_uint8_t *) s, len, codes, MAX_CODES,
						   UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
	if (n >= 0 && n <= MAX_CODES)
		n = utf8proc_reencode(codes, n, UTF8PROC_STABLE);
	if (n >= 0 && n <= MAX_FOLDED)
	{
		memcpy(folded, codes, n);
		n = utf8proc_decompose((const utf8proc_uint8_t *) folded, n, codes, MAX_CODES,
							   UTF8PROC_CASEFOLD | UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
	}
	if (n >= 0 && n <= MAX_CODES)
		n = utf8proc_reencode(codes, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	if (n > MAX_FOLDED)
		n = -1;
	if (n >= 0)
		memcpy(folded, codes, n);
	pfree(codes);
	return (int) n;
}

/* The same for text in the database's encoding. */
static int
fold_other(const char *s, int len, char *folded)
{
	int			size = MAX_FOLDED * MAX_CONVERSION_GROWTH + 1;
	char	   *converted = palloc(size);
	int			n;

	n = convert(s, len, GetDatabaseEncoding(), PG_UTF8, converted, size);
	if (n >= 0)
		n = n > MAX_FOLD ? -1 : fold_utf8(converted, n, folded);
	if (n >= 0)
	{
		n = convert(folded, n, PG_UTF8, GetDatabaseEncoding(), converted, size);
		if (n > MAX_FOLDED)
			n = -1;
	}
	if (n >= 0)
		memcpy(folded, converted, n);
	pfree(converted);
	return n;
}

/* Returns the length, or -1 where not all of it has a form in the other encoding. */
static int
convert(const char *s, int len, int from, int to, char *converted, int size)
{
	Oid			conversion = FindDefaultConversionProc(from, to);

	if (!OidIsValid(conversion) ||
		pg_do_encoding_conversion_buf(conversion, from, to, (unsigned char *) unconstify(char *, s), len,
									  (unsigned char *) converted, size, true) < len)
		return -1;
	return strlen(converted);
}
