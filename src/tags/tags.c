/*
 * tags.c
 *		ddd.posts_by_tag().
 *
 * Walks (tag_id, post_created_at DESC, post_id DESC) of ddd.post_tags and
 * stops when the page is full.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"

static SpiPlan posts_by_tag_plan = {
	.sql = "SELECT " POST_COLUMNS ", l.post_created_at, l.post_id"
	" FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id"
	" WHERE l.tag_id = (SELECT t.id FROM ddd.tags t"
	" WHERE lower(t.name COLLATE \"C\") = lower($1 COLLATE \"C\"))"
	" AND (l.post_created_at, l.post_id) < ($2, $3)"
	" ORDER BY l.post_created_at DESC, l.post_id DESC OFFSET $4 LIMIT $5",
	.nargs = 5,
	.argtypes = {TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.generic = true,
};

PG_FUNCTION_INFO_V1(ddd_posts_by_tag);

Datum
ddd_posts_by_tag(PG_FUNCTION_ARGS)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	ApiCall		call;
	ListPage	page;
	text	   *name = text_trim(arg_text(fcinfo, 0, "name"));
	char	   *key = asc_tolower(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	page_begin(&page, "posts_by_tag");
	page_filter(&page, key, VARSIZE_ANY_EXHDR(name));
	page_limits(&page, fcinfo, 1, 3);
	page_after(&page, fcinfo, 2, 2, newest_first);

	api_begin(&call);
	plan_execute(&posts_by_tag_plan, (Datum[])
				 {
					 PointerGetDatum(name),
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first)
				 }, NULL, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}
