/*
 * tag_sizes.c
 *		About how many posts tags have: what a search is planned by.
 *
 * The counters know exactly, for look-ups in three tables. A plan needs the order
 * of magnitude, so a backend remembers a number for some seconds, as the planner
 * goes by the statistics of a while ago. What is out of date makes a search
 * slower, never wrong.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "tags/search.h"

/* Numbers remembered at the same time, each in its tag's place. */
#define REMEMBERED		1024
#define MAX_AGE_MS		10000

typedef struct TagSize
{
	int64		tag_id;
	int64		posts;
	TimestampTz read_at;		/* 0, which is long ago, before the first */
} TagSize;

static TagSize remembered[REMEMBERED];

static TagSize *place_of(int64 tag_id);
static bool is_known(TagSizes *sizes, int64 tag_id);
static bool look_up(TagSizes *sizes, const int64 *tag_ids, int n, double *posts);

bool
tag_sizes(TagSizes *sizes, const int64 *tag_ids, int n, double *posts)
{
	if (sizes->now == 0)
		sizes->now = GetCurrentTimestamp();
	for (int i = 0; i < n; i++)
	{
		/* all at once, since each look-up may be a statement */
		if (!is_known(sizes, tag_ids[i]))
			return look_up(sizes, tag_ids, n, posts);
		posts[i] = place_of(tag_ids[i])->posts;
	}
	return true;
}

void
tag_sizes_end(TagSizes *sizes)
{
	if (sizes->counter != NULL)
		counter_close(sizes->counter);
}

static TagSize *
place_of(int64 tag_id)
{
	return &remembered[(uint64) tag_id % REMEMBERED];
}

/* A clock that was set back makes nothing known. */
static bool
is_known(TagSizes *sizes, int64 tag_id)
{
	TagSize    *size = place_of(tag_id);

	return size->tag_id == tag_id && size->read_at <= sizes->now &&
		!TimestampDifferenceExceeds(size->read_at, sizes->now, MAX_AGE_MS);
}

static bool
look_up(TagSizes *sizes, const int64 *tag_ids, int n, double *posts)
{
	int64	   *numbers;

	if (!sizes->is_begun)
		sizes->counter = counter_open(&posts_by_tag_counter);
	sizes->is_begun = true;
	if (sizes->counter == NULL)
		return false;
	numbers = palloc_array(int64, n);
	counter_values(sizes->counter, tag_ids, n, numbers);
	for (int i = 0; i < n; i++)
	{
		*place_of(tag_ids[i]) = (TagSize) {tag_ids[i], numbers[i], sizes->now};
		posts[i] = numbers[i];
	}
	pfree(numbers);
	return true;
}
