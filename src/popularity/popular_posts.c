/*
 * popular_posts.c
 *		ddd.popular_posts(): posts by number of comments.
 *
 * One statement counts and ranks in the caller's snapshot.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"

static SpiPlan popular_plan = {
	.sql = "SELECT " POST_COLUMNS ", k.count, k.count, p.created_at, p.id FROM ddd.posts p LEFT JOIN"
	" (SELECT c.post_id, count(*) AS count FROM ddd.comments c GROUP BY c.post_id) c"
	" ON c.post_id = p.id CROSS JOIN LATERAL (SELECT coalesce(c.count, 0) AS count) k"
	" WHERE k.count >= $1 AND (k.count, p.created_at, p.id) < ($2, $3, $4)"
	" ORDER BY k.count DESC, p.created_at DESC, p.id DESC LIMIT $5",
	.nargs = 5,
	.argtypes = {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
};

PG_FUNCTION_INFO_V1(ddd_popular_posts);

Datum
ddd_popular_posts(PG_FUNCTION_ARGS)
{
	static const int64 most_popular[] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX};
	ApiCall		call;
	ListPage	page;
	int64		min_comments;

	arg_required(fcinfo, 2, "min_comments");
	min_comments = PG_GETARG_INT32(2);
	if (min_comments < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"min_comments\" must not be negative")));
	page_begin(&page, "popular_posts");
	page_filter(&page, &min_comments, sizeof(min_comments));
	page_limits(&page, fcinfo, 0, -1);
	page_after(&page, fcinfo, 1, 3, most_popular);

	api_begin(&call);
	page_execute(&page, &popular_plan, (Datum[])
				 {
					 Int64GetDatum(min_comments), Int64GetDatum(page.keys[0]),
					 TimestampTzGetDatum(page.keys[1]), Int64GetDatum(page.keys[2]),
					 Int64GetDatum(page.first)
				 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}
