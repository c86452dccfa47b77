/*
 * tag_info.c
 *		Tags as results.
 *
 * Numbers of posts come from the counter, or are counted while it is stale.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "tags/tag_info.h"

static SpiPlan info_plan = {
	.sql = "SELECT " TAG_COLUMNS " FROM " TAG_TABLES " WHERE t.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static SpiPlan count_plan = {
	.sql = "SELECT (SELECT count(*) FROM ddd.post_tags l WHERE l.tag_id = u.id)"
	" FROM unnest($1) WITH ORDINALITY AS u (id, nth) ORDER BY u.nth",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan counted_plan = {
	.sql = "SELECT k.count, t.created_at, t.id FROM"
	" (SELECT l.tag_id, count(*) AS count FROM ddd.post_tags l GROUP BY l.tag_id) k"
	" JOIN ddd.tags t ON t.id = k.tag_id WHERE (k.count, t.created_at, t.id) < ($1, $2, $3)"
	" ORDER BY k.count DESC, t.created_at DESC, t.id DESC LIMIT $4",
	.nargs = 4,
	.argtypes = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID},
};

static text *text_value(uint64 row, int column);

TagInfo *
tag_infos_read(uint64 rows)
{
	TagInfo    *infos = palloc_array(TagInfo, Max(rows, 1));

	/* whatever the owner has made of the table, a key is never NULL here */
	for (uint64 row = 0; row < rows; row++)
		infos[row] = (TagInfo) {
			.id = plan_int64(row, 1),
			.name = text_value(row, 2),
			.synonym_of = text_value(row, 3),
			.meant = plan_int64(row, 4),
			.key = text_value(row, 5),
		};
	SPI_freetuptable(SPI_tuptable);
	return infos;
}

void
tag_infos_count(TagInfo *infos, uint64 n)
{
	int64	   *ids;
	CounterReader *reader;

	if (n == 0)
		return;
	ids = palloc_array(int64, n);
	for (uint64 i = 0; i < n; i++)
		ids[i] = infos[i].meant;
	reader = counter_open(&posts_by_tag_counter);
	if (reader != NULL)
	{
		counter_values(reader, ids, n, ids);
		counter_close(reader);
	}
	else
	{
		plan_execute(&count_plan, (Datum[]) {plan_array(INT8OID, ids, n, sizeof(int64))}, NULL, true);
		for (uint64 i = 0; i < n; i++)
			ids[i] = plan_int64(i, 1);
		SPI_freetuptable(SPI_tuptable);
	}
	for (uint64 i = 0; i < n; i++)
		infos[i].post_count = ids[i];
	pfree(ids);
}

void
tag_ranking(Ranking *ranking)
{
	static const Oid types[RANK_KEYS] = {INT8OID, TIMESTAMPTZOID, INT8OID};
	CounterReader *reader = counter_open(&posts_by_tag_counter);
	uint64		rows;

	if (reader != NULL)
	{
		counter_top(reader, ranking);
		counter_close(reader);
		return;
	}
	rows = plan_execute(&counted_plan, (Datum[])
						{
							Int64GetDatum(ranking->after[0]), TimestampTzGetDatum(ranking->after[1]),
							Int64GetDatum(ranking->after[2]), Int64GetDatum(ranking->wanted)
						}, NULL, true);
	for (uint64 row = 0; row < rows; row++)
	{
		int64		keys[RANK_KEYS];
		bool		isnull;

		for (int i = 0; i < RANK_KEYS; i++)
			keys[i] = DatumGetInt64(plan_value(row, i + 1, types[i], &isnull));
		ranking_enter(ranking, keys, keys[0]);
	}
	SPI_freetuptable(SPI_tuptable);
}

void
tag_info_values(const TagInfo *info, Datum *values, bool *nulls)
{
	values[0] = Int64GetDatum(info->id);
	values[1] = PointerGetDatum(info->name);
	values[2] = Int64GetDatum(info->post_count);
	values[3] = PointerGetDatum(info->synonym_of);
	nulls[0] = nulls[2] = false;
	nulls[1] = info->name == NULL;
	nulls[3] = info->synonym_of == NULL;
}

Datum
tag_info_end(ApiCall *call, FunctionCallInfo fcinfo, int64 tag_id)
{
	Datum		id = Int64GetDatum(tag_id);
	TagInfo    *info;
	Datum		values[TAG_NCOLUMNS];
	bool		nulls[TAG_NCOLUMNS];
	MemoryContext spi_context;
	TupleDesc	desc;
	Datum		result;

	/* what this call has changed is to be seen */
	PushActiveSnapshot(GetTransactionSnapshot());
	if (plan_execute(&info_plan, &id, NULL, true) == 0)
	{
		/* somebody's trigger has kept it from being there */
		PopActiveSnapshot();
		api_end(call);
		PG_RETURN_NULL();
	}
	info = tag_infos_read(1);
	tag_infos_count(info, 1);
	tag_info_values(info, values, nulls);
	PopActiveSnapshot();

	spi_context = MemoryContextSwitchTo(call->result_context);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "function must return a row type");
	result = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	MemoryContextSwitchTo(spi_context);
	api_end(call);
	return result;
}

/* Returns a copy of a text, or NULL. */
static text *
text_value(uint64 row, int column)
{
	bool		isnull;
	Datum		value = plan_value(row, column, TEXTOID, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}
