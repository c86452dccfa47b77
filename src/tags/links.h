/*
 * links.h
 *		Tags by key, and the posts that they are linked to, newest first: what
 *		the listings by tag share. Private to tags.
 */
#ifndef DDD_LINKS_H
#define DDD_LINKS_H

#include "blog/blog.h"
#include "core/core.h"
#include "counters/counters.h"

/* The numbers of posts of tags. */
extern Counter posts_by_tag_counter;

/* A place in the order of a tag's posts: the later comes first, then the greater id. */
typedef struct Place
{
	int64		created_at;
	int64		post_id;
} Place;

/* The order of a tag's links, and what a page's keys are of it. */
#define LINK_KEYS 3
extern const IndexColumn link_order[LINK_KEYS];

/* Tells whether a place comes before another. */
static inline bool
place_before(Place a, Place b)
{
	return a.created_at != b.created_at ? a.created_at > b.created_at : a.post_id > b.post_id;
}

static inline bool
place_equal(Place a, Place b)
{
	return a.created_at == b.created_at && a.post_id == b.post_id;
}

/* Returns the place right after another. */
static inline Place
place_following(Place place)
{
	if (place.post_id > PG_INT64_MIN)
		place.post_id--;
	else if (place.created_at > PG_INT64_MIN)
		place = (Place) {place.created_at - 1, PG_INT64_MAX};
	return place;
}

/* Returns the place right before another. */
static inline Place
place_preceding(Place place)
{
	if (place.post_id < PG_INT64_MAX)
		place.post_id++;
	else if (place.created_at < PG_INT64_MAX)
		place = (Place) {place.created_at + 1, PG_INT64_MIN};
	return place;
}

/* tag_finder.c ------------------------------------------------------------- */

/* Tags being found by their keys, in one snapshot; to be filled with zeros before the first. */
typedef struct TagFinder
{
	bool		is_begun;
	bool		is_direct;		/* through the cursor; otherwise by SPI */
	IndexCursor tags;
	int			id;				/* columns */
	int			synonym_of;
} TagFinder;

/* Finds the tag that a key means, a synonym's as well; false where there is none. */
extern bool tag_find(TagFinder *finder, const char *key, int length, int64 *tag_id);
extern void tag_finder_end(TagFinder *finder);

/* The same for one key. */
extern bool tag_find_by_key(text *key, int64 *tag_id);

/* Puts tags in order, each once; returns how many are left. */
extern int	tag_ids_unique(int64 *tag_ids, int n);

/* Tells whether a tag is among those, which are in order. */
extern bool tag_ids_contain(const int64 *tag_ids, int n, int64 tag_id);

#endif							/* DDD_LINKS_H */
