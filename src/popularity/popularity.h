/*
 * popularity.h
 *		The popularity context: which posts are talked about.
 */
#ifndef DDD_POPULARITY_H
#define DDD_POPULARITY_H

/* Defines the counter of comments by post. */
extern void popularity_init(void);

#endif							/* DDD_POPULARITY_H */
