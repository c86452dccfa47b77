/*
 * tag_sizes.c
 *		About how many posts tags have: what a search is planned by.
 *
 * The counters know exactly, for a look-up in four tables. A plan needs the
 * order of magnitude, so a backend remembers a number for some searches, as the
 * planner goes by the statistics of a while ago. What is out of date makes a
 * search slower, never wrong.
 */
#include "postgres.h"

#include "tags/search.h"

/* Numbers remembered at the same time, each in its tag's place. */
#define REMEMBERED		1024

/* So often is a number used before it is looked up again. */
#define MAX_USES		100

typedef struct TagSize
{
	int64		tag_id;
	int64		posts;
	int			uses;			/* left */
} TagSize;

static TagSize remembered[REMEMBERED];

static bool look_up(TagSizes *sizes, int64 tag_id, TagSize *size);

bool
tag_size(TagSizes *sizes, int64 tag_id, double *posts)
{
	TagSize    *size = &remembered[(uint64) tag_id % REMEMBERED];

	if ((size->tag_id != tag_id || size->uses == 0) && !look_up(sizes, tag_id, size))
		return false;
	size->uses--;
	*posts = size->posts;
	return true;
}

void
tag_sizes_end(TagSizes *sizes)
{
	if (sizes->counter != NULL)
		counter_close(sizes->counter);
}

static bool
look_up(TagSizes *sizes, int64 tag_id, TagSize *size)
{
	int64		posts;

	if (!sizes->is_begun)
		sizes->counter = counter_open(&posts_by_tag_counter);
	sizes->is_begun = true;
	if (sizes->counter == NULL)
		return false;
	counter_values(sizes->counter, &tag_id, 1, &posts);
	*size = (TagSize) {tag_id, posts, MAX_USES};
	return true;
}
