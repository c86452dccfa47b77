/*
 * digest.c
 *		What a seal is made of: SHA-256 of rows in a canonical form.
 *
 * The form depends on nothing but the values: not on settings, column numbers,
 * the order in which rows are stored, the database's encoding or the version
 * of PostgreSQL. It never changes, or all seals would be broken:
 *
 *	- rows are in the order of xid, at, id; a row is its columns as rows_plan
 *	  lists them. system_identifier is in the seal;
 *	- NULL is a byte 0, anything else a byte 1 and the value;
 *	- a number is 8 bytes, the most significant first; a time is its
 *	  microseconds since 2000;
 *	- a text is its length in bytes and its UTF-8;
 *	- an array is its number of dimensions, length and lower bound of each, and
 *	  its elements.
 *
 * A seal is sealed as its numbers and two digests, in the order of AuditSeal.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "audit/audit.h"

static SpiPlan rows_plan = {
	.sql = "SELECT l.at, l.id, l.xid, l.user_id, l.login_role, l.acting_role, l.table_name, l.action,"
	" l.row_count, l.row_ids, l.columns FROM ddd.audit_log l"
	" WHERE l.system_identifier = $1 AND l.xid >= $2 AND l.xid < $3 ORDER BY l.xid, l.at, l.id",
	.nargs = 3,
	.argtypes = {INT8OID, XID8OID, XID8OID},
	.choice = PLAN_WALK,
};

static const Oid row_types[] = {
	TIMESTAMPTZOID, INT8OID, XID8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
	INT8ARRAYOID, TEXTARRAYOID
};

/* Takes rows in, one after the other. */
typedef struct RowHasher
{
	DestReceiver pub;
	crypto_hash_sha256_state hash;
	int64		row_count;
	TimestampTz first_at;
	MemoryContext row_context;
} RowHasher;

static void check_columns(DestReceiver *self, int operation, TupleDesc found);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static void end_rows(DestReceiver *self);
static void hash_value(crypto_hash_sha256_state *hash, Oid type, Datum value);
static void hash_array(crypto_hash_sha256_state *hash, Oid element_type, ArrayType *array);
static void hash_number(crypto_hash_sha256_state *hash, int64 number);
static void hash_bytes(crypto_hash_sha256_state *hash, const char *bytes, int len);
static bytea *hash_result(crypto_hash_sha256_state *hash);

void
seal_take(AuditSeal *seal)
{
	static const Oid types[] = {
		INT8OID, INT8OID, XID8OID, XID8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		BYTEAOID, BYTEAOID, BYTEAOID
	};
	Datum		values[lengthof(types)];

	for (size_t i = 0; i < lengthof(types); i++)
	{
		bool		isnull;

		values[i] = plan_value(0, i + 1, types[i], &isnull);
		if (isnull)
			elog(ERROR, "unexpected null in column %zu of a seal", i + 1);
	}
	seal->number = DatumGetInt64(values[0]);
	seal->system_identifier = DatumGetInt64(values[1]);
	seal->from_xid = DatumGetFullTransactionId(values[2]);
	seal->to_xid = DatumGetFullTransactionId(values[3]);
	seal->row_count = DatumGetInt64(values[4]);
	seal->first_at = DatumGetTimestampTz(values[5]);
	seal->sealed_at = DatumGetTimestampTz(values[6]);
	seal->rows_digest = DatumGetByteaPP(values[7]);
	seal->previous_digest = DatumGetByteaPP(values[8]);
	seal->digest = DatumGetByteaPP(values[9]);
}

void
seal_read_rows(AuditSeal *seal, bool read_only)
{
	Datum		range[] = {
		Int64GetDatum(seal->system_identifier), FullTransactionIdGetDatum(seal->from_xid),
		FullTransactionIdGetDatum(seal->to_xid)
	};
	RowHasher	hasher = {
		.pub = {receive_row, check_columns, end_rows, end_rows, DestNone},
		.first_at = DT_NOEND,
		.row_context = AllocSetContextCreate(CurrentMemoryContext, "ddd audit row", ALLOCSET_SMALL_SIZES),
	};

	crypto_hash_sha256_init(&hasher.hash);
	plan_execute_to(&rows_plan, range, NULL, read_only, &hasher.pub);
	MemoryContextDelete(hasher.row_context);
	seal->row_count = hasher.row_count;
	seal->first_at = hasher.first_at;
	seal->rows_digest = hash_result(&hasher.hash);
}

bytea *
seal_digest(const AuditSeal *seal)
{
	crypto_hash_sha256_state hash;

	crypto_hash_sha256_init(&hash);
	hash_number(&hash, seal->number);
	hash_number(&hash, seal->system_identifier);
	hash_number(&hash, (int64) U64FromFullTransactionId(seal->from_xid));
	hash_number(&hash, (int64) U64FromFullTransactionId(seal->to_xid));
	hash_number(&hash, seal->row_count);
	hash_number(&hash, seal->first_at);
	hash_number(&hash, seal->sealed_at);
	hash_bytes(&hash, VARDATA_ANY(seal->rows_digest), VARSIZE_ANY_EXHDR(seal->rows_digest));
	hash_bytes(&hash, VARDATA_ANY(seal->previous_digest), VARSIZE_ANY_EXHDR(seal->previous_digest));
	return hash_result(&hash);
}

bytea *
digest_none(void)
{
	bytea	   *none = palloc0(VARHDRSZ + DIGEST_LENGTH);

	SET_VARSIZE(none, VARHDRSZ + DIGEST_LENGTH);
	return none;
}

bool
digest_equal(const bytea *a, const bytea *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

void
audit_no_policy(void)
{
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static void
check_columns(DestReceiver *self, int operation, TupleDesc found)
{
	for (size_t i = 0; i < lengthof(row_types); i++)
		check_column_type(found, i + 1, row_types[i]);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowHasher  *hasher = (RowHasher *) self;
	MemoryContext caller_context = MemoryContextSwitchTo(hasher->row_context);

	slot_getallattrs(slot);
	for (size_t i = 0; i < lengthof(row_types); i++)
	{
		unsigned char present = !slot->tts_isnull[i];

		crypto_hash_sha256_update(&hasher->hash, &present, 1);
		if (present)
			hash_value(&hasher->hash, row_types[i], slot->tts_values[i]);
	}
	if (!slot->tts_isnull[0])
		hasher->first_at = Min(hasher->first_at, DatumGetTimestampTz(slot->tts_values[0]));
	hasher->row_count++;
	MemoryContextSwitchTo(caller_context);
	MemoryContextReset(hasher->row_context);
	return true;
}

static void
end_rows(DestReceiver *self)
{
}

static void
hash_value(crypto_hash_sha256_state *hash, Oid type, Datum value)
{
	switch (type)
	{
		case TEXTOID:
			{
				text	   *s = DatumGetTextPP(value);
				char	   *bytes = VARDATA_ANY(s);
				int			len = VARSIZE_ANY_EXHDR(s);
				/* where the encoding is not known, what came in is what there is */
				char	   *utf8 = GetDatabaseEncoding() == PG_SQL_ASCII ? bytes :
					pg_server_to_any(bytes, len, PG_UTF8);

				/* it ends with a zero byte only where it is another string */
				hash_bytes(hash, utf8, utf8 == bytes ? len : (int) strlen(utf8));
				break;
			}
		case INT8ARRAYOID:
			hash_array(hash, INT8OID, DatumGetArrayTypeP(value));
			break;
		case TEXTARRAYOID:
			hash_array(hash, TEXTOID, DatumGetArrayTypeP(value));
			break;
		default:
			hash_number(hash, DatumGetInt64(value));
	}
}

static void
hash_array(crypto_hash_sha256_state *hash, Oid element_type, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (element_type == TEXTOID)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	else
		deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
						  &elements, &nulls, &count);
	hash_number(hash, ARR_NDIM(array));
	for (int i = 0; i < ARR_NDIM(array); i++)
	{
		hash_number(hash, ARR_DIMS(array)[i]);
		hash_number(hash, ARR_LBOUND(array)[i]);
	}
	for (int i = 0; i < count; i++)
	{
		unsigned char present = !nulls[i];

		CHECK_FOR_INTERRUPTS();
		crypto_hash_sha256_update(hash, &present, 1);
		if (present)
			hash_value(hash, element_type, elements[i]);
	}
}

static void
hash_number(crypto_hash_sha256_state *hash, int64 number)
{
	uint64		bytes = pg_hton64((uint64) number);

	crypto_hash_sha256_update(hash, (unsigned char *) &bytes, sizeof(bytes));
}

static void
hash_bytes(crypto_hash_sha256_state *hash, const char *bytes, int len)
{
	hash_number(hash, len);
	crypto_hash_sha256_update(hash, (const unsigned char *) bytes, len);
}

static bytea *
hash_result(crypto_hash_sha256_state *hash)
{
	bytea	   *result = digest_none();

	StaticAssertStmt(DIGEST_LENGTH == crypto_hash_sha256_BYTES, "a digest is a SHA-256");
	crypto_hash_sha256_final(hash, (unsigned char *) VARDATA(result));
	return result;
}
