/*
 * window.c
 *		Ranking posts by the comments since a moment, for any moment.
 *
 * A post has at most as many comments in the window as it has in all. So the
 * ranking by all comments is walked from its top, the window's comments of
 * each post are counted, and the walk ends where as many are held as are
 * wanted and the post reached has, in all, no more comments than the last of
 * them has in the window. (R. Fagin, A. Lotem, M. Naor, "Optimal aggregation
 * algorithms for middleware", 2001; here one list is sorted and the other is
 * looked up.) A post's comments are counted in the index by (post_id,
 * created_at): those in the window, or those before it, which are taken from
 * its count, whichever part of the time since the post is the shorter.
 *
 * The walk is long where the window is so short, or so quiet, that old posts
 * with many comments have none in it. Then the window itself holds few: all of
 * its comments are counted in one statement. Which is less is found by trying
 * both with a budget that grows fourfold: to look a post up takes as long as to
 * count a number of comments in a row.
 *
 * Cost: the lesser of
 *	- the comments in the window;
 *	- the posts that have as many comments in all as the last of the page has in
 *	  the window, and half of their comments at most;
 * times a small factor. A page further down costs as much as all before it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "popularity/popularity.h"

#define MIN_BATCH	32
#define MAX_BATCH	1024

/* How many posts are looked up before the window's size is looked at again, and what one counts for. */
#define FIRST_BUDGET		64
#define COMMENTS_PER_POST	16

/* How many comments the window has, if fewer than $2. */
static SpiPlan size_plan = {
	.sql = "SELECT count(*) FROM (SELECT FROM ddd.comments c WHERE c.created_at >= $1 LIMIT $2) s",
	.nargs = 2,
	.argtypes = {TIMESTAMPTZOID, INT8OID},
	.choice = PLAN_WALK,
};

/* Posts with the numbers of all their comments; what came after $5 counts its comments before the window. */
static SpiPlan counts_plan = {
	.sql = "SELECT k.count, r.at, r.id FROM unnest($1, $2, $3) AS r (total, at, id)"
	" CROSS JOIN LATERAL (SELECT CASE WHEN r.at > $5"
	" THEN r.total - (SELECT count(*) FROM ddd.comments c WHERE c.post_id = r.id AND c.created_at < $4)"
	" ELSE (SELECT count(*) FROM ddd.comments c WHERE c.post_id = r.id AND c.created_at >= $4) END AS count) k",
	.nargs = 5,
	.argtypes = {INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	.choice = PLAN_WALK,
};

static bool window_has(TimestampTz since, int64 comments);
static void enter_counts(const Ranking *totals, TimestampTz since, Ranking *ranking);

bool
rank_in_window(RankedPosts *posts, Ranking *ranking)
{
	TimestampTz since = posts->page->keys[3];
	int64		place[RANK_KEYS] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX};
	Ranking		totals = {
		.ranks = palloc_array(Rank, MAX_BATCH),
		.wanted = MIN_BATCH,
		.after = place,
		.least = ranking->least,
	};
	int64		visited = 0;
	int64		budget = 0;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (visited + totals.wanted > budget)
		{
			budget = Max(budget * 4, FIRST_BUDGET);
			if (!window_has(since, budget * COMMENTS_PER_POST))
				return false;
		}
		totals.held = 0;
		counter_top(posts->comments, &totals);
		if (totals.held > 0)
		{
			enter_counts(&totals, since, ranking);
			memcpy(place, totals.ranks[totals.held - 1].keys, sizeof(place));
		}
		if (totals.held < totals.wanted || ranking_is_full_before(ranking, place))
			break;
		visited += totals.wanted;
		totals.wanted = Min(totals.wanted * 2, MAX_BATCH);
	}
	pfree(totals.ranks);
	return true;
}

static bool
window_has(TimestampTz since, int64 comments)
{
	plan_execute(&size_plan, (Datum[])
				 {
					 TimestampTzGetDatum(since), Int64GetDatum(comments)
				 }, NULL, true);
	return plan_int64(0, 1) == comments;
}

/* Enters posts of a ranking by all comments with the number of those in the window. */
static void
enter_counts(const Ranking *totals, TimestampTz since, Ranking *ranking)
{
	static const Oid types[RANK_KEYS] = {INT8OID, TIMESTAMPTZOID, INT8OID};
	Datum		values[RANK_KEYS + 2];
	int64		window;
	int64		middle;
	int			rows;

	for (int key = 0; key < RANK_KEYS; key++)
		values[key] = plan_array(types[key], &totals->ranks[0].keys[key], totals->held, sizeof(Rank));
	/* a post of this moment has as much time before the window as in it */
	if (pg_sub_s64_overflow(GetCurrentTransactionStartTimestamp(), since, &window) ||
		pg_sub_s64_overflow(since, window, &middle))
		middle = DT_NOBEGIN;
	values[RANK_KEYS] = TimestampTzGetDatum(since);
	values[RANK_KEYS + 1] = TimestampTzGetDatum(middle);
	rows = plan_execute(&counts_plan, values, NULL, true);
	for (int row = 0; row < rows; row++)
	{
		int64		keys[RANK_KEYS];
		bool		isnull;

		for (int key = 0; key < RANK_KEYS; key++)
			keys[key] = DatumGetInt64(plan_value(row, key + 1, types[key], &isnull));
		ranking_enter(ranking, keys, keys[0]);
	}
	SPI_freetuptable(SPI_tuptable);
	for (int key = 0; key < RANK_KEYS; key++)
		pfree(DatumGetPointer(values[key]));
}
