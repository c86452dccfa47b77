/*
 * users.c
 *		One user: get, update, set the password.
 *
 * Deleting a user is a matter of what he has written: src/blog/delete_user.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "users/throttle.h"
#include "users/token.h"
#include "users/users.h"
#include "users/write.h"

static SpiPlan get_plan = {
	.sql = "SELECT " USER_COLUMNS " FROM ddd.users u WHERE u.id = $1",
	.nargs = 1,
	.argtypes = {INT8OID},
};

static SpiPlan get_by_email_plan = {
	.sql = "SELECT " USER_COLUMNS " FROM ddd.users u"
	" WHERE lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\")",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

/* Each column has two parameters: whether to change it, and to what. */
static SpiPlan update_plan = {
	.sql = "UPDATE ddd.users u SET"
	" email = CASE WHEN $3 THEN $4 ELSE u.email END,"
	" full_name = CASE WHEN $5 THEN $6 ELSE u.full_name END,"
	" bio = CASE WHEN $7 THEN $8 ELSE u.bio END,"
	" is_active = CASE WHEN $9 THEN $10 ELSE u.is_active END,"
	" is_superuser = CASE WHEN $11 THEN $12 ELSE u.is_superuser END"
	" WHERE u.id = $1 AND ($2 IS NULL OR u.updated_at = $2)"
	" RETURNING " USER_COLUMNS,
	.nargs = 12,
	.argtypes = {INT8OID, TIMESTAMPTZOID,
		BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID,
	BOOLOID, BOOLOID, BOOLOID, BOOLOID},
};

static SpiPlan set_password_plan = {
	.sql = "UPDATE ddd.users SET hashed_password = $2 WHERE id = $1",
	.nargs = 2,
	.argtypes = {INT8OID, TEXTOID},
};

static bool read_patch(Jsonb *patch, Datum *values, char *nulls);

void
users_init(void)
{
	password_init();
	access_init();
	throttle_init();
	messages_init();
}

PG_FUNCTION_INFO_V1(ddd_get_user);

Datum
ddd_get_user(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		id = Int64GetDatum(arg_int64(fcinfo, 0, "user_id"));

	api_begin(&call);
	return api_end_row(&call, fcinfo, plan_execute(&get_plan, &id, NULL, true));
}

PG_FUNCTION_INFO_V1(ddd_get_user_by_email);

Datum
ddd_get_user_by_email(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		email = PointerGetDatum(text_trim(arg_text(fcinfo, 0, "email")));

	api_begin(&call);
	return api_end_row(&call, fcinfo, plan_execute(&get_by_email_plan, &email, NULL, true));
}

PG_FUNCTION_INFO_V1(ddd_update_user);

Datum
ddd_update_user(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[12];
	char		nulls[12];
	bool		has_flags;
	uint64		rows;

	patch_target(fcinfo, "user_id", values, nulls);
	has_flags = read_patch(PG_GETARG_JSONB_P(1), values, nulls);

	api_begin(&call);
	access_check(has_flags ? ACCESS_UPDATE_USER_FLAGS : ACCESS_UPDATE_USER, DatumGetInt64(values[0]));
	rows = user_write(&update_plan, values, nulls);
	patch_check_stale(rows, &get_plan, values, nulls, "users", "user");
	return api_end_row(&call, fcinfo, rows);
}

PG_FUNCTION_INFO_V1(ddd_set_password);

Datum
ddd_set_password(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Datum		values[2];
	bool		found;

	secret_call(fcinfo, "set_password", 1);
	values[0] = Int64GetDatum(arg_int64(fcinfo, 0, "user_id"));
	version_guard();
	access_check(ACCESS_SET_PASSWORD, DatumGetInt64(values[0]));
	values[1] = CStringGetTextDatum(password_hash(arg_text(fcinfo, 1, "password")));

	api_begin(&call);
	found = user_write(&set_password_plan, values, NULL) > 0;
	api_end(&call);
	PG_RETURN_BOOL(found);
}

/* Fills the pairs of parameters of update_plan; tells whether is_active or is_superuser is among them. */
static bool
read_patch(Jsonb *patch, Datum *values, char *nulls)
{
	enum
	{
		EMAIL, FULL_NAME, BIO, IS_ACTIVE, IS_SUPERUSER
	};
	JsonField	fields[] = {
		[EMAIL] = {.key = "email", .type = jbvString},
		[FULL_NAME] = {.key = "full_name", .type = jbvString},
		[BIO] = {.key = "bio", .type = jbvString, .nullable = true},
		[IS_ACTIVE] = {.key = "is_active", .type = jbvBool},
		[IS_SUPERUSER] = {.key = "is_superuser", .type = jbvBool},
	};

	json_read(&patch->root, fields, lengthof(fields), "users");
	if (fields[EMAIL].present)
		fields[EMAIL].value = PointerGetDatum(user_check_email(DatumGetTextPP(fields[EMAIL].value)));
	if (fields[FULL_NAME].present)
		user_check_full_name(DatumGetTextPP(fields[FULL_NAME].value));
	patch_columns(fields, lengthof(fields), values, nulls);
	return fields[IS_ACTIVE].present || fields[IS_SUPERUSER].present;
}
