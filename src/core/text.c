/*
 * text.c
 *		What counts as a character, as blank, as a valid name or address.
 *
 * Knows neither arguments nor tables. The rules are the same in every
 * database encoding and under every collation: text of another encoding than
 * UTF-8 is converted first, and stored text may be invalid (SQL_ASCII), so no
 * loop here trusts a lead byte past the end. A text may be a gigabyte, so the
 * loops look for interrupts.
 *
 * E-mail addresses: one @ with something on both sides, no white space, no
 * control or invisible character, no dot at the ends of the domain and no two
 * in a row. Quoted local parts are refused, which are another spelling of an
 * address that may be registered already; letters beyond ASCII are allowed
 * and are never folded, so two addresses that only look alike stay two.
 */
#include "postgres.h"

#include <limits.h>

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/core.h"

/* Unicode White_Space and Default_Ignorable_Code_Point, with the C0 and C1 controls. */
static const CodeRange invisible[] = {
	{0x0000, 0x0020}, {0x007F, 0x00A0}, {0x00AD, 0x00AD}, {0x034F, 0x034F},
	{0x061C, 0x061C}, {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5},
	{0x180B, 0x180F}, {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F},
	{0x3000, 0x3000}, {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF},
};

typedef struct CodeReader
{
	const unsigned char *at;
	const unsigned char *end;
} CodeReader;

static void reader_begin(CodeReader *reader, const char *s, int len);
static const char *convert_to_utf8(const char *s, int *len);
static bool is_ascii_space(char c);
static bool reader_next(CodeReader *reader, uint32 *code);
static bool is_invisible(uint32 code);

int
text_length_chars(const char *s, int len)
{
	int			chars = 0;

	if (pg_database_encoding_max_length() == 1)
		return len;
	while (len > 0)
	{
		int			l = Min(pg_encoding_mblen_bounded(GetDatabaseEncoding(), s), len);

		CHECK_FOR_INTERRUPTS();
		l = Max(l, 1);
		s += l;
		len -= l;
		chars++;
	}
	return chars;
}

bool
text_is_blank(const char *s, int len)
{
	CodeReader	reader;
	uint32		code;

	reader_begin(&reader, s, len);
	while (reader_next(&reader, &code))
	{
		if (!is_invisible(code))
			return false;
	}
	return true;
}

bool
text_has_control(const char *s, int len)
{
	CodeReader	reader;
	uint32		code;

	reader_begin(&reader, s, len);
	while (reader_next(&reader, &code))
	{
		/* joiners and variation selectors are part of words and emoji */
		if (code == 0x200C || code == 0x200D || (code >= 0xFE00 && code <= 0xFE0F))
			continue;
		if (code != ' ' && is_invisible(code))
			return true;
	}
	return false;
}

void
text_trim_bounds(const char **s, int *len)
{
	while (*len > 0 && is_ascii_space(**s))
	{
		CHECK_FOR_INTERRUPTS();
		(*s)++;
		(*len)--;
	}
	while (*len > 0 && is_ascii_space((*s)[*len - 1]))
	{
		CHECK_FOR_INTERRUPTS();
		(*len)--;
	}
}

text *
text_trim(text *value)
{
	const char *s = VARDATA_ANY(value);
	int			len = VARSIZE_ANY_EXHDR(value);

	text_trim_bounds(&s, &len);
	return cstring_to_text_with_len(s, len);
}

const char *
email_problem(const char *s, int len)
{
	CodeReader	reader;
	uint32		code;
	uint32		previous = '.';
	bool		in_domain = false;
	int			local_chars = 0;

	reader_begin(&reader, s, len);
	while (reader_next(&reader, &code))
	{
		if (is_invisible(code))
			return "It holds white space or an invisible character.";
		if (code == '@')
		{
			if (in_domain)
				return "It has more than one @.";
			if (local_chars == 0)
				return "Nothing stands before the @.";
			in_domain = true;
			previous = '.';
			continue;
		}
		if (!in_domain)
		{
			if (local_chars++ == 0 && code == '"')
				return "Its local part is quoted.";
		}
		else if (code == '.' && previous == '.')
			return "A part of its domain is empty.";
		previous = code;
	}
	if (!in_domain)
		return "It has no @.";
	if (previous == '.')
		return "A part of its domain is empty.";
	return NULL;
}

const char *
name_problem(const char *s, int len)
{
	if (text_is_blank(s, len))
		return "It is blank.";
	if (text_has_control(s, len))
		return "It holds a control or invisible character.";
	if (is_ascii_space(s[0]) || is_ascii_space(s[len - 1]))
		return "It begins or ends with a blank.";
	return NULL;
}

/* Starts reading code points; bytes of an invalid sequence are read one by one. */
static void
reader_begin(CodeReader *reader, const char *s, int len)
{
	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII && !text_is_ascii(s, len))
		s = convert_to_utf8(s, &len);
	reader->at = (const unsigned char *) s;
	reader->end = reader->at + len;
}

/*
 * Returns the text in UTF-8, up to the first character that has no UTF-8
 * form, which becomes a byte that no rule takes for blank or control.
 */
static const char *
convert_to_utf8(const char *s, int *len)
{
	Oid			conversion = FindDefaultConversionProc(GetDatabaseEncoding(), PG_UTF8);
	Size		size = (Size) *len * MAX_CONVERSION_GROWTH + 2;
	char	   *utf8;

	if (!OidIsValid(conversion) || size > INT_MAX)
		return s;
	utf8 = palloc_extended(size, MCXT_ALLOC_HUGE);
	if (pg_do_encoding_conversion_buf(conversion, GetDatabaseEncoding(), PG_UTF8,
									  (unsigned char *) unconstify(char *, s), *len,
									  (unsigned char *) utf8, (int) size - 1, true) < *len)
		strlcat(utf8, "\xFF", size);
	*len = strlen(utf8);
	return utf8;
}

bool
text_is_ascii(const char *s, int len)
{
	for (int i = 0; i < len; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (IS_HIGHBIT_SET(s[i]))
			return false;
	}
	return true;
}

bool
code_is_in(uint32 code, const CodeRange *ranges, int n)
{
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (ranges[middle].last < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ranges[low].first <= code;
}

int
text_compare(text *a, text *b)
{
	int			a_len = VARSIZE_ANY_EXHDR(a);
	int			b_len = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_len, b_len));

	return order != 0 ? order : a_len - b_len;
}

/* As the tables' constraints have it; scanner_isspace left out VT before PostgreSQL 16. */
static bool
is_ascii_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
reader_next(CodeReader *reader, uint32 *code)
{
	int			len;

	CHECK_FOR_INTERRUPTS();
	if (reader->at >= reader->end)
		return false;
	if (*reader->at < 0x80)
	{
		*code = *reader->at++;
		return true;
	}
	len = pg_utf_mblen(reader->at);
	if (len > reader->end - reader->at || !pg_utf8_islegal(reader->at, len))
	{
		/* not a character: a mark of its own, never blank */
		*code = 0xFFFD;
		reader->at++;
		return true;
	}
	*code = utf8_to_unicode(reader->at);
	reader->at += len;
	return true;
}

static bool
is_invisible(uint32 code)
{
	return (code <= ' ' || code >= 0x7F) && code_is_in(code, invisible, lengthof(invisible));
}
