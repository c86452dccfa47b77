/*
 * tag_match.c
 *		text[] @@ ddd.tag_query: anybody's own arrays of tags, and the GIN
 *		operator class that finds them.
 *
 * The elements' folded names are the tags; an element that is NULL, blank or
 * longer than MAX_FOLD is none. The index has the folded names, compared byte
 * by byte, so that a prefix is a range of it.
 */
#include "postgres.h"

#include "access/gin.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "tags/tag_query.h"

/* Folded names in their order, each once. */
typedef struct TagKeys
{
	text	  **keys;
	int			n;
} TagKeys;

/* What an index knows of an array: an answer for each name in turn. */
typedef struct Checks
{
	const GinTernaryValue *next;
} Checks;

static TagKeys keys_of(ArrayType *array);
static TagTruth has_key(const TagNode *name, void *state);
static TagTruth next_check(const TagNode *name, void *state);
static TagTruth has_nothing(const TagNode *name, void *state);
static bool is_prefix(const char *prefix, int prefix_len, const char *s, int len);
static int	compare_bytes(const char *a, int a_len, const char *b, int b_len);
static int	compare_keys(const void *a, const void *b, void *unused);

PG_FUNCTION_INFO_V1(ddd_tags_match);

Datum
ddd_tags_match(PG_FUNCTION_ARGS)
{
	TagKeys		keys = keys_of(PG_GETARG_ARRAYTYPE_P(0));
	TagSet		set = {has_key, &keys, keys.n};

	PG_RETURN_BOOL(query_match(tag_query_bytes(PG_GETARG_DATUM(1)), &set) == TAG_TRUE);
}

PG_FUNCTION_INFO_V1(ddd_gin_tags_compare);

Datum
ddd_gin_tags_compare(PG_FUNCTION_ARGS)
{
	text	   *one = PG_GETARG_TEXT_PP(0);
	text	   *other = PG_GETARG_TEXT_PP(1);
	int			order = text_compare(one, other);

	/* an index is built of many comparisons in one memory context */
	PG_FREE_IF_COPY(one, 0);
	PG_FREE_IF_COPY(other, 1);
	PG_RETURN_INT32(order);
}

PG_FUNCTION_INFO_V1(ddd_gin_tags_compare_prefix);

Datum
ddd_gin_tags_compare_prefix(PG_FUNCTION_ARGS)
{
	text	   *prefix = PG_GETARG_TEXT_PP(0);
	text	   *key = PG_GETARG_TEXT_PP(1);

	/* the scan begins at the prefix, and what begins with it comes first */
	int			order = is_prefix(VARDATA_ANY(prefix), VARSIZE_ANY_EXHDR(prefix),
								  VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) ? 0 : 1;

	PG_FREE_IF_COPY(prefix, 0);
	PG_FREE_IF_COPY(key, 1);
	PG_RETURN_INT32(order);
}

PG_FUNCTION_INFO_V1(ddd_gin_tags_extract_value);

Datum
ddd_gin_tags_extract_value(PG_FUNCTION_ARGS)
{
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	TagKeys		keys = keys_of(PG_GETARG_ARRAYTYPE_P(0));

	*nkeys = keys.n;
	PG_RETURN_POINTER(keys.keys);
}

PG_FUNCTION_INFO_V1(ddd_gin_tags_extract_query);

Datum
ddd_gin_tags_extract_query(PG_FUNCTION_ARGS)
{
	TagBytes	query = tag_query_bytes(PG_GETARG_DATUM(0));
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	bool	  **partial = (bool **) PG_GETARG_POINTER(3);
	Pointer   **extra = (Pointer **) PG_GETARG_POINTER(4);
	int32	   *search_mode = (int32 *) PG_GETARG_POINTER(6);
	TagSet		others = {has_nothing, NULL, -1};
	Datum	   *keys = palloc(sizeof(Datum) * MAX_QUERY_NODES);
	const char *end = query.bytes + query.length;
	bool		has_prefix = false;

	*nkeys = 0;
	*partial = palloc(sizeof(bool) * MAX_QUERY_NODES);
	for (const char *at = query.bytes; at < end;)
	{
		TagNode		node;

		at = query_read(at, &node);
		if (node.kind != TAG_NAME && node.kind != TAG_PREFIX)
			continue;
		keys[*nkeys] = PointerGetDatum(cstring_to_text_with_len(node.name, node.length));
		(*partial)[(*nkeys)++] = node.kind == TAG_PREFIX;
		has_prefix |= node.kind == TAG_PREFIX;
	}
	if (has_prefix)
	{
		*extra = palloc0_array(Pointer, *nkeys);
		(*extra)[0] = (Pointer) *partial;
	}
	/* an array without any of the names, but perhaps with others, may be what is asked for */
	if (query_match(query, &others) != TAG_FALSE)
		*search_mode = GIN_SEARCH_MODE_ALL;
	PG_RETURN_POINTER(keys);
}

/*
 * What may be true with the answers that are known, and with any to those that
 * are not.
 *
 * With a prefix in the query nothing is made of unknown answers, though more
 * could be said at times. GIN would pass over entries of names without which
 * nothing is found, up to where those are that it needs; where a prefix has so
 * many rows that only their pages are known, it passes over rows of such a
 * page (ginget.c, keyGetItem; text search by prefixes loses rows like that).
 * If only the absence of all names excludes a row, it needs all of them.
 */
PG_FUNCTION_INFO_V1(ddd_gin_tags_triconsistent);

Datum
ddd_gin_tags_triconsistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	int32		nkeys = PG_GETARG_INT32(3);
	Pointer    *extra = (Pointer *) PG_GETARG_POINTER(4);
	Checks		checks = {check};
	TagSet		set = {next_check, &checks, -1};

	StaticAssertStmt(TAG_FALSE == GIN_FALSE && TAG_TRUE == GIN_TRUE && TAG_MAYBE == GIN_MAYBE,
					 "truth is what GIN takes it for");
	if (extra != NULL && extra[0] != NULL && memchr(check, GIN_MAYBE, nkeys) != NULL)
		PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
	PG_RETURN_GIN_TERNARY_VALUE((GinTernaryValue) query_match(tag_query_bytes(PG_GETARG_DATUM(2)), &set));
}

static TagKeys
keys_of(ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	TagKeys		keys = {NULL, 0};
	int			unique = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	keys.keys = palloc_extended(sizeof(text *) * Max(n, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		text	   *element;
		char	   *folded;
		int			length;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			continue;
		element = DatumGetTextPP(elements[i]);
		folded = name_fold(VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element), &length);
		if (folded != NULL && length > 0)
			keys.keys[keys.n++] = cstring_to_text_with_len(folded, length);
		if (folded != NULL)
			pfree(folded);
	}
	qsort_interruptible(keys.keys, keys.n, sizeof(text *), compare_keys, NULL);
	for (int i = 0; i < keys.n; i++)
	{
		if (unique == 0 || compare_keys(&keys.keys[unique - 1], &keys.keys[i], NULL) != 0)
			keys.keys[unique++] = keys.keys[i];
	}
	keys.n = unique;
	return keys;
}

/* Finds the first key that is not less than the name, by bisection. */
static TagTruth
has_key(const TagNode *name, void *state)
{
	const TagKeys *keys = state;
	int			low = 0;
	int			high = keys->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		text	   *key = keys->keys[middle];

		if (compare_bytes(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), name->name, name->length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < keys->n)
	{
		const char *key = VARDATA_ANY(keys->keys[low]);
		int			length = VARSIZE_ANY_EXHDR(keys->keys[low]);

		if (is_prefix(name->name, name->length, key, length) &&
			(name->kind == TAG_PREFIX || length == name->length))
			return TAG_TRUE;
	}
	return TAG_FALSE;
}

static TagTruth
next_check(const TagNode *name, void *state)
{
	Checks	   *checks = state;

	return (TagTruth) *checks->next++;
}

static TagTruth
has_nothing(const TagNode *name, void *state)
{
	return TAG_FALSE;
}

static bool
is_prefix(const char *prefix, int prefix_len, const char *s, int len)
{
	return len >= prefix_len && memcmp(s, prefix, prefix_len) == 0;
}

static int
compare_bytes(const char *a, int a_len, const char *b, int b_len)
{
	int			order = memcmp(a, b, Min(a_len, b_len));

	return order != 0 ? order : a_len - b_len;
}

static int
compare_keys(const void *a, const void *b, void *unused)
{
	return text_compare(*(text *const *) a, *(text *const *) b);
}
