/*
 * sign_up.c
 *		ddd.create_user() in its two forms, and ddd.create_users().
 *
 * The unique index on the e-mail's key decides who was first; nothing here
 * looks before inserting. Hashing comes before the first statement that
 * inserts, so no lock is held meanwhile.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/core.h"
#include "users/users.h"
#include "users/write.h"

/* A user to be; NULL where nothing was given. */
typedef struct NewUser
{
	text	   *email;
	text	   *full_name;
	text	   *password;
	text	   *bio;
	text	   *hashed_password;
	bool		is_active;
	bool		is_superuser;
	bool		is_copy;		/* of an element of JSON; its password is to be wiped */
} NewUser;

/* A call of create_users(): all elements are hashed before the first is inserted. */
typedef struct SignUps
{
	FunctionCallInfo fcinfo;
	ApiCall    *call;
	SpiPlan    *plan;
	text	  **hashes;			/* of each element, from 1 */
	int			number;			/* of the element at hand */
} SignUps;

#define INSERT_USER \
	"INSERT INTO ddd.users AS u (email, full_name, hashed_password, bio, is_active, is_superuser) " \
	"VALUES ($1, $2, $3, $4, $5, $6) "

static SpiPlan insert_plan = {
	.sql = INSERT_USER "RETURNING " USER_COLUMNS,
	.nargs = 6,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID},
};

static SpiPlan insert_or_skip_plan = {
	.sql = INSERT_USER "ON CONFLICT (lower(email COLLATE \"C\")) DO NOTHING RETURNING " USER_COLUMNS,
	.nargs = 6,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID},
};

static Datum sign_up(NewUser *user, FunctionCallInfo fcinfo);
static void read_object(NewUser *user, JsonbContainer *object);
static void prepare(NewUser *user);
static uint64 insert(NewUser *user, SpiPlan *plan);
static bool read_on_conflict(text *on_conflict);
static void for_each_user(SignUps *sign_ups, Jsonb *data, void (*function) (SignUps *, NewUser *));
static void hash_element(SignUps *sign_ups, NewUser *user);
static void insert_element(SignUps *sign_ups, NewUser *user);
static void rethrow_for_element(int number, MemoryContext context) pg_attribute_noreturn();

PG_FUNCTION_INFO_V1(ddd_create_user);

Datum
ddd_create_user(PG_FUNCTION_ARGS)
{
	NewUser		user;

	secret_call(fcinfo, "create_user", 2);
	user.email = arg_text(fcinfo, 0, "email");
	user.full_name = arg_text(fcinfo, 1, "full_name");
	user.password = arg_text_or_null(fcinfo, 2);
	user.bio = arg_text_or_null(fcinfo, 3);
	user.is_active = arg_bool(fcinfo, 4, "is_active");
	user.is_superuser = arg_bool(fcinfo, 5, "is_superuser");
	user.hashed_password = arg_text_or_null(fcinfo, 6);
	user.is_copy = false;
	version_guard();
	return sign_up(&user, fcinfo);
}

PG_FUNCTION_INFO_V1(ddd_create_user_json);

Datum
ddd_create_user_json(PG_FUNCTION_ARGS)
{
	NewUser		user;

	secret_call_json(fcinfo, "create_user", 0);
	arg_required(fcinfo, 0, "data");
	version_guard();
	read_object(&user, &PG_GETARG_JSONB_P(0)->root);
	return sign_up(&user, fcinfo);
}

PG_FUNCTION_INFO_V1(ddd_create_users);

Datum
ddd_create_users(PG_FUNCTION_ARGS)
{
	ApiCall		call;
	Jsonb	   *data;
	SignUps		sign_ups = {.fcinfo = fcinfo, .call = &call};

	secret_call_json(fcinfo, "create_users", 0);
	arg_required(fcinfo, 0, "data");
	data = PG_GETARG_JSONB_P(0);
	sign_ups.plan = read_on_conflict(arg_text(fcinfo, 1, "on_conflict")) ? &insert_or_skip_plan : &insert_plan;
	if (!JB_ROOT_IS_ARRAY(data) || JB_ROOT_IS_SCALAR(data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expected a JSON array of objects")));

	InitMaterializedSRF(fcinfo, 0);
	version_guard();
	access_check(ACCESS_CREATE_USERS, 0);
	sign_ups.hashes = palloc0_array(text *, JB_ROOT_COUNT(data) + 1);
	for_each_user(&sign_ups, data, hash_element);
	api_begin(&call);
	for_each_user(&sign_ups, data, insert_element);
	api_end(&call);
	PG_RETURN_NULL();
}

static Datum
sign_up(NewUser *user, FunctionCallInfo fcinfo)
{
	ApiCall		call;

	if (user->is_superuser)
		access_check(ACCESS_CREATE_SUPERUSER, 0);
	if (user->hashed_password)
		access_check(ACCESS_IMPORT_HASH, 0);
	prepare(user);
	api_begin(&call);
	return api_end_row(&call, fcinfo, insert(user, &insert_plan));
}

/* Calls a function for each object of the array, with memory of its own. */
static void
for_each_user(SignUps *sign_ups, Jsonb *data, void (*function) (SignUps *, NewUser *))
{
	MemoryContext caller_context = CurrentMemoryContext;
	MemoryContext element_context = AllocSetContextCreate(CurrentMemoryContext, "ddd create_users element",
														  ALLOCSET_DEFAULT_SIZES);
	JsonbIterator *it = JsonbIteratorInit(&data->root);
	JsonbIteratorToken token;
	JsonbValue	element;

	sign_ups->number = 0;
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		CHECK_FOR_INTERRUPTS();
		sign_ups->number++;
		MemoryContextSwitchTo(element_context);
		PG_TRY();
		{
			NewUser		user;

			if (element.type != jbvBinary)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("expected a JSON object")));
			read_object(&user, element.val.binary.data);
			function(sign_ups, &user);
		}
		PG_CATCH();
		{
			rethrow_for_element(sign_ups->number, caller_context);
		}
		PG_END_TRY();
		MemoryContextSwitchTo(caller_context);
		MemoryContextReset(element_context);
	}
	MemoryContextDelete(element_context);
}

/* Checks an element and keeps its hash. */
static void
hash_element(SignUps *sign_ups, NewUser *user)
{
	MemoryContext hashes_context = GetMemoryChunkContext(sign_ups->hashes);
	text	   *hash;

	prepare(user);
	hash = user->hashed_password;
	sign_ups->hashes[sign_ups->number] = memcpy(MemoryContextAlloc(hashes_context, VARSIZE_ANY(hash)),
												hash, VARSIZE_ANY(hash));
}

static void
insert_element(SignUps *sign_ups, NewUser *user)
{
	if (user->password)
		password_wipe(user->password);
	user->email = user_check_email(user->email);
	user->hashed_password = sign_ups->hashes[sign_ups->number];
	insert(user, sign_ups->plan);
	api_rows(sign_ups->call, sign_ups->fcinfo);
	SPI_freetuptable(SPI_tuptable);
}

/* Raises the error being handled again, with the element's number in its DETAIL. */
static void
rethrow_for_element(int number, MemoryContext context)
{
	ErrorData  *error = error_take(context);

	error->detail = psprintf("Element %d of \"data\".%s%s", number,
							 error->detail ? " " : "", error->detail ? error->detail : "");
	ReThrowError(error);
}

static void
read_object(NewUser *user, JsonbContainer *object)
{
	enum
	{
		EMAIL, FULL_NAME, PASSWORD, BIO, IS_ACTIVE, IS_SUPERUSER, HASHED_PASSWORD
	};
	JsonField	fields[] = {
		[EMAIL] = {.key = "email", .type = jbvString},
		[FULL_NAME] = {.key = "full_name", .type = jbvString},
		[PASSWORD] = {.key = "password", .type = jbvString, .nullable = true},
		[BIO] = {.key = "bio", .type = jbvString, .nullable = true},
		[IS_ACTIVE] = {.key = "is_active", .type = jbvBool},
		[IS_SUPERUSER] = {.key = "is_superuser", .type = jbvBool},
		[HASHED_PASSWORD] = {.key = "hashed_password", .type = jbvString, .nullable = true},
	};

	json_read(object, fields, lengthof(fields), "users");
	for (int i = EMAIL; i <= FULL_NAME; i++)
	{
		if (!fields[i].present)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("key \"%s\" is missing", fields[i].key),
					 err_object("users", fields[i].key, NULL)));
	}

	user->email = DatumGetTextPP(fields[EMAIL].value);
	user->full_name = DatumGetTextPP(fields[FULL_NAME].value);
	user->password = fields[PASSWORD].isnull ? NULL : DatumGetTextPP(fields[PASSWORD].value);
	user->bio = fields[BIO].isnull ? NULL : DatumGetTextPP(fields[BIO].value);
	user->is_active = fields[IS_ACTIVE].present ? DatumGetBool(fields[IS_ACTIVE].value) : true;
	user->is_superuser = fields[IS_SUPERUSER].present ? DatumGetBool(fields[IS_SUPERUSER].value) : false;
	user->hashed_password = fields[HASHED_PASSWORD].isnull ? NULL :
		DatumGetTextPP(fields[HASHED_PASSWORD].value);
	user->is_copy = true;
}

/* Checks the values, cheap ones first, and turns the password into its hash. */
static void
prepare(NewUser *user)
{
	user->email = user_check_email(user->email);
	user_check_full_name(user->full_name);
	if (user->password && user->hashed_password)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("give either \"password\" or \"hashed_password\", not both")));

	if (user->password)
	{
		PG_TRY();
		{
			user->hashed_password = cstring_to_text(password_hash(user->password));
		}
		PG_FINALLY();
		{
			if (user->is_copy)
				password_wipe(user->password);
		}
		PG_END_TRY();
	}
	else if (user->hashed_password)
		password_check_hash(text_to_cstring(user->hashed_password));
	else
		user->hashed_password = cstring_to_text(PASSWORD_UNUSABLE_HASH);
}

static uint64
insert(NewUser *user, SpiPlan *plan)
{
	Datum		values[] = {
		PointerGetDatum(user->email),
		PointerGetDatum(user->full_name),
		PointerGetDatum(user->hashed_password),
		PointerGetDatum(user->bio),
		BoolGetDatum(user->is_active),
		BoolGetDatum(user->is_superuser),
	};
	char		nulls[] = "      ";

	if (user->bio == NULL)
		nulls[3] = 'n';
	return user_write(plan, values, nulls);
}

/* Tells whether registered addresses are to be skipped. */
static bool
read_on_conflict(text *on_conflict)
{
	char	   *value = text_to_cstring(on_conflict);

	if (strcmp(value, "skip") == 0)
		return true;
	if (strcmp(value, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"on_conflict\" must be error or skip")));
	return false;
}
