/*
 * cursor.c
 *		Keyset pages: limits, opaque cursors, rows with their cursors.
 *
 * A cursor is base64url (no padding) of
 *		1 byte   format, 1
 *		4 bytes  CRC-32C over the listing's name, its filters and the keys
 *		8 bytes  each key, big-endian
 *		the rest the key of a listing in the order of a text, which has no other
 * so that one which was truncated, altered, or made by another listing or
 * with other filters is refused. It is a check against mistakes, not a secret:
 * whoever forges one only chooses where his own page starts.
 *
 * Keys are 64-bit: bigint, or timestamptz in microseconds.
 */
#include "postgres.h"

#include <limits.h>
#include <sodium.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/core.h"

#define DEFAULT_MAX_PAGE_SIZE	1000
#define DEFAULT_MAX_SKIP		10000

#define CURSOR_FORMAT	1
#define CURSOR_HEADER	(1 + sizeof(uint32))
#define CURSOR_MAX		(CURSOR_HEADER + Max(PAGE_MAX_KEYS * sizeof(int64), PAGE_MAX_TEXT_KEY))

static int	max_page_size = DEFAULT_MAX_PAGE_SIZE;
static int	max_skip = DEFAULT_MAX_SKIP;

/* Hands the rows of a page's statement to the page's writer. */
typedef struct PageReceiver
{
	DestReceiver pub;
	PageWriter	writer;
} PageReceiver;

static void check_columns(DestReceiver *self, int operation, TupleDesc found);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static text *cursor_encode(ListPage *page, const int64 *keys, text *text_key);
static int	base64url_encode(const unsigned char *bytes, size_t len, char *encoded);
static bool cursor_decode(ListPage *page, text *cursor);
static pg_crc32c cursor_checksum(ListPage *page, const int64 *keys, text *text_key);
static void refuse_cursor(ListPage *page);
static void write_row(PageWriter *writer, const int64 *keys, text *text_key);

void
cursor_init(void)
{
	DefineCustomIntVariable("ddd.max_page_size",
							"Sets the largest page that a listing returns.",
							"A larger \"first\" is an error.",
							&max_page_size, DEFAULT_MAX_PAGE_SIZE, 1, 1000000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.max_skip",
							"Sets how many rows a listing skips at most.",
							"A larger \"skip\" is an error; cursors go further at no cost.",
							&max_skip, DEFAULT_MAX_SKIP, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

void
page_begin(ListPage *page, const char *listing)
{
	memset(page, 0, sizeof(ListPage));
	page->listing = listing;
	INIT_CRC32C(page->filter);
	COMP_CRC32C(page->filter, listing, strlen(listing) + 1);
}

void
page_filter(ListPage *page, const void *value, size_t len)
{
	COMP_CRC32C(page->filter, value, len);
}

void
page_filter_text(ListPage *page, text *value)
{
	page_filter(page, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

void
page_limits(ListPage *page, FunctionCallInfo fcinfo, int first_arg, int skip_arg)
{
	arg_required(fcinfo, first_arg, "first");
	page->first = PG_GETARG_INT32(first_arg);
	if (page->first < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("\"first\" must not be negative")));
	check_page_size(page->first, "\"first\"");

	if (skip_arg < 0)
		return;
	arg_required(fcinfo, skip_arg, "skip");
	page->skip = PG_GETARG_INT32(skip_arg);
	if (page->skip < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE),
				 errmsg("\"skip\" must not be negative")));
	if (page->skip > max_skip)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"skip\" must not be above %d", max_skip),
				 errhint("Go on from a cursor instead, or raise ddd.max_skip.")));
}

void
check_page_size(int64 count, const char *what)
{
	if (count > max_page_size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be above %d", what, max_page_size),
				 errhint("Take several pages, or raise ddd.max_page_size.")));
}

void
page_after(ListPage *page, FunctionCallInfo fcinfo, int after_arg, int nkeys, const int64 *start)
{
	text	   *cursor = arg_text_or_null(fcinfo, after_arg);

	Assert(nkeys <= PAGE_MAX_KEYS);
	page->nkeys = nkeys;
	if (cursor == NULL)
		memcpy(page->keys, start, sizeof(int64) * nkeys);
	else if (!cursor_decode(page, cursor))
		refuse_cursor(page);
}

void
page_after_text(ListPage *page, FunctionCallInfo fcinfo, int after_arg)
{
	text	   *cursor = arg_text_or_null(fcinfo, after_arg);

	page->text_key = cstring_to_text("");
	if (cursor != NULL && !cursor_decode(page, cursor))
		refuse_cursor(page);
}

static void
refuse_cursor(ListPage *page)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"after\" is not a cursor of this listing"),
			 errhint("Pass the \"cursor\" of a row that ddd.%s() returned for the same arguments.",
					 page->listing)));
}

void
page_result(FunctionCallInfo fcinfo)
{
	if (((ReturnSetInfo *) fcinfo->resultinfo)->setResult == NULL)
		InitMaterializedSRF(fcinfo, 0);
}

void
page_writer_begin(PageWriter *writer, ListPage *page, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	page_result(fcinfo);
	writer->page = page;
	writer->rows = rsinfo->setResult;
	writer->desc = rsinfo->setDesc;
	writer->values = palloc(sizeof(Datum) * writer->desc->natts);
	writer->nulls = palloc0(sizeof(bool) * writer->desc->natts);
	writer->row_context = AllocSetContextCreate(CurrentMemoryContext, "ddd page row", ALLOCSET_SMALL_SIZES);
}

void
page_write(PageWriter *writer, const int64 *keys)
{
	write_row(writer, keys, NULL);
}

void
page_write_text(PageWriter *writer, text *text_key)
{
	write_row(writer, NULL, text_key);
}

static void
write_row(PageWriter *writer, const int64 *keys, text *text_key)
{
	int			last = writer->desc->natts - 1;
	MemoryContext context = MemoryContextSwitchTo(writer->row_context);

	writer->values[last] = PointerGetDatum(cursor_encode(writer->page, keys, text_key));
	tuplestore_putvalues(writer->rows, writer->desc, writer->values, writer->nulls);
	MemoryContextSwitchTo(context);
	MemoryContextReset(writer->row_context);
}

void
page_check_keys(ListPage *page, TupleDesc found, int first)
{
	for (int k = first; k < first + page->nkeys; k++)
	{
		if (getBaseType(SPI_gettypeid(found, k)) != INT8OID)
			check_column_type(found, k, TIMESTAMPTZOID);
	}
}

void
page_writer_end(PageWriter *writer)
{
	MemoryContextDelete(writer->row_context);
}

uint64
page_execute(ListPage *page, SpiPlan *plan, Datum *values, const char *nulls, FunctionCallInfo fcinfo)
{
	PageReceiver receiver = {.pub = *None_Receiver};

	receiver.pub.rStartup = check_columns;
	receiver.pub.receiveSlot = receive_row;
	page_writer_begin(&receiver.writer, page, fcinfo);
	plan_execute_to(plan, values, nulls, true, &receiver.pub);
	page_writer_end(&receiver.writer);
	return SPI_processed;
}

/* Checks that the statement gives the columns of the result, then the keys. */
static void
check_columns(DestReceiver *self, int operation, TupleDesc found)
{
	PageWriter *writer = &((PageReceiver *) self)->writer;
	int			nresult = writer->desc->natts;

	if (found->natts != nresult - 1 + writer->page->nkeys)
		elog(ERROR, "statement gives %d columns, %s() needs %d and %d keys",
			 found->natts, writer->page->listing, nresult - 1, writer->page->nkeys);
	check_row_type(found, writer->desc, nresult - 1);
	page_check_keys(writer->page, found, nresult);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	PageWriter *writer = &((PageReceiver *) self)->writer;
	int			last = writer->desc->natts - 1;
	int64		keys[PAGE_MAX_KEYS];

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	memcpy(writer->values, slot->tts_values, sizeof(Datum) * last);
	memcpy(writer->nulls, slot->tts_isnull, sizeof(bool) * last);
	for (int k = 0; k < writer->page->nkeys; k++)
		keys[k] = DatumGetInt64(slot->tts_values[last + k]);
	page_write(writer, keys);
	return true;
}

static text *
cursor_encode(ListPage *page, const int64 *keys, text *text_key)
{
	int			text_length = text_key == NULL ? 0 : VARSIZE_ANY_EXHDR(text_key);
	size_t		size = CURSOR_HEADER + sizeof(int64) * page->nkeys + text_length;
	unsigned char *bytes = palloc(size);
	text	   *cursor = palloc(VARHDRSZ + (size + 2) / 3 * 4);
	uint32		checksum = pg_hton32(cursor_checksum(page, keys, text_key));
	size_t		len = CURSOR_HEADER;

	bytes[0] = CURSOR_FORMAT;
	memcpy(bytes + 1, &checksum, sizeof(checksum));
	for (int k = 0; k < page->nkeys; k++)
	{
		uint64		key = pg_hton64((uint64) keys[k]);

		memcpy(bytes + len, &key, sizeof(key));
		len += sizeof(key);
	}
	if (text_length > 0)
		memcpy(bytes + len, VARDATA_ANY(text_key), text_length);

	SET_VARSIZE(cursor, VARHDRSZ + base64url_encode(bytes, size, VARDATA(cursor)));
	return cursor;
}

/*
 * Encodes without padding and returns the length. libsodium's encoder takes the
 * time it takes for secrets, which a cursor is not: a twentieth of a page.
 */
static int
base64url_encode(const unsigned char *bytes, size_t len, char *encoded)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char	   *at = encoded;

	for (; len >= 3; bytes += 3, len -= 3)
	{
		*at++ = digits[bytes[0] >> 2];
		*at++ = digits[(bytes[0] << 4 | bytes[1] >> 4) & 63];
		*at++ = digits[(bytes[1] << 2 | bytes[2] >> 6) & 63];
		*at++ = digits[bytes[2] & 63];
	}
	if (len > 0)
	{
		uint32		rest = bytes[0] << 8 | (len > 1 ? bytes[1] : 0);

		*at++ = digits[rest >> 10];
		*at++ = digits[rest >> 4 & 63];
		if (len > 1)
			*at++ = digits[rest << 2 & 63];
	}
	return at - encoded;
}

/* Reads the keys of a page from a cursor; false if it is none of this listing. */
static bool
cursor_decode(ListPage *page, text *cursor)
{
	unsigned char bytes[CURSOR_MAX];
	size_t		keys_size = CURSOR_HEADER + sizeof(int64) * page->nkeys;
	size_t		len;
	uint32		checksum;

	if (sodium_base642bin(bytes, sizeof(bytes),
						  VARDATA_ANY(cursor), VARSIZE_ANY_EXHDR(cursor),
						  NULL, &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	if (len < keys_size || (len > keys_size && page->text_key == NULL) || bytes[0] != CURSOR_FORMAT)
		return false;

	memcpy(&checksum, bytes + 1, sizeof(checksum));
	for (int k = 0; k < page->nkeys; k++)
	{
		uint64		key;

		memcpy(&key, bytes + CURSOR_HEADER + sizeof(key) * k, sizeof(key));
		page->keys[k] = (int64) pg_ntoh64(key);
	}
	if (page->text_key != NULL)
		page->text_key = cstring_to_text_with_len((char *) bytes + keys_size, len - keys_size);
	return pg_ntoh32(checksum) == cursor_checksum(page, page->keys, page->text_key);
}

static pg_crc32c
cursor_checksum(ListPage *page, const int64 *keys, text *text_key)
{
	pg_crc32c	crc = page->filter;

	COMP_CRC32C(crc, keys, sizeof(int64) * page->nkeys);
	if (text_key != NULL)
		COMP_CRC32C(crc, VARDATA_ANY(text_key), VARSIZE_ANY_EXHDR(text_key));
	FIN_CRC32C(crc);
	return crc;
}
