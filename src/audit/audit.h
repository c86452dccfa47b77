/*
 * audit.h
 *		Who changed what, in a log that shows when it was rewritten; private to
 *		audit.
 *
 * The triggers write rows (rows.c), one after the other and waiting for nobody.
 * A seal covers the rows of transactions that have ended (seal.c); digest.c is
 * what it is made of, and verify.c compares.
 */
#ifndef DDD_AUDIT_AUDIT_H
#define DDD_AUDIT_AUDIT_H

#include "access/transam.h"

#include "core/core.h"

/* rows.c ------------------------------------------------------------------- */

/* What a row of ddd.audit_log says beside who and when. */
typedef struct AuditEntry
{
	const char *table;
	const char *action;
	int64		row_count;		/* -1 where it is not known */
	Datum		row_ids;		/* bigint[], 0 for none */
	Datum		columns;		/* text[], 0 for none */
} AuditEntry;

/* Writes a row; as the owner of the tables, inside an SPI connection. */
extern void audit_append(const AuditEntry *entry);

/* switch.c ----------------------------------------------------------------- */

/*
 * Returns how many of the triggers are in force, and how many there should be;
 * inside an SPI connection. A new snapshot is used unless read_only.
 */
extern int	audit_triggers(bool read_only, int *wanted);

/* digest.c ----------------------------------------------------------------- */

#define DIGEST_LENGTH	32

/* A row of ddd.audit_seals; the digests are of DIGEST_LENGTH bytes, or were changed. */
typedef struct AuditSeal
{
	int64		number;
	int64		system_identifier;
	FullTransactionId from_xid;
	FullTransactionId to_xid;
	int64		row_count;
	TimestampTz first_at;
	TimestampTz sealed_at;
	bytea	   *rows_digest;
	bytea	   *previous_digest;
	bytea	   *digest;
} AuditSeal;

/* The columns of a seal, in the order that seal_take reads them. */
#define SEAL_COLUMNS \
	"s.number, s.system_identifier, s.from_xid, s.to_xid, s.row_count, s.first_at, s.sealed_at," \
	" s.rows_digest, s.previous_digest, s.digest"

/* Takes a seal from the first row of the last statement, to be valid as long as its result. */
extern void seal_take(AuditSeal *seal);

/*
 * Fills row_count, first_at and rows_digest from the rows of the seal's range.
 * Streams them; a new snapshot is used unless read_only.
 */
extern void seal_read_rows(AuditSeal *seal, bool read_only);

/* Returns the digest of all the other fields. */
extern bytea *seal_digest(const AuditSeal *seal);

/* Returns 32 zero bytes: what the first seal follows. */
extern bytea *digest_none(void);
extern bool digest_equal(const bytea *a, const bytea *b);

/* Makes rows that a policy hides an error for the rest of the call. */
extern void audit_no_policy(void);

#endif							/* DDD_AUDIT_AUDIT_H */
