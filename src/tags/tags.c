/*
 * tags.c
 *		ddd.posts_by_tag().
 *
 * Walks (tag_id, post_created_at DESC, post_id DESC) of ddd.post_tags and
 * stops when the page is full. Either through index cursors, the links from
 * the index alone, the tag and each post by a unique index, or as SQL
 * statements that do the same; all answer from the same snapshot.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"
#include "counters/counters.h"
#include "tags/tags.h"

static Counter posts_by_tag = COUNTER(2, "post_tags", "tag_id", "tags");

static SpiPlan tag_plan = {
	.sql = "SELECT t.id FROM ddd.tags t WHERE lower(t.name COLLATE \"C\") = $1 COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {TEXTOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan posts_by_tag_plan = {
	.sql = "SELECT " POST_COLUMNS ", l.post_created_at, l.post_id"
	" FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id"
	" WHERE l.tag_id = $1 AND (l.post_created_at, l.post_id) < ($2, $3)"
	" ORDER BY l.post_created_at DESC, l.post_id DESC OFFSET $4 LIMIT $5",
	.nargs = 5,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

/* The order of a tag's links, and what a page's keys are of it. */
static const IndexColumn link_order[] = {
	{"tag_id", INT8OID, false},
	{"post_created_at", TIMESTAMPTZOID, true},
	{"post_id", INT8OID, true},
};
static const IndexColumn tag_key[] = {{"name", TEXTOID, false}};

/* Links that are read before their posts: the two scans' memory is not needed at once. */
#define LINKS_AT_ONCE	128

typedef struct Link
{
	int64		place[2];		/* the cursor's keys: post_created_at, post_id */
} Link;

static bool find_tag(text *key, int64 *tag_id);
static bool read_tag(text *key, bool *found, int64 *tag_id);
static bool walk_links(ListPage *page, int64 tag_id, FunctionCallInfo fcinfo);
static void write_posts(ListPage *page, int64 tag_id, IndexCursor *links, PostReader *posts,
						FunctionCallInfo fcinfo);
static int	read_links(IndexCursor *cursor, int64 tag_id, const int64 *after, Link *links, int wanted);

void
tags_init(void)
{
	counter_define(&posts_by_tag);
}

PG_FUNCTION_INFO_V1(ddd_posts_by_tag);

Datum
ddd_posts_by_tag(PG_FUNCTION_ARGS)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	ApiCall		call;
	ListPage	page;
	text	   *name = text_trim(arg_text(fcinfo, 0, "name"));
	text	   *key = cstring_to_text_with_len(asc_tolower(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)),
											   VARSIZE_ANY_EXHDR(name));
	int64		tag_id;

	page_begin(&page, "posts_by_tag");
	page_filter_text(&page, key);
	page_limits(&page, fcinfo, 1, 3);
	page_after(&page, fcinfo, 2, 2, newest_first);

	api_begin(&call);
	if (!find_tag(key, &tag_id))
	{
		PageWriter	none;

		page_writer_begin(&none, &page, fcinfo);
		page_writer_end(&none);
	}
	else if (!walk_links(&page, tag_id, fcinfo))
		page_execute(&page, &posts_by_tag_plan, (Datum[])
					 {
						 Int64GetDatum(tag_id),
						 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
						 Int64GetDatum(page.skip), Int64GetDatum(page.first)
					 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

/* Finds the tag of that key, a name whose ASCII letters are small; false where there is none. */
static bool
find_tag(text *key, int64 *tag_id)
{
	bool		found;

	if (read_tag(key, &found, tag_id))
		return found;
	if (plan_execute(&tag_plan, (Datum[]) {PointerGetDatum(key)}, NULL, true) == 0)
		return false;
	*tag_id = plan_int64(0, 1);
	return true;
}

/* The same through an index cursor, into "found"; returns false where that is not possible. */
static bool
read_tag(text *key, bool *found, int64 *tag_id)
{
	IndexCursor tags;
	ScanKeyData name;
	int			id;
	bool		isnull = true;

	if (!index_cursor_open(&tags, "tags", tag_key, lengthof(tag_key), false))
		return false;
	id = index_cursor_column(&tags, "id", INT8OID);
	if (id != 0)
	{
		ScanKeyEntryInitialize(&name, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
							   PointerGetDatum(key));
		index_cursor_seek(&tags, &name, 1);
		*found = index_cursor_next_row(&tags);
		if (*found)
			*tag_id = DatumGetInt64(slot_getattr(tags.slot, id, &isnull));
	}
	index_cursor_close(&tags);
	return id != 0 && !(*found && isnull);
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
	Link		found[LINKS_AT_ONCE];
	const int64 *after = page->keys;
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
			if (!post_reader_read(posts, found[i].place[1], &writer))
				continue;
			if (skip > 0)
			{
				skip--;
				continue;
			}
			page_write(&writer, found[i].place);
			missing--;
		}
		post_reader_rest(posts);
		if (nfound > 0)
			after = found[nfound - 1].place;
	}
	page_writer_end(&writer);
}

/* Reads the tag's links that come after a place in their order, and returns how many there were. */
static int
read_links(IndexCursor *cursor, int64 tag_id, const int64 *after, Link *links, int wanted)
{
	ScanKeyData keys[2];
	ScanKeyData row[2];
	Datum		values[lengthof(link_order)];
	int			n = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(tag_id));
	index_cursor_before(&keys[1], row, link_order, 1, 2, after);

	/* every link of the tag comes after the place that a first page starts with */
	index_cursor_seek(cursor, keys, after[0] == PG_INT64_MAX && after[1] == PG_INT64_MAX ? 1 : 2);
	while (n < wanted && index_cursor_next_keys(cursor, values, lengthof(values)))
	{
		links[n].place[0] = DatumGetTimestampTz(values[1]);
		links[n].place[1] = DatumGetInt64(values[2]);
		n++;
	}
	index_cursor_rest(cursor);
	return n;
}
