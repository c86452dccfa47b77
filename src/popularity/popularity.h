/*
 * popularity.h
 *		The popularity context: which posts are talked about. Private to it.
 */
#ifndef DDD_POPULARITY_H
#define DDD_POPULARITY_H

#include "core/core.h"
#include "counters/counters.h"

/* A listing of posts whose order is a ranking of them by some first key, created_at and id. */
typedef struct RankedPosts
{
	ListPage   *page;
	CounterReader *comments;
	int64		least;			/* first key */
	float8		gravity;

	/* Fills the ranking; false where the comments had better be counted. */
	bool		(*rank) (struct RankedPosts *posts, Ranking *ranking);

	/* Sets the result's columns after those of the post. */
	void		(*fill) (struct RankedPosts *posts, const Rank *rank, Datum *values);
} RankedPosts;

/*
 * Writes the rest of a page, as far as there are such posts. What is still
 * wanted then is in page->first, after page->keys. Returns false where the
 * comments had better be counted for that.
 */
extern bool ranked_posts_write(RankedPosts *posts, FunctionCallInfo fcinfo);

/*
 * Ranks posts by the number of comments since the moment in page->keys[3],
 * which is finite.
 */
extern bool rank_in_window(RankedPosts *posts, Ranking *ranking);

#endif							/* DDD_POPULARITY_H */
