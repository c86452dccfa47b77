/*
 * search_resolve.c
 *		Which tags the names of a query mean, in this snapshot.
 *
 * A synonym means its tag. A prefix means every tag that begins so, or has a
 * synonym that does; there may be as many of them as there are tags, at eight
 * bytes each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "tags/search.h"

static SpiPlan prefix_plan = {
	.sql = "SELECT DISTINCT coalesce(t.synonym_of, t.id) FROM ddd.tags t"
	" WHERE t.key ^@ $1 ORDER BY 1",
	.nargs = 1,
	.argtypes = {TEXTOID},
	/* the planner makes a range of it */
	.choice = PLAN_CUSTOM,
};

static const char *resolve(const char *at, TagFinder *finder, SearchNode *node);
static const char *resolve_members(const char *at, int count, TagFinder *finder, SearchNode *node);
static void resolve_prefix(const TagNode *name, SearchNode *node);
static const char *resolve_exact(const char *at, int count, TagFinder *finder, SearchNode *node);
static void never(SearchNode *node);

void
search_resolve(TagBytes query, SearchNode *root)
{
	TagFinder	finder = {0};

	resolve(query.bytes, &finder, root);
	tag_finder_end(&finder);
}

/* Returns what comes after the node. */
static const char *
resolve(const char *at, TagFinder *finder, SearchNode *node)
{
	TagNode		read;

	at = query_read(at, &read);
	memset(node, 0, sizeof(SearchNode));
	node->kind = read.kind;
	switch (read.kind)
	{
		case TAG_NAME:
			node->ntags = 1;
			node->tags = palloc_array(int64, 1);
			if (!tag_find(finder, read.name, read.length, &node->tags[0]))
				never(node);
			return at;
		case TAG_PREFIX:
			resolve_prefix(&read, node);
			return at;
		case TAG_EXACT:
			return resolve_exact(at, read.count, finder, node);
		default:
			return resolve_members(at, read.count, finder, node);
	}
}

/* An AND with a member that nothing has is one itself; an OR leaves it out. */
static const char *
resolve_members(const char *at, int count, TagFinder *finder, SearchNode *node)
{
	bool		known = true;

	node->members = palloc_array(SearchNode, count);
	for (int i = 0; i < count; i++)
	{
		SearchNode *member = &node->members[node->nmembers];

		at = resolve(at, finder, member);
		if (node->kind == TAG_NOT || !search_is_never(member))
			node->nmembers++;
		else
			known = false;
	}
	if (node->kind == TAG_AND && !known)
		never(node);
	return at;
}

static void
resolve_prefix(const TagNode *name, SearchNode *node)
{
	Datum		prefix = PointerGetDatum(cstring_to_text_with_len(name->name, name->length));
	uint64		rows = plan_execute(&prefix_plan, &prefix, NULL, true);

	node->tags = palloc_extended(sizeof(int64) * Max(rows, 1), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < rows; row++)
		node->tags[node->ntags++] = plan_int64(row, 1);
	SPI_freetuptable(SPI_tuptable);
	if (node->ntags == 0)
		never(node);
	else if (node->ntags == 1)
		node->kind = TAG_NAME;
}

static const char *
resolve_exact(const char *at, int count, TagFinder *finder, SearchNode *node)
{
	bool		known = true;

	node->tags = palloc_array(int64, Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		TagNode		name;

		at = query_read(at, &name);
		known = known && tag_find(finder, name.name, name.length, &node->tags[i]);
	}
	if (!known)
	{
		never(node);
		return at;
	}
	/* a synonym and its tag are one */
	node->ntags = tag_ids_unique(node->tags, count);
	return at;
}

bool
search_is_never(const SearchNode *node)
{
	return node->kind == TAG_OR && node->nmembers == 0;
}

static void
never(SearchNode *node)
{
	memset(node, 0, sizeof(SearchNode));
	node->kind = TAG_OR;
}
