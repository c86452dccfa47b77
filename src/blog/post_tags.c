/*
 * post_tags.c
 *		Which post has which tag: ddd.tag_post(), ddd.untag_post(),
 *		ddd.set_post_tags(), and the trigger that fills post_created_at.
 *
 * A tag's key is its name with ASCII letters folded, lower(name COLLATE "C").
 * Names that differ only there are one tag; the first spelling stays.
 *
 * Locks: the post's row first (so that its number of tags is exact), then
 * tags that do not exist are created in the order of their keys. Two calls
 * that create the same tags wait for each other, never in a circle.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "blog/write.h"
#include "core/core.h"

#define MAX_TAG_LENGTH			100
#define DEFAULT_MAX_TAGS		32
#define MAX_LINK_ATTEMPTS		3

static int	max_tags_per_post = DEFAULT_MAX_TAGS;

/* Keeps the post from being deleted and its tags from being counted twice. */
static SpiPlan lock_post_plan = {
	.sql = "SELECT FROM ddd.posts WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/*
 * The id of a tag by name, as a scalar subquery: one index lookup for each
 * name, however many tags there are.
 */
#define TAG_ID_OF_NAME \
	"(SELECT t.id FROM ddd.tags t WHERE lower(t.name COLLATE \"C\") = lower(n.name COLLATE \"C\"))"

static SpiPlan create_tags_plan = {
	.sql = "INSERT INTO ddd.tags (name)"
	" SELECT n.name FROM unnest($1) WITH ORDINALITY AS n (name, nth)"
	" WHERE " TAG_ID_OF_NAME " IS NULL"
	" ORDER BY n.nth ON CONFLICT (lower(name COLLATE \"C\")) DO NOTHING",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan link_plan = {
	.sql = "INSERT INTO ddd.post_tags (post_id, tag_id)"
	" SELECT $1, i.id FROM (SELECT " TAG_ID_OF_NAME " AS id FROM unnest($2) AS n (name) OFFSET 0) i"
	" WHERE i.id IS NOT NULL ORDER BY i.id ON CONFLICT (post_id, tag_id) DO NOTHING",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan missing_tags_plan = {
	.sql = "SELECT FROM unnest($1) AS n (name) WHERE " TAG_ID_OF_NAME " IS NULL",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan unlink_plan = {
	.sql = "DELETE FROM ddd.post_tags l WHERE l.post_id = $1 AND l.tag_id = ANY (ARRAY("
	"SELECT " TAG_ID_OF_NAME " FROM unnest($2) AS n (name)))",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan unlink_others_plan = {
	.sql = "DELETE FROM ddd.post_tags l WHERE l.post_id = $1 AND l.tag_id <> ALL (array_remove(ARRAY("
	"SELECT " TAG_ID_OF_NAME " FROM unnest($2) AS n (name)), NULL))",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan tags_plan = {
	.sql = "SELECT coalesce(array_agg(t.name::text ORDER BY lower(t.name COLLATE \"C\")), '{}'), count(*)"
	" FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id WHERE l.post_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan post_created_plan = {
	.sql = "SELECT p.created_at FROM ddd.posts p WHERE p.id = $1 FOR KEY SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

typedef struct TagName
{
	text	   *name;
	char	   *key;
	int			key_length;
} TagName;

static void check_tag_count(int64 count);
static int	compare_tag_names(const void *a, const void *b, void *unused);
static void lock_post(int64 post_id);
static Datum end_with_tags(ApiCall *call, int64 post_id);

void
post_tags_init(void)
{
	DefineCustomIntVariable("ddd.max_tags_per_post",
							"Sets how many tags a post may have.",
							"Checked by the functions that tag posts.",
							&max_tags_per_post, DEFAULT_MAX_TAGS, 1, 10000,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

PG_FUNCTION_INFO_V1(ddd_tag_post);

Datum
ddd_tag_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");
	Datum		names = post_tags_read(fcinfo, 1);

	api_begin(&call);
	lock_post(post_id);
	post_tags_add(post_id, names);
	return end_with_tags(&call, post_id);
}

PG_FUNCTION_INFO_V1(ddd_untag_post);

Datum
ddd_untag_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");
	int			count;
	Datum	   *names = arg_text_array(fcinfo, 1, "tags", &count);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		names[i] = PointerGetDatum(text_trim(DatumGetTextPP(names[i])));
	}

	api_begin(&call);
	lock_post(post_id);
	plan_execute(&unlink_plan, (Datum[])
				 {
					 Int64GetDatum(post_id),
					 PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT))
				 }, NULL, false);
	return end_with_tags(&call, post_id);
}

PG_FUNCTION_INFO_V1(ddd_set_post_tags);

Datum
ddd_set_post_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");
	Datum		names = post_tags_read(fcinfo, 1);

	api_begin(&call);
	lock_post(post_id);
	plan_execute(&unlink_others_plan, (Datum[])
				 {
					 Int64GetDatum(post_id), names
				 }, NULL, false);
	post_tags_add(post_id, names);
	return end_with_tags(&call, post_id);
}

PG_FUNCTION_INFO_V1(ddd_fill_post_tag);

Datum
ddd_fill_post_tag(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.fill_post_tag()");
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	OwnerScope	owner;
	int			column;
	Datum		post_id;
	Datum		created_at;
	bool		isnull;

	desc = RelationGetDescr(trigger->tg_relation);
	column = row_column(trigger->tg_relation, "post_created_at", TIMESTAMPTZOID);
	(void) SPI_getbinval(row, desc, column, &isnull);
	if (!isnull && restore_by_owner())
		return PointerGetDatum(row);
	post_id = SPI_getbinval(row, desc, row_column(trigger->tg_relation, "post_id", INT8OID), &isnull);
	if (isnull)
		return PointerGetDatum(row);	/* NOT NULL answers */

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (plan_execute(&post_created_plan, &post_id, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("post " INT64_FORMAT " does not exist", DatumGetInt64(post_id)),
				 err_object("post_tags", "post_id", "post_tags_post_id_fkey")));
	created_at = plan_value(0, 1, TIMESTAMPTZOID, &isnull);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);

	return PointerGetDatum(heap_modify_tuple_by_cols(row, desc, 1, &column, &created_at, &isnull));
}

Datum
post_tags_read(FunctionCallInfo fcinfo, int argno)
{
	int			count;
	Datum	   *elements = arg_text_array(fcinfo, argno, "tags", &count);
	TagName    *tags = palloc_extended(sizeof(TagName) * Max(count, 1), MCXT_ALLOC_HUGE);
	int			unique = 0;

	for (int i = 0; i < count; i++)
	{
		text	   *name = text_trim(DatumGetTextPP(elements[i]));
		int			length = VARSIZE_ANY_EXHDR(name);
		const char *problem;

		CHECK_FOR_INTERRUPTS();
		check_length(name, MAX_TAG_LENGTH, "tags", "name");
		problem = name_problem(VARDATA_ANY(name), length);
		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of \"tags\" is not a valid tag name", i + 1),
					 errdetail("%s", problem),
					 err_object("tags", "name", "tags_name_valid")));
		tags[i].name = name;
		tags[i].key = asc_tolower(VARDATA_ANY(name), length);
		tags[i].key_length = length;
	}

	qsort_interruptible(tags, count, sizeof(TagName), compare_tag_names, NULL);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || compare_tag_names(&tags[i - 1], &tags[i], NULL) != 0)
			elements[unique++] = PointerGetDatum(tags[i].name);
	}
	check_tag_count(unique);
	return PointerGetDatum(construct_array(elements, unique, TEXTOID, -1, false, TYPALIGN_INT));
}

void
post_tags_add(int64 post_id, Datum names)
{
	if (ARR_NDIM(DatumGetArrayTypeP(names)) == 0)
		return;

	/* a tag may be deleted between being found and being linked: then again */
	for (int attempt = 1;; attempt++)
	{
		plan_execute(&create_tags_plan, &names, NULL, false);
		plan_execute(&link_plan, (Datum[])
					 {
						 Int64GetDatum(post_id), names
					 }, NULL, false);
		if (plan_execute(&missing_tags_plan, &names, NULL, false) == 0)
			break;
		if (attempt == MAX_LINK_ATTEMPTS)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("tags were deleted while a post was being tagged")));
	}
}

static void
check_tag_count(int64 count)
{
	if (count > max_tags_per_post)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a post must not have more than %d tags", max_tags_per_post),
				 errhint("Raise ddd.max_tags_per_post.")));
}

static int
compare_tag_names(const void *a, const void *b, void *unused)
{
	const TagName *left = a;
	const TagName *right = b;
	int			order = memcmp(left->key, right->key, Min(left->key_length, right->key_length));

	return order != 0 ? order : left->key_length - right->key_length;
}

static void
lock_post(int64 post_id)
{
	Datum		id = Int64GetDatum(post_id);

	if (plan_execute(&lock_post_plan, &id, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("post " INT64_FORMAT " does not exist", post_id),
				 err_object("post_tags", "post_id", "post_tags_post_id_fkey")));
}

/* Ends a call that returns the post's tags as they are now. */
static Datum
end_with_tags(ApiCall *call, int64 post_id)
{
	Datum		id = Int64GetDatum(post_id);
	MemoryContext spi_context;
	Datum		tags;
	bool		isnull;

	plan_execute(&tags_plan, &id, NULL, false);
	check_tag_count(plan_int64(0, 2));
	tags = plan_value(0, 1, TEXTARRAYOID, &isnull);
	spi_context = MemoryContextSwitchTo(call->result_context);
	tags = datumCopy(tags, false, -1);
	MemoryContextSwitchTo(spi_context);
	api_end(call);
	return tags;
}
