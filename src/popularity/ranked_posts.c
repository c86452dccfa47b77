/*
 * ranked_posts.c
 *		A page of posts whose order is a ranking: the rows that belong to it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "blog/blog.h"
#include "popularity/popularity.h"

static SpiPlan post_plan = {
	.sql = "SELECT " POST_COLUMNS " FROM ddd.posts p WHERE p.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static int	write_rows(RankedPosts *posts, const Ranking *ranking, FunctionCallInfo fcinfo);
static bool read_by_spi(int64 post_id, PageWriter *writer);

bool
ranked_posts_write(RankedPosts *posts, FunctionCallInfo fcinfo)
{
	ListPage   *page = posts->page;
	Ranking		ranking = {
		.ranks = palloc_array(Rank, page->first),
		.after = page->keys,
		.least = posts->least,
	};

	do
	{
		ranking.wanted = page->first;
		ranking.held = 0;
		if (!posts->rank(posts, &ranking))
			return false;
		page->first -= write_rows(posts, &ranking, fcinfo);
		if (ranking.held > 0)
			memcpy(page->keys, ranking.ranks[ranking.held - 1].keys, sizeof(Rank));
		/* again for those whose post is missing: deleted without the triggers */
	} while (page->first > 0 && ranking.held == ranking.wanted);
	pfree(ranking.ranks);
	return true;
}

/* Returns the number of rows: posts that are there. */
static int
write_rows(RankedPosts *posts, const Ranking *ranking, FunctionCallInfo fcinfo)
{
	PostReader	reader;
	PageWriter	writer;
	bool		direct = post_reader_open(&reader);
	int			written = 0;

	page_writer_begin(&writer, posts->page, fcinfo);
	for (int i = 0; i < ranking->held; i++)
	{
		const Rank *rank = &ranking->ranks[i];
		int64		keys[PAGE_MAX_KEYS];

		if (!(direct ? post_reader_read(&reader, rank->keys[2], &writer) : read_by_spi(rank->keys[2], &writer)))
			continue;
		posts->fill(posts, rank, &writer.values[POST_NCOLUMNS]);
		memcpy(keys, posts->page->keys, sizeof(keys));
		memcpy(keys, rank->keys, sizeof(rank->keys));
		page_write(&writer, keys);
		written++;
	}
	page_writer_end(&writer);
	if (direct)
		post_reader_close(&reader);
	return written;
}

/* Does what post_reader_read does. */
static bool
read_by_spi(int64 post_id, PageWriter *writer)
{
	Datum		id = Int64GetDatum(post_id);

	if (plan_execute(&post_plan, &id, NULL, true) == 0)
		return false;
	check_row_type(SPI_tuptable->tupdesc, writer->desc, POST_NCOLUMNS);
	for (int i = 0; i < POST_NCOLUMNS; i++)
		writer->values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &writer->nulls[i]);
	return true;
}
