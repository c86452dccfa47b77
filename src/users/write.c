/*
 * write.c
 *		Checks and writes shared by sign-up and profile.
 *
 * A unique violation is not caught but re-raised with the message that the
 * application shows: the transaction aborts as with any error.
 */
#include "postgres.h"

#include "core/core.h"
#include "users/write.h"

#define MAX_EMAIL_LENGTH		255
#define MAX_FULL_NAME_LENGTH	255

static void rethrow_for_user(MemoryContext context) pg_attribute_noreturn();

text *
user_check_email(text *email)
{
	const char *problem;

	email = text_trim(email);
	problem = email_problem(VARDATA_ANY(email), VARSIZE_ANY_EXHDR(email));
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a valid e-mail address"),
				 errdetail("%s", problem),
				 err_object("users", "email", "users_email_valid")));
	check_length(email, MAX_EMAIL_LENGTH, "users", "email");
	return email;
}

void
user_check_full_name(text *full_name)
{
	check_length(full_name, MAX_FULL_NAME_LENGTH, "users", "full_name");
	check_not_blank(full_name, "users", "full_name");
}

uint64
user_write(SpiPlan *plan, Datum *values, const char *nulls)
{
	MemoryContext context = CurrentMemoryContext;
	volatile uint64 rows = 0;

	PG_TRY();
	{
		rows = plan_execute(plan, values, nulls, false);
	}
	PG_CATCH();
	{
		rethrow_for_user(context);
	}
	PG_END_TRY();
	return rows;
}

/*
 * Raises the error being handled again: worded for the user if it is a
 * duplicate e-mail, and never with the row, which holds the password hash.
 */
static void
rethrow_for_user(MemoryContext context)
{
	ErrorData  *error = error_take(context);

	if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION && error->constraint_name != NULL &&
		strcmp(error->constraint_name, "ix_users_email") == 0)
	{
		error->message = pstrdup("Email already registered");
		error->message_id = error->message;
		error->column_name = pstrdup("email");
		error->detail = NULL;
		error->context = NULL;
	}
	else if (error->sqlerrcode == ERRCODE_CHECK_VIOLATION ||
			 error->sqlerrcode == ERRCODE_NOT_NULL_VIOLATION)
		error->detail = NULL;
	ReThrowError(error);
}
