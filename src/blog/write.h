/*
 * write.h
 *		Writing tag links, shared by posts and tags; private to blog.
 */
#ifndef DDD_BLOG_WRITE_H
#define DDD_BLOG_WRITE_H

#include "core/core.h"

/* Defines ddd.max_tags_per_post. */
extern void post_tags_init(void);

/* Defines ddd.max_comment_depth. */
extern void comments_init(void);

/* Names of tags, each once, in the order of their keys. */
typedef struct TagNames
{
	int			count;
	Datum		names;			/* text[] */
	Datum		keys;			/* text[] */
} TagNames;

/* Reads an array of tag names: trimmed and checked. */
extern TagNames post_tags_read(FunctionCallInfo fcinfo, int argno);

/* Creates the tags that do not exist and links the post to all of them. */
extern void post_tags_add(int64 post_id, const TagNames *tags);

#endif							/* DDD_BLOG_WRITE_H */
