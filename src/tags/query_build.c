/*
 * query_build.c
 *		Tag queries in canonical form, put together from their parts.
 *
 * Needs palloc and nothing else of a server: the fuzzer has it too. Recursion
 * is as deep as a query, MAX_QUERY_DEPTH at most and one more while two are
 * put together.
 */
#include "postgres.h"

#include "tags/query.h"

#define NAME_HEADER		3
#define GROUP_HEADER	3

static const char nothing[] = {TAG_OR, 0, 0};
static const char everything[] = {TAG_NOT, TAG_OR, 0, 0};

static int	spread(TagNodeKind kind, const TagBytes *members, int n, TagBytes *spread_members);
static int	sort_once(TagBytes *members, int n);
static TagBytes join(TagNodeKind kind, const TagBytes *members, int n);
static int	compare(const void *a, const void *b);
static bool is(TagBytes query, const char *bytes, int length);
static const char *measure(const char *at, int depth, int *nodes, int *deepest);

TagBytes
query_name(const char *folded, int len, bool prefix)
{
	char	   *bytes = palloc(NAME_HEADER + len);

	bytes[0] = prefix ? TAG_PREFIX : TAG_NAME;
	bytes[1] = (char) (len >> 8);
	bytes[2] = (char) len;
	memcpy(bytes + NAME_HEADER, folded, len);
	return (TagBytes) {bytes, NAME_HEADER + len};
}

TagBytes
query_not(TagBytes member)
{
	char	   *bytes;

	if (member.bytes[0] == TAG_NOT)
		return (TagBytes) {member.bytes + 1, member.length - 1};
	bytes = palloc(1 + member.length);
	bytes[0] = TAG_NOT;
	memcpy(bytes + 1, member.bytes, member.length);
	return (TagBytes) {bytes, 1 + member.length};
}

TagBytes
query_group(TagNodeKind kind, const TagBytes *members, int n)
{
	const TagBytes never = {nothing, sizeof(nothing)};
	const TagBytes always = {everything, sizeof(everything)};
	TagBytes	neutral = kind == TAG_AND ? always : never;
	TagBytes	decisive = kind == TAG_AND ? never : always;
	TagBytes   *own;
	int			kept = 0;

	own = palloc(sizeof(TagBytes) * (spread(kind, members, n, NULL) + 1));
	n = spread(kind, members, n, own);
	if (kind != TAG_EXACT)
	{
		for (int i = 0; i < n; i++)
		{
			if (is(own[i], decisive.bytes, decisive.length))
				return decisive;
			if (!is(own[i], neutral.bytes, neutral.length))
				own[kept++] = own[i];
		}
		n = kept;
	}
	n = sort_once(own, n);
	if (n == 0 && kind != TAG_EXACT)
		return neutral;
	if (n == 1 && kind != TAG_EXACT)
		return own[0];
	return join(kind, own, n);
}

bool
query_fits(TagBytes query)
{
	int			nodes = 0;
	int			deepest = 0;

	measure(query.bytes, 0, &nodes, &deepest);
	return nodes <= MAX_QUERY_NODES && deepest <= MAX_QUERY_DEPTH;
}

const char *
query_read(const char *at, TagNode *node)
{
	const unsigned char *bytes = (const unsigned char *) at;

	node->kind = bytes[0];
	node->count = 0;
	switch (node->kind)
	{
		case TAG_NAME:
		case TAG_PREFIX:
			node->length = bytes[1] << 8 | bytes[2];
			node->name = at + NAME_HEADER;
			return node->name + node->length;
		case TAG_NOT:
			node->count = 1;
			return at + 1;
		default:
			node->count = bytes[1] << 8 | bytes[2];
			return at + GROUP_HEADER;
	}
}

const char *
query_skip(const char *at)
{
	/* members that are still to be passed over; a node stands for itself and its own */
	for (int open = 1; open > 0; open--)
	{
		TagNode		node;

		at = query_read(at, &node);
		open += node.count;
	}
	return at;
}

/* Returns the members, with those of a member of the same kind in its place; counts them if NULL. */
static int
spread(TagNodeKind kind, const TagBytes *members, int n, TagBytes *spread_members)
{
	int			total = 0;

	for (int i = 0; i < n; i++)
	{
		TagNode		node;
		const char *at = query_read(members[i].bytes, &node);

		if (node.kind != kind)
		{
			if (spread_members != NULL)
				spread_members[total] = members[i];
			total++;
			continue;
		}
		for (int j = 0; j < node.count; j++)
		{
			const char *next = query_skip(at);

			if (spread_members != NULL)
				spread_members[total] = (TagBytes) {at, next - at};
			total++;
			at = next;
		}
	}
	return total;
}

/* Puts members in order and drops what is there twice; returns how many are left. */
static int
sort_once(TagBytes *members, int n)
{
	int			kept = 0;

	qsort(members, n, sizeof(TagBytes), compare);
	for (int i = 0; i < n; i++)
	{
		if (kept == 0 || compare(&members[kept - 1], &members[i]) != 0)
			members[kept++] = members[i];
	}
	return kept;
}

static TagBytes
join(TagNodeKind kind, const TagBytes *members, int n)
{
	int			length = GROUP_HEADER;
	char	   *bytes;
	char	   *at;

	for (int i = 0; i < n; i++)
		length += members[i].length;
	bytes = palloc(length);
	bytes[0] = kind;
	bytes[1] = (char) (n >> 8);
	bytes[2] = (char) n;
	at = bytes + GROUP_HEADER;
	for (int i = 0; i < n; i++)
	{
		memcpy(at, members[i].bytes, members[i].length);
		at += members[i].length;
	}
	return (TagBytes) {bytes, length};
}

static int
compare(const void *a, const void *b)
{
	const TagBytes *left = a;
	const TagBytes *right = b;
	int			order = memcmp(left->bytes, right->bytes, Min(left->length, right->length));

	return order != 0 ? order : left->length - right->length;
}

static bool
is(TagBytes query, const char *bytes, int length)
{
	return query.length == length && memcmp(query.bytes, bytes, length) == 0;
}

/* Counts the nodes and how deep they are in each other; returns what comes after. */
static const char *
measure(const char *at, int depth, int *nodes, int *deepest)
{
	TagNode		node;

	at = query_read(at, &node);
	(*nodes)++;
	if (node.kind != TAG_NAME && node.kind != TAG_PREFIX)
		depth++;
	*deepest = Max(*deepest, depth);
	for (int i = 0; i < node.count; i++)
		at = measure(at, depth, nodes, deepest);
	return at;
}
