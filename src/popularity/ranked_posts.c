/*
 * ranked_posts.c
 *		A page of posts whose order is a ranking: the rows that belong to it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "blog/blog.h"
#include "popularity/popularity.h"

static SpiPlan posts_plan = {
	.sql = "SELECT " POST_COLUMNS ", r.nth FROM unnest($1) WITH ORDINALITY AS r (id, nth)"
	" JOIN ddd.posts p ON p.id = r.id ORDER BY r.nth",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
	.choice = PLAN_GENERIC,
};

static int	write_rows(RankedPosts *posts, const Ranking *ranking, FunctionCallInfo fcinfo);
static int	write_rows_by_spi(RankedPosts *posts, const Ranking *ranking, FunctionCallInfo fcinfo);
static void write_row(RankedPosts *posts, const Rank *rank, PageWriter *writer);

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
			memcpy(page->keys, ranking.ranks[ranking.held - 1].keys, sizeof(int64) * RANK_KEYS);
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
	int			written = 0;

	if (!post_reader_open(&reader))
		return write_rows_by_spi(posts, ranking, fcinfo);
	page_writer_begin(&writer, posts->page, fcinfo);
	for (int i = 0; i < ranking->held; i++)
	{
		if (!post_reader_read(&reader, ranking->ranks[i].keys[2], &writer))
			continue;
		write_row(posts, &ranking->ranks[i], &writer);
		written++;
	}
	page_writer_end(&writer);
	post_reader_close(&reader);
	return written;
}

static int
write_rows_by_spi(RankedPosts *posts, const Ranking *ranking, FunctionCallInfo fcinfo)
{
	Datum		ids = plan_array(INT8OID, &ranking->ranks[0].keys[2], ranking->held, sizeof(Rank));
	int			rows = plan_execute(&posts_plan, &ids, NULL, true);
	TupleDesc	desc = SPI_tuptable->tupdesc;
	PageWriter	writer;

	page_writer_begin(&writer, posts->page, fcinfo);
	check_row_type(desc, writer.desc, POST_NCOLUMNS);
	for (int row = 0; row < rows; row++)
	{
		for (int i = 0; i < POST_NCOLUMNS; i++)
			writer.values[i] = SPI_getbinval(SPI_tuptable->vals[row], desc, i + 1, &writer.nulls[i]);
		write_row(posts, &ranking->ranks[plan_int64(row, POST_NCOLUMNS + 1) - 1], &writer);
	}
	page_writer_end(&writer);
	return rows;
}

/* Writes a row whose columns of the post are there. */
static void
write_row(RankedPosts *posts, const Rank *rank, PageWriter *writer)
{
	int64		keys[PAGE_MAX_KEYS];

	posts->fill(posts, rank, &writer->values[POST_NCOLUMNS]);
	memcpy(keys, posts->page->keys, sizeof(keys));
	memcpy(keys, rank->keys, sizeof(rank->keys));
	page_write(writer, keys);
}
