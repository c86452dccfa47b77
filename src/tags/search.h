/*
 * search.h
 *		A tag query about the posts that there are. Private to tags.
 */
#ifndef DDD_SEARCH_H
#define DDD_SEARCH_H

#include "tags/posting_list.h"
#include "tags/query.h"

/* A node of a query, with the tags that its names mean. */
typedef struct SearchNode
{
	TagNodeKind kind;
	int			nmembers;		/* of NOT, AND, OR */
	struct SearchNode *members;
	int			ntags;			/* of NAME one, of PREFIX and EXACT any number */
	int64	   *tags;			/* in order, each once */

	/* what a walk knows, see search_walk.c */
	double		size;			/* about how many posts; HUGE_VAL where nobody knows */
	int64		rarest;			/* of the tags, one with the fewest posts */
	PostingList *lists;			/* of the tags, or one */
	struct SearchNode *driver;	/* the member that an AND follows; NULL for all posts */
	bool		probes;			/* asked about a post by looking it up, not by walking there */
	bool		merges;			/* a PREFIX that merges its tags' lists, instead of looking at all posts */
	struct binaryheap *heap;	/* of the lists, by the place they are at */
	bool		started;
	bool		ended;
	Place		at;				/* the first place that is not before any asked for, once started */
} SearchNode;

/*
 * search_resolve.c: finds out which tags are meant. What no post has, an unknown
 * name for one, is an OR of nothing.
 */
extern void search_resolve(TagBytes query, SearchNode *root);
extern bool search_is_never(const SearchNode *node);

/* tag_sizes.c: numbers of posts to plan by; to be filled with zeros before the first. */
typedef struct TagSizes
{
	TimestampTz now;			/* 0 before the first */
	bool		is_begun;
	CounterReader *counter;		/* NULL before the first look-up, and where none is possible */
} TagSizes;

/* About how many posts each of the tags has; false where nobody knows. */
extern bool tag_sizes(TagSizes *sizes, const int64 *tag_ids, int n, double *posts);
extern void tag_sizes_end(TagSizes *sizes);

/*
 * search_walk.c: writes a page through index cursors; false, and nothing is
 * written, where SPI must do it instead.
 */
extern bool search_walk(SearchNode *root, ListPage *page, FunctionCallInfo fcinfo);

/* search_spi.c: the same by statements. */
extern void search_by_spi(SearchNode *root, ListPage *page, FunctionCallInfo fcinfo);

#endif							/* DDD_SEARCH_H */
