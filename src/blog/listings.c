/*
 * listings.c
 *		ddd.list_posts(), ddd.post_comments(), ddd.posts_with_comments().
 *
 * Each is one statement that walks an index in the order of the page and
 * stops when the page is full.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"

static SpiPlan posts_plan = {
	.sql = "SELECT " POST_COLUMNS ", p.created_at, p.id FROM ddd.posts p"
	" WHERE (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC OFFSET $3 LIMIT $4",
	.nargs = 4,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
};

static SpiPlan author_posts_plan = {
	.sql = "SELECT " POST_COLUMNS ", p.created_at, p.id FROM ddd.posts p"
	" WHERE p.author_id = $5 AND (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC OFFSET $3 LIMIT $4",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID},
};

static SpiPlan comments_plan = {
	.sql = "SELECT c.id, c.content, c.post_id, c.author_id, c.parent_id, c.created_at, c.updated_at,"
	" c.created_at, c.id FROM ddd.comments c"
	" WHERE c.post_id = $1 AND (c.created_at, c.id) > ($2, $3)"
	" ORDER BY c.created_at, c.id LIMIT $4",
	.nargs = 4,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
};

static SpiPlan with_comments_plan = {
	.sql = "SELECT " POST_COLUMNS ", coalesce(c.comments, '[]'), p.created_at, p.id"
	" FROM (SELECT * FROM ddd.posts p WHERE (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC OFFSET $3 LIMIT $4) p"
	" LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object("
	"'id', c.id, 'content', c.content, 'author_id', c.author_id, 'author_name', u.full_name,"
	" 'parent_id', c.parent_id, 'created_at', c.created_at, 'updated_at', c.updated_at)"
	" ORDER BY c.created_at, c.id) AS comments"
	" FROM (SELECT * FROM ddd.comments c WHERE c.post_id = p.id"
	" ORDER BY c.created_at, c.id LIMIT $5) c"
	" JOIN ddd.users u ON u.id = c.author_id) c ON true"
	" ORDER BY p.created_at DESC, p.id DESC",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID},
};

static const int64 newest_first[] = NEWEST_FIRST;
static const int64 oldest_first[] = {PG_INT64_MIN, PG_INT64_MIN};

PG_FUNCTION_INFO_V1(ddd_list_posts);

Datum
ddd_list_posts(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	bool		of_author = !PG_ARGISNULL(3);
	int64		author_id = of_author ? PG_GETARG_INT64(3) : 0;

	page_begin(&page, "list_posts");
	page_filter(&page, &of_author, sizeof(of_author));
	page_filter(&page, &author_id, sizeof(author_id));
	page_limits(&page, fcinfo, 0, 2);
	page_after(&page, fcinfo, 1, 2, newest_first);

	api_begin(&call);
	plan_execute(of_author ? &author_posts_plan : &posts_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 Int64GetDatum(author_id)
				 }, NULL, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_post_comments);

Datum
ddd_post_comments(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");

	page_begin(&page, "post_comments");
	page_filter(&page, &post_id, sizeof(post_id));
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, oldest_first);

	api_begin(&call);
	plan_execute(&comments_plan, (Datum[])
				 {
					 Int64GetDatum(post_id),
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.first)
				 }, NULL, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_posts_with_comments);

Datum
ddd_posts_with_comments(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	bool		all = PG_ARGISNULL(3);
	int64		comments_per_post = all ? 0 : PG_GETARG_INT32(3);

	if (comments_per_post < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("\"comments_per_post\" must not be negative")));
	page_begin(&page, "posts_with_comments");
	page_limits(&page, fcinfo, 0, 2);
	page_after(&page, fcinfo, 1, 2, newest_first);

	api_begin(&call);
	plan_execute(&with_comments_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 Int64GetDatum(comments_per_post)
				 }, all ? "    n" : NULL, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}
