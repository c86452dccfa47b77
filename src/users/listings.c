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
	" WHERE (u.created_at, u.id) < ($1, $2)"
	" ORDER BY u.created_at DESC, u.id DESC OFFSET $3 LIMIT $4",
	.nargs = 4,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID},
	.choice = PLAN_WALK,
};

static SpiPlan list_active_plan = {
	.sql = "SELECT " USER_COLUMNS ", u.created_at, u.id FROM ddd.users u"
	" WHERE u.is_active = $5 AND (u.created_at, u.id) < ($1, $2)"
	" ORDER BY u.created_at DESC, u.id DESC OFFSET $3 LIMIT $4",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, BOOLOID},
	.choice = PLAN_WALK,
};

/*
 * A search is three lists one after the other, each in the order of the ids:
 * the user with this very e-mail address, the users whose name or address
 * begins with the query, those that contain it. A user is in the first that
 * fits. Which index serves depends on the query, so each call plans anew:
 * a rare text is looked up and its few users are sorted, a frequent one is met
 * soon enough by walking along the ids. Planning is half of a call, so the
 * planner is spared what hardly changes its choice: it takes any IS NOT NULL of
 * an expression for true, as what excludes the earlier lists nearly is, and a
 * list's beginning has no condition on the id.
 *
 * $1 the query, $2 the id before the page or NULL, $3 the rows still wanted,
 * $4 and $5 the patterns of beginnings and of any part
 */
#define IS_EXACT "lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\")"
#define MATCHES(pattern) \
	"(lower(u.full_name) LIKE lower(" pattern ")" \
	" OR lower(u.email COLLATE \"C\") LIKE lower(" pattern " COLLATE \"C\"))"
#define UNLESS(condition) " AND (CASE WHEN " condition " THEN NULL ELSE true END) IS NOT NULL"
#define SEARCH(rank, condition) \
	"SELECT " USER_COLUMNS ", " rank "::bigint, u.id FROM ddd.users u" \
	" WHERE " condition " AND ($2 IS NULL OR u.id > $2) ORDER BY u.id LIMIT $3"

enum SearchRank
{
	RANK_EXACT,
	RANK_PREFIX,
	RANK_CONTAINS
};

static SpiPlan search_plans[] = {
	[RANK_EXACT] = {
		.sql = SEARCH("0", IS_EXACT),
		.nargs = 3,
		.argtypes = {TEXTOID, INT8OID, INT8OID},
		.choice = PLAN_GENERIC,
	},
	[RANK_PREFIX] = {
		.sql = SEARCH("1", MATCHES("$4") UNLESS(IS_EXACT)),
		.nargs = 4,
		.argtypes = {TEXTOID, INT8OID, INT8OID, TEXTOID},
		.choice = PLAN_CUSTOM,
	},
	[RANK_CONTAINS] = {
		.sql = SEARCH("2", MATCHES("$5") UNLESS(MATCHES("$4") " OR " IS_EXACT)),
		.nargs = 5,
		.argtypes = {TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID},
		.choice = PLAN_CUSTOM,
	},
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

	page_begin(&page, "list_users");
	page_filter(&page, &active, 1);
	page_limits(&page, fcinfo, 0, 2);
	page_after(&page, fcinfo, 1, 2, newest);

	api_begin(&call);
	page_execute(&page, active == 'n' ? &list_plan : &list_active_plan, (Datum[])
				 {
					 TimestampTzGetDatum(page.keys[0]), Int64GetDatum(page.keys[1]),
					 Int64GetDatum(page.skip), Int64GetDatum(page.first),
					 BoolGetDatum(active == 't')
				 }, NULL, fcinfo);
	api_end(&call);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(ddd_search_users);

Datum
ddd_search_users(PG_FUNCTION_ARGS)
{
	static const int64 best[] = {RANK_EXACT, PG_INT64_MIN};
	ApiCall		call;
	ListPage	page;
	text	   *query = text_trim(arg_text(fcinfo, 0, "query"));
	int			length = text_length_chars(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query));
	int			last_rank = length < MIN_CONTAINS_LENGTH ? RANK_PREFIX : RANK_CONTAINS;
	int64		rank;
	Datum		values[5];
	char		nulls[] = "     ";

	if (length > MAX_QUERY_LENGTH || text_is_blank(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"query\" must have between 1 and %d characters and not be blank", MAX_QUERY_LENGTH)));

	page_begin(&page, "search_users");
	page_filter_text(&page, query);
	page_limits(&page, fcinfo, 1, -1);
	page_after(&page, fcinfo, 2, 2, best);
	/* whatever a forged cursor says, one list is read, which begins the result */
	rank = Min(Max(page.keys[0], RANK_EXACT), last_rank);
	values[0] = PointerGetDatum(query);
	values[1] = Int64GetDatum(page.keys[1]);
	nulls[1] = PG_ARGISNULL(2) ? 'n' : ' ';
	values[3] = PointerGetDatum(like_pattern(query, "", "%"));
	values[4] = PointerGetDatum(like_pattern(query, "%", "%"));

	api_begin(&call);
	do
	{
		values[2] = Int64GetDatum(page.first);
		page.first -= page_execute(&page, &search_plans[rank], values, nulls, fcinfo);
		nulls[1] = 'n';
	} while (page.first > 0 && ++rank <= last_rank);
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
