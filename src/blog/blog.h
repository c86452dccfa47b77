/*
 * blog.h
 *		The blog context: posts, comments, and which post has which tag.
 */
#ifndef DDD_BLOG_H
#define DDD_BLOG_H

/* The columns of ddd.post_info, in its order, of a table or alias p. */
#define POST_COLUMNS \
	"p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at"

/* The columns of ddd.comment_info, in its order, of a table or alias c. */
#define COMMENT_COLUMNS \
	"c.id, c.content, c.post_id, c.author_id, c.parent_id, c.created_at, c.updated_at"

/* Keys that stand before the newest row of any listing by (created_at, id) DESC. */
#define NEWEST_FIRST {PG_INT64_MAX, PG_INT64_MAX}

/* Defines ddd.max_tags_per_post and ddd.max_comment_depth. */
extern void blog_init(void);

#endif							/* DDD_BLOG_H */
