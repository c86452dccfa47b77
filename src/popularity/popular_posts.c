/*
 * popular_posts.c
 *		ddd.popular_posts() and ddd.comment_count(): the counter of comments.
 *
 * A page is a part of the counter's ranking with the posts' rows, or of a
 * ranking by the comments since a moment, see window.c. Posts without comments
 * are in no ranking; they follow it, newest first, found by walking all posts
 * and probing for a comment of each.
 *
 * A cursor holds the moment from which the first page counted, so that a walk
 * keeps its window.
 *
 * While the counter is stale the comments are counted, in one statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "popularity/popularity.h"

static SpiPlan counted_plan = {
	.sql = "SELECT " POST_COLUMNS ", k.count, k.count, p.created_at, p.id, $6 FROM"
	" (SELECT c.post_id, count(*) AS count FROM ddd.comments c WHERE c.created_at >= $6 GROUP BY c.post_id) k"
	" JOIN ddd.posts p ON p.id = k.post_id"
	" WHERE k.count >= $1 AND (k.count, p.created_at, p.id) < ($2, $3, $4)"
	" ORDER BY k.count DESC, p.created_at DESC, p.id DESC LIMIT $5",
	.nargs = 6,
	.argtypes = {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, TIMESTAMPTZOID},
	.choice = PLAN_CUSTOM,
};

static SpiPlan uncommented_plan = {
	.sql = "SELECT " POST_COLUMNS ", 0::bigint, 0::bigint, p.created_at, p.id, $4 FROM ddd.posts p"
	" WHERE (p.created_at, p.id) < ($1, $2)"
	" AND NOT EXISTS (SELECT FROM ddd.comments c WHERE c.post_id = p.id AND c.created_at >= $4)"
	" ORDER BY p.created_at DESC, p.id DESC LIMIT $3",
	.nargs = 4,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, TIMESTAMPTZOID},
	.choice = PLAN_WALK,
};

static SpiPlan count_plan = {
	.sql = "SELECT count(*) FROM ddd.comments c WHERE c.post_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static TimestampTz window_start(FunctionCallInfo fcinfo, int since_arg);
static bool rank_by_count(RankedPosts *posts, Ranking *ranking);
static void fill_count(RankedPosts *posts, const Rank *rank, Datum *values);
static void write_commented(RankedPosts *posts, FunctionCallInfo fcinfo);
static void write_uncommented(ListPage *page, FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(ddd_popular_posts);

/* Released as (first, after, min_comments); since 0.3 with "since". */
Datum
ddd_popular_posts(PG_FUNCTION_ARGS)
{
	int64		most_popular[] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX, DT_NOBEGIN};
	ApiCall		call;
	ListPage	page;
	RankedPosts posts = {.page = &page, .fill = fill_count};
	int64		min_comments;

	arg_required(fcinfo, 2, "min_comments");
	min_comments = PG_GETARG_INT32(2);
	if (min_comments < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"min_comments\" must not be negative")));
	page_begin(&page, "popular_posts");
	page_filter(&page, &min_comments, sizeof(min_comments));
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
	{
		most_popular[3] = window_start(fcinfo, 3);
		page_filter(&page, PG_GETARG_INTERVAL_P(3), sizeof(Interval));
	}
	page_limits(&page, fcinfo, 0, -1);
	page_after(&page, fcinfo, 1, lengthof(most_popular), most_popular);
	posts.least = Max(min_comments, 1);
	posts.rank = TIMESTAMP_NOT_FINITE(page.keys[3]) ? rank_by_count : rank_in_window;

	api_begin(&call);
	/* unless the page goes on from a post without comments */
	page_result(fcinfo);
	if (page.keys[0] >= posts.least)
		write_commented(&posts, fcinfo);
	if (min_comments == 0 && page.first > 0)
		write_uncommented(&page, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_comment_count);

Datum
ddd_comment_count(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");
	CounterReader *comments;
	int64		count;

	api_begin(&call);
	comments = counter_open(&comments_by_post);
	if (comments != NULL)
	{
		counter_values(comments, &post_id, 1, &count);
		counter_close(comments);
	}
	else
	{
		Datum		id = Int64GetDatum(post_id);

		plan_execute(&count_plan, &id, NULL, true);
		count = plan_int64(0, 1);
	}
	api_end(&call);
	PG_RETURN_INT64(count);
}

/* Returns the moment that is an interval before now(). */
static TimestampTz
window_start(FunctionCallInfo fcinfo, int since_arg)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	Datum		difference = DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now),
												 PG_GETARG_DATUM(since_arg));
	TimestampTz start = DatumGetTimestampTz(difference);

	if (start >= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"since\" must be positive")));
	return start;
}

static bool
rank_by_count(RankedPosts *posts, Ranking *ranking)
{
	counter_top(posts->comments, ranking);
	return true;
}

static void
fill_count(RankedPosts *posts, const Rank *rank, Datum *values)
{
	values[0] = Int64GetDatum(rank->value);
}

/* Writes posts with comments. */
static void
write_commented(RankedPosts *posts, FunctionCallInfo fcinfo)
{
	ListPage   *page = posts->page;

	posts->comments = counter_open(&comments_by_post);
	if (posts->comments == NULL || !ranked_posts_write(posts, fcinfo))
		page->first -= page_execute(page, &counted_plan, (Datum[])
									{
										Int64GetDatum(posts->least), Int64GetDatum(page->keys[0]),
										TimestampTzGetDatum(page->keys[1]), Int64GetDatum(page->keys[2]),
										Int64GetDatum(page->first), TimestampTzGetDatum(page->keys[3])
									}, NULL, fcinfo);
	if (posts->comments != NULL)
		counter_close(posts->comments);
}

/* Writes posts without comments, after the ranking or after one of them. */
static void
write_uncommented(ListPage *page, FunctionCallInfo fcinfo)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	const int64 *after = page->keys[0] == 0 ? &page->keys[1] : newest_first;

	page_execute(page, &uncommented_plan, (Datum[])
				 {
					 TimestampTzGetDatum(after[0]), Int64GetDatum(after[1]), Int64GetDatum(page->first),
					 TimestampTzGetDatum(page->keys[3])
				 }, NULL, fcinfo);
}
