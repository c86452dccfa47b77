/*
 * tag_query.c
 *		What libFuzzer runs: any bytes as the text of a tag query, without a
 *		server.
 *
 * Claims, besides what the sanitizers watch: what is refused has a place inside
 * the text; what is a query keeps to the limits, and its text reads back as the
 * same bytes; and building a query from two parts does too. Compiled with
 * -DPLANTED, a fault is in it that has to be found.
 */
#include "postgres.h"

#include "tags/query.h"

/* the server's are not here */
#undef qsort
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

/* Everything that a run has allocated, to be freed after it. */
static void *pieces[100000];
static int	npieces;

void *
palloc(Size size)
{
	claim(npieces < (int) lengthof(pieces));
	return pieces[npieces++] = malloc(size > 0 ? size : 1);
}

void
pfree(void *piece)
{
	for (int i = npieces - 1; i >= 0; i--)
	{
		if (pieces[i] == piece)
		{
			free(piece);
			pieces[i] = pieces[--npieces];
			return;
		}
	}
	claim(!"freed twice");
}

void
pg_qsort(void *base, size_t n, size_t size, int (*compare) (const void *, const void *))
{
	qsort(base, n, size, compare);
}

/* Stands for core/fold.c, which asks a server for its encoding. */
static char *
fold(const char *s, int len, int *folded_len)
{
	char	   *folded;

	while (len > 0 && isspace((unsigned char) *s))
		s++, len--;
	while (len > 0 && isspace((unsigned char) s[len - 1]))
		len--;
	if (len > 1200)
		return NULL;
	folded = palloc(len + 1);
	for (int i = 0; i < len; i++)
		folded[i] = s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i];
	*folded_len = len;
	return folded;
}

/* The text of a query is that query. */
static void
claim_reads_back(TagBytes query)
{
	char	   *text = query_print(query);
	TagBytes	again;
	TagProblem	problem;

	claim(query_parse(text, strlen(text), fold, &again, &problem));
	claim(again.length == query.length && memcmp(again.bytes, query.bytes, query.length) == 0);
	claim(query_skip(query.bytes) == query.bytes + query.length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *s;
	TagBytes	query;
	TagProblem	problem;

	/* no text of the server has a zero byte; a copy ends where it ends, for the sanitizer */
	size = strnlen((const char *) data, size);
	s = palloc(size);
	memcpy(s, data, size);
	if (query_parse(s, size, fold, &query, &problem))
	{
		TagBytes	parts[] = {query, query_not(query)};
		TagBytes	both;

#ifdef PLANTED
		claim(query.bytes[0] != TAG_EXACT);
#endif
		claim(query_fits(query));
		claim_reads_back(query);
		for (int kind = TAG_AND; kind <= TAG_OR; kind++)
		{
			both = query_group(kind, parts, lengthof(parts));
			if (query_fits(both))
				claim_reads_back(both);
		}
	}
	else
		claim(problem.detail != NULL && problem.at >= 0 && (size_t) problem.at <= size);

	while (npieces > 0)
		free(pieces[--npieces]);
	return 0;
}
