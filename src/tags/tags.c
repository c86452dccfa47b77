/*
 * tags.c
 *		ddd.posts_by_tag() and ddd.posts_by_tags().
 *
 * Both walk (tag_id, post_created_at DESC, post_id DESC) of ddd.post_tags and
 * stop when the page is full. Either through index cursors, the links from
 * the index alone, the tag and each post by a unique index, or as SQL
 * statements that do the same; all answer from the same snapshot.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"
#include "counters/counters.h"
#include "tags/links.h"
#include "tags/search.h"
#include "tags/tag_query.h"
#include "tags/tags.h"

Counter		posts_by_tag_counter = COUNTER(2, "post_tags", "tag_id", "tags");

static SpiPlan posts_by_tag_plan = {
	.sql = "SELECT " POST_COLUMNS ", l.post_created_at, l.post_id"
	" FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id"
	" WHERE l.tag_id = $1 AND (l.post_created_at, l.post_id) < ($2, $3)"
	" ORDER BY l.post_created_at DESC, l.post_id DESC OFFSET $4 LIMIT $5",
	.nargs = 5,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

const IndexColumn link_order[LINK_KEYS] = {
	{"tag_id", INT8OID, false},
	{"post_created_at", TIMESTAMPTZOID, true},
	{"post_id", INT8OID, true},
};

/* Links that are read before their posts: the two scans' memory is not needed at once. */
#define LINKS_AT_ONCE	128

static bool walk_links(ListPage *page, int64 tag_id, FunctionCallInfo fcinfo);
static void write_posts(ListPage *page, int64 tag_id, IndexCursor *links, PostReader *posts,
						FunctionCallInfo fcinfo);
static int	read_links(IndexCursor *cursor, int64 tag_id, Place after, Place *links, int wanted);

void
tags_init(void)
{
	counter_define(&posts_by_tag_counter);
}

PG_FUNCTION_INFO_V1(ddd_posts_by_tag);

Datum
ddd_posts_by_tag(PG_FUNCTION_ARGS)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	ApiCall		call;
	ListPage	page;
	text	   *key = name_key(arg_text(fcinfo, 0, "name"));
	int64		tag_id;

	page_begin(&page, "posts_by_tag");
	if (key != NULL)
		page_filter_text(&page, key);
	page_limits(&page, fcinfo, 1, 3);
	page_after(&page, fcinfo, 2, 2, newest_first);

	api_begin(&call);
	page_result(fcinfo);
	/* no tag has so long a name that it has no key */
	if (key != NULL && tag_find_by_key(key, &tag_id) && !walk_links(&page, tag_id, fcinfo))
		page_execute(&page, &posts_by_tag_plan, (Datum[])
					 {
						 Int64GetDatum(tag_id),
						 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
						 Int64GetDatum(page.skip), Int64GetDatum(page.first)
					 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_posts_by_tags);

Datum
ddd_posts_by_tags(PG_FUNCTION_ARGS)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	ApiCall		call;
	ListPage	page;
	SearchNode	root;
	TagBytes	query;

	arg_required(fcinfo, 0, "query");
	query = tag_query_bytes(PG_GETARG_DATUM(0));
	page_begin(&page, "posts_by_tags");
	page_filter(&page, query.bytes, query.length);
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, newest_first);

	api_begin(&call);
	search_resolve(query, &root);
	if (!search_walk(&root, &page, fcinfo))
		search_by_spi(&root, &page, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

/* Writes the page through index cursors; false where that is not possible. */
static bool
walk_links(ListPage *page, int64 tag_id, FunctionCallInfo fcinfo)
{
	IndexCursor links;
	PostReader	posts;

	if (!index_cursor_open(&links, "post_tags", link_order, lengthof(link_order), true))
		return false;
	if (!post_reader_open(&posts))
	{
		index_cursor_close(&links);
		return false;
	}
	write_posts(page, tag_id, &links, &posts, fcinfo);
	post_reader_close(&posts);
	index_cursor_close(&links);
	return true;
}

static void
write_posts(ListPage *page, int64 tag_id, IndexCursor *links, PostReader *posts, FunctionCallInfo fcinfo)
{
	PageWriter	writer;
	Place		found[LINKS_AT_ONCE];
	Place		after = {page->keys[0], page->keys[1]};
	int64		skip = page->skip;
	int64		missing = page->first;
	int			nfound = 0;
	int			wanted = 0;

	page_writer_begin(&writer, page, fcinfo);
	while (missing > 0 && nfound == wanted)
	{
		wanted = Min(skip + missing, LINKS_AT_ONCE);
		nfound = read_links(links, tag_id, after, found, wanted);
		for (int i = 0; i < nfound; i++)
		{
			/* within a statement a link may outlive its post: no row of the page, so none to skip */
			if (!post_reader_read(posts, found[i].post_id, &writer))
				continue;
			if (skip > 0)
			{
				skip--;
				continue;
			}
			page_write(&writer, (int64[]) {found[i].created_at, found[i].post_id});
			missing--;
		}
		post_reader_rest(posts);
		if (nfound > 0)
			after = found[nfound - 1];
	}
	page_writer_end(&writer);
}

/* Reads the tag's links that come after a place in their order, and returns how many there were. */
static int
read_links(IndexCursor *cursor, int64 tag_id, Place after, Place *links, int wanted)
{
	ScanKeyData keys[2];
	ScanKeyData row[2];
	Datum		values[lengthof(link_order)];
	int			n = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(tag_id));
	index_cursor_before(&keys[1], row, link_order, 1, 2, (int64[]) {after.created_at, after.post_id});

	/* every link of the tag comes after the place that a first page starts with */
	index_cursor_seek(cursor, keys,
					  after.created_at == PG_INT64_MAX && after.post_id == PG_INT64_MAX ? 1 : 2);
	while (n < wanted && index_cursor_next_keys(cursor, values, lengthof(values)))
	{
		links[n] = (Place) {DatumGetTimestampTz(values[1]), DatumGetInt64(values[2])};
		n++;
	}
	index_cursor_rest(cursor);
	return n;
}
