/*
 * secret.c
 *		Passwords and tokens out of sight: which functions take one, and what
 *		each call of one does first.
 *
 * A call takes the statement, which may have the secret as a literal, out of
 * pg_stat_activity, and tells the client, or refuses, where it does. Keeping
 * it out of the server's log is the matter of secret_log.c.
 *
 * The list of the functions below is the only one. A function that is not in
 * it is no call with a secret for anything here.
 *
 * Invariants:
 *	- no message made here has the secret in it, nor the statement;
 *	- a statement is told by its text alone, or by a call within it: nothing
 *	  here looks into a catalog, so that it works without a transaction, in
 *	  every process, and where the function does not exist.
 *
 * No lock is taken and, but for the arguments themselves, no memory.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "core/core.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"

typedef enum LiteralChoice
{
	LITERAL_WARN,
	LITERAL_ERROR,
	LITERAL_ALLOW
} LiteralChoice;

static const struct config_enum_entry literal_choices[] = {
	{"warn", LITERAL_WARN, false},
	{"error", LITERAL_ERROR, false},
	{"allow", LITERAL_ALLOW, false},
	{NULL, 0, false}
};

/* The functions with an argument that is, or may hold, a password, its hash or a token. */
static const char *const secret_functions[] = {
	"authenticate",
	"begin_as",
	"change_password",
	"create_user",
	"create_users",
	"hash_password",
	"identify_hash",
	"needs_rehash",
	"reset_password",
	"revoke_token",
	"rotate_token",
	"set_password",
	"verify_email",
	"verify_password"
};

/* Passwords and tokens are shorter, in any encoding. */
#define MAX_LITERAL	4096
/* Bytes of white space and comments that are looked through. */
#define MAX_BLANKS	200

static int	literal_password = LITERAL_WARN;
static bool warned = false;

/* When the statement began that called one of them last. */
static TimestampTz called_in = 0;

static void begin_call(const char *function);
static bool looks_for_literals(void);
static bool is_literal(const char *secret, int length);
static const char *match(const char *at, const char *secret, int length, bool escaped);
static void report_literal(const char *function);
static bool has_parenthesis(const char *at);
static const char *find_function(const char *name, size_t length);

void
secret_init(void)
{
	DefineCustomEnumVariable("ddd.literal_password",
							 "Chooses what happens to a password or token in the text of a statement.",
							 "\"warn\" gives a warning, once in a session; \"error\" refuses it; \"allow\" says nothing. "
							 "A parameter of the statement is none.",
							 &literal_password,
							 LITERAL_WARN,
							 literal_choices,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);
	secret_log_init();
}

void
secret_call(FunctionCallInfo fcinfo, const char *function, int argno)
{
	text	   *secret;

	begin_call(function);
	if (argno == NO_SECRET || argno >= PG_NARGS() || PG_ARGISNULL(argno) || !looks_for_literals())
		return;
	secret = PG_GETARG_TEXT_PP(argno);
	if (is_literal(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret)))
		report_literal(function);
}

void
secret_call_json(FunctionCallInfo fcinfo, const char *function, int argno)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		is_password = false;

	begin_call(function);
	if (argno >= PG_NARGS() || PG_ARGISNULL(argno) || !looks_for_literals())
		return;
	it = JsonbIteratorInit(&PG_GETARG_JSONB_P(argno)->root);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_KEY)
			is_password = value.val.string.len == strlen("password") &&
				memcmp(value.val.string.val, "password", strlen("password")) == 0;
		else if (token == WJB_VALUE && is_password && value.type == jbvString &&
				 is_literal(value.val.string.val, value.val.string.len))
		{
			report_literal(function);
			break;
		}
	}
}

bool
secret_was_called(void)
{
	return called_in != 0 && called_in == GetCurrentStatementStartTimestamp();
}

/*
 * Finds "name (" in the text, as SQL may write it: in any case, between double
 * quotes, with white space or comments before the parenthesis. What is before
 * the name does not matter, a literal or a comment least of all: there may be
 * quotes that are none. The time grows with the text and not faster, whatever
 * it is: it may come from anybody.
 */
const char *
secret_function_in(const char *text)
{
	if (text == NULL)
		return NULL;
	while (*text != '\0')
	{
		const char *name = text;
		const char *found;

		while (secret_is_name_character(*text))
			text++;
		if (text == name)
		{
			text++;
			continue;
		}
		found = find_function(name, text - name);
		if (found != NULL && has_parenthesis(*text == '"' ? text + 1 : text))
			return found;
	}
	return NULL;
}

bool
secret_is_name_character(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* The query id stays: it is the same for all secrets. */
void
secret_hide_activity(const char *function)
{
	char		activity[NAMEDATALEN + 32];
	uint64		query_id;

	if (!pgstat_track_activities)
		return;
	query_id = pgstat_get_my_query_id();
	if (function != NULL)
		snprintf(activity, sizeof(activity), "SELECT ddd.%s(%s)", function, SECRET_REDACTED);
	else
		strlcpy(activity, SECRET_REDACTED, sizeof(activity));
	pgstat_report_activity(STATE_RUNNING, activity);
	pgstat_report_query_id(query_id, true);
}

static void
begin_call(const char *function)
{
	Assert(find_function(function, strlen(function)) != NULL);
	called_in = GetCurrentStatementStartTimestamp();
	secret_hide_activity(function);
}

static bool
looks_for_literals(void)
{
	if (debug_query_string == NULL || literal_password == LITERAL_ALLOW)
		return false;
	/* a parallel worker is not the session, whose process may have warned */
	return literal_password == LITERAL_ERROR || !(warned || IsParallelWorker());
}

/*
 * Tells whether the client's statement has the secret between quotes or
 * dollars: a word of it that happens to be the same is no literal. One that is
 * longer than any function takes is not looked for.
 */
static bool
is_literal(const char *secret, int length)
{
	static const char opening[] = "'\"$";
	static const char closing[] = "'\"$\\";

	if (length == 0 || length > MAX_LITERAL)
		return false;
	for (const char *at = strpbrk(debug_query_string, opening); at != NULL; at = strpbrk(at + 1, opening))
	{
		CHECK_FOR_INTERRUPTS();
		for (int escaped = 0; escaped <= 1; escaped++)
		{
			const char *end = match(at + 1, secret, length, escaped);

			if (end != NULL && *end != '\0' && strchr(closing, *end) != NULL)
				return true;
		}
	}
	return false;
}

/*
 * Returns where the text goes on after the secret, or NULL if that is not
 * what it has here; escaped, with quotes doubled and backslashes before quotes
 * and backslashes.
 */
static const char *
match(const char *at, const char *secret, int length, bool escaped)
{
	for (int i = 0; i < length; i++)
	{
		char		c = secret[i];

		if (escaped && (c == '\'' || c == '"' || c == '\\') &&
			at[0] != '\0' && at[1] == c && (at[0] == '\\' || (c == '\'' && at[0] == c)))
			at++;
		if (*at != c)
			return NULL;
		at++;
	}
	return at;
}

static void
report_literal(const char *function)
{
	warned = true;
	ereport(literal_password == LITERAL_ERROR ? ERROR : WARNING,
			(errcode(literal_password == LITERAL_ERROR ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_WARNING),
			 errmsg("the text of the statement has a password or token of ddd.%s() in it", function),
			 errdetail("Others may see it in pg_stat_activity and in logs."),
			 errhint("Send it as a parameter of the statement, such as $1."),
			 errhidestmt(true),
			 errhidecontext(true)));
}

/* Tells whether white space and comments lead to a parenthesis, or to no end that is near. */
static bool
has_parenthesis(const char *at)
{
	const char *after = secret_skip_blanks(at);

	return after == NULL || *after == '(';
}

const char *
secret_skip_blanks(const char *at)
{
	const char *start = at;
	int			depth = 0;

	while (*at != '\0' && at - start < MAX_BLANKS)
	{
		if (at[0] == '/' && at[1] == '*')
		{
			depth++;
			at += 2;
		}
		else if (depth > 0 && at[0] == '*' && at[1] == '/')
		{
			depth--;
			at += 2;
		}
		else if (depth > 0)
			at++;
		else if (at[0] == '-' && at[1] == '-')
		{
			while (*at != '\0' && *at != '\n' && *at != '\r' && at - start < MAX_BLANKS)
				at++;
		}
		else if (isspace((unsigned char) *at))
			at++;
		else
			return at;
	}
	return *at == '\0' && depth == 0 ? at : NULL;
}

static const char *
find_function(const char *name, size_t length)
{
	for (size_t i = 0; i < lengthof(secret_functions); i++)
	{
		if (strlen(secret_functions[i]) == length && pg_strncasecmp(secret_functions[i], name, length) == 0)
			return secret_functions[i];
	}
	return NULL;
}
