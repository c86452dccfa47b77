/*
 * hot_posts.c
 *		ddd.hot_posts(): posts by their comments, which weigh less the older the
 *		post is.
 *
 *		score = comments / (age of the post in hours + 2) ^ gravity
 *
 * the ranking of Hacker News as its makers described it, with comments for
 * votes. A score changes all the time, so none is kept. Two orders are walked
 * instead, posts by their comments and posts by their age; whoever was met in
 * neither has at most as many comments as the first walk has come down to, and
 * is at least as old as the second has come to. Once as many posts are held as
 * are wanted, and the score of such a post would not reach the last of them,
 * the page is known. (R. Fagin, A. Lotem, M. Naor, "Optimal aggregation
 * algorithms for middleware", 2001.)
 *
 * Cost: the posts that the two walks meet, each with one lookup. A page further
 * down costs as much as all before it.
 *
 * A cursor holds the moment of the first page: a walk ranks all of its pages by
 * the ages at that moment.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "popularity/popularity.h"

/* No post is so old that its age to this power leaves the range of float8. */
#define MAX_GRAVITY 32

#define MIN_BATCH	32
#define MAX_BATCH	1024

static SpiPlan counted_plan = {
	.sql = "SELECT " POST_COLUMNS ", c.count, s.score, k.score, p.created_at, p.id, $1 FROM"
	" (SELECT c.post_id, count(*) AS count FROM ddd.comments c GROUP BY c.post_id) c"
	" JOIN ddd.posts p ON p.id = c.post_id"
	" CROSS JOIN LATERAL (SELECT c.count /"
	" power(greatest(extract(epoch FROM $1 - p.created_at), 0)::float8 / 3600 + 2, $2) AS score) s"
	/* as score_key() has it */
	" CROSS JOIN LATERAL (SELECT ('x' || encode(float8send(s.score), 'hex'))::bit(64)::bigint AS score) k"
	" WHERE (k.score, p.created_at, p.id) < ($3, $4, $5)"
	" ORDER BY k.score DESC, p.created_at DESC, p.id DESC LIMIT $6",
	.nargs = 6,
	.argtypes = {TIMESTAMPTZOID, FLOAT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
};

static SpiPlan newest_plan = {
	.sql = "SELECT p.created_at, p.id FROM ddd.posts p WHERE (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC LIMIT $3",
	.nargs = 3,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

/* A walk of the posts, newest first. */
typedef struct Newest
{
	int64		place[2];		/* created_at and id of the last one read */
	TimestampTz created_at[MAX_BATCH];	/* of those read now */
	int64		ids[MAX_BATCH];
	int64		comments[MAX_BATCH];
	int			nread;
} Newest;

static bool rank_by_score(RankedPosts *posts, Ranking *ranking);
static void read_newest(Newest *newest, int wanted);
static bool enter_newest(RankedPosts *posts, Newest *newest, int64 most_comments, Ranking *ranking);
static void enter(RankedPosts *posts, Ranking *ranking, int64 comments, TimestampTz created_at, int64 id);
static void fill_score(RankedPosts *posts, const Rank *rank, Datum *values);
static float8 score(RankedPosts *posts, int64 comments, TimestampTz created_at);
static int64 score_key(float8 value);

PG_FUNCTION_INFO_V1(ddd_hot_posts);

Datum
ddd_hot_posts(PG_FUNCTION_ARGS)
{
	int64		hottest[] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX, GetCurrentTransactionStartTimestamp()};
	ApiCall		call;
	ListPage	page;
	RankedPosts posts = {.page = &page, .rank = rank_by_score, .fill = fill_score};

	arg_required(fcinfo, 2, "gravity");
	posts.gravity = PG_GETARG_FLOAT8(2);
	if (!(posts.gravity >= 0 && posts.gravity <= MAX_GRAVITY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"gravity\" must be between 0 and %d", MAX_GRAVITY)));
	page_begin(&page, "hot_posts");
	page_filter(&page, &posts.gravity, sizeof(posts.gravity));
	page_limits(&page, fcinfo, 0, -1);
	page_after(&page, fcinfo, 1, lengthof(hottest), hottest);

	api_begin(&call);
	posts.comments = counter_open(&comments_by_post);
	if (posts.comments != NULL)
	{
		ranked_posts_write(&posts, fcinfo);
		counter_close(posts.comments);
	}
	else
		page_execute(&page, &counted_plan, (Datum[])
					 {
						 TimestampTzGetDatum(page.keys[3]), Float8GetDatum(posts.gravity),
						 Int64GetDatum(page.keys[0]), TimestampTzGetDatum(page.keys[1]),
						 Int64GetDatum(page.keys[2]), Int64GetDatum(page.first)
					 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

static bool
rank_by_score(RankedPosts *posts, Ranking *ranking)
{
	int64		place[RANK_KEYS] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX};
	Ranking		most = {.ranks = palloc_array(Rank, MAX_BATCH), .after = place, .least = 1};
	Newest	   *newest = palloc(sizeof(Newest));

	newest->place[0] = newest->place[1] = PG_INT64_MAX;
	for (most.wanted = MIN_BATCH;; most.wanted = Min(most.wanted * 2, MAX_BATCH))
	{
		CHECK_FOR_INTERRUPTS();
		most.held = 0;
		counter_top(posts->comments, &most);
		for (int i = 0; i < most.held; i++)
		{
			const int64 *keys = most.ranks[i].keys;

			enter(posts, ranking, keys[0], keys[1], keys[2]);
		}
		/* no post with comments is left */
		if (most.held < most.wanted)
			break;
		memcpy(place, most.ranks[most.held - 1].keys, sizeof(place));

		read_newest(newest, most.wanted);
		if (enter_newest(posts, newest, place[0], ranking) || newest->nread < most.wanted)
			break;
	}
	pfree(newest);
	pfree(most.ranks);
	return true;
}

static void
read_newest(Newest *newest, int wanted)
{
	newest->nread = plan_execute(&newest_plan, (Datum[])
								 {
									 TimestampTzGetDatum(newest->place[0]), Int64GetDatum(newest->place[1]),
									 Int64GetDatum(wanted)
								 }, NULL, true);
	for (int i = 0; i < newest->nread; i++)
	{
		bool		isnull;

		newest->created_at[i] = DatumGetTimestampTz(plan_value(i, 1, TIMESTAMPTZOID, &isnull));
		newest->ids[i] = plan_int64(i, 2);
	}
	if (newest->nread > 0)
	{
		newest->place[0] = newest->created_at[newest->nread - 1];
		newest->place[1] = newest->ids[newest->nread - 1];
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Enters the posts that were read. Returns true if no other post than those
 * met could have a place, as long as none of them has more comments than given.
 */
static bool
enter_newest(RankedPosts *posts, Newest *newest, int64 most_comments, Ranking *ranking)
{
	/* pow() may be a little less than it is for a greater age */
	float8		margin = posts->gravity == 0 ? 1 : 1 + 4 * DBL_EPSILON;
	int			n;

	for (n = 0; n < newest->nread; n++)
	{
		TimestampTz created_at = newest->created_at[n];
		float8		most = score(posts, most_comments, created_at) * margin;

		if (ranking_is_full_before(ranking, (int64[]) {score_key(most), created_at, newest->ids[n]}))
			break;
	}
	counter_values(posts->comments, newest->ids, n, newest->comments);
	for (int i = 0; i < n; i++)
	{
		if (newest->comments[i] > 0)
			enter(posts, ranking, newest->comments[i], newest->created_at[i], newest->ids[i]);
	}
	return n < newest->nread;
}

static void
enter(RankedPosts *posts, Ranking *ranking, int64 comments, TimestampTz created_at, int64 id)
{
	int64		key = score_key(score(posts, comments, created_at));

	ranking_enter(ranking, (int64[]) {key, created_at, id}, comments);
}

static void
fill_score(RankedPosts *posts, const Rank *rank, Datum *values)
{
	values[0] = Int64GetDatum(rank->value);
	/* score_key() has not changed a bit */
	memcpy(&values[1], &rank->keys[0], sizeof(float8));
}

/* A post of the future has the age of one of this moment. */
static float8
score(RankedPosts *posts, int64 comments, TimestampTz created_at)
{
	TimestampTz at = posts->page->keys[3];
	uint64		age = created_at < at ? (uint64) at - (uint64) created_at : 0;

	return comments / pow((float8) age / USECS_PER_SEC / SECS_PER_HOUR + 2, posts->gravity);
}

/* Returns an integer that has the order of scores: a positive float8's own bits do. */
static int64
score_key(float8 value)
{
	int64		key;

	memcpy(&key, &value, sizeof(key));
	return key;
}
