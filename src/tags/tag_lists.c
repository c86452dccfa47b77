/*
 * tag_lists.c
 *		ddd.list_tags(), ddd.popular_tags(), ddd.suggest_tags(),
 *		ddd.related_tags().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "tags/tag_info.h"

/* A beginning of more names than this is looked for in the ranking. */
#define MAX_SUGGESTED	1000

/* How many tags of the ranking are looked at together, at first and at most. */
#define RANKED_AT_ONCE		256
#define MAX_RANKED_AT_ONCE	16384

/* The newest posts of a tag, which related_tags() looks at. */
#define RELATED_POSTS	10000

static SpiPlan list_plan = {
	.sql = "SELECT " TAG_COLUMNS " FROM " TAG_TABLES " WHERE t.key > $1 ORDER BY t.key LIMIT $2",
	.nargs = 2,
	.argtypes = {TEXTOID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan list_beginning_plan = {
	.sql = "SELECT " TAG_COLUMNS " FROM " TAG_TABLES
	" WHERE t.key > $1 AND t.key ^@ $3 ORDER BY t.key LIMIT $2",
	.nargs = 3,
	.argtypes = {TEXTOID, INT8OID, TEXTOID},
	/* the planner makes a range of it */
	.choice = PLAN_CUSTOM,
};

/* Tags by id, in the order given; those that begin so, or have a synonym that does, if not NULL. */
static SpiPlan ranked_plan = {
	.sql = "SELECT " TAG_COLUMNS " FROM unnest($1) WITH ORDINALITY AS r (id, nth) JOIN ddd.tags t ON t.id = r.id" TAG_MEANT
	" WHERE $2 IS NULL OR starts_with(t.key, $2)"
	" OR EXISTS (SELECT FROM ddd.tags s WHERE s.synonym_of = t.id AND starts_with(s.key, $2)) ORDER BY r.nth",
	.nargs = 2,
	.argtypes = {INT8ARRAYOID, TEXTOID},
	.choice = PLAN_GENERIC,
};

/* Tags that begin so, or have a synonym that does, each at the first name that does; after a name. */
static SpiPlan beginning_plan = {
	.sql = "SELECT coalesce(t.synonym_of, t.id), t.key::text FROM ddd.tags t WHERE t.key ^@ $1 AND t.key > $3"
	" AND (t.synonym_of IS NULL"
	" OR NOT EXISTS (SELECT FROM ddd.tags m WHERE m.id = t.synonym_of AND m.key ^@ $1)"
	" AND NOT EXISTS (SELECT FROM ddd.tags o WHERE o.synonym_of = t.synonym_of AND o.key ^@ $1 AND o.key < t.key))"
	" ORDER BY t.key LIMIT $2",
	.nargs = 3,
	.argtypes = {TEXTOID, INT8OID, TEXTOID},
	.choice = PLAN_CUSTOM,
};

static SpiPlan related_plan = {
	.sql = "SELECT k.tag_id, k.shared FROM (SELECT l.tag_id, count(*) AS shared FROM"
	" (SELECT c.post_id FROM ddd.post_tags c WHERE c.tag_id = $1"
	" ORDER BY c.post_created_at DESC, c.post_id DESC LIMIT $2) n"
	" JOIN ddd.post_tags l ON l.post_id = n.post_id WHERE l.tag_id <> $1 GROUP BY l.tag_id) k"
	" ORDER BY k.shared DESC, k.tag_id LIMIT $3",
	.nargs = 3,
	.argtypes = {INT8OID, INT8OID, INT8OID},
};

static TagInfo *read_tags(const int64 *ids, int n, text *beginning, uint64 *rows);
static void write_tags(FunctionCallInfo fcinfo, const TagInfo *infos, uint64 n);
static int64 *read_beginning(text *beginning, text **after, int64 most, uint64 *rows);
static TagInfo *suggest_few(const int64 *ids, int n, int wanted, uint64 *found);
static TagInfo *suggest_many(text *beginning, int64 most, int wanted, uint64 *found);
static TagInfo *suggest_from_ranking(text *beginning, int wanted, uint64 *found);
static int	compare_infos(const void *a, const void *b);
static int64 page_size(FunctionCallInfo fcinfo, int argno);

PG_FUNCTION_INFO_V1(ddd_list_tags);

Datum
ddd_list_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	PageWriter	writer;
	text	   *prefix = arg_text_or_null(fcinfo, 2);
	text	   *beginning = prefix == NULL ? NULL : name_key(prefix);
	TagInfo    *infos;
	uint64		rows;

	page_begin(&page, "list_tags");
	if (beginning != NULL)
		page_filter_text(&page, beginning);
	page_limits(&page, fcinfo, 0, -1);
	page_after_text(&page, fcinfo, 1);

	api_begin(&call);
	page_writer_begin(&writer, &page, fcinfo);
	/* no name begins with one that is too long to have a key */
	if (prefix == NULL || beginning != NULL)
	{
		rows = plan_execute(beginning == NULL ? &list_plan : &list_beginning_plan, (Datum[])
							{
								PointerGetDatum(page.text_key), Int64GetDatum(page.first),
								PointerGetDatum(beginning)
							}, NULL, true);
		infos = tag_infos_read(rows);
		tag_infos_count(infos, rows);
		for (uint64 i = 0; i < rows; i++)
		{
			tag_info_values(&infos[i], writer.values, writer.nulls);
			page_write_text(&writer, infos[i].key);
		}
	}
	page_writer_end(&writer);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_popular_tags);

Datum
ddd_popular_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		wanted = page_size(fcinfo, 0);
	uint64		n;
	TagInfo    *infos;

	api_begin(&call);
	infos = suggest_from_ranking(NULL, wanted, &n);
	write_tags(fcinfo, infos, n);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_suggest_tags);

Datum
ddd_suggest_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *beginning = name_key(arg_text(fcinfo, 0, "prefix"));
	int64		wanted = page_size(fcinfo, 1);
	uint64		n = 0;
	TagInfo    *infos = NULL;

	api_begin(&call);
	if (beginning != NULL && wanted > 0)
	{
		int64		most = Max(wanted, MAX_SUGGESTED);
		text	   *after = cstring_to_text("");
		uint64		rows;
		int64	   *ids = read_beginning(beginning, &after, most, &rows);

		infos = rows < (uint64) most ? suggest_few(ids, rows, wanted, &n) :
			suggest_many(beginning, most, wanted, &n);
	}
	write_tags(fcinfo, infos, n);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_related_tags);

Datum
ddd_related_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	text	   *key = name_key(arg_text(fcinfo, 0, "name"));
	int64		wanted = page_size(fcinfo, 1);
	int64		tag_id;
	int64	   *ids;
	int64	   *shared;
	TagInfo    *infos;
	uint64		rows;
	uint64		n;

	api_begin(&call);
	page_result(fcinfo);
	if (key != NULL && tag_find_by_key(key, &tag_id))
	{
		rows = plan_execute(&related_plan, (Datum[])
							{
								Int64GetDatum(tag_id), Int64GetDatum(RELATED_POSTS), Int64GetDatum(wanted)
							}, NULL, true);
		ids = palloc_array(int64, Max(rows, 1));
		shared = palloc_array(int64, Max(rows, 1));
		for (uint64 row = 0; row < rows; row++)
		{
			ids[row] = plan_int64(row, 1);
			shared[row] = plan_int64(row, 2);
		}
		SPI_freetuptable(SPI_tuptable);
		infos = read_tags(ids, rows, NULL, &n);
		tag_infos_count(infos, n);
		for (uint64 i = 0, row = 0; i < n; i++)
		{
			Datum		values[] = {
				Int64GetDatum(infos[i].id), PointerGetDatum(infos[i].name),
				Int64GetDatum(infos[i].post_count), Int64GetDatum(0)
			};
			bool		nulls[lengthof(values)] = {false, infos[i].name == NULL};

			/* a link may outlive its tag within a statement */
			while (ids[row] != infos[i].id)
				row++;
			values[3] = Int64GetDatum(shared[row]);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	api_end(&call);
	PG_RETURN_NULL();
}

/* Reads tags by id, in this order, but for their numbers of posts. */
static TagInfo *
read_tags(const int64 *ids, int n, text *beginning, uint64 *rows)
{
	*rows = plan_execute(&ranked_plan, (Datum[])
						 {
							 plan_array(INT8OID, ids, n, sizeof(int64)), PointerGetDatum(beginning)
						 }, beginning == NULL ? " n" : NULL, true);
	return tag_infos_read(*rows);
}

static void
write_tags(FunctionCallInfo fcinfo, const TagInfo *infos, uint64 n)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	page_result(fcinfo);
	for (uint64 i = 0; i < n; i++)
	{
		Datum		values[TAG_NCOLUMNS];
		bool		nulls[TAG_NCOLUMNS];

		tag_info_values(&infos[i], values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* Reads tags by the names that begin so, from behind a name on, which becomes the last of them. */
static int64 *
read_beginning(text *beginning, text **after, int64 most, uint64 *rows)
{
	int64	   *ids;
	bool		isnull;

	*rows = plan_execute(&beginning_plan, (Datum[])
						 {
							 PointerGetDatum(beginning), Int64GetDatum(most), PointerGetDatum(*after)
						 }, NULL, true);
	ids = palloc_array(int64, Max(*rows, 1));
	for (uint64 row = 0; row < *rows; row++)
		ids[row] = plan_int64(row, 1);
	if (*rows > 0)
		*after = DatumGetTextPCopy(plan_value(*rows - 1, 2, TEXTOID, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return ids;
}

/* Returns those of the tags that have the most posts. */
static TagInfo *
suggest_few(const int64 *ids, int n, int wanted, uint64 *found)
{
	TagInfo    *infos = read_tags(ids, n, NULL, found);

	tag_infos_count(infos, *found);
	qsort(infos, *found, sizeof(TagInfo), compare_infos);
	*found = Min(*found, (uint64) wanted);
	return infos;
}

/* Returns those that the ranking has first and, if it has not enough, those without posts. */
static TagInfo *
suggest_many(text *beginning, int64 most, int wanted, uint64 *found)
{
	TagInfo    *infos = suggest_from_ranking(beginning, wanted, found);
	text	   *after = cstring_to_text("");
	uint64		rows = most;

	while (*found < (uint64) wanted && rows == (uint64) most)
	{
		int64	   *ids = read_beginning(beginning, &after, most, &rows);
		uint64		n;
		TagInfo    *others = read_tags(ids, rows, NULL, &n);

		CHECK_FOR_INTERRUPTS();
		tag_infos_count(others, n);
		for (uint64 i = 0; i < n && *found < (uint64) wanted; i++)
		{
			if (others[i].post_count == 0)
				infos[(*found)++] = others[i];
		}
		pfree(others);
		pfree(ids);
	}
	return infos;
}

/* Walks the ranking until as many are found that begin so. */
static TagInfo *
suggest_from_ranking(text *beginning, int wanted, uint64 *found)
{
	int			at_once = beginning == NULL ? wanted : RANKED_AT_ONCE;
	TagInfo    *infos = palloc_array(TagInfo, wanted + 1);
	int64	   *ids = palloc_array(int64, Max(at_once, 1));
	int64		place[RANK_KEYS] = {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX};
	Ranking		ranking = {
		.ranks = palloc_array(Rank, Max(at_once, 1)),
		.wanted = at_once,
		.after = place,
		.least = 1,
	};

	*found = 0;
	while (*found < (uint64) wanted)
	{
		uint64		rows;
		TagInfo    *some;

		CHECK_FOR_INTERRUPTS();
		ranking.held = 0;
		tag_ranking(&ranking);
		for (int i = 0; i < ranking.held; i++)
			ids[i] = ranking.ranks[i].keys[2];
		some = read_tags(ids, ranking.held, beginning, &rows);
		for (uint64 i = 0, rank = 0; i < rows && *found < (uint64) wanted; i++)
		{
			while (ids[rank] != some[i].id)
				rank++;
			some[i].post_count = ranking.ranks[rank].keys[0];
			infos[(*found)++] = some[i];
		}
		if (ranking.held < ranking.wanted)
			break;
		memcpy(place, ranking.ranks[ranking.held - 1].keys, sizeof(place));
		/* each reads the counter anew */
		if (ranking.wanted < MAX_RANKED_AT_ONCE)
		{
			ranking.wanted *= 2;
			ranking.ranks = repalloc_array(ranking.ranks, Rank, ranking.wanted);
			ids = repalloc_array(ids, int64, ranking.wanted);
		}
	}
	return infos;
}

/* The most used first, then in the order of keys. */
static int
compare_infos(const void *a, const void *b)
{
	const TagInfo *left = a;
	const TagInfo *right = b;

	if (left->post_count != right->post_count)
		return left->post_count > right->post_count ? -1 : 1;
	return text_compare(left->key, right->key);
}

/* Reads "first", checked. */
static int64
page_size(FunctionCallInfo fcinfo, int argno)
{
	ListPage	page;

	page_limits(&page, fcinfo, argno, -1);
	return page.first;
}
