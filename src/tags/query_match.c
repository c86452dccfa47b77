/*
 * query_match.c
 *		Whether a set of tags is what a query asks for.
 *
 * Three-valued, after Kleene, for a set of which not all is known. Every name
 * is asked for, even where it cannot change the answer, so that whoever knows
 * the names by their place in the query can count along.
 */
#include "postgres.h"

#include "tags/query.h"

static const char *match(const char *at, const TagSet *set, TagTruth *truth);
static TagTruth both(TagTruth a, TagTruth b);
static TagTruth negated(TagTruth truth);

TagTruth
query_match(TagBytes query, const TagSet *set)
{
	TagTruth	truth;

	match(query.bytes, set, &truth);
	return truth;
}

/* Returns what comes after the node. */
static const char *
match(const char *at, const TagSet *set, TagTruth *truth)
{
	TagNode		node;
	TagTruth	member;

	at = query_read(at, &node);
	if (node.kind == TAG_NAME || node.kind == TAG_PREFIX)
	{
		*truth = set->has(&node, set->state);
		return at;
	}

	/* an OR is what not all of its members are not */
	*truth = TAG_TRUE;
	for (int i = 0; i < node.count; i++)
	{
		at = match(at, set, &member);
		*truth = both(*truth, node.kind == TAG_OR ? negated(member) : member);
	}
	if (node.kind == TAG_EXACT)
		*truth = both(*truth, set->size < 0 ? TAG_MAYBE : set->size == node.count ? TAG_TRUE : TAG_FALSE);
	if (node.kind == TAG_OR || node.kind == TAG_NOT)
		*truth = negated(*truth);
	return at;
}

static TagTruth
both(TagTruth a, TagTruth b)
{
	if (a == TAG_FALSE || b == TAG_FALSE)
		return TAG_FALSE;
	return a == TAG_MAYBE || b == TAG_MAYBE ? TAG_MAYBE : TAG_TRUE;
}

static TagTruth
negated(TagTruth truth)
{
	return truth == TAG_MAYBE ? TAG_MAYBE : truth == TAG_TRUE ? TAG_FALSE : TAG_TRUE;
}
