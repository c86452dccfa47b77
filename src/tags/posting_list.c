/*
 * posting_list.c
 *		Walking the posts of a tag, of many tags at once, or of none.
 *
 * A list has no scan of its own: all lists of a search read through the same
 * few cursors, a piece at a time, from the index alone. So a thousand lists
 * take the memory of their pieces, and what is read ahead is stepped over in an
 * array. A descent of the tree reads the rest of a leaf in any case: pieces
 * begin small, for a page that is soon full, and grow to a leaf's entries.
 *
 * All read the active snapshot.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "tags/posting_list.h"

#define MAX_ROOM	256

static const IndexColumn post_order[] = {
	{"created_at", TIMESTAMPTZOID, true},
	{"id", INT8OID, true},
};
#define TAG_KEYS	2
static const IndexColumn tag_order[TAG_KEYS] = {
	{"post_id", INT8OID, false},
	{"tag_id", INT8OID, false},
};

static void seek_tags(PostingReader *reader, int64 post_id, StrategyNumber strategy, RegProcedure compare,
					  int64 tag_id);
static bool open_once(IndexCursor *cursor, bool *has, const char *table,
					  const IndexColumn *columns, int ncolumns);
static void read_piece(PostingReader *reader, PostingList *list, Place from);
static int	first_not_before(const PostingList *list, Place from);

bool
posting_open_links(PostingReader *reader)
{
	return open_once(&reader->links, &reader->has_links, "post_tags", link_order, LINK_KEYS);
}

bool
posting_open_posts(PostingReader *reader)
{
	return open_once(&reader->posts, &reader->has_posts, "posts", post_order, lengthof(post_order));
}

bool
posting_open_tags(PostingReader *reader)
{
	return open_once(&reader->tags, &reader->has_tags, "post_tags", tag_order, TAG_KEYS);
}

void
posting_close(PostingReader *reader)
{
	if (reader->has_links)
		index_cursor_close(&reader->links);
	if (reader->has_posts)
		index_cursor_close(&reader->posts);
	if (reader->has_tags)
		index_cursor_close(&reader->tags);
}

void
posting_list_begin(PostingList *list, const int64 *tag_id, int room)
{
	memset(list, 0, sizeof(PostingList));
	list->all_posts = tag_id == NULL;
	if (tag_id != NULL)
		list->tag_id = *tag_id;
	list->room = room;
	list->places = palloc_array(Place, room);
}

bool
posting_list_seek(PostingReader *reader, PostingList *list, Place from, Place *found)
{
	list->next = first_not_before(list, from);
	if (list->next == list->nread)
	{
		if (list->at_end)
			return false;
		read_piece(reader, list, from);
		if (list->nread == 0)
			return false;
	}
	*found = list->places[list->next];
	return true;
}

bool
posting_probe(PostingReader *reader, int64 post_id, int64 tag_id)
{
	Datum		values[TAG_KEYS];

	seek_tags(reader, post_id, BTEqualStrategyNumber, F_INT8EQ, tag_id);
	return index_cursor_next_keys(&reader->tags, values, TAG_KEYS);
}

void
posting_tags_begin(PostingReader *reader, int64 post_id)
{
	seek_tags(reader, post_id, BTGreaterEqualStrategyNumber, F_INT8GE, PG_INT64_MIN);
}

bool
posting_tags_next(PostingReader *reader, int64 *tag_id)
{
	Datum		values[TAG_KEYS];

	if (!index_cursor_next_keys(&reader->tags, values, TAG_KEYS))
		return false;
	*tag_id = DatumGetInt64(values[1]);
	return true;
}

/* Goes to those tags of a post that compare so; a cursor has the same number of keys each time. */
static void
seek_tags(PostingReader *reader, int64 post_id, StrategyNumber strategy, RegProcedure compare, int64 tag_id)
{
	ScanKeyData keys[TAG_KEYS];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(post_id));
	ScanKeyInit(&keys[1], 2, strategy, compare, Int64GetDatum(tag_id));
	index_cursor_seek(&reader->tags, keys, TAG_KEYS);
}

static bool
open_once(IndexCursor *cursor, bool *has, const char *table,
		  const IndexColumn *columns, int ncolumns)
{
	if (!*has)
		*has = index_cursor_open(cursor, table, columns, ncolumns, true);
	return *has;
}

/* Reads the places from one on, as many as there is room for. */
static void
read_piece(PostingReader *reader, PostingList *list, Place from)
{
	IndexCursor *cursor = list->all_posts ? &reader->posts : &reader->links;
	int			first = list->all_posts ? 0 : 1;
	Place		before = place_preceding(from);
	ScanKeyData keys[2];
	ScanKeyData members[2];
	Datum		values[LINK_KEYS];

	/* the second piece and those after it */
	if (list->nread > 0 && list->room < MAX_ROOM)
	{
		list->room *= 2;
		list->places = repalloc_array(list->places, Place, list->room);
	}
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(list->tag_id));
	index_cursor_before(&keys[first], members, list->all_posts ? post_order : link_order, first, 2,
						(int64[]) {before.created_at, before.post_id});
	index_cursor_seek(cursor, keys, first + 1);
	list->next = list->nread = 0;
	while (list->nread < list->room && index_cursor_next_keys(cursor, values, first + 2))
		list->places[list->nread++] =
			(Place) {DatumGetTimestampTz(values[first]), DatumGetInt64(values[first + 1])};
	list->at_end = list->nread < list->room;
}

/* Finds a place among those read, by steps that double and then by bisection. */
static int
first_not_before(const PostingList *list, Place from)
{
	int			low = list->next;
	int			high = low;

	for (int step = 1; high < list->nread && place_before(list->places[high], from); step *= 2)
	{
		low = high + 1;
		high += step;
	}
	high = Min(high, list->nread);
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (place_before(list->places[middle], from))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
