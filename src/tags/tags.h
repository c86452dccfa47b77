/*
 * tags.h
 *		The tags context: finding posts by tag.
 */
#ifndef DDD_TAGS_H
#define DDD_TAGS_H

/* Defines the counter of posts by tag. */
extern void tags_init(void);

#endif							/* DDD_TAGS_H */
