/*
 * query_parse.c
 *		From text to a tag query.
 *
 *		query:   and { "|" and }
 *		and:     member { "&" member }
 *		member:  "!" member | "(" [ query ] ")" | "{" [ name { "," name } ] "}" | name [ "*" ]
 *		name:    bare | quoted
 *		bare:    one or more characters, none of them ASCII white space or one of & | ! ( ) { } , * " \
 *		quoted:  " characters " in which \" stands for " and \\ for \
 *
 * ASCII white space may stand between all of these, but not before "*". What
 * is in braces are all the tags; () is never true.
 *
 * Reads bytes: in every encoding that a database may have, a byte below 128 is
 * that ASCII character. No state but the parser's, no table, no error raised:
 * the fuzzer calls it as the server does. Time and memory are bounded by the
 * limits in query.h, recursion by MAX_QUERY_DEPTH.
 */
#include "postgres.h"

#include "tags/query.h"

typedef struct Parser
{
	const char *start;
	const char *at;
	const char *end;
	TagFold		fold;
	int			depth;
	int			nodes;
	TagProblem *problem;
} Parser;

static bool parse_chain(Parser *parser, TagNodeKind kind, TagBytes *query);
static bool parse_member(Parser *parser, TagBytes *query);
static bool parse_group(Parser *parser, TagBytes *query);
static bool parse_exact(Parser *parser, TagBytes *query);
static bool parse_name(Parser *parser, bool may_be_prefix, TagBytes *query);
static bool read_quoted(Parser *parser, char **name, int *length);
static bool enter(Parser *parser);
static bool count_node(Parser *parser);
static bool take(Parser *parser, char c);
static bool problem(Parser *parser, const char *at, const char *detail);
static bool is_space(char c);

bool
query_parse(const char *s, int len, TagFold fold, TagBytes *query, TagProblem *problem_found)
{
	Parser		parser = {.start = s, .at = s, .end = s + len, .fold = fold, .problem = problem_found};

	if (len > MAX_QUERY_BYTES)
		return problem(&parser, s, "It is longer than 1 MB.");
	(void) take(&parser, '\0');
	if (parser.at == parser.end)
		return problem(&parser, parser.at, "It is empty.");
	if (!parse_chain(&parser, TAG_OR, query))
		return false;
	if (parser.at < parser.end)
		return problem(&parser, parser.at, "An operator is expected.");
	return query_fits(*query) ||
		problem(&parser, s, "Its operators are nested more than 32 deep.");
}

bool
query_is_bare(char c)
{
	return c != '\0' && !is_space(c) && strchr("&|!(){},*\"\\", c) == NULL;
}

/* Parses members of an OR, each of which may be an AND, or of an AND. */
static bool
parse_chain(Parser *parser, TagNodeKind kind, TagBytes *query)
{
	/* the group and each member count as a node, so there are less */
	TagBytes   *members = palloc(sizeof(TagBytes) * MAX_QUERY_NODES);
	int			n = 0;

	for (;;)
	{
		if (!(kind == TAG_OR ? parse_chain(parser, TAG_AND, &members[n]) : parse_member(parser, &members[n])))
			return false;
		n++;
		if (!take(parser, kind == TAG_OR ? '|' : '&'))
			break;
		if (n == 1 && !count_node(parser))
			return false;
	}
	*query = query_group(kind, members, n);
	pfree(members);
	return true;
}

static bool
parse_member(Parser *parser, TagBytes *query)
{
	if (take(parser, '('))
		return parse_group(parser, query);
	if (take(parser, '{'))
		return parse_exact(parser, query);
	if (!take(parser, '!'))
		return parse_name(parser, true, query);
	if (!count_node(parser) || !enter(parser) || !parse_member(parser, query))
		return false;
	parser->depth--;
	*query = query_not(*query);
	return true;
}

/* Parses what comes after "(". */
static bool
parse_group(Parser *parser, TagBytes *query)
{
	const char *opened = parser->at;

	if (!enter(parser))
		return false;
	if (take(parser, ')'))
	{
		if (!count_node(parser))
			return false;
		*query = query_group(TAG_OR, NULL, 0);
	}
	else
	{
		if (!parse_chain(parser, TAG_OR, query))
			return false;
		if (!take(parser, ')'))
			return parser->at < parser->end ?
				problem(parser, parser->at, "An operator or \")\" is expected.") :
				problem(parser, opened, "A \"(\" before here is not closed.");
	}
	parser->depth--;
	return true;
}

/* Parses what comes after "{". */
static bool
parse_exact(Parser *parser, TagBytes *query)
{
	const char *opened = parser->at;
	TagBytes   *names = palloc(sizeof(TagBytes) * MAX_QUERY_NODES);
	int			n = 0;

	if (!count_node(parser))
		return false;
	if (!take(parser, '}'))
	{
		do
		{
			if (!parse_name(parser, false, &names[n]))
				return false;
			n++;
		} while (take(parser, ','));
		if (!take(parser, '}'))
			return parser->at < parser->end ?
				problem(parser, parser->at, "\",\" or \"}\" is expected.") :
				problem(parser, opened, "A \"{\" before here is not closed.");
	}
	*query = query_group(TAG_EXACT, names, n);
	pfree(names);
	return true;
}

static bool
parse_name(Parser *parser, bool may_be_prefix, TagBytes *query)
{
	const char *start = parser->at;
	char	   *name = NULL;
	char	   *folded;
	int			length;
	bool		prefix;

	if (parser->at < parser->end && *parser->at == '"')
	{
		if (!read_quoted(parser, &name, &length))
			return false;
	}
	else
	{
		while (parser->at < parser->end && query_is_bare(*parser->at))
			parser->at++;
		length = parser->at - start;
		if (length == 0)
			return problem(parser, start, may_be_prefix ? "A name, \"!\", \"(\" or \"{\" is expected." :
						   "A name is expected.");
	}
	prefix = may_be_prefix && parser->at < parser->end && *parser->at == '*';
	parser->at += prefix;

	folded = parser->fold(name != NULL ? name : start, length, &length);
	if (folded == NULL)
		return problem(parser, start, "A name is longer than 1200 bytes.");
	if (length == 0)
		return problem(parser, start, "A name is blank.");
	if (!count_node(parser))
		return false;
	*query = query_name(folded, length, prefix);
	/* before what comes next */
	(void) take(parser, '\0');
	return true;
}

/* Reads a quoted name, which is palloc'd, and its quotes. */
static bool
read_quoted(Parser *parser, char **name, int *length)
{
	const char *opened = parser->at++;
	const char *from = parser->at;
	char	   *to;

	while (parser->at < parser->end && *parser->at != '"')
	{
		if (*parser->at == '\\')
		{
			parser->at++;
			if (parser->at < parser->end && *parser->at != '"' && *parser->at != '\\')
				return problem(parser, parser->at - 1, "A backslash must come before \" or another one.");
		}
		if (parser->at < parser->end)
			parser->at++;
	}
	if (parser->at == parser->end)
		return problem(parser, opened, "A quoted name has no end.");

	*name = to = palloc(parser->at - from + 1);
	for (; from < parser->at; from++)
	{
		if (*from == '\\')
			from++;
		*to++ = *from;
	}
	*length = to - *name;
	parser->at++;
	return true;
}

static bool
enter(Parser *parser)
{
	return ++parser->depth <= MAX_QUERY_DEPTH ||
		problem(parser, parser->at, "Its operators are nested more than 32 deep.");
}

static bool
count_node(Parser *parser)
{
	return ++parser->nodes <= MAX_QUERY_NODES ||
		problem(parser, parser->at, "It has more than 256 names and operators.");
}

/* Takes this character if it comes next, and white space on both sides of it. */
static bool
take(Parser *parser, char c)
{
	bool		found;

	while (parser->at < parser->end && is_space(*parser->at))
		parser->at++;
	found = c != '\0' && parser->at < parser->end && *parser->at == c;
	parser->at += found;
	while (found && parser->at < parser->end && is_space(*parser->at))
		parser->at++;
	return found;
}

/* Returns false, for whoever returns it. */
static bool
problem(Parser *parser, const char *at, const char *detail)
{
	parser->problem->detail = detail;
	parser->problem->at = at - parser->start;
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

