/*
 * posts.c
 *		One post: create, get, update, delete.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "blog/write.h"
#include "core/core.h"
#include "users/users.h"

#define MAX_TITLE_LENGTH	255

static SpiPlan insert_plan = {
	.sql = "INSERT INTO ddd.posts AS p (author_id, title, content) VALUES ($1, $2, $3)"
	" RETURNING " POST_COLUMNS,
	.nargs = 3,
	.argtypes = {INT8OID, TEXTOID, TEXTOID},
};

static SpiPlan get_plan = {
	.sql = "SELECT " POST_COLUMNS " FROM ddd.posts p WHERE p.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* Each column has two parameters: whether to change it, and to what. */
static SpiPlan update_plan = {
	.sql = "UPDATE ddd.posts p SET"
	" title = CASE WHEN $3 THEN $4 ELSE p.title END,"
	" content = CASE WHEN $5 THEN $6 ELSE p.content END"
	" WHERE p.id = $1 AND ($2 IS NULL OR p.updated_at = $2)"
	" RETURNING " POST_COLUMNS,
	.nargs = 6,
	.argtypes = {INT8OID, TIMESTAMPTZOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID},
};

static SpiPlan delete_plan = {
	.sql = "DELETE FROM ddd.posts WHERE id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static void check_title(text *title);
static void read_patch(Jsonb *patch, Datum *values, char *nulls);

void
blog_init(void)
{
	post_tags_init();
	comments_init();
}

PG_FUNCTION_INFO_V1(ddd_create_post);

Datum
ddd_create_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[3];
	TagNames	tags;
	Datum		result;
	uint64		rows;
	text	   *title;

	values[0] = Int64GetDatum(arg_int64(fcinfo, 0, "author_id"));
	title = arg_text(fcinfo, 1, "title");
	check_title(title);
	values[1] = PointerGetDatum(title);
	values[2] = PointerGetDatum(arg_text(fcinfo, 2, "content"));
	tags = post_tags_read(fcinfo, 3);

	api_begin(&call);
	access_check(ACCESS_CREATE_POST, DatumGetInt64(values[0]));
	rows = plan_execute(&insert_plan, values, NULL, false);
	if (rows == 0)
		return api_end_row(&call, fcinfo, rows);
	result = api_row(&call, fcinfo);
	post_tags_add(plan_int64(0, 1), &tags);
	api_end(&call);
	return result;
}

PG_FUNCTION_INFO_V1(ddd_get_post);

Datum
ddd_get_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		id = Int64GetDatum(arg_int64(fcinfo, 0, "post_id"));

	api_begin(&call);
	return api_end_row(&call, fcinfo, plan_execute(&get_plan, &id, NULL, true));
}

PG_FUNCTION_INFO_V1(ddd_update_post);

Datum
ddd_update_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[6];
	char		nulls[6];
	uint64		rows;

	patch_target(fcinfo, "post_id", values, nulls);
	read_patch(PG_GETARG_JSONB_P(1), values, nulls);

	api_begin(&call);
	if (!access_check(ACCESS_UPDATE_POST, DatumGetInt64(values[0])))
		return api_end_row(&call, fcinfo, 0);
	rows = plan_execute(&update_plan, values, nulls, false);
	patch_check_stale(rows, &get_plan, values, nulls, "posts", "post");
	return api_end_row(&call, fcinfo, rows);
}

PG_FUNCTION_INFO_V1(ddd_delete_post);

Datum
ddd_delete_post(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		id = Int64GetDatum(arg_int64(fcinfo, 0, "post_id"));
	bool		deleted;

	api_begin(&call);
	deleted = access_check(ACCESS_DELETE_POST, DatumGetInt64(id)) &&
		plan_execute(&delete_plan, &id, NULL, false) > 0;
	api_end(&call);
	PG_RETURN_BOOL(deleted);
}

static void
check_title(text *title)
{
	check_length(title, MAX_TITLE_LENGTH, "posts", "title");
	check_not_blank(title, "posts", "title");
}

/* Fills the pairs of parameters of update_plan. */
static void
read_patch(Jsonb *patch, Datum *values, char *nulls)
{
	enum
	{
		TITLE, CONTENT
	};
	JsonField	fields[] = {
		[TITLE] = {.key = "title", .type = jbvString},
		[CONTENT] = {.key = "content", .type = jbvString},
	};

	json_read(&patch->root, fields, lengthof(fields), "posts");
	if (fields[TITLE].present)
		check_title(DatumGetTextPP(fields[TITLE].value));
	patch_columns(fields, lengthof(fields), values, nulls);
}
