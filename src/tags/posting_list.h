/*
 * posting_list.h
 *		The posts of a tag, or all posts, newest first, read piece by piece.
 *		Private to tags.
 */
#ifndef DDD_POSTING_LIST_H
#define DDD_POSTING_LIST_H

#include "tags/links.h"

/* The cursors that all lists of a search read through. */
typedef struct PostingReader
{
	IndexCursor links;			/* of ddd.post_tags, by tag */
	IndexCursor posts;			/* of ddd.posts, newest first */
	IndexCursor tags;			/* of ddd.post_tags, by post */
	bool		has_links;
	bool		has_posts;
	bool		has_tags;
} PostingReader;

typedef struct PostingList
{
	bool		all_posts;		/* of any tags */
	int64		tag_id;
	Place	   *places;			/* read and not passed yet */
	int			next;
	int			nread;
	int			room;
	bool		at_end;			/* nothing comes after those read */
} PostingList;

/* Opens a cursor; false where SPI must do it instead. Each may be asked for again. */
extern bool posting_open_links(PostingReader *reader);
extern bool posting_open_posts(PostingReader *reader);
extern bool posting_open_tags(PostingReader *reader);
extern void posting_close(PostingReader *reader);

/* The posts of a tag, or all where it is NULL. */
extern void posting_list_begin(PostingList *list, const int64 *tag_id, int room);

/*
 * Goes to the first place that does not come before "from", which never comes
 * before the one of an earlier call; false at the end.
 */
extern bool posting_list_seek(PostingReader *reader, PostingList *list, Place from, Place *found);

/* Tells whether a post has a tag. */
extern bool posting_probe(PostingReader *reader, int64 post_id, int64 tag_id);

/* Goes to the tags of a post, and reads the next in order; false at the end. Not after posting_probe(). */
extern void posting_tags_begin(PostingReader *reader, int64 post_id);
extern bool posting_tags_next(PostingReader *reader, int64 *tag_id);

#endif							/* DDD_POSTING_LIST_H */
