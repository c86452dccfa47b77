/*
 * post_reader.c
 *		Reading posts by id into the rows of a page, without the executor.
 *
 * For the pages whose posts another index names: a row is found by the primary
 * key and its columns by name. See core/index_cursor.c for where this is not
 * possible; a statement that joins ddd.posts does the same there.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"

#include "blog/blog.h"

static const IndexColumn post_key[] = {{"id", INT8OID, false}};

/* The columns of ddd.post_info. */
static const struct
{
	const char *name;
	Oid			type;
}			columns[POST_NCOLUMNS] = {
	{"id", INT8OID},
	{"title", TEXTOID},
	{"content", TEXTOID},
	{"author_id", INT8OID},
	{"created_at", TIMESTAMPTZOID},
	{"updated_at", TIMESTAMPTZOID},
};

bool
post_reader_open(PostReader *reader)
{
	if (!index_cursor_open(&reader->posts, "posts", post_key, lengthof(post_key), false))
		return false;
	reader->last = 0;
	for (size_t i = 0; i < lengthof(columns); i++)
	{
		reader->numbers[i] = index_cursor_column(&reader->posts, columns[i].name, columns[i].type);
		if (reader->numbers[i] == 0)
		{
			index_cursor_close(&reader->posts);
			return false;
		}
		reader->last = Max(reader->last, reader->numbers[i]);
	}
	return true;
}

bool
post_reader_read(PostReader *reader, int64 post_id, PageWriter *writer)
{
	TupleTableSlot *slot = reader->posts.slot;
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(post_id));
	index_cursor_seek(&reader->posts, &key, 1);
	if (!index_cursor_next_row(&reader->posts))
		return false;
	slot_getsomeattrs(slot, reader->last);
	for (size_t i = 0; i < lengthof(columns); i++)
	{
		writer->values[i] = slot->tts_values[reader->numbers[i] - 1];
		writer->nulls[i] = slot->tts_isnull[reader->numbers[i] - 1];
	}
	return true;
}

void
post_reader_rest(PostReader *reader)
{
	index_cursor_rest(&reader->posts);
}

void
post_reader_close(PostReader *reader)
{
	index_cursor_close(&reader->posts);
}
