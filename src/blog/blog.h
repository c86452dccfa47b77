/*
 * blog.h
 *		The blog context: posts, comments, and which post has which tag.
 */
#ifndef DDD_BLOG_H
#define DDD_BLOG_H

#include "core/core.h"

/* The columns of ddd.post_info, in its order, of a table or alias p. */
#define POST_COLUMNS \
	"p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at"

/* The columns of ddd.comment_info, in its order, of a table or alias c. */
#define COMMENT_COLUMNS \
	"c.id, c.content, c.post_id, c.author_id, c.parent_id, c.created_at, c.updated_at"

/* Keys that stand before the newest row of any listing by (created_at, id) DESC. */
#define NEWEST_FIRST {PG_INT64_MAX, PG_INT64_MAX}

/* nested.c ----------------------------------------------------------------- */

/* A value of every child's object: a bigint, timestamptz or text. */
typedef struct NestedField
{
	const char *key;
	Oid			type;
} NestedField;

/*
 * Runs a statement of a page whose rows have children. Its columns are those
 * of the result up to the jsonb array, then the children's fields (all NULL
 * for a parent without any), then the keys. The first field is never NULL;
 * the fields are in jsonb's order of keys: by length, then bytes.
 */
extern void nested_execute(ListPage *page, SpiPlan *plan, Datum *values, const char *nulls,
						   const NestedField *fields, int nfields, FunctionCallInfo fcinfo);

/* Defines ddd.max_tags_per_post and ddd.max_comment_depth. */
extern void blog_init(void);

#endif							/* DDD_BLOG_H */
