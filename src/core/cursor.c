/*
 * cursor.c
 *		Keyset pages: limits, opaque cursors, rows with their cursors.
 *
 * A cursor is base64url (no padding) of
 *		1 byte   format, 1
 *		4 bytes  CRC-32C over the listing's name, its filters and the keys
 *		8 bytes  each key, big-endian
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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/core.h"

#define DEFAULT_MAX_PAGE_SIZE	1000
#define DEFAULT_MAX_SKIP		10000

#define CURSOR_FORMAT	1
#define CURSOR_HEADER	(1 + sizeof(uint32))
#define CURSOR_MAX		(CURSOR_HEADER + PAGE_MAX_KEYS * sizeof(int64))

static int	max_page_size = DEFAULT_MAX_PAGE_SIZE;
static int	max_skip = DEFAULT_MAX_SKIP;

static text *cursor_encode(ListPage *page, const int64 *keys);
static bool cursor_decode(ListPage *page, text *cursor, int64 *keys);
static pg_crc32c cursor_checksum(ListPage *page, const int64 *keys);

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
	else if (!cursor_decode(page, cursor, page->keys))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"after\" is not a cursor of this listing"),
				 errhint("Pass the \"cursor\" of a row that ddd.%s() returned for the same arguments.",
						 page->listing)));
}

void
page_rows(ListPage *page, ApiCall *call, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SPITupleTable *table = SPI_tuptable;
	int			ncolumns = table->tupdesc->natts;
	int			nresult = ncolumns - page->nkeys + 1;
	Datum	   *values = palloc(sizeof(Datum) * ncolumns);
	bool	   *nulls = palloc(sizeof(bool) * ncolumns);
	MemoryContext row_context;

	InitMaterializedSRF(fcinfo, 0);
	if (rsinfo->setDesc->natts != nresult)
		elog(ERROR, "statement gives %d result columns, %s() has %d",
			 nresult, page->listing, rsinfo->setDesc->natts);

	check_row_type(table->tupdesc, rsinfo->setDesc, nresult - 1);
	for (int k = nresult; k <= ncolumns; k++)
	{
		if (getBaseType(SPI_gettypeid(table->tupdesc, k)) != INT8OID)
			check_column_type(table->tupdesc, k, TIMESTAMPTZOID);
	}

	row_context = AllocSetContextCreate(CurrentMemoryContext, "ddd page row", ALLOCSET_SMALL_SIZES);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		keys[PAGE_MAX_KEYS];
		MemoryContext spi_context = MemoryContextSwitchTo(row_context);

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(table->vals[i], table->tupdesc, values, nulls);
		for (int k = 0; k < page->nkeys; k++)
			keys[k] = DatumGetInt64(values[nresult - 1 + k]);
		values[nresult - 1] = PointerGetDatum(cursor_encode(page, keys));
		nulls[nresult - 1] = false;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);

		MemoryContextSwitchTo(spi_context);
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
}

static text *
cursor_encode(ListPage *page, const int64 *keys)
{
	unsigned char bytes[CURSOR_MAX];
	char		encoded[sodium_base64_ENCODED_LEN(CURSOR_MAX, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	uint32		checksum = pg_hton32(cursor_checksum(page, keys));
	size_t		len = CURSOR_HEADER;

	bytes[0] = CURSOR_FORMAT;
	memcpy(bytes + 1, &checksum, sizeof(checksum));
	for (int k = 0; k < page->nkeys; k++)
	{
		uint64		key = pg_hton64((uint64) keys[k]);

		memcpy(bytes + len, &key, sizeof(key));
		len += sizeof(key);
	}
	sodium_bin2base64(encoded, sizeof(encoded), bytes, len,
					  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return cstring_to_text(encoded);
}

static bool
cursor_decode(ListPage *page, text *cursor, int64 *keys)
{
	unsigned char bytes[CURSOR_MAX];
	size_t		len;
	uint32		checksum;

	if (sodium_base642bin(bytes, sizeof(bytes),
						  VARDATA_ANY(cursor), VARSIZE_ANY_EXHDR(cursor),
						  NULL, &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	if (len != CURSOR_HEADER + sizeof(int64) * page->nkeys || bytes[0] != CURSOR_FORMAT)
		return false;

	memcpy(&checksum, bytes + 1, sizeof(checksum));
	for (int k = 0; k < page->nkeys; k++)
	{
		uint64		key;

		memcpy(&key, bytes + CURSOR_HEADER + sizeof(key) * k, sizeof(key));
		keys[k] = (int64) pg_ntoh64(key);
	}
	return pg_ntoh32(checksum) == cursor_checksum(page, keys);
}

static pg_crc32c
cursor_checksum(ListPage *page, const int64 *keys)
{
	pg_crc32c	crc = page->filter;

	COMP_CRC32C(crc, keys, sizeof(int64) * page->nkeys);
	FIN_CRC32C(crc);
	return crc;
}
