/*
 * search_spi.c
 *		Answering a tag query by statements: the twin of search_walk.c.
 *
 * Posts are read newest first, those of one tag where every answer must have
 * it, otherwise all; each comes with its tags, and the query is asked of them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "tags/search.h"

#define FIRST_BATCH	64
#define MAX_BATCH	4096

#define TAGS_OF_POST \
	"ARRAY(SELECT l.tag_id FROM ddd.post_tags l WHERE l.post_id = p.id ORDER BY l.tag_id)"

static SpiPlan all_plan = {
	.sql = "SELECT " POST_COLUMNS ", " TAGS_OF_POST ", p.created_at, p.id FROM ddd.posts p"
	" WHERE (p.created_at, p.id) < ($1, $2) ORDER BY p.created_at DESC, p.id DESC LIMIT $3",
	.nargs = 3,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan tag_plan = {
	.sql = "SELECT " POST_COLUMNS ", " TAGS_OF_POST ", c.post_created_at, c.post_id"
	" FROM ddd.post_tags c JOIN ddd.posts p ON p.id = c.post_id"
	" WHERE c.tag_id = $4 AND (c.post_created_at, c.post_id) < ($1, $2)"
	" ORDER BY c.post_created_at DESC, c.post_id DESC LIMIT $3",
	.nargs = 4,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static bool tag_of_all(const SearchNode *node, int64 *tag_id);
static bool matches(const SearchNode *node, const Datum *tags, int ntags);
static bool has_tag(int64 tag_id, const Datum *tags, int ntags);

void
search_by_spi(SearchNode *root, ListPage *page, FunctionCallInfo fcinfo)
{
	PageWriter	writer;
	int64		keys[2] = {page->keys[0], page->keys[1]};
	int64		missing = page->first;
	int64		batch = 0;
	uint64		rows = 0;
	int64		tag_id = 0;
	bool		by_tag = tag_of_all(root, &tag_id);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "ddd tag search", ALLOCSET_DEFAULT_SIZES);

	page_writer_begin(&writer, page, fcinfo);
	while (missing > 0 && rows == (uint64) batch && !search_is_never(root))
	{
		SPITupleTable *found;

		batch = batch == 0 ? FIRST_BATCH : Min(batch * 2, MAX_BATCH);
		rows = plan_execute(by_tag ? &tag_plan : &all_plan, (Datum[])
							{
								TimestampTzGetDatum(keys[0]), Int64GetDatum(keys[1]), Int64GetDatum(batch),
								Int64GetDatum(tag_id)
							}, NULL, true);
		found = SPI_tuptable;
		check_row_type(found->tupdesc, writer.desc, POST_NCOLUMNS);
		check_column_type(found->tupdesc, POST_NCOLUMNS + 1, INT8ARRAYOID);
		page_check_keys(page, found->tupdesc, POST_NCOLUMNS + 2);
		for (uint64 row = 0; row < rows && missing > 0; row++)
		{
			Datum	   *tags;
			int			ntags;
			bool		isnull;
			Datum		array = SPI_getbinval(found->vals[row], found->tupdesc, POST_NCOLUMNS + 1, &isnull);
			MemoryContext caller_context = MemoryContextSwitchTo(scratch);

			CHECK_FOR_INTERRUPTS();
			deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
							  TYPALIGN_DOUBLE, &tags, NULL, &ntags);
			MemoryContextSwitchTo(caller_context);
			for (int i = 0; i < 2; i++)
				keys[i] = DatumGetInt64(SPI_getbinval(found->vals[row], found->tupdesc,
													  POST_NCOLUMNS + 2 + i, &isnull));
			if (matches(root, tags, ntags))
			{
				for (int i = 0; i < POST_NCOLUMNS; i++)
					writer.values[i] = SPI_getbinval(found->vals[row], found->tupdesc, i + 1,
													 &writer.nulls[i]);
				page_write(&writer, keys);
				missing--;
			}
			MemoryContextReset(scratch);
		}
		SPI_freetuptable(found);
	}
	MemoryContextDelete(scratch);
	page_writer_end(&writer);
}

/* Finds a tag that every post has which the query asks for. */
static bool
tag_of_all(const SearchNode *node, int64 *tag_id)
{
	if (node->kind == TAG_NAME || (node->kind == TAG_EXACT && node->ntags > 0))
	{
		*tag_id = node->tags[0];
		return true;
	}
	for (int i = 0; i < node->nmembers && node->kind == TAG_AND; i++)
	{
		if (tag_of_all(&node->members[i], tag_id))
			return true;
	}
	return false;
}

static bool
matches(const SearchNode *node, const Datum *tags, int ntags)
{
	switch (node->kind)
	{
		case TAG_NAME:
			return has_tag(node->tags[0], tags, ntags);
		case TAG_PREFIX:
			for (int i = 0; i < node->ntags; i++)
			{
				if (has_tag(node->tags[i], tags, ntags))
					return true;
			}
			return false;
		case TAG_EXACT:
			for (int i = 0; i < node->ntags; i++)
			{
				if (!has_tag(node->tags[i], tags, ntags))
					return false;
			}
			return ntags == node->ntags;
		case TAG_NOT:
			return !matches(&node->members[0], tags, ntags);
		default:
			for (int i = 0; i < node->nmembers; i++)
			{
				if (matches(&node->members[i], tags, ntags) == (node->kind == TAG_OR))
					return node->kind == TAG_OR;
			}
			return node->kind == TAG_AND;
	}
}

static bool
has_tag(int64 tag_id, const Datum *tags, int ntags)
{
	for (int i = 0; i < ntags; i++)
	{
		if (DatumGetInt64(tags[i]) == tag_id)
			return true;
	}
	return false;
}
