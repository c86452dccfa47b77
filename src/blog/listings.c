/*
 * listings.c
 *		Pages of posts and comments, of one post, of one user, of all.
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
	.choice = PLAN_WALK,
};

static SpiPlan author_posts_plan = {
	.sql = "SELECT " POST_COLUMNS ", p.created_at, p.id FROM ddd.posts p"
	" WHERE p.author_id = $5 AND (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC OFFSET $3 LIMIT $4",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan comments_plan = {
	.sql = "SELECT " COMMENT_COLUMNS ", c.created_at, c.id FROM ddd.comments c"
	" WHERE c.post_id = $1 AND (c.created_at, c.id) > ($2, $3)"
	" ORDER BY c.created_at, c.id LIMIT $4",
	.nargs = 4,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan user_comments_plan = {
	.sql = "SELECT " COMMENT_COLUMNS ", c.created_at, c.id FROM ddd.comments c"
	" WHERE c.author_id = $1 AND (c.created_at, c.id) < ($2, $3)"
	" ORDER BY c.created_at DESC, c.id DESC LIMIT $4",
	.nargs = 4,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static const int64 newest_first[] = NEWEST_FIRST;
static const int64 oldest_first[] = {PG_INT64_MIN, PG_INT64_MIN};

static Datum list_comments(FunctionCallInfo fcinfo, const char *listing, const char *argument,
						   SpiPlan *plan, const int64 *start);

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
	page_execute(&page, of_author ? &author_posts_plan : &posts_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 Int64GetDatum(author_id)
				 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_user_posts);

Datum
ddd_user_posts(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	int64		user_id = arg_int64(fcinfo, 0, "user_id");

	page_begin(&page, "user_posts");
	page_filter(&page, &user_id, sizeof(user_id));
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, newest_first);

	api_begin(&call);
	page_execute(&page, &author_posts_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 Int64GetDatum(user_id)
				 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_post_comments);

Datum
ddd_post_comments(PG_FUNCTION_ARGS)
{
	return list_comments(fcinfo, "post_comments", "post_id", &comments_plan, oldest_first);
}

PG_FUNCTION_INFO_V1(ddd_user_comments);

Datum
ddd_user_comments(PG_FUNCTION_ARGS)
{
	return list_comments(fcinfo, "user_comments", "user_id", &user_comments_plan, newest_first);
}

/* Lists the comments that belong to one id, the function's first argument. */
static Datum
list_comments(FunctionCallInfo fcinfo, const char *listing, const char *argument,
			  SpiPlan *plan, const int64 *start)
{
	ApiCall		call;
	ListPage	page;
	int64		id = arg_int64(fcinfo, 0, argument);

	page_begin(&page, listing);
	page_filter(&page, &id, sizeof(id));
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, start);

	api_begin(&call);
	page_execute(&page, plan, (Datum[])
				 {
					 Int64GetDatum(id),
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.first)
				 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}
