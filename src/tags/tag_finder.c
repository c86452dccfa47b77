/*
 * tag_finder.c
 *		Tags by the key of a name; a synonym gives the tag that it stands for.
 *
 * Several names are found through one index cursor, or by SQL where that is
 * refused.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "tags/links.h"

static SpiPlan tag_plan = {
	.sql = "SELECT coalesce(t.synonym_of, t.id) FROM ddd.tags t WHERE t.key = $1",
	.nargs = 1,
	.argtypes = {TEXTOID},
	.choice = PLAN_GENERIC,
};

static const IndexColumn tag_key[] = {{"key", TEXTOID, false}};

static bool open_tags(TagFinder *finder);
static int	compare_ids(const void *a, const void *b);

bool
tag_find(TagFinder *finder, const char *key, int length, int64 *tag_id)
{
	Datum		value = PointerGetDatum(cstring_to_text_with_len(key, length));
	ScanKeyData scan_key;
	bool		isnull;

	if (!open_tags(finder))
	{
		bool		found = plan_execute(&tag_plan, &value, NULL, true) > 0;

		if (found)
			*tag_id = plan_int64(0, 1);
		SPI_freetuptable(SPI_tuptable);
		return found;
	}
	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
						   value);
	index_cursor_seek(&finder->tags, &scan_key, 1);
	if (!index_cursor_next_row(&finder->tags))
		return false;
	*tag_id = DatumGetInt64(slot_getattr(finder->tags.slot, finder->synonym_of, &isnull));
	if (isnull)
		*tag_id = DatumGetInt64(slot_getattr(finder->tags.slot, finder->id, &isnull));
	return !isnull;
}

void
tag_finder_end(TagFinder *finder)
{
	if (finder->is_direct)
		index_cursor_close(&finder->tags);
}

bool
tag_find_by_key(text *key, int64 *tag_id)
{
	TagFinder	finder = {0};
	bool		found = tag_find(&finder, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), tag_id);

	tag_finder_end(&finder);
	return found;
}

int
tag_ids_unique(int64 *tag_ids, int n)
{
	int			kept = 0;

	qsort(tag_ids, n, sizeof(int64), compare_ids);
	for (int i = 0; i < n; i++)
	{
		if (kept == 0 || tag_ids[kept - 1] != tag_ids[i])
			tag_ids[kept++] = tag_ids[i];
	}
	return kept;
}

bool
tag_ids_contain(const int64 *tag_ids, int n, int64 tag_id)
{
	return bsearch(&tag_id, tag_ids, n, sizeof(int64), compare_ids) != NULL;
}

/* Opens the cursor, unless it is; false where SPI must do it instead. */
static bool
open_tags(TagFinder *finder)
{
	if (finder->is_begun)
		return finder->is_direct;
	finder->is_begun = true;
	if (!index_cursor_open(&finder->tags, "tags", tag_key, lengthof(tag_key), false))
		return false;
	finder->id = index_cursor_column(&finder->tags, "id", INT8OID);
	finder->synonym_of = index_cursor_column(&finder->tags, "synonym_of", INT8OID);
	finder->is_direct = finder->id != 0 && finder->synonym_of != 0;
	if (!finder->is_direct)
		index_cursor_close(&finder->tags);
	return finder->is_direct;
}

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}
