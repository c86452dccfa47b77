/*
 * tag_query.h
 *		Values of type ddd.tag_query; private to tags.
 */
#ifndef DDD_TAG_QUERY_H
#define DDD_TAG_QUERY_H

#include "tags/query.h"

/* Returns the query of a value, in its memory or in a detoasted copy. */
extern TagBytes tag_query_bytes(Datum value);

#endif							/* DDD_TAG_QUERY_H */
