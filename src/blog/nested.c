/*
 * nested.c
 *		A page whose rows have children, each row's as a JSON array of objects.
 *
 * The statement gives one flat row for each child, or one without a child; a
 * parent's rows follow each other, its children in their order. Building the
 * objects in SQL would serialise each twice and sort its keys again and again,
 * so the array is written here, straight in the format that utils/jsonb.h
 * describes: every object has the same keys, and begins with the same bytes
 * but for the lengths of its values. The result is the same to the byte as
 * what jsonb_agg(jsonb_build_object(...)) makes; a test holds it to that.
 *
 * Memory: one parent's row and one parent's array.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "blog/blog.h"
#include "core/core.h"

/* Of an object's entries (its keys', then its values') only the first holds an offset. */
#define MAX_FIELDS	(JB_OFFSET_STRIDE / 2)

/* A time as JSON has it; a row's times are often equal, or equal to the row's before. */
typedef struct EncodedTime
{
	TimestampTz value;
	int			len;			/* 0: none yet */
	char		text[MAXDATELEN + 1];
} EncodedTime;

/* Makes the rows of a statement into the rows of a page. */
typedef struct NestedReceiver
{
	DestReceiver pub;
	PageWriter	writer;
	const NestedField *fields;
	int			nfields;
	int			nparent;		/* columns of the parent, before the children's */
	bool		has_parent;		/* its columns are in the writer, its children below */
	int64		keys[PAGE_MAX_KEYS];	/* of the parent */
	StringInfoData prefix;		/* what every object begins with, up to its values */
	StringInfoData objects;
	StringInfoData entries;		/* the array's JEntry of each object */
	EncodedTime times[MAX_FIELDS];	/* the last one of each field */
} NestedReceiver;

static void make_prefix(NestedReceiver *receiver);
static void check_columns(DestReceiver *self, int operation, TupleDesc found);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static void begin_parent(NestedReceiver *receiver, TupleTableSlot *slot, const int64 *keys);
static void end_parent(NestedReceiver *receiver);
static void append_object(NestedReceiver *receiver, const Datum *values, const bool *nulls);
static JEntry append_text(NestedReceiver *receiver, Datum value);
static JEntry append_int64(NestedReceiver *receiver, int64 value);
static JEntry append_time(NestedReceiver *receiver, int field, TimestampTz value);
static JEntry append_string(NestedReceiver *receiver, const char *s, int len);
static int	pad(StringInfo buffer);
static void check_size(Size size);

void
nested_execute(ListPage *page, SpiPlan *plan, Datum *values, const char *nulls,
			   const NestedField *fields, int nfields, FunctionCallInfo fcinfo)
{
	NestedReceiver receiver = {.pub = *None_Receiver, .fields = fields, .nfields = nfields};

	Assert(nfields <= MAX_FIELDS);
	receiver.pub.rStartup = check_columns;
	receiver.pub.receiveSlot = receive_row;
	page_writer_begin(&receiver.writer, page, fcinfo);
	receiver.nparent = receiver.writer.desc->natts - 2;
	make_prefix(&receiver);
	initStringInfo(&receiver.objects);
	initStringInfo(&receiver.entries);

	plan_execute_to(plan, values, nulls, true, &receiver.pub);
	if (receiver.has_parent)
		end_parent(&receiver);
	page_writer_end(&receiver.writer);
}

/* Writes an object's header, the entries of its keys, room for those of its values, the keys. */
static void
make_prefix(NestedReceiver *receiver)
{
	uint32		header = receiver->nfields | JB_FOBJECT;
	JEntry		none = 0;

	initStringInfo(&receiver->prefix);
	appendBinaryStringInfo(&receiver->prefix, (char *) &header, sizeof(header));
	for (int i = 0; i < receiver->nfields; i++)
	{
		JEntry		entry = JENTRY_ISSTRING | strlen(receiver->fields[i].key);

		if (i == 0)
			entry |= JENTRY_HAS_OFF;
		appendBinaryStringInfo(&receiver->prefix, (char *) &entry, sizeof(entry));
	}
	for (int i = 0; i < receiver->nfields; i++)
		appendBinaryStringInfo(&receiver->prefix, (char *) &none, sizeof(none));
	for (int i = 0; i < receiver->nfields; i++)
		appendStringInfoString(&receiver->prefix, receiver->fields[i].key);
}

/* Checks that the statement gives the parent's columns, the children's, then the keys. */
static void
check_columns(DestReceiver *self, int operation, TupleDesc found)
{
	NestedReceiver *receiver = (NestedReceiver *) self;
	ListPage   *page = receiver->writer.page;
	int			nfixed = receiver->nparent + receiver->nfields;

	if (found->natts != nfixed + page->nkeys)
		elog(ERROR, "statement gives %d columns, %s() needs %d and %d keys",
			 found->natts, page->listing, nfixed, page->nkeys);
	check_row_type(found, receiver->writer.desc, receiver->nparent);
	check_column_type(receiver->writer.desc, receiver->nparent + 1, JSONBOID);
	for (int i = 0; i < receiver->nfields; i++)
		check_column_type(found, receiver->nparent + i + 1, receiver->fields[i].type);
	page_check_keys(page, found, nfixed + 1);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	NestedReceiver *receiver = (NestedReceiver *) self;
	int			nkeys = receiver->writer.page->nkeys;
	int			first = receiver->nparent;
	int64		keys[PAGE_MAX_KEYS];

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	for (int k = 0; k < nkeys; k++)
		keys[k] = DatumGetInt64(slot->tts_values[first + receiver->nfields + k]);

	if (!receiver->has_parent || memcmp(keys, receiver->keys, sizeof(int64) * nkeys) != 0)
	{
		if (receiver->has_parent)
			end_parent(receiver);
		begin_parent(receiver, slot, keys);
	}
	/* the first field is the child's id */
	if (!slot->tts_isnull[first])
		append_object(receiver, slot->tts_values + first, slot->tts_isnull + first);
	return true;
}

/* Copies the parent's columns: they are written when its last child is known. */
static void
begin_parent(NestedReceiver *receiver, TupleTableSlot *slot, const int64 *keys)
{
	PageWriter *writer = &receiver->writer;
	MemoryContext context = MemoryContextSwitchTo(writer->row_context);

	for (int i = 0; i < receiver->nparent; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, i);

		writer->nulls[i] = slot->tts_isnull[i];
		if (!slot->tts_isnull[i])
			writer->values[i] = datumCopy(slot->tts_values[i], attribute->attbyval, attribute->attlen);
	}
	MemoryContextSwitchTo(context);
	memcpy(receiver->keys, keys, sizeof(receiver->keys));
	resetStringInfo(&receiver->objects);
	resetStringInfo(&receiver->entries);
	receiver->has_parent = true;
}

/* Writes the parent's row with the array of its children. */
static void
end_parent(NestedReceiver *receiver)
{
	PageWriter *writer = &receiver->writer;
	StringInfo	entries = &receiver->entries;
	StringInfo	objects = &receiver->objects;
	Size		size = sizeof(uint32) + entries->len + objects->len;
	Jsonb	   *array;

	check_size(size);
	array = MemoryContextAlloc(writer->row_context, VARHDRSZ + size);
	SET_VARSIZE(array, VARHDRSZ + size);
	array->root.header = (entries->len / sizeof(JEntry)) | JB_FARRAY;
	memcpy(array->root.children, entries->data, entries->len);
	memcpy((char *) array->root.children + entries->len, objects->data, objects->len);

	writer->values[receiver->nparent] = JsonbPGetDatum(array);
	page_write(writer, receiver->keys);
	receiver->has_parent = false;
}

/* Appends a child: padding, the prefix with the lengths of its values, the values. */
static void
append_object(NestedReceiver *receiver, const Datum *values, const bool *nulls)
{
	StringInfo	objects = &receiver->objects;
	int			begin = objects->len;
	int			value_entries;
	JEntry		entry;

	pad(objects);
	value_entries = objects->len + sizeof(uint32) + sizeof(JEntry) * receiver->nfields;
	appendBinaryStringInfo(objects, receiver->prefix.data, receiver->prefix.len);
	for (int i = 0; i < receiver->nfields; i++)
	{
		if (nulls[i])
			entry = JENTRY_ISNULL;
		else if (receiver->fields[i].type == INT8OID)
			entry = append_int64(receiver, DatumGetInt64(values[i]));
		else if (receiver->fields[i].type == TIMESTAMPTZOID)
			entry = append_time(receiver, i, DatumGetTimestampTz(values[i]));
		else
			entry = append_text(receiver, values[i]);
		((JEntry *) (objects->data + value_entries))[i] = entry;
	}
	check_size(objects->len);

	/* now and then an offset instead of a length, so that no reader adds up all lengths */
	if (receiver->entries.len / sizeof(JEntry) % JB_OFFSET_STRIDE == 0)
		entry = JENTRY_ISCONTAINER | JENTRY_HAS_OFF | objects->len;
	else
		entry = JENTRY_ISCONTAINER | (objects->len - begin);
	appendBinaryStringInfo(&receiver->entries, (char *) &entry, sizeof(entry));
}

static JEntry
append_text(NestedReceiver *receiver, Datum value)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);
	struct varlena *plain = pg_detoast_datum_packed(stored);
	JEntry		entry = append_string(receiver, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));

	if (plain != stored)
		pfree(plain);
	return entry;
}

static JEntry
append_int64(NestedReceiver *receiver, int64 value)
{
	Numeric		number = int64_to_numeric(value);
	int			len = VARSIZE(number);
	int			padding = pad(&receiver->objects);

	appendBinaryStringInfo(&receiver->objects, (char *) number, len);
	pfree(number);
	return JENTRY_ISNUMERIC | (padding + len);
}

static JEntry
append_time(NestedReceiver *receiver, int field, TimestampTz value)
{
	EncodedTime *time = &receiver->times[field];

	for (int i = 0; i < receiver->nfields; i++)
	{
		if (receiver->times[i].len > 0 && receiver->times[i].value == value)
			return append_string(receiver, receiver->times[i].text, receiver->times[i].len);
	}
	JsonEncodeDateTime(time->text, TimestampTzGetDatum(value), TIMESTAMPTZOID, NULL);
	time->value = value;
	time->len = strlen(time->text);
	return append_string(receiver, time->text, time->len);
}

static JEntry
append_string(NestedReceiver *receiver, const char *s, int len)
{
	check_size((Size) receiver->objects.len + len);
	appendBinaryStringInfo(&receiver->objects, s, len);
	return JENTRY_ISSTRING | len;
}

/* Appends zeros up to the next multiple of 4 and returns how many. */
static int
pad(StringInfo buffer)
{
	static const char zeros[sizeof(int32)] = {0};
	int			padding = INTALIGN(buffer->len) - buffer->len;

	appendBinaryStringInfo(buffer, zeros, padding);
	return padding;
}

static void
check_size(Size size)
{
	if (size > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb array elements exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));
}
