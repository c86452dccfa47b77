/*
 * comments.c
 *		One comment: add, update, delete; and the trigger that keeps threads
 *		sound.
 *
 * A reply is on its parent's post (a two-column foreign key says so for
 * good), not deeper than ddd.max_comment_depth, and keeps its parent, so
 * threads cannot become circles. Deleting a parent makes its replies
 * top-level comments.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "blog/write.h"
#include "core/core.h"
#include "users/users.h"

#define DEFAULT_MAX_DEPTH	32

Counter		comments_by_post = COUNTER(1, "comments", "post_id", "posts");

static int	max_depth = DEFAULT_MAX_DEPTH;

static SpiPlan insert_plan = {
	.sql = "INSERT INTO ddd.comments AS c (post_id, author_id, content, parent_id)"
	" VALUES ($1, $2, $3, $4)"
	" RETURNING " COMMENT_COLUMNS,
	.nargs = 4,
	.argtypes = {INT8OID, INT8OID, TEXTOID, INT8OID},
};

static SpiPlan get_plan = {
	.sql = "SELECT " COMMENT_COLUMNS " FROM ddd.comments c WHERE c.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* Each column has two parameters: whether to change it, and to what. */
static SpiPlan update_plan = {
	.sql = "UPDATE ddd.comments c SET content = CASE WHEN $3 THEN $4 ELSE c.content END"
	" WHERE c.id = $1 AND ($2 IS NULL OR c.updated_at = $2)"
	" RETURNING " COMMENT_COLUMNS,
	.nargs = 4,
	.argtypes = {INT8OID, TIMESTAMPTZOID, BOOLOID, TEXTOID},
};

static SpiPlan delete_plan = {
	.sql = "DELETE FROM ddd.comments WHERE id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan parent_plan = {
	.sql = "SELECT c.post_id, c.parent_id FROM ddd.comments c WHERE c.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/*
 * A reply locks author, post and parent in this order, as deleting a user or
 * a post does; the foreign keys would do so in the order of their OIDs, which
 * a restore changes.
 */
static SpiPlan lock_author_plan = {
	.sql = "SELECT FROM ddd.users WHERE id = $1 FOR KEY SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan lock_post_plan = {
	.sql = "SELECT FROM ddd.posts WHERE id = $1 FOR KEY SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static void check_parent(int64 parent_id, Datum post_id, Datum author_id);

void
comments_init(void)
{
	counter_define(&comments_by_post);
	DefineCustomIntVariable("ddd.max_comment_depth",
							"Sets how deep a thread of comments may be.",
							"A top-level comment has depth 1.",
							&max_depth, DEFAULT_MAX_DEPTH, 1, 1000,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

PG_FUNCTION_INFO_V1(ddd_add_comment);

Datum
ddd_add_comment(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[4] = {0};
	char		nulls[] = "    ";
	text	   *content;

	values[0] = Int64GetDatum(arg_int64(fcinfo, 0, "post_id"));
	values[1] = Int64GetDatum(arg_int64(fcinfo, 1, "author_id"));
	content = arg_text(fcinfo, 2, "content");
	check_not_blank(content, "comments", "content");
	values[2] = PointerGetDatum(content);
	if (PG_ARGISNULL(3))
		nulls[3] = 'n';
	else
		values[3] = PG_GETARG_DATUM(3);

	api_begin(&call);
	access_check(ACCESS_ADD_COMMENT, DatumGetInt64(values[1]));
	return api_end_row(&call, fcinfo, plan_execute(&insert_plan, values, nulls, false));
}

PG_FUNCTION_INFO_V1(ddd_update_comment);

Datum
ddd_update_comment(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	JsonField	content = {.key = "content", .type = jbvString};
	Datum		values[4];
	char		nulls[4];
	uint64		rows;

	patch_target(fcinfo, "comment_id", values, nulls);
	json_read(&PG_GETARG_JSONB_P(1)->root, &content, 1, "comments");
	if (content.present)
		check_not_blank(DatumGetTextPP(content.value), "comments", "content");
	patch_columns(&content, 1, values, nulls);

	api_begin(&call);
	if (!access_check(ACCESS_UPDATE_COMMENT, DatumGetInt64(values[0])))
		return api_end_row(&call, fcinfo, 0);
	rows = plan_execute(&update_plan, values, nulls, false);
	patch_check_stale(rows, &get_plan, values, nulls, "comments", "comment");
	return api_end_row(&call, fcinfo, rows);
}

PG_FUNCTION_INFO_V1(ddd_delete_comment);

Datum
ddd_delete_comment(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		id = Int64GetDatum(arg_int64(fcinfo, 0, "comment_id"));
	bool		deleted;

	api_begin(&call);
	deleted = access_check(ACCESS_DELETE_COMMENT, DatumGetInt64(id)) &&
		plan_execute(&delete_plan, &id, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(deleted);
}

PG_FUNCTION_INFO_V1(ddd_check_comment);

Datum
ddd_check_comment(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.check_comment()");
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation;
	TupleDesc	desc;
	int			parent_column;
	Datum		parent_id;
	Datum		post_id;
	Datum		author_id;
	bool		parent_null;
	bool		post_null;
	bool		author_null;

	relation = trigger->tg_relation;
	desc = RelationGetDescr(relation);
	parent_column = row_column(relation, "parent_id", INT8OID);
	parent_id = SPI_getbinval(row, desc, parent_column, &parent_null);
	if (parent_null || restore_by_owner())
		return PointerGetDatum(row);

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		bool		old_null;
		Datum		old_parent = SPI_getbinval(trigger->tg_trigtuple, desc, parent_column, &old_null);

		if (old_null || DatumGetInt64(old_parent) != DatumGetInt64(parent_id))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("a comment cannot be moved below another one"),
					 err_object("comments", "parent_id", "comments_parent_fixed")));
		return PointerGetDatum(row);
	}

	post_id = SPI_getbinval(row, desc, row_column(relation, "post_id", INT8OID), &post_null);
	author_id = SPI_getbinval(row, desc, row_column(relation, "author_id", INT8OID), &author_null);
	if (!post_null && !author_null)
		check_parent(DatumGetInt64(parent_id), post_id, author_id);
	return PointerGetDatum(row);
}

/* Walks up from the parent: it exists, on this post, and the thread has room. */
static void
check_parent(int64 parent_id, Datum post_id, Datum author_id)
{
	OwnerScope	owner;
	int64		at = parent_id;
	bool		top = false;

	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(&lock_author_plan, &author_id, NULL, false);
	plan_execute(&lock_post_plan, &post_id, NULL, false);
	for (int depth = 1; !top; depth++)
	{
		Datum		id = Int64GetDatum(at);
		Datum		next;

		CHECK_FOR_INTERRUPTS();
		if (plan_execute(&parent_plan, &id, NULL, false) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("comment " INT64_FORMAT " does not exist", at),
					 err_object("comments", "parent_id", "comments_parent_id_fkey")));
		if (plan_int64(0, 1) != DatumGetInt64(post_id))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("comment " INT64_FORMAT " is on another post", at),
					 err_object("comments", "parent_id", "comments_parent_same_post")));
		if (depth >= max_depth)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("a thread must not be deeper than %d", max_depth),
					 err_object("comments", "parent_id", "comments_max_depth")));
		next = plan_value(0, 2, INT8OID, &top);
		if (!top)
			at = DatumGetInt64(next);
		SPI_freetuptable(SPI_tuptable);
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
}
