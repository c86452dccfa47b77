/*
 * views.c
 *		What a page shows together, in one statement: posts with comments,
 *		users with posts, posts with author, tags and number of comments.
 *
 * The page walks an index and stops when it is full; what belongs to its rows
 * is looked up for them alone.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"
#include "users/users.h"

/* The columns of a comment in its object's order, of an alias c. */
static const NestedField comment_fields[] = {
	{"id", INT8OID}, {"content", TEXTOID}, {"author_id", INT8OID}, {"parent_id", INT8OID},
	{"created_at", TIMESTAMPTZOID}, {"updated_at", TIMESTAMPTZOID}, {"author_name", TEXTOID}
};

/*
 * A subquery with ORDER BY that refers to the page's row is run for each such
 * row in turn: so the children come in order, though the last ORDER BY, which
 * costs nothing, speaks of the page alone.
 */
static SpiPlan with_comments_plan = {
	.sql = "SELECT " POST_COLUMNS ", c.*, p.created_at, p.id"
	" FROM (SELECT * FROM ddd.posts p WHERE (p.created_at, p.id) < ($1, $2)"
	" ORDER BY p.created_at DESC, p.id DESC OFFSET $3 LIMIT $4) p"
	" LEFT JOIN LATERAL (SELECT c.id, c.content, c.author_id, c.parent_id,"
	" c.created_at, c.updated_at, u.full_name"
	" FROM ddd.comments c JOIN ddd.users u ON u.id = c.author_id WHERE c.post_id = p.id"
	" ORDER BY c.created_at, c.id LIMIT $5) c ON true"
	" ORDER BY p.created_at DESC, p.id DESC",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static const NestedField post_fields[] = {
	{"id", INT8OID}, {"title", TEXTOID}, {"content", TEXTOID},
	{"created_at", TIMESTAMPTZOID}, {"updated_at", TIMESTAMPTZOID}
};

static SpiPlan with_posts_plan = {
	.sql = "SELECT " USER_COLUMNS ", p.*, u.created_at, u.id"
	" FROM (SELECT * FROM ddd.users u WHERE (u.created_at, u.id) < ($1, $2)"
	" ORDER BY u.created_at DESC, u.id DESC LIMIT $3) u"
	" LEFT JOIN LATERAL (SELECT p.id, p.title, p.content, p.created_at, p.updated_at"
	" FROM ddd.posts p WHERE p.author_id = u.id"
	" ORDER BY p.created_at DESC, p.id DESC LIMIT $4) p ON true"
	" ORDER BY u.created_at DESC, u.id DESC",
	.nargs = 4,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

/* The names are looked up one by one: sorted by an index, they would all be read. */
static SpiPlan detail_plan = {
	.sql = "SELECT " POST_COLUMNS ", u.full_name,"
	" (SELECT coalesce(array_agg(n.name ORDER BY lower(n.name COLLATE \"C\"))"
	" FILTER (WHERE n.name IS NOT NULL), '{}')"
	" FROM (SELECT (SELECT t.name::text FROM ddd.tags t WHERE t.id = l.tag_id) AS name"
	" FROM ddd.post_tags l WHERE l.post_id = p.id OFFSET 0) n),"
	" coalesce(i.comments, (SELECT count(*) FROM ddd.comments c WHERE c.post_id = p.id))"
	" FROM unnest($1, $2) WITH ORDINALITY AS i (id, comments, nth) JOIN ddd.posts p ON p.id = i.id"
	" JOIN ddd.users u ON u.id = p.author_id ORDER BY i.nth",
	.nargs = 2,
	.argtypes = {INT8ARRAYOID, INT8ARRAYOID},
	.choice = PLAN_WALK,
};

static const int64 newest_first[] = NEWEST_FIRST;

static bool read_counts(ArrayType *ids, Datum *counts);
static bool read_limit(FunctionCallInfo fcinfo, int argno, const char *name, int64 *limit);

PG_FUNCTION_INFO_V1(ddd_posts_with_comments);

Datum
ddd_posts_with_comments(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	int64		comments_per_post;
	bool		limited = read_limit(fcinfo, 3, "comments_per_post", &comments_per_post);

	page_begin(&page, "posts_with_comments");
	page_limits(&page, fcinfo, 0, 2);
	page_after(&page, fcinfo, 1, 2, newest_first);

	api_begin(&call);
	nested_execute(&page, &with_comments_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 Int64GetDatum(comments_per_post)
				 }, limited ? NULL : "    n", comment_fields, lengthof(comment_fields), fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_users_with_posts);

Datum
ddd_users_with_posts(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ListPage	page;
	int64		posts_per_user;
	bool		limited = read_limit(fcinfo, 2, "posts_per_user", &posts_per_user);

	page_begin(&page, "users_with_posts");
	page_limits(&page, fcinfo, 0, -1);
	page_after(&page, fcinfo, 1, 2, newest_first);

	api_begin(&call);
	nested_execute(&page, &with_posts_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.first), Int64GetDatum(posts_per_user)
				 }, limited ? NULL : "   n", post_fields, lengthof(post_fields), fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_posts_detail);

Datum
ddd_posts_detail(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	ArrayType  *ids;
	Datum		values[2];
	bool		counted;

	arg_required(fcinfo, 0, "ids");
	ids = PG_GETARG_ARRAYTYPE_P(0);
	arg_check_array(ids, "ids");
	check_page_size(ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids)), "the number of ids");
	values[0] = PointerGetDatum(ids);

	InitMaterializedSRF(fcinfo, 0);
	api_begin(&call);
	counted = read_counts(ids, &values[1]);
	plan_execute(&detail_plan, values, counted ? NULL : " n", true);
	api_rows(&call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

/* Reads the numbers of comments of posts as an array; returns false where they must be counted. */
static bool
read_counts(ArrayType *ids, Datum *counts)
{
	CounterReader *comments = counter_open(&comments_by_post);
	Datum	   *elements;
	int64	   *values;
	int			n;

	*counts = (Datum) 0;
	if (comments == NULL)
		return false;
	deconstruct_array(ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, NULL, &n);
	values = palloc_array(int64, n);
	for (int i = 0; i < n; i++)
		values[i] = DatumGetInt64(elements[i]);
	counter_values(comments, values, n, values);
	counter_close(comments);
	*counts = plan_array(INT8OID, values, n, sizeof(int64));
	return true;
}

/* Reads how many rows belong to each row of a page; false for all of them. */
static bool
read_limit(FunctionCallInfo fcinfo, int argno, const char *name, int64 *limit)
{
	*limit = 0;
	if (PG_ARGISNULL(argno))
		return false;
	*limit = PG_GETARG_INT32(argno);
	if (*limit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("\"%s\" must not be negative", name)));
	return true;
}
