/*
 * vocabulary.c
 *		Changing tags themselves: ddd.rename_tag(), ddd.merge_tags(),
 *		ddd.add_tag_synonym(), ddd.drop_tag_synonym(), ddd.delete_tag(),
 *		ddd.prune_tags().
 *
 * What a synonym may be is a rule of the tables (blog/tag_row.c); here it is
 * kept in a way that lets no call fail of it without need.
 *
 * Locks: the tags that a call is about FOR UPDATE, with all of their synonyms,
 * in the order of their keys, in a statement before those that look at their
 * posts. That waits for whoever is linking posts to them, and keeps others from
 * it; whoever waits finds a synonym then, and links to what it means. Then the
 * posts of tags that are merged or taken off, in the order of their ids, so that
 * none of them goes meanwhile. Where keys change while they are waited for, two
 * calls may wait for each other (40P01).
 *
 * What posts a locked tag has is looked up in a snapshot of now, in every
 * isolation level: its foreign key knows of no other. In a transaction whose
 * snapshot is older, posts that were tagged since cannot be seen to be untagged:
 * 40001.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "tags/tag_info.h"
#include "users/users.h"

#define MAX_LOCK_ATTEMPTS	5

/* The tags that these keys mean, with all of their synonyms. */
static SpiPlan lock_plan = {
	.sql = "SELECT t.id, coalesce(t.key::text, ''), t.synonym_of FROM ddd.tags t WHERE t.id = ANY (ARRAY("
	"SELECT f.id FROM (SELECT coalesce(s.synonym_of, s.id) AS id FROM ddd.tags s WHERE s.key = ANY ($1)) m"
	" JOIN ddd.tags f ON f.id = m.id OR f.synonym_of = m.id)) ORDER BY t.key FOR UPDATE OF t",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID},
};

static SpiPlan rename_plan = {
	.sql = "UPDATE ddd.tags SET name = $2, key = $3 WHERE id = $1",
	.nargs = 3,
	.argtypes = {INT8OID, TEXTOID, TEXTOID},
};

static SpiPlan insert_synonym_plan = {
	.sql = "INSERT INTO ddd.tags (name, key, synonym_of) VALUES ($1, $2, $3) RETURNING id",
	.nargs = 3,
	.argtypes = {TEXTOID, TEXTOID, INT8OID},
};

static SpiPlan used_plan = {
	.sql = "SELECT EXISTS (SELECT FROM ddd.post_tags l WHERE l.tag_id = $1),"
	" EXISTS (SELECT FROM ddd.tags s WHERE s.synonym_of = $1)",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

/* Waits for whoever is deleting one. */
static SpiPlan lock_posts_plan = {
	.sql = "SELECT FROM ddd.posts p WHERE p.id IN (SELECT l.post_id FROM ddd.post_tags l WHERE l.tag_id = ANY ($1))"
	" ORDER BY p.id FOR KEY SHARE OF p",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
};

/* In one statement: a link that somebody is taking away is not moved. */
static SpiPlan move_links_plan = {
	.sql = "WITH gone AS (DELETE FROM ddd.post_tags l WHERE l.tag_id = ANY ($2) RETURNING l.post_id, l.post_created_at)"
	" INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at)"
	" SELECT DISTINCT g.post_id, $1, g.post_created_at FROM gone g"
	" ORDER BY g.post_id ON CONFLICT (post_id, tag_id) DO NOTHING",
	.nargs = 2,
	.argtypes = {INT8OID, INT8ARRAYOID},
};

static SpiPlan unlink_plan = {
	.sql = "DELETE FROM ddd.post_tags l WHERE l.tag_id = ANY ($1)",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
};

static SpiPlan move_synonyms_plan = {
	.sql = "UPDATE ddd.tags SET synonym_of = $1 WHERE synonym_of = ANY ($2)",
	.nargs = 2,
	.argtypes = {INT8OID, INT8ARRAYOID},
};

static SpiPlan make_synonyms_plan = {
	.sql = "UPDATE ddd.tags SET synonym_of = $1 WHERE id = ANY ($2)",
	.nargs = 2,
	.argtypes = {INT8OID, INT8ARRAYOID},
};

static SpiPlan drop_synonym_plan = {
	.sql = "DELETE FROM ddd.tags WHERE key = $1 AND synonym_of IS NOT NULL",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static SpiPlan delete_plan = {
	.sql = "DELETE FROM ddd.tags WHERE id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan lock_unused_plan = {
	.sql = "SELECT t.id FROM ddd.tags t WHERE t.synonym_of IS NULL"
	" AND NOT EXISTS (SELECT FROM ddd.post_tags l WHERE l.tag_id = t.id)"
	" AND NOT EXISTS (SELECT FROM ddd.tags s WHERE s.synonym_of = t.id)"
	" ORDER BY t.key FOR UPDATE OF t SKIP LOCKED",
	.nargs = 0,
};

/* Somebody may have begun to use a tag before it was locked. */
static SpiPlan still_unused_plan = {
	.sql = "SELECT u.id FROM unnest($1) AS u (id)"
	" WHERE NOT EXISTS (SELECT FROM ddd.post_tags l WHERE l.tag_id = u.id)"
	" AND NOT EXISTS (SELECT FROM ddd.tags s WHERE s.synonym_of = u.id)",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
};

static SpiPlan prune_plan = {
	.sql = "DELETE FROM ddd.tags t WHERE t.id = ANY ($1)",
	.nargs = 1,
	.argtypes = {INT8ARRAYOID},
};

/* A tag that is locked. */
typedef struct LockedTag
{
	int64		id;
	text	   *key;
	int64		meant;			/* itself, or what it is a synonym of */
} LockedTag;

static text *read_name(FunctionCallInfo fcinfo, int argno, const char *argument);
static uint64 write_name(SpiPlan *plan, Datum *values, text *name);
static bool is_used(int64 tag_id, bool *has_synonyms);
static uint64 still_unused(Datum ids);
static Datum read_ids(uint64 rows);
static LockedTag *lock_tags(Datum *keys, int nkeys, int *count);
static LockedTag *read_locked(Datum keys, int *count);
static bool is_same(const LockedTag *some, int nsome, const LockedTag *others, int nothers);
static bool is_family(const LockedTag *tags, int ntags);
static int	compare_locked(const void *a, const void *b);
static const LockedTag *find_locked(const LockedTag *tags, int ntags, text *key);
static Datum int8_array(const int64 *values, int n);
static void refuse_used_meanwhile(void) pg_attribute_noreturn();
static void refuse_taken(text *name, bool by_its_synonym) pg_attribute_noreturn();

PG_FUNCTION_INFO_V1(ddd_rename_tag);

Datum
ddd_rename_tag(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *key = name_key(arg_text(fcinfo, 0, "name"));
	text	   *new_name = read_name(fcinfo, 1, "new_name");
	Datum		keys[2] = {PointerGetDatum(key), PointerGetDatum(name_key(new_name))};
	LockedTag  *tags;
	const LockedTag *tag;
	const LockedTag *other;
	int			ntags;

	api_begin(&call);
	access_check(ACCESS_RENAME_TAG, 0);
	tags = lock_tags(key == NULL ? &keys[1] : keys, key == NULL ? 1 : 2, &ntags);
	tag = find_locked(tags, ntags, key);
	other = find_locked(tags, ntags, DatumGetTextPP(keys[1]));
	if (tag == NULL)
	{
		api_end(&call);
		PG_RETURN_NULL();
	}
	if (other != NULL && other != tag)
		refuse_taken(new_name, other->meant == tag->id);
	write_name(&rename_plan, (Datum[])
			   {
				   Int64GetDatum(tag->id), PointerGetDatum(new_name), keys[1]
			   }, new_name);
	return tag_info_end(&call, fcinfo, tag->id);
}

PG_FUNCTION_INFO_V1(ddd_merge_tags);

Datum
ddd_merge_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	int			count;
	Datum	   *keys = arg_text_array(fcinfo, 0, "source", &count);
	text	   *target_key = name_key(arg_text(fcinfo, 1, "target"));
	int			nkeys = 0;
	int			ntags;
	LockedTag  *tags;
	const LockedTag *target;
	int64	   *sources;
	int			nsources = 0;
	Datum		values[2];

	for (int i = 0; i < count; i++)
	{
		text	   *key = name_key(DatumGetTextPP(keys[i]));

		if (key != NULL)
			keys[nkeys++] = PointerGetDatum(key);
	}
	api_begin(&call);
	access_check(ACCESS_MERGE_TAGS, 0);
	keys = repalloc_array(keys, Datum, nkeys + 1);
	if (target_key != NULL)
		keys[nkeys] = PointerGetDatum(target_key);
	tags = lock_tags(keys, target_key != NULL ? nkeys + 1 : nkeys, &ntags);
	target = find_locked(tags, ntags, target_key);
	if (target == NULL)
	{
		api_end(&call);
		PG_RETURN_NULL();
	}

	/* what the names mean; a tag may be named twice, which does no harm */
	sources = palloc_array(int64, nkeys + 1);
	for (int i = 0; i < nkeys; i++)
	{
		const LockedTag *tag = find_locked(tags, ntags, DatumGetTextPP(keys[i]));

		if (tag != NULL && tag->meant != target->meant)
			sources[nsources++] = tag->meant;
	}
	values[0] = Int64GetDatum(target->meant);
	values[1] = int8_array(sources, nsources);
	plan_execute_to(&lock_posts_plan, &values[1], NULL, false, None_Receiver);
	plan_execute(&move_links_plan, values, NULL, false);
	plan_execute(&move_synonyms_plan, values, NULL, false);
	if (still_unused(values[1]) < (uint64) nsources)
		refuse_used_meanwhile();
	plan_execute(&make_synonyms_plan, values, NULL, false);
	return tag_info_end(&call, fcinfo, target->meant);
}

PG_FUNCTION_INFO_V1(ddd_add_tag_synonym);

Datum
ddd_add_tag_synonym(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *key = name_key(arg_text(fcinfo, 0, "name"));
	text	   *synonym = read_name(fcinfo, 1, "synonym");
	text	   *synonym_key = name_key(synonym);
	Datum		keys[2] = {PointerGetDatum(synonym_key), PointerGetDatum(key)};
	int			ntags;
	LockedTag  *tags;
	const LockedTag *tag;
	const LockedTag *other;
	int64		id;
	bool		has_synonyms;

	api_begin(&call);
	access_check(ACCESS_ADD_TAG_SYNONYM, 0);
	tags = lock_tags(keys, key == NULL ? 1 : 2, &ntags);
	tag = find_locked(tags, ntags, key);
	other = find_locked(tags, ntags, synonym_key);
	if (tag == NULL)
	{
		api_end(&call);
		PG_RETURN_NULL();
	}
	if (other == NULL)
	{
		uint64		rows = write_name(&insert_synonym_plan, (Datum[])
									  {
										  PointerGetDatum(synonym), PointerGetDatum(synonym_key),
										  Int64GetDatum(tag->meant)
									  }, synonym);

		/* none where somebody's trigger has swallowed it */
		id = rows > 0 ? plan_int64(0, 1) : 0;
		return tag_info_end(&call, fcinfo, id);
	}
	id = other->id;
	if (id == tag->meant)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a tag cannot be a synonym of itself"),
				 err_object("tags", "synonym_of", "tags_synonym_of_other")));
	if (other->meant == id)
	{
		if (is_used(id, &has_synonyms) || has_synonyms)
			refuse_taken(synonym, false);
		plan_execute(&make_synonyms_plan, (Datum[])
					 {
						 Int64GetDatum(tag->meant), int8_array(&id, 1)
					 }, NULL, false);
	}
	else if (other->meant != tag->meant)
		refuse_taken(synonym, false);
	return tag_info_end(&call, fcinfo, id);
}

PG_FUNCTION_INFO_V1(ddd_drop_tag_synonym);

Datum
ddd_drop_tag_synonym(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *key = name_key(arg_text(fcinfo, 0, "synonym"));
	Datum		value = PointerGetDatum(key);
	bool		dropped;

	api_begin(&call);
	access_check(ACCESS_DROP_TAG_SYNONYM, 0);
	dropped = key != NULL && plan_execute(&drop_synonym_plan, &value, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(dropped);
}

PG_FUNCTION_INFO_V1(ddd_delete_tag);

Datum
ddd_delete_tag(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	text	   *key = name_key(arg_text(fcinfo, 0, "name"));
	bool		force = arg_bool(fcinfo, 1, "force");
	Datum		value = PointerGetDatum(key);
	const LockedTag *tag = NULL;
	Datum		id;
	Datum		ids;
	int			ntags;
	bool		has_synonyms;
	bool		deleted;

	api_begin(&call);
	access_check(ACCESS_DELETE_TAG, 0);
	if (key != NULL)
	{
		LockedTag  *tags = lock_tags(&value, 1, &ntags);

		tag = find_locked(tags, ntags, key);
	}
	if (tag == NULL)
	{
		api_end(&call);
		PG_RETURN_BOOL(false);
	}
	id = Int64GetDatum(tag->id);
	if (is_used(tag->id, &has_synonyms))
	{
		if (!force)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("the tag still has posts"),
					 errhint("Say force => true to take it off them."),
					 err_object("post_tags", "tag_id", "post_tags_tag_id_fkey")));
		ids = int8_array(&tag->id, 1);
		plan_execute_to(&lock_posts_plan, &ids, NULL, false, None_Receiver);
		plan_execute(&unlink_plan, &ids, NULL, false);
		if (is_used(tag->id, &has_synonyms))
			refuse_used_meanwhile();
	}
	deleted = plan_execute(&delete_plan, &id, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(deleted);
}

PG_FUNCTION_INFO_V1(ddd_prune_tags);

Datum
ddd_prune_tags(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	uint64		rows;
	Datum		ids;

	api_begin(&call);
	access_check(ACCESS_PRUNE_TAGS, 0);
	ids = read_ids(plan_execute(&lock_unused_plan, NULL, NULL, false));
	ids = read_ids(still_unused(ids));
	rows = plan_execute(&prune_plan, &ids, NULL, false);
	api_end(&call);
	PG_RETURN_INT64(rows);
}

/* Reads a name that a tag is to have: trimmed, and checked as tag_post() does. */
static text *
read_name(FunctionCallInfo fcinfo, int argno, const char *argument)
{
	return tag_name_checked(arg_text(fcinfo, argno, argument), argument, 0);
}

/* Runs a statement that gives a tag a name, which somebody may just be giving to another. */
static uint64
write_name(SpiPlan *plan, Datum *values, text *name)
{
	MemoryContext context = CurrentMemoryContext;
	volatile uint64 rows = 0;

	PG_TRY();
	{
		rows = plan_execute(plan, values, NULL, false);
	}
	PG_CATCH();
	{
		ErrorData  *error = error_take(context);

		if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION && error->constraint_name != NULL &&
			strcmp(error->constraint_name, "ix_tags_name") == 0)
			refuse_taken(name, false);
		ReThrowError(error);
	}
	PG_END_TRY();
	return rows;
}

/* Tells whether a tag that is locked has posts now, and synonyms. */
static bool
is_used(int64 tag_id, bool *has_synonyms)
{
	Datum		id = Int64GetDatum(tag_id);
	bool		isnull;

	plan_execute_latest(&used_plan, &id);
	*has_synonyms = DatumGetBool(plan_value(0, 2, BOOLOID, &isnull));
	return DatumGetBool(plan_value(0, 1, BOOLOID, &isnull));
}

/* Selects those of some tags that are locked which have no posts and no synonyms now. */
static uint64
still_unused(Datum ids)
{
	return plan_execute_latest(&still_unused_plan, &ids);
}

/* Returns the ids of a result as an array. */
static Datum
read_ids(uint64 rows)
{
	int64	   *ids = palloc_extended(sizeof(int64) * Max(rows, 1), MCXT_ALLOC_HUGE);

	for (uint64 row = 0; row < rows; row++)
		ids[row] = plan_int64(row, 1);
	SPI_freetuptable(SPI_tuptable);
	return int8_array(ids, rows);
}

/* Locks the tags that these keys mean, and their synonyms; returns them in the order of their keys. */
static LockedTag *
lock_tags(Datum *keys, int nkeys, int *count)
{
	Datum		array = text_array(keys, nkeys);
	LockedTag  *before = NULL;
	int			nbefore = 0;

	/*
	 * What they mean may change before they are locked, and a statement that
	 * has waited does not see what was made meanwhile: until two find the same.
	 */
	for (int attempt = 0; attempt < MAX_LOCK_ATTEMPTS; attempt++)
	{
		LockedTag  *tags = read_locked(array, count);

		qsort(tags, *count, sizeof(LockedTag), compare_locked);
		if (before != NULL && is_same(before, nbefore, tags, *count) && is_family(tags, *count))
			return tags;
		before = tags;
		nbefore = *count;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("tags were merged meanwhile")));
}

static LockedTag *
read_locked(Datum keys, int *count)
{
	uint64		rows = plan_execute(&lock_plan, &keys, NULL, false);
	LockedTag  *tags = palloc_extended(sizeof(LockedTag) * Max(rows, 1), MCXT_ALLOC_HUGE);

	for (uint64 row = 0; row < rows; row++)
	{
		bool		isnull;
		Datum		meant = plan_value(row, 3, INT8OID, &isnull);

		tags[row].id = plan_int64(row, 1);
		tags[row].meant = isnull ? tags[row].id : DatumGetInt64(meant);
		tags[row].key = DatumGetTextPCopy(plan_value(row, 2, TEXTOID, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	*count = rows;
	return tags;
}

static bool
is_same(const LockedTag *some, int nsome, const LockedTag *others, int nothers)
{
	bool		same = nsome == nothers;

	for (int i = 0; i < nsome && same; i++)
		same = some[i].id == others[i].id && some[i].meant == others[i].meant;
	return same;
}

/* Tells whether what each of them means is among them. */
static bool
is_family(const LockedTag *tags, int ntags)
{
	int64	   *ids = palloc_array(int64, Max(ntags, 1));
	bool		complete = true;
	int			n;

	for (int i = 0; i < ntags; i++)
		ids[i] = tags[i].id;
	n = tag_ids_unique(ids, ntags);
	for (int i = 0; i < ntags && complete; i++)
		complete = tag_ids_contain(ids, n, tags[i].meant);
	pfree(ids);
	return complete;
}

static int
compare_locked(const void *a, const void *b)
{
	return text_compare(((const LockedTag *) a)->key, ((const LockedTag *) b)->key);
}

/* Finds a tag by its key, by bisection; NULL where there is none, or no key. */
static const LockedTag *
find_locked(const LockedTag *tags, int ntags, text *key)
{
	LockedTag	wanted = {.key = key};

	return key == NULL ? NULL : bsearch(&wanted, tags, ntags, sizeof(LockedTag), compare_locked);
}

static Datum
int8_array(const int64 *values, int n)
{
	return plan_array(INT8OID, values, n, sizeof(int64));
}

static void
refuse_used_meanwhile(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("posts were tagged meanwhile")));
}

static void
refuse_taken(text *name, bool by_its_synonym)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("there is a tag \"%s\" already", text_to_cstring(name)),
			 by_its_synonym ? errhint("It is a synonym of this one: call ddd.drop_tag_synonym() first.") :
			 errhint("To make one of the two, call ddd.merge_tags()."),
			 err_object("tags", "name", "ix_tags_name")));
}
