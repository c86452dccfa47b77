/*
 * popular_posts.c
 *		ddd.popular_posts() and ddd.comment_count(): the counter of comments.
 *
 * A page is a part of the counter's ranking with the posts' rows. Posts
 * without comments are in no ranking; they follow it, newest first, found by
 * walking all posts and probing for a comment of each.
 *
 * While the counter is stale the comments are counted, in one statement.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"
#include "counters/counters.h"
#include "popularity/popularity.h"

static Counter comments_by_post = COUNTER(1, "comments", "post_id", "posts");

static SpiPlan counted_plan = {
	.sql = "SELECT " POST_COLUMNS ", k.count, k.count, p.created_at, p.id FROM ddd.posts p LEFT JOIN"
	" (SELECT c.post_id, count(*) AS count FROM ddd.comments c GROUP BY c.post_id) c"
	" ON c.post_id = p.id CROSS JOIN LATERAL (SELECT coalesce(c.count, 0) AS count) k"
	" WHERE k.count >= $1 AND (k.count, p.created_at, p.id) < ($2, $3, $4)"
	" ORDER BY k.count DESC, p.created_at DESC, p.id DESC LIMIT $5",
	.nargs = 5,
	.argtypes = {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
};

static SpiPlan ranked_plan = {
	.sql = "SELECT " POST_COLUMNS ", r.count, r.count, r.at, r.id"
	" FROM unnest($1, $2, $3) WITH ORDINALITY AS r (count, at, id, place)"
	" JOIN ddd.posts p ON p.id = r.id ORDER BY r.place",
	.nargs = 3,
	.argtypes = {INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan uncommented_plan = {
	.sql = "SELECT " POST_COLUMNS ", 0::bigint, 0::bigint, p.created_at, p.id FROM ddd.posts p"
	" WHERE (p.created_at, p.id) < ($1, $2)"
	" AND NOT EXISTS (SELECT FROM ddd.comments c WHERE c.post_id = p.id)"
	" ORDER BY p.created_at DESC, p.id DESC LIMIT $3",
	.nargs = 3,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan count_plan = {
	.sql = "SELECT count(*) FROM ddd.comments c WHERE c.post_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static bool write_ranked(ListPage *page, int64 least, FunctionCallInfo fcinfo);
static int64 write_rows(ListPage *page, const CounterRank *ranks, int nranks, FunctionCallInfo fcinfo);
static int64 write_rows_by_spi(ListPage *page, const CounterRank *ranks, int nranks, FunctionCallInfo fcinfo);
static void write_uncommented(ListPage *page, FunctionCallInfo fcinfo);

void
popularity_init(void)
{
	counter_define(&comments_by_post);
}

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
	if (!write_ranked(&page, Max(min_comments, 1), fcinfo))
		page_execute(&page, &counted_plan, (Datum[])
					 {
						 Int64GetDatum(min_comments), Int64GetDatum(page.keys[0]),
						 TimestampTzGetDatum(page.keys[1]), Int64GetDatum(page.keys[2]),
						 Int64GetDatum(page.first)
					 }, NULL, fcinfo);
	else if (min_comments == 0 && page.first > 0)
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
	int64		count;
	bool		stale;

	api_begin(&call);
	count = counter_value(&comments_by_post, post_id, &stale);
	if (stale)
	{
		Datum		id = Int64GetDatum(post_id);

		plan_execute(&count_plan, &id, NULL, true);
		count = plan_int64(0, 1);
	}
	api_end(&call);
	PG_RETURN_INT64(count);
}

/*
 * Writes the posts that are in the ranking, and takes them off what the page
 * still wants. Returns false, and writes nothing, where the counter is stale.
 */
static bool
write_ranked(ListPage *page, int64 least, FunctionCallInfo fcinfo)
{
	CounterRank *ranks = palloc_array(CounterRank, page->first);
	int64		after[3];
	int			nranks;
	int			wanted;

	memcpy(after, page->keys, sizeof(after));
	do
	{
		bool		stale;

		wanted = page->first;
		nranks = counter_top(&comments_by_post, after, least, wanted, ranks, &stale);
		if (stale)
			return false;
		page->first -= write_rows(page, ranks, nranks, fcinfo);
		if (nranks > 0)
			memcpy(after, ranks[nranks - 1].keys, sizeof(after));
		/* again for those whose post is missing: deleted without the triggers */
	} while (page->first > 0 && nranks == wanted);
	pfree(ranks);
	return true;
}

/* Writes the rows of the ranked posts; returns their number. */
static int64
write_rows(ListPage *page, const CounterRank *ranks, int nranks, FunctionCallInfo fcinfo)
{
	PostReader	posts;
	PageWriter	writer;
	int64		written = 0;

	if (!post_reader_open(&posts))
		return write_rows_by_spi(page, ranks, nranks, fcinfo);
	page_writer_begin(&writer, page, fcinfo);
	for (int i = 0; i < nranks; i++)
	{
		if (!post_reader_read(&posts, ranks[i].keys[2], &writer))
			continue;
		writer.values[POST_NCOLUMNS] = Int64GetDatum(ranks[i].keys[0]);
		writer.nulls[POST_NCOLUMNS] = false;
		page_write(&writer, ranks[i].keys);
		written++;
	}
	page_writer_end(&writer);
	post_reader_close(&posts);
	return written;
}

static int64
write_rows_by_spi(ListPage *page, const CounterRank *ranks, int nranks, FunctionCallInfo fcinfo)
{
	static const Oid types[] = {INT8OID, TIMESTAMPTZOID, INT8OID};
	Datum	   *keys = palloc_array(Datum, nranks);
	Datum		arrays[3];

	for (int key = 0; key < 3; key++)
	{
		for (int i = 0; i < nranks; i++)
			keys[i] = Int64GetDatum(ranks[i].keys[key]);
		arrays[key] = PointerGetDatum(construct_array(keys, nranks, types[key], sizeof(int64),
													  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	}
	pfree(keys);
	return page_execute(page, &ranked_plan, arrays, NULL, fcinfo);
}

/* Writes posts without comments, after the ranking or after one of them. */
static void
write_uncommented(ListPage *page, FunctionCallInfo fcinfo)
{
	static const int64 newest_first[] = NEWEST_FIRST;
	const int64 *after = page->keys[0] == 0 ? &page->keys[1] : newest_first;

	page_execute(page, &uncommented_plan, (Datum[])
				 {
					 TimestampTzGetDatum(after[0]), Int64GetDatum(after[1]), Int64GetDatum(page->first)
				 }, NULL, fcinfo);
}
