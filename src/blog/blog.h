/*
 * blog.h
 *		The blog context: posts, comments, and which post has which tag.
 */
#ifndef DDD_BLOG_H
#define DDD_BLOG_H

#include "core/core.h"
#include "counters/counters.h"

/* The columns of ddd.post_info, in its order, of a table or alias p. */
#define POST_COLUMNS \
	"p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at"

/* The columns of ddd.comment_info, in its order, of a table or alias c. */
#define COMMENT_COLUMNS \
	"c.id, c.content, c.post_id, c.author_id, c.parent_id, c.created_at, c.updated_at"

/* Keys that stand before the newest row of any listing by (created_at, id) DESC. */
#define NEWEST_FIRST {PG_INT64_MAX, PG_INT64_MAX}

/* comments.c --------------------------------------------------------------- */

/* The numbers of comments of posts. */
extern Counter comments_by_post;

/* post_reader.c ------------------------------------------------------------ */

#define POST_NCOLUMNS	6

/* Posts being read by id. */
typedef struct PostReader
{
	IndexCursor posts;
	int			numbers[POST_NCOLUMNS]; /* of the columns, in the table as it is now */
	int			last;			/* the largest of them */
} PostReader;

/* Returns false where SPI must do it instead. */
extern bool post_reader_open(PostReader *reader);

/*
 * Reads a post into the writer's first columns, those of ddd.post_info; they
 * are good until the next one. Returns false where there is no such post.
 */
extern bool post_reader_read(PostReader *reader, int64 post_id, PageWriter *writer);

/* Gives back the memory of a scan until the next post. */
extern void post_reader_rest(PostReader *reader);
extern void post_reader_close(PostReader *reader);

/* post_tags.c -------------------------------------------------------------- */

/*
 * Returns the name of a tag, trimmed; raises 22001 or 22023 for what cannot be
 * one. "element" is its number in an array argument, from 1; else 0.
 */
extern text *tag_name_checked(text *name, const char *argument, int element);

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
