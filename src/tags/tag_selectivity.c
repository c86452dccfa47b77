/*
 * tag_selectivity.c
 *		How many rows text[] @@ ddd.tag_query lets through, by the statistics
 *		of the array's most common elements.
 *
 * Tags are taken to be independent of each other:
 *
 *		name	the frequency of the elements that fold to it
 *		prefix	1 - product of (1 - frequency) over those that begin so
 *		!a		1 - a
 *		a & b	a * b
 *		a | b	1 - (1 - a) * (1 - b)
 *		{a, b}	a * b * product of (1 - frequency) over all others
 *
 * An element that is not among the most common is half as frequent as the
 * least of these. Without statistics each name has what PostgreSQL takes for
 * an array that contains something.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "core/core.h"
#include "tags/tag_query.h"

/* As in PostgreSQL's array_selfuncs.c. */
#define DEFAULT_SELECTIVITY 0.005

/* A common element and its frequency among rows that are not NULL. */
typedef struct Element
{
	char	   *folded;
	int			length;
	float8		frequency;
} Element;

typedef struct Statistics
{
	Element    *elements;
	int			n;
	float8		rare;			/* frequency of an element that is not there */
} Statistics;

static bool is_tag_query(Oid type);
static float8 selectivity_of(VariableStatData *variable, TagBytes query);
static Statistics statistics_of(VariableStatData *variable);
static const char *estimate(const char *at, const Statistics *statistics, float8 *selectivity);
static float8 estimate_name(const TagNode *name, const Statistics *statistics);
static bool is_meant(const TagNode *name, const Element *element);

PG_FUNCTION_INFO_V1(ddd_tags_match_selectivity);

Datum
ddd_tags_match_selectivity(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	VariableStatData variable;
	Node	   *query;
	bool		variable_on_left;
	float8		selectivity = DEFAULT_SELECTIVITY;

	if (!get_restriction_variable(root, args, PG_GETARG_INT32(3), &variable, &query, &variable_on_left))
		PG_RETURN_FLOAT8(DEFAULT_SELECTIVITY);
	/* whoever may execute this may make an operator of other types with it */
	if (!IsA(query, Const) || !variable_on_left || !is_tag_query(((Const *) query)->consttype))
		;
	else if (((Const *) query)->constisnull)
		selectivity = 0;
	else
		selectivity = selectivity_of(&variable, tag_query_bytes(((Const *) query)->constvalue));
	ReleaseVariableStats(variable);
	CLAMP_PROBABILITY(selectivity);
	PG_RETURN_FLOAT8(selectivity);
}

static bool
is_tag_query(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		found = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		found = strcmp(NameStr(form->typname), "tag_query") == 0 && form->typtype == TYPTYPE_BASE &&
			form->typnamespace == get_namespace_oid("ddd", true);
		ReleaseSysCache(tuple);
	}
	return found;
}

static float8
selectivity_of(VariableStatData *variable, TagBytes query)
{
	Statistics	statistics = statistics_of(variable);
	float8		selectivity;

	estimate(query.bytes, &statistics, &selectivity);
	if (HeapTupleIsValid(variable->statsTuple))
		selectivity *= 1.0 - ((Form_pg_statistic) GETSTRUCT(variable->statsTuple))->stanullfrac;
	return selectivity;
}

static Statistics
statistics_of(VariableStatData *variable)
{
	Statistics	statistics = {.rare = DEFAULT_SELECTIVITY};
	AttStatsSlot slot;

	if (!HeapTupleIsValid(variable->statsTuple) ||
		!get_attstatsslot(&slot, variable->statsTuple, STATISTIC_KIND_MCELEM, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return statistics;
	/* three more numbers: the least and the greatest frequency, and that of NULL */
	if (slot.nnumbers == slot.nvalues + 3 && (slot.valuetype == TEXTOID || slot.valuetype == VARCHAROID))
	{
		statistics.elements = palloc(sizeof(Element) * Max(slot.nvalues, 1));
		for (int i = 0; i < slot.nvalues; i++)
		{
			text	   *value = DatumGetTextPP(slot.values[i]);
			Element    *element = &statistics.elements[statistics.n];

			element->folded = name_fold(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &element->length);
			element->frequency = slot.numbers[i];
			statistics.n += element->folded != NULL;
		}
		statistics.rare = Min(DEFAULT_SELECTIVITY, slot.numbers[slot.nvalues] / 2);
	}
	free_attstatsslot(&slot);
	return statistics;
}

/* Returns what comes after the node. */
static const char *
estimate(const char *at, const Statistics *statistics, float8 *selectivity)
{
	const char *members;
	TagNode		node;
	TagNode		name;
	float8		member;

	members = at = query_read(at, &node);
	if (node.kind == TAG_NAME || node.kind == TAG_PREFIX)
	{
		*selectivity = estimate_name(&node, statistics);
		return at;
	}

	*selectivity = 1.0;
	for (int i = 0; i < node.count; i++)
	{
		at = estimate(at, statistics, &member);
		*selectivity *= node.kind == TAG_OR ? 1.0 - member : member;
	}
	if (node.kind == TAG_OR || node.kind == TAG_NOT)
		*selectivity = 1.0 - *selectivity;
	if (node.kind != TAG_EXACT)
		return at;

	for (int e = 0; e < statistics->n; e++)
	{
		bool		meant = false;

		for (const char *next = members; next < at && !meant;)
		{
			next = query_read(next, &name);
			meant = is_meant(&name, &statistics->elements[e]);
		}
		if (!meant)
			*selectivity *= 1.0 - Min(statistics->elements[e].frequency, 1.0);
	}
	return at;
}

static float8
estimate_name(const TagNode *name, const Statistics *statistics)
{
	float8		others = 1.0;

	for (int e = 0; e < statistics->n; e++)
	{
		if (is_meant(name, &statistics->elements[e]))
			others *= 1.0 - Min(statistics->elements[e].frequency, 1.0);
	}
	return others < 1.0 ? 1.0 - others : statistics->rare;
}

static bool
is_meant(const TagNode *name, const Element *element)
{
	return element->length >= name->length && memcmp(element->folded, name->name, name->length) == 0 &&
		(name->kind == TAG_PREFIX || element->length == name->length);
}
