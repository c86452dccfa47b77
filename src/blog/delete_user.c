/*
 * delete_user.c
 *		ddd.delete_user(): and what becomes of the posts and comments.
 *
 * Locks: the user's row (and the new author's) first, in order of id, so that
 * nobody can write in that name meanwhile; then, where they are deleted, the
 * posts and the comments, each in order of id. Two calls about users who wrote under each other's
 * posts, or who take over from each other, wait but cannot deadlock.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "users/users.h"

typedef enum DeleteMode
{
	DELETE_RESTRICT,
	DELETE_REASSIGN,
	DELETE_CASCADE,
} DeleteMode;

static SpiPlan lock_plan = {
	.sql = "SELECT u.id FROM ddd.users u WHERE u.id IN ($1, $2) ORDER BY u.id FOR UPDATE",
	.nargs = 2,
	.argtypes = {INT8OID, INT8OID},
};

static SpiPlan reassign_posts_plan = {
	.sql = "UPDATE ddd.posts SET author_id = $2 WHERE author_id = $1",
	.nargs = 2,
	.argtypes = {INT8OID, INT8OID},
};

static SpiPlan reassign_comments_plan = {
	.sql = "UPDATE ddd.comments SET author_id = $2 WHERE author_id = $1",
	.nargs = 2,
	.argtypes = {INT8OID, INT8OID},
};

/*
 * Every comment that a cascade deletes, and every reply that it cuts loose,
 * in order of id: deleting two users who wrote under each other's posts would
 * lock them in opposite orders otherwise.
 */
static SpiPlan lock_comments_plan = {
	.sql = "SELECT FROM ddd.comments WHERE id IN ("
	"SELECT c.id FROM ddd.comments c WHERE c.author_id = $1"
	" UNION SELECT c.id FROM ddd.posts p JOIN ddd.comments c ON c.post_id = p.id WHERE p.author_id = $1"
	" UNION SELECT r.id FROM ddd.comments c JOIN ddd.comments r ON r.post_id = c.post_id AND r.parent_id = c.id"
	" WHERE c.author_id = $1) ORDER BY id FOR UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

/* Before their comments, and in order of id, as whoever merges tags locks them. */
static SpiPlan lock_posts_plan = {
	.sql = "SELECT FROM ddd.posts WHERE author_id = $1 ORDER BY id FOR UPDATE",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan delete_posts_plan = {
	.sql = "DELETE FROM ddd.posts WHERE author_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan delete_comments_plan = {
	.sql = "DELETE FROM ddd.comments WHERE author_id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan delete_plan = {
	.sql = "DELETE FROM ddd.users WHERE id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static DeleteMode read_mode(text *mode, bool has_reassign_to);
static bool lock_users(Datum *values, const char *nulls);

PG_FUNCTION_INFO_V1(ddd_delete_user);

Datum
ddd_delete_user(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[2] = {Int64GetDatum(arg_int64(fcinfo, 0, "user_id")), (Datum) 0};
	bool		has_reassign_to = !PG_ARGISNULL(2);
	DeleteMode	mode = read_mode(arg_text(fcinfo, 1, "mode"), has_reassign_to);
	bool		deleted = false;

	if (has_reassign_to)
	{
		values[1] = PG_GETARG_DATUM(2);
		if (DatumGetInt64(values[0]) == DatumGetInt64(values[1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"reassign_to\" must be another user")));
	}

	api_begin(&call);
	access_check(mode == DELETE_REASSIGN ? ACCESS_REASSIGN_CONTENT : ACCESS_DELETE_USER,
				 DatumGetInt64(values[0]));
	if (lock_users(values, has_reassign_to ? "  " : " n"))
	{
		if (mode == DELETE_REASSIGN)
		{
			plan_execute(&reassign_posts_plan, values, NULL, false);
			plan_execute(&reassign_comments_plan, values, NULL, false);
		}
		else if (mode == DELETE_CASCADE)
		{
			plan_execute_to(&lock_posts_plan, values, NULL, false, None_Receiver);
			plan_execute(&lock_comments_plan, values, NULL, false);
			plan_execute(&delete_posts_plan, values, NULL, false);
			plan_execute(&delete_comments_plan, values, NULL, false);
		}
		deleted = plan_execute(&delete_plan, values, NULL, false) > 0;
	}
	api_end(&call);
	PG_RETURN_BOOL(deleted);
}

/* Locks the user and the new author; tells whether the user exists. 23503 if only the user does. */
static bool
lock_users(Datum *values, const char *nulls)
{
	uint64		rows = plan_execute(&lock_plan, values, nulls, false);
	bool		user_found = false;
	bool		author_found = false;

	for (uint64 i = 0; i < rows; i++)
	{
		if (plan_int64(i, 1) == DatumGetInt64(values[0]))
			user_found = true;
		else
			author_found = true;
	}
	if (user_found && nulls[1] != 'n' && !author_found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("user " INT64_FORMAT " does not exist", DatumGetInt64(values[1])),
				 err_object("posts", "author_id", "posts_author_id_fkey")));
	return user_found;
}

static DeleteMode
read_mode(text *mode, bool has_reassign_to)
{
	char	   *value = text_to_cstring(mode);
	DeleteMode	result;

	if (strcmp(value, "restrict") == 0)
		result = DELETE_RESTRICT;
	else if (strcmp(value, "reassign") == 0)
		result = DELETE_REASSIGN;
	else if (strcmp(value, "cascade") == 0)
		result = DELETE_CASCADE;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"mode\" must be restrict, reassign or cascade")));

	if (has_reassign_to != (result == DELETE_REASSIGN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 has_reassign_to ?
				 errmsg("\"reassign_to\" needs mode reassign") :
				 errmsg("mode reassign needs \"reassign_to\"")));
	return result;
}
