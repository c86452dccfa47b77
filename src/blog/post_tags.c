/*
 * post_tags.c
 *		Which post has which tag: ddd.tag_post(), ddd.untag_post(),
 *		ddd.set_post_tags(), and the trigger that fills post_created_at.
 *
 * Names with the same key, name_fold(), are one tag; the first spelling stays.
 * A synonym stands for its tag, here as in a row that is written directly: no
 * post is linked to a synonym.
 *
 * Locks: the post's row first (so that its number of tags is exact), then
 * tags that do not exist are created in the order of their keys. Two calls
 * that create the same tags wait for each other, never in a circle. Before
 * that, those that exist are locked FOR SHARE in the same order, and again as
 * they are linked, so that none becomes a synonym meanwhile. The order is that
 * of the keys which the statement sees: where a tag is renamed or made a
 * synonym while it is waited for, and another call is about the same tags, one
 * of them may be a deadlock's victim (40P01).
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "blog/write.h"
#include "core/core.h"
#include "users/users.h"

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
 * The id of the tag that a key means, as a scalar subquery: one index lookup
 * for each, however many tags there are.
 */
#define TAG_ID_OF_KEY \
	"(SELECT coalesce(t.synonym_of, t.id) FROM ddd.tags t WHERE t.key = n.key)"

/* Locks tags, and what they mean, in the order in which whoever changes tags does; so that they stay. */
#define LOCK_TAGS(also) \
	"SELECT FROM ddd.tags t WHERE t.id = ANY (ARRAY(SELECT s.id FROM ddd.tags s WHERE s.key = ANY ($1)" \
	" UNION ALL SELECT s.synonym_of FROM ddd.tags s WHERE s.key = ANY ($1) AND s.synonym_of IS NOT NULL" also "))" \
	" ORDER BY t.key FOR SHARE"

static SpiPlan lock_tags_plan = {
	.sql = LOCK_TAGS(""),
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

/* Also those that the post has: the link that a merge moved is seen by the next statement. */
static SpiPlan lock_all_tags_plan = {
	.sql = LOCK_TAGS(" UNION ALL SELECT l.tag_id FROM ddd.post_tags l WHERE l.post_id = $2"),
	.nargs = 2,
	.argtypes = {TEXTARRAYOID, INT8OID},
	.choice = PLAN_GENERIC,
};

static SpiPlan create_tags_plan = {
	.sql = "INSERT INTO ddd.tags (name, key)"
	" SELECT n.name, n.key FROM unnest($1, $2) WITH ORDINALITY AS n (name, key, nth)"
	" WHERE " TAG_ID_OF_KEY " IS NULL"
	" ORDER BY n.nth ON CONFLICT (key) DO NOTHING",
	.nargs = 2,
	.argtypes = {TEXTARRAYOID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan link_plan = {
	.sql = "INSERT INTO ddd.post_tags (post_id, tag_id)"
	" SELECT DISTINCT $1, i.id FROM (SELECT " TAG_ID_OF_KEY " AS id FROM unnest($2) AS n (key) OFFSET 0) i"
	" WHERE i.id IS NOT NULL ORDER BY i.id ON CONFLICT (post_id, tag_id) DO NOTHING",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan missing_tags_plan = {
	.sql = "SELECT FROM unnest($1) AS n (key) WHERE " TAG_ID_OF_KEY " IS NULL",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan unlink_plan = {
	.sql = "DELETE FROM ddd.post_tags l WHERE l.post_id = $1 AND l.tag_id = ANY (ARRAY("
	"SELECT " TAG_ID_OF_KEY " FROM unnest($2) AS n (key)))",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan unlink_others_plan = {
	.sql = "DELETE FROM ddd.post_tags l WHERE l.post_id = $1 AND l.tag_id <> ALL (array_remove(ARRAY("
	"SELECT " TAG_ID_OF_KEY " FROM unnest($2) AS n (key)), NULL))",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTARRAYOID},
	.choice = PLAN_GENERIC,
};

static SpiPlan tags_plan = {
	.sql = "SELECT coalesce(array_agg(t.name::text ORDER BY t.key), '{}'), count(*)"
	" FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id WHERE l.post_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* The post and the tag that is meant by a link, both kept as they are; a synonym is not locked. */
static SpiPlan linked_plan = {
	.sql = "SELECT p.created_at, t.id, t.synonym_of FROM ddd.posts p, ddd.tags t WHERE p.id = $1 AND t.id ="
	" (SELECT coalesce(s.synonym_of, s.id) FROM ddd.tags s WHERE s.id = $2) FOR KEY SHARE OF p FOR SHARE OF t",
	.nargs = 2,
	.argtypes = {INT8OID, INT8OID},
	.choice = PLAN_GENERIC,
};

/* Where the tables are of a version without synonyms, and of a tag that is not there. */
static SpiPlan post_plan = {
	.sql = "SELECT p.created_at FROM ddd.posts p WHERE p.id = $1 FOR KEY SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

typedef struct TagName
{
	text	   *name;
	text	   *key;
} TagName;

static void check_tag_count(int64 count);
static int	compare_tag_names(const void *a, const void *b, void *unused);
static void lock_post(int64 post_id);
static void read_linked(Datum post_id, Datum *tag_id, Datum *created_at);
static bool has_synonyms(void);
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
	TagNames	tags = post_tags_read(fcinfo, 1);

	api_begin(&call);
	lock_post(post_id);
	access_check(ACCESS_TAG_POST, post_id);
	post_tags_add(post_id, &tags);
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
	int			n = 0;
	Datum		keys;

	for (int i = 0; i < count; i++)
	{
		text	   *key = name_key(DatumGetTextPP(names[i]));

		CHECK_FOR_INTERRUPTS();
		/* no tag has so long a name */
		if (key != NULL)
			names[n++] = PointerGetDatum(key);
	}

	keys = text_array(names, n);

	api_begin(&call);
	lock_post(post_id);
	access_check(ACCESS_UNTAG_POST, post_id);
	plan_execute(&lock_tags_plan, &keys, NULL, false);
	plan_execute(&unlink_plan, (Datum[])
				 {
					 Int64GetDatum(post_id), keys
				 }, NULL, false);
	return end_with_tags(&call, post_id);
}

PG_FUNCTION_INFO_V1(ddd_set_post_tags);

Datum
ddd_set_post_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int64		post_id = arg_int64(fcinfo, 0, "post_id");
	TagNames	tags = post_tags_read(fcinfo, 1);

	api_begin(&call);
	lock_post(post_id);
	access_check(ACCESS_SET_POST_TAGS, post_id);
	plan_execute(&lock_all_tags_plan, (Datum[])
				 {
					 tags.keys, Int64GetDatum(post_id)
				 }, NULL, false);
	plan_execute(&unlink_others_plan, (Datum[])
				 {
					 Int64GetDatum(post_id), tags.keys
				 }, NULL, false);
	post_tags_add(post_id, &tags);
	return end_with_tags(&call, post_id);
}

PG_FUNCTION_INFO_V1(ddd_fill_post_tag);

Datum
ddd_fill_post_tag(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.fill_post_tag()");
	Relation	relation = ((TriggerData *) fcinfo->context)->tg_relation;
	TupleDesc	desc = RelationGetDescr(relation);
	OwnerScope	owner;
	int			columns[2];
	Datum		values[2];
	bool		nulls[2];
	Datum		post_id;
	bool		isnull;

	columns[0] = row_column(relation, "tag_id", INT8OID);
	columns[1] = row_column(relation, "post_created_at", TIMESTAMPTZOID);
	post_id = SPI_getbinval(row, desc, row_column(relation, "post_id", INT8OID), &isnull);
	for (int i = 0; i < 2; i++)
		values[i] = SPI_getbinval(row, desc, columns[i], &nulls[i]);
	if (!nulls[1] && restore_by_owner())
		return PointerGetDatum(row);
	if (isnull || nulls[0])
		return PointerGetDatum(row);	/* NOT NULL answers */

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	read_linked(post_id, &values[0], &values[1]);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	nulls[1] = false;
	return PointerGetDatum(heap_modify_tuple_by_cols(row, desc, lengthof(columns), columns, values, nulls));
}

text *
tag_name_checked(text *name, const char *argument, int element)
{
	text	   *trimmed = text_trim(name);
	const char *problem;

	check_length(trimmed, MAX_TAG_LENGTH, "tags", "name");
	problem = name_problem(VARDATA_ANY(trimmed), VARSIZE_ANY_EXHDR(trimmed));
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 element > 0 ? errmsg("element %d of \"%s\" is not a valid tag name", element, argument) :
				 errmsg("\"%s\" is not a valid tag name", argument),
				 errdetail("%s", problem),
				 err_object("tags", "name", "tags_name_valid")));
	return trimmed;
}

TagNames
post_tags_read(FunctionCallInfo fcinfo, int argno)
{
	int			count;
	Datum	   *elements = arg_text_array(fcinfo, argno, "tags", &count);
	TagName    *tags = palloc_extended(sizeof(TagName) * Max(count, 1), MCXT_ALLOC_HUGE);
	Datum	   *keys = palloc_extended(sizeof(Datum) * Max(count, 1), MCXT_ALLOC_HUGE);
	int			unique = 0;

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tags[i].name = tag_name_checked(DatumGetTextPP(elements[i]), "tags", i + 1);
		tags[i].key = name_key(tags[i].name);
		/* as many characters are never so many bytes */
		Assert(tags[i].key != NULL);
	}

	qsort_interruptible(tags, count, sizeof(TagName), compare_tag_names, NULL);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && compare_tag_names(&tags[i - 1], &tags[i], NULL) == 0)
			continue;
		elements[unique] = PointerGetDatum(tags[i].name);
		keys[unique++] = PointerGetDatum(tags[i].key);
	}
	check_tag_count(unique);
	return (TagNames) {unique, text_array(elements, unique), text_array(keys, unique)};
}

void
post_tags_add(int64 post_id, const TagNames *tags)
{
	if (tags->count == 0)
		return;

	plan_execute(&lock_tags_plan, (Datum[]) {tags->keys}, NULL, false);
	/* a tag may be deleted between being found and being linked: then again */
	for (int attempt = 1;; attempt++)
	{
		plan_execute(&create_tags_plan, (Datum[]) {tags->names, tags->keys}, NULL, false);
		plan_execute(&link_plan, (Datum[])
					 {
						 Int64GetDatum(post_id), tags->keys
					 }, NULL, false);
		if (plan_execute(&missing_tags_plan, (Datum[]) {tags->keys}, NULL, false) == 0)
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
	return text_compare(((const TagName *) a)->key, ((const TagName *) b)->key);
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

/*
 * Reads the post of a link, and puts the tag that is meant in a synonym's
 * place. Raises 23503 where there is no such post.
 */
static void
read_linked(Datum post_id, Datum *tag_id, Datum *created_at)
{
	bool		isnull;

	/* a tag that is meant may become a synonym before it is locked: then again */
	for (int attempt = 0; attempt < MAX_LINK_ATTEMPTS; attempt++)
	{
		Datum		synonym_of;

		if (!has_synonyms() || plan_execute(&linked_plan, (Datum[]) {post_id, *tag_id}, NULL, false) == 0)
		{
			/* where it is the tag that is missing, its foreign key answers */
			if (plan_execute(&post_plan, &post_id, NULL, false) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						 errmsg("post " INT64_FORMAT " does not exist", DatumGetInt64(post_id)),
						 err_object("post_tags", "post_id", "post_tags_post_id_fkey")));
			*created_at = plan_value(0, 1, TIMESTAMPTZOID, &isnull);
			return;
		}
		*created_at = plan_value(0, 1, TIMESTAMPTZOID, &isnull);
		*tag_id = Int64GetDatum(plan_int64(0, 2));
		synonym_of = plan_value(0, 3, INT8OID, &isnull);
		if (isnull)
			return;
		*tag_id = synonym_of;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("a tag was merged while a post was being tagged")));
}

/* Tells whether the tables are of a version that has synonyms: triggers serve older ones too. */
static bool
has_synonyms(void)
{
	Oid			tags = get_relname_relid("tags", get_namespace_oid("ddd", false));

	return OidIsValid(tags) && get_attnum(tags, "synonym_of") != InvalidAttrNumber;
}
