/*
 * listings.c
 *		ddd.list_users() and ddd.search_users().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "users/users.h"

#define MAX_QUERY_LENGTH	200
/* A shorter query has no trigram to look up, so it only matches beginnings. */
#define MIN_CONTAINS_LENGTH 3

static SpiPlan list_plan = {
	.sql = "SELECT " USER_COLUMNS ", u.created_at, u.id FROM ddd.users u"
	" WHERE (u.created_at, u.id) < ($1, $2) AND ($5 IS NULL OR u.is_active = $5)"
	" ORDER BY u.created_at DESC, u.id DESC OFFSET $3 LIMIT $4",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, BOOLOID},
};

/* $1 the query, $2 the pattern of beginnings, $3 the pattern of all matches */
static SpiPlan search_plan = {
	.sql = "SELECT " USER_COLUMNS ", r.rank, u.id FROM ddd.users u CROSS JOIN LATERAL (SELECT CASE"
	" WHEN lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\") THEN 0::bigint"
	" WHEN u.full_name ILIKE $2 OR u.email ILIKE $2 THEN 1 ELSE 2 END AS rank) r"
	" WHERE (u.full_name ILIKE $3 OR u.email ILIKE $3) AND (r.rank, u.id) > ($4, $5)"
	" ORDER BY r.rank, u.id LIMIT $6",
	.nargs = 6,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID},
};

static text *like_pattern(text *query, const char *before, const char *after);

PG_FUNCTION_INFO_V1(ddd_list_users);

Datum
ddd_list_users(PG_FUNCTION_ARGS)
{
	static const int64 newest[] = {PG_INT64_MAX, PG_INT64_MAX};
	ApiCall		call;
	ListPage	page;
	char		active = PG_ARGISNULL(3) ? 'n' : PG_GETARG_BOOL(3) ? 't' : 'f';
	char		nulls[] = "     ";

	page_begin(&page, "list_users");
	page_filter(&page, &active, 1);
	page_limits(&page, fcinfo, 0, 2);
	page_after(&page, fcinfo, 1, 2, newest);
	if (active == 'n')
		nulls[4] = 'n';

	api_begin(&call);
	plan_execute(&list_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 BoolGetDatum(active == 't')
				 }, nulls, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_search_users);

Datum
ddd_search_users(PG_FUNCTION_ARGS)
{
	static const int64 best[] = {-1, PG_INT64_MIN};
	ApiCall		call;
	ListPage	page;
	text	   *query = text_trim(arg_text(fcinfo, 0, "query"));
	int			length = text_length_chars(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query));
	text	   *prefix;
	text	   *match;

	if (length > MAX_QUERY_LENGTH || text_is_blank(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"query\" must have between 1 and %d characters and not be blank", MAX_QUERY_LENGTH)));

	page_begin(&page, "search_users");
	page_filter_text(&page, query);
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, best);
	prefix = like_pattern(query, "", "%");
	match = length < MIN_CONTAINS_LENGTH ? prefix : like_pattern(query, "%", "%");

	api_begin(&call);
	plan_execute(&search_plan, (Datum[])
				 {
					 PointerGetDatum(query), PointerGetDatum(prefix), PointerGetDatum(match),
					 Int64GetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.first)
				 }, NULL, true);
	page_rows(&page, &call, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

/* Returns a LIKE pattern in which the query's own characters are literal. */
static text *
like_pattern(text *query, const char *before, const char *after)
{
	StringInfoData pattern;
	const char *s = VARDATA_ANY(query);
	int			len = VARSIZE_ANY_EXHDR(query);

	/* server encodings never use these ASCII bytes inside a character */
	initStringInfo(&pattern);
	appendStringInfoString(&pattern, before);
	for (int i = 0; i < len; i++)
	{
		if (s[i] == '%' || s[i] == '_' || s[i] == '\\')
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, s[i]);
	}
	appendStringInfoString(&pattern, after);
	return cstring_to_text_with_len(pattern.data, pattern.len);
}
