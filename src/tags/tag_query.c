/*
 * tag_query.c
 *		The type ddd.tag_query: input, output, comparison, and what makes a
 *		query of names or of other queries. Also ddd.tag_key().
 *
 * A value is a format byte and a query in canonical form (query.h), so equal
 * queries are equal bytes. Its order is that of the bytes: total, for indexes
 * and DISTINCT, of no other meaning. The binary form is a version byte and the
 * text, as jsonb has it; whoever sends one has it parsed.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/core.h"
#include "tags/query.h"
#include "tags/tag_query.h"

#define FORMAT			1
#define BINARY_VERSION	1

static TagBytes bytes_of(struct varlena *packed);
static TagBytes parse(const char *s, int len, Node *context);
static Datum result(TagBytes query);
static TagBytes *names(FunctionCallInfo fcinfo, int *n);
static Datum combine(FunctionCallInfo fcinfo, TagNodeKind kind);
static int	compare(FunctionCallInfo fcinfo);

TagBytes
tag_query_bytes(Datum value)
{
	return bytes_of(PG_DETOAST_DATUM_PACKED(value));
}

static TagBytes
bytes_of(struct varlena *packed)
{
	const char *data = VARDATA_ANY(packed);

	if (VARSIZE_ANY_EXHDR(packed) < 2 || data[0] != FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown format of a tag query")));
	return (TagBytes) {data + 1, VARSIZE_ANY_EXHDR(packed) - 1};
}

PG_FUNCTION_INFO_V1(ddd_tag_key);

Datum
ddd_tag_key(PG_FUNCTION_ARGS)
{
	text	   *key = name_key(PG_GETARG_TEXT_PP(0));

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("name of a tag is longer than %d bytes", MAX_FOLD),
				 err_object("tags", "name", NULL)));
	PG_RETURN_TEXT_P(key);
}

PG_FUNCTION_INFO_V1(ddd_tag_query_in);

Datum
ddd_tag_query_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);
	TagBytes	query = parse(s, strlen(s), fcinfo->context);

	if (query.bytes == NULL)
		PG_RETURN_NULL();
	return result(query);
}

PG_FUNCTION_INFO_V1(ddd_tag_query_out);

Datum
ddd_tag_query_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(query_print(tag_query_bytes(PG_GETARG_DATUM(0))));
}

PG_FUNCTION_INFO_V1(ddd_tag_query_recv);

Datum
ddd_tag_query_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(message);
	char	   *s;
	int			len;

	if (version != BINARY_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown version %d of a binary tag query", version)));
	s = pq_getmsgtext(message, message->len - message->cursor, &len);
	return result(parse(s, len, NULL));
}

PG_FUNCTION_INFO_V1(ddd_tag_query_send);

Datum
ddd_tag_query_send(PG_FUNCTION_ARGS)
{
	char	   *s = query_print(tag_query_bytes(PG_GETARG_DATUM(0)));
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint8(&message, BINARY_VERSION);
	pq_sendtext(&message, s, strlen(s));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

PG_FUNCTION_INFO_V1(ddd_tags_all);

Datum
ddd_tags_all(PG_FUNCTION_ARGS)
{
	int			n;
	TagBytes   *members = names(fcinfo, &n);

	return result(query_group(TAG_AND, members, n));
}

PG_FUNCTION_INFO_V1(ddd_tags_any);

Datum
ddd_tags_any(PG_FUNCTION_ARGS)
{
	int			n;
	TagBytes   *members = names(fcinfo, &n);

	return result(query_group(TAG_OR, members, n));
}

PG_FUNCTION_INFO_V1(ddd_tags_none);

Datum
ddd_tags_none(PG_FUNCTION_ARGS)
{
	int			n;
	TagBytes   *members = names(fcinfo, &n);

	return result(query_not(query_group(TAG_OR, members, n)));
}

PG_FUNCTION_INFO_V1(ddd_tags_exact);

Datum
ddd_tags_exact(PG_FUNCTION_ARGS)
{
	int			n;
	TagBytes   *members = names(fcinfo, &n);

	return result(query_group(TAG_EXACT, members, n));
}

PG_FUNCTION_INFO_V1(ddd_tag_query_and);

Datum
ddd_tag_query_and(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, TAG_AND);
}

PG_FUNCTION_INFO_V1(ddd_tag_query_or);

Datum
ddd_tag_query_or(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, TAG_OR);
}

PG_FUNCTION_INFO_V1(ddd_tag_query_not);

Datum
ddd_tag_query_not(PG_FUNCTION_ARGS)
{
	return result(query_not(tag_query_bytes(PG_GETARG_DATUM(0))));
}

/* A comparison by the order of the bytes. */
#define COMPARISON(name, operator) \
PG_FUNCTION_INFO_V1(ddd_tag_query_##name); \
\
Datum \
ddd_tag_query_##name(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_BOOL(compare(fcinfo) operator 0); \
}

COMPARISON(eq, ==)
COMPARISON(ne, !=)
COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(gt, >)
COMPARISON(ge, >=)

PG_FUNCTION_INFO_V1(ddd_tag_query_cmp);

Datum
ddd_tag_query_cmp(PG_FUNCTION_ARGS)
{
	int			order = compare(fcinfo);

	PG_RETURN_INT32((order > 0) - (order < 0));
}

PG_FUNCTION_INFO_V1(ddd_tag_query_hash);

Datum
ddd_tag_query_hash(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_VARLENA_PP(0);
	TagBytes	query = bytes_of(packed);
	Datum		hash = hash_any((const unsigned char *) query.bytes, query.length);

	PG_FREE_IF_COPY(packed, 0);
	return hash;
}

PG_FUNCTION_INFO_V1(ddd_tag_query_hash_extended);

Datum
ddd_tag_query_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_VARLENA_PP(0);
	TagBytes	query = bytes_of(packed);
	Datum		hash = hash_any_extended((const unsigned char *) query.bytes, query.length,
											 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(packed, 0);
	return hash;
}

/* Returns the query that a text is; bytes are NULL where the error goes to the context. */
static TagBytes
parse(const char *s, int len, Node *context)
{
	TagBytes	query;
	TagBytes	none = {NULL, 0};
	TagProblem	problem;

	if (query_parse(s, len, name_fold, &query, &problem))
		return query;
	ereturn(context, none,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid tag query at character %d", 1 + text_length_chars(s, problem.at)),
			 errdetail("%s", problem.detail)));
}

/* Returns a value of the type. */
static Datum
result(TagBytes query)
{
	char	   *data;
	bytea	   *value;

	if (!query_fits(query))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a tag query must not have more than %d names and operators, nor nest them more than %d deep",
						MAX_QUERY_NODES, MAX_QUERY_DEPTH)));
	value = palloc(VARHDRSZ + 1 + query.length);
	SET_VARSIZE(value, VARHDRSZ + 1 + query.length);
	data = VARDATA(value);
	data[0] = FORMAT;
	memcpy(data + 1, query.bytes, query.length);
	PG_RETURN_BYTEA_P(value);
}

/* Reads the only argument, an array of names. */
static TagBytes *
names(FunctionCallInfo fcinfo, int *n)
{
	Datum	   *elements = arg_text_array(fcinfo, 0, "tags", n);
	TagBytes   *members;

	/* a name twice is one; but whoever names so many is not taken at his word */
	if (*n > MAX_QUERY_NODES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a tag query must not have more than %d names", MAX_QUERY_NODES)));
	members = palloc(sizeof(TagBytes) * (*n + 1));
	for (int i = 0; i < *n; i++)
	{
		text	   *name = DatumGetTextPP(elements[i]);
		int			length = 0;
		char	   *folded = name_fold(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &length);

		if (folded == NULL || length == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of \"tags\" is not a tag name", i + 1),
					 folded == NULL ? errdetail("It is longer than %d bytes.", MAX_FOLD) :
					 errdetail("It is blank.")));
		members[i] = query_name(folded, length, false);
	}
	return members;
}

/* Puts the two arguments into a group. */
static Datum
combine(FunctionCallInfo fcinfo, TagNodeKind kind)
{
	TagBytes	members[2] = {tag_query_bytes(PG_GETARG_DATUM(0)), tag_query_bytes(PG_GETARG_DATUM(1))};

	return result(query_group(kind, members, lengthof(members)));
}

static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *packed[2] = {PG_GETARG_VARLENA_PP(0), PG_GETARG_VARLENA_PP(1)};
	TagBytes	left = bytes_of(packed[0]);
	TagBytes	right = bytes_of(packed[1]);
	int			order = memcmp(left.bytes, right.bytes, Min(left.length, right.length));

	if (order == 0)
		order = left.length - right.length;
	/* an index is built of many comparisons in one memory context */
	PG_FREE_IF_COPY(packed[0], 0);
	PG_FREE_IF_COPY(packed[1], 1);
	return order;
}
