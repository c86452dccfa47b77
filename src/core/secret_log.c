/*
 * secret_log.c
 *		Keeps passwords and tokens out of the server's log.
 *
 * A log hook. What the server is about to log of a statement that calls a
 * function of secret.c is written without what may hold a secret: statement,
 * context, parameters, quoted values. That is so for every log_* setting, for
 * modules that log statements themselves, and for statements that fail before
 * they run, since it is decided by the text of what is logged. It works in
 * processes that have loaded ddd: all, with shared_preload_libraries; a session
 * from its start, with session_preload_libraries; from its first call of ddd
 * otherwise.
 *
 * A hook after parse analysis does the same for the two views: the statement
 * leaves pg_stat_activity before it runs, and where it is one whose constants
 * pg_stat_statements would keep as they are (DO is), it is not recorded there.
 *
 * What the client gets does not change: the fields are exchanged only while
 * the report is written to the log, by EmitErrorReport() called again from
 * within, and have their values back when it goes to the client. So severity,
 * SQLSTATE and every log format are the server's own.
 *
 * Invariants:
 *	- raises nothing that writing to the log would not raise by itself;
 *	- needs no transaction, no catalog, and allocates nothing;
 *	- a report of anything else is not touched.
 *
 * Other hooks in the chain see the report as it is logged, once.
 */
#include "postgres.h"

#include <ctype.h>
#include <locale.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "commands/extension.h"
#include "commands/prepare.h"
#include "core/core.h"
#include "executor/executor.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "tcop/tcopprot.h"

#define MAX_MASKED	1024

static emit_log_hook_type previous_log_hook = NULL;
static post_parse_analyze_hook_type previous_analyze_hook = NULL;
static ExecutorStart_hook_type previous_start_hook = NULL;

/* What is logged instead; a report with this message has been here. */
static char masked_message[MAX_MASKED];
static char masked_hint[MAX_MASKED];
static char redacted[] = SECRET_REDACTED;

/* Text that goes into a buffer, or is cut off. */
typedef struct Masked
{
	char	   *data;
	size_t		used;
} Masked;

static void log_without_secrets(ErrorData *edata);
static void analyzed(ParseState *pstate, Query *query, JumbleState *jstate);
static const char *secret_function_in_source(const char *text);
static void started(QueryDesc *query, int flags);
static bool is_secret(ErrorData *edata);
static bool executes_secret(const char *statement, int sqlerrcode);
static void emit_masked(ErrorData *edata);
static void mask_message(ErrorData *edata);
static bool is_statement(ErrorData *edata, const char *message, const char *format);
static void mask_quoted(Masked *buffer, const char *text, ErrorData *edata, bool in_pairs);
static void mask_format(Masked *buffer, const char *format);
static bool is_name_of_object(const char *text, size_t length, ErrorData *edata);
static bool may_have_value(const char *detail);
static bool is_plain_english(const char *text);
static int	count_quotes(const char *text);
static bool starts_with(const char *text, const char *start);
static void append(Masked *buffer, const char *text, size_t length);

void
secret_log_init(void)
{
	previous_log_hook = emit_log_hook;
	emit_log_hook = log_without_secrets;
	previous_analyze_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = analyzed;
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = started;
}

static void
log_without_secrets(ErrorData *edata)
{
	if (edata->message != masked_message && is_secret(edata))
		emit_masked(edata);
	else if (previous_log_hook)
		previous_log_hook(edata);
}

static void
analyzed(ParseState *pstate, Query *query, JumbleState *jstate)
{
	const char *function;

	if (previous_analyze_hook)
		previous_analyze_hook(pstate, query, jstate);
	/* the script of an extension is one text, which names them all */
	function = creating_extension ? NULL : secret_function_in_source(pstate->p_sourcetext);
	if (function == NULL)
		return;
	secret_hide_activity(function);
	/*
	 * What has no query id is not recorded. What has one is, with $1 for each
	 * constant; but as it was typed, where the entry made here is gone before
	 * the statement ends. Without constants there is nothing to be seen.
	 */
	if (query->commandType == CMD_UTILITY || (jstate != NULL && jstate->clocations_count > 0))
		query->queryId = 0;
}

/* Each of the client's statements is analyzed with the text of all of them, which is read once. */
static const char *
secret_function_in_source(const char *text)
{
	static TimestampTz read_at = 0;
	static const char *read = NULL;
	static const char *function = NULL;

	if (text == NULL || text != debug_query_string)
		return secret_function_in(text);
	if (read != text || read_at != GetCurrentStatementStartTimestamp())
	{
		function = secret_function_in(text);
		read = text;
		read_at = GetCurrentStatementStartTimestamp();
	}
	return function;
}

/* A parallel worker shows the client's statement until this. */
static void
started(QueryDesc *query, int flags)
{
	if (IsParallelWorker())
	{
		const char *function = secret_function_in(query->sourceText);

		if (function != NULL)
			secret_hide_activity(function);
	}
	if (previous_start_hook)
		previous_start_hook(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static bool
is_secret(ErrorData *edata)
{
	const char *function = secret_function_in(debug_query_string);

	if (function != NULL ||
		(debug_query_string != NULL && executes_secret(debug_query_string, edata->sqlerrcode)))
	{
		/* one that fails before it runs stays in the view until the next */
		secret_hide_activity(function);
		return true;
	}
	/* what cannot be read does not become a statement, and nobody knows of which this is a part */
	if (debug_query_string == NULL && (edata->sqlerrcode == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE ||
									   edata->sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER))
		return true;
	return secret_was_called() ||
		secret_function_in(edata->message) != NULL ||
		secret_function_in(edata->detail) != NULL ||
		secret_function_in(edata->detail_log) != NULL ||
		secret_function_in(edata->context) != NULL ||
		secret_function_in(edata->internalquery) != NULL;
}

/*
 * Tells whether a statement has an EXECUTE of a prepared statement that calls
 * a function of secret.c. Where it is about to fail because there is no such
 * prepared statement, nobody knows what its values are: it counts as one.
 */
static bool
executes_secret(const char *statement, int sqlerrcode)
{
	static const char keyword[] = "execute";
	const char *first = statement + strspn(statement, " \t\r\n");

	for (const char *at = strpbrk(statement, "eE"); at != NULL; at = strpbrk(at + 1, "eE"))
	{
		char		name[NAMEDATALEN];
		int			length = 0;
		bool		quoted;
		bool		begins = at == first;
		PreparedStatement *prepared;

		if (pg_strncasecmp(at, keyword, strlen(keyword)) != 0 ||
			secret_is_name_character(at[strlen(keyword)]) ||
			(at > statement && secret_is_name_character(at[-1])))
			continue;
		at = secret_skip_blanks(at + strlen(keyword));
		if (at == NULL)
			return true;
		quoted = *at == '"';
		if (quoted)
			at++;
		while (length < NAMEDATALEN - 1 &&
			   (quoted ? *at != '\0' && *at != '"' : secret_is_name_character(*at)))
		{
			name[length++] = quoted ? *at : pg_ascii_tolower((unsigned char) *at);
			at++;
		}
		name[length] = '\0';
		at--;

		prepared = FetchPreparedStatement(name, false);
		if (prepared != NULL ? secret_function_in(prepared->plansource->query_string) != NULL :
			begins || sqlerrcode == ERRCODE_UNDEFINED_PSTATEMENT)
			return true;
	}
	return false;
}

/* Writes the report to the log with other fields, and leaves only the client to be told. */
static void
emit_masked(ErrorData *edata)
{
	ErrorData	unmasked = *edata;
	Masked		hint = {masked_hint, 0};

	mask_message(edata);
	edata->message = masked_message;
	if (may_have_value(edata->detail))
		edata->detail = redacted;
	if (may_have_value(edata->detail_log))
		edata->detail_log = redacted;
	if (edata->hint != NULL)
	{
		masked_hint[0] = '\0';
		if (is_plain_english(edata->hint))
			mask_quoted(&hint, edata->hint, edata, false);
		else
			append(&hint, SECRET_REDACTED, strlen(SECRET_REDACTED));
		edata->hint = masked_hint;
	}
	edata->internalquery = NULL;
	edata->hide_stmt = true;
	edata->hide_ctx = true;
	edata->output_to_client = false;

	PG_TRY();
	{
		EmitErrorReport();
	}
	PG_FINALLY();
	{
		*edata = unmasked;
		edata->output_to_server = false;
	}
	PG_END_TRY();
}

/* Fills masked_message. message_id is the message's format, in English and untranslated. */
static void
mask_message(ErrorData *edata)
{
	Masked		buffer = {masked_message, 0};
	const char *message = edata->message ? edata->message : "";
	const char *format = edata->message_id ? edata->message_id : "%s";

	masked_message[0] = '\0';
	if (starts_with(format, "duration: ") && strcmp(format, "duration: %s ms") != 0)
	{
		size_t		before = strcspn(message, "0123456789");

		append(&buffer, "duration: ", strlen("duration: "));
		append(&buffer, message + before, strspn(message + before, "0123456789."));
		append(&buffer, " ms  " SECRET_REDACTED, strlen(" ms  " SECRET_REDACTED));
	}
	else if (is_statement(edata, message, format))
		append(&buffer, "statement: " SECRET_REDACTED, strlen("statement: " SECRET_REDACTED));
	/* what a module makes of a statement has no quotes where a value begins */
	else if ((edata->elevel < INFO && strcmp(format, "duration: %s ms") != 0) ||
			 !is_plain_english(message) || edata->sqlerrcode == ERRCODE_UNDEFINED_COLUMN)
		mask_format(&buffer, format);
	else
		mask_quoted(&buffer, message, edata, count_quotes(message) == count_quotes(format));
}

/*
 * Tells whether the message is a statement being logged, or what a function of
 * the user makes of one; not one about a function, as that it does not exist.
 */
static bool
is_statement(ErrorData *edata, const char *message, const char *format)
{
	if (strcmp(format, "statement: %s") == 0 || strcmp(format, "%s %s%s%s: %s") == 0)
		return true;
	return (edata->elevel < INFO || strcmp(format, "%s") == 0) && secret_function_in(message) != NULL;
}

/*
 * Copies a text without what is between its double quotes and without bytes
 * in hexadecimal. Unless the quotes are known to come in pairs, all between
 * the first and the last goes. The names of objects that the report is about
 * stay.
 */
static void
mask_quoted(Masked *buffer, const char *text, ErrorData *edata, bool in_pairs)
{
	for (const char *at = text; *at != '\0';)
	{
		size_t		plain = strcspn(at, "\"0");

		append(buffer, at, plain);
		at += plain;
		if (*at == '"')
		{
			const char *end = in_pairs ? strchr(at + 1, '"') : strrchr(at + 1, '"');
			size_t		length = (end ? end : at + strlen(at)) - (at + 1);

			append(buffer, "\"", 1);
			if (is_name_of_object(at + 1, length, edata))
				append(buffer, at + 1, length);
			else
				append(buffer, SECRET_REDACTED, strlen(SECRET_REDACTED));
			append(buffer, "\"", 1);
			at += 1 + length + (end ? 1 : 0);
		}
		else if (*at == '0')
		{
			bool		is_hex = at[1] == 'x' && isxdigit((unsigned char) at[2]);

			append(buffer, is_hex ? "0x.." : "0", is_hex ? 4 : 1);
			at += is_hex ? 2 + strspn(at + 2, "0123456789abcdefABCDEF") : 1;
		}
	}
}

/* Copies a format of errmsg() with each value left out. */
static void
mask_format(Masked *buffer, const char *format)
{
	for (const char *at = format; *at != '\0';)
	{
		size_t		plain = strcspn(at, "%");

		append(buffer, at, plain);
		at += plain;
		if (*at == '\0')
			break;
		at += 1 + strspn(at + 1, "-+ #0123456789.*$lhzjt");
		append(buffer, *at == '%' ? "%" : SECRET_REDACTED, *at == '%' ? 1 : strlen(SECRET_REDACTED));
		if (*at != '\0')
			at++;
	}
}

static bool
is_name_of_object(const char *text, size_t length, ErrorData *edata)
{
	const char *names[] = {
		edata->schema_name, edata->table_name, edata->column_name,
		edata->datatype_name, edata->constraint_name
	};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (names[i] != NULL && strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
			return true;
	}
	return false;
}

/* Tells whether a detail may show a row, a key, a parameter, a tree or a part of a statement. */
static bool
may_have_value(const char *detail)
{
	return detail != NULL && (strpbrk(detail, "'\"(=$") != NULL || !is_plain_english(detail));
}

/* Tells whether what is quoted in a message is between ASCII quotes. */
static bool
is_plain_english(const char *text)
{
	const char *locale = setlocale(LC_MESSAGES, NULL);

	return text_is_ascii(text, strlen(text)) &&
		(locale == NULL || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0 ||
		 starts_with(locale, "C.") || starts_with(locale, "en"));
}

static int
count_quotes(const char *text)
{
	int			count = 0;

	for (; *text != '\0'; text++)
		count += *text == '"';
	return count;
}

static bool
starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* What is appended is ASCII wherever it may be cut off. */
static void
append(Masked *buffer, const char *text, size_t length)
{
	length = Min(length, MAX_MASKED - 1 - buffer->used);
	memcpy(buffer->data + buffer->used, text, length);
	buffer->used += length;
	buffer->data[buffer->used] = '\0';
}
