/*
 * counters.h
 *		The counters context: how many rows of a table name each subject, exact
 *		in every snapshot.
 *
 * It knows no other table than its own three. Whoever wants a counter gives it
 * a definition, COUNTER(), and the triggers that call ddd.count_rows().
 */
#ifndef DDD_COUNTERS_H
#define DDD_COUNTERS_H

#include "core/core.h"

/*
 * A counter: how many rows of a table name each subject in a column. Its
 * number is in the tables and in the triggers, for ever.
 */
typedef struct Counter
{
	int16		number;
	const char *source;			/* table of the rows, in schema ddd */
	const char *subjects;		/* table of the subjects, in schema ddd, with id and created_at */
	SpiPlan		top;			/* counter_top's SPI twin */
	SpiPlan		fold;
	SpiPlan		recount;
	SpiPlan		verify;
	SpiPlan		wrong;
} Counter;

/* A counter being read as of the active snapshot, inside an API call. */
typedef struct CounterReader CounterReader;

/* Defines the settings. */
extern void counters_init(void);

/* Makes a counter known to fold_counters() and its like; in order of their numbers. */
extern void counter_define(Counter *counter);

/* Returns the counters that are defined. */
extern Counter *const *counters_defined(int *count);

/* verify.c ----------------------------------------------------------------- */

/*
 * Returns for how many subjects another number is told than is counted, and
 * the least of them. Reads the whole table; inside an API call.
 */
extern int64 counter_wrong(Counter *counter, int64 *example);

/* reader.c ----------------------------------------------------------------- */

/* Returns NULL where the counter is stale: the caller must count the rows himself. */
extern CounterReader *counter_open(Counter *counter);

/* Reads the counts of n subjects; "values" may be where the ids are. */
extern void counter_values(CounterReader *reader, const int64 *subject_ids, int n, int64 *values);

extern void counter_close(CounterReader *reader);

/* top.c -------------------------------------------------------------------- */

/*
 * Fills a ranking, whose "least" is 1 or more, with subjects by their count,
 * their created_at and their id.
 */
extern void counter_top(CounterReader *reader, Ranking *top);

/* ---- definitions ---------------------------------------------------------- */

/* Counter "number" of the rows of "source" by "column", which names a row of "subjects". */
#define COUNTER(number_, source_, column, subjects_) \
{ \
	.number = number_, \
	.source = source_, \
	.subjects = subjects_, \
	.top = {COUNTER_TOP(#number_, subjects_), 6, \
		{XID8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID}}, \
	.fold = {COUNTER_FOLD(#number_, subjects_), 2, {XID8OID, XID8OID}, PLAN_CUSTOM}, \
	.recount = {COUNTER_RECOUNT(#number_, source_, column, subjects_), 0, {0}, PLAN_CUSTOM}, \
	.verify = {COUNTER_VERIFY(#number_, source_, column), 4, \
		{INT8OID, INT8OID, XID8OID, BOOLOID}, PLAN_CUSTOM}, \
	.wrong = {COUNTER_WRONG(#number_, source_, column), 1, {XID8OID}, PLAN_CUSTOM} \
}

/*
 * Subjects with pending deltas are looked up one by one, the others come from
 * the ranked index. $1 is the low-water mark, $2 to $4 the place, $5 the least
 * count, $6 how many are wanted.
 */
#define COUNTER_TOP(number, subjects) \
	"WITH pending AS MATERIALIZED (" \
	" SELECT l.subject_id, sum(l.delta)::bigint AS delta FROM ddd.counter_ledger l" \
	" WHERE l.counter = " number " AND l.xid >= $1 GROUP BY l.subject_id)" \
	" SELECT r.count, r.at, r.subject_id FROM (" \
	"(SELECT c.value AS count, c.subject_at AS at, c.subject_id FROM ddd.counters c" \
	" WHERE c.counter = " number " AND c.value >= $5" \
	" AND (c.value, c.subject_at, c.subject_id) < ($2, $3, $4)" \
	" AND c.subject_id NOT IN (SELECT p.subject_id FROM pending p)" \
	" ORDER BY c.value DESC, c.subject_at DESC, c.subject_id DESC LIMIT $6)" \
	" UNION ALL " \
	"(SELECT k.count, s.created_at, p.subject_id FROM pending p JOIN ddd." subjects " s ON s.id = p.subject_id" \
	" LEFT JOIN ddd.counters c ON c.counter = " number " AND c.subject_id = p.subject_id" \
	" CROSS JOIN LATERAL (SELECT coalesce(c.value, 0) + p.delta AS count) k" \
	" WHERE k.count >= $5 AND (k.count, s.created_at, p.subject_id) < ($2, $3, $4))" \
	") r ORDER BY r.count DESC, r.at DESC, r.subject_id DESC LIMIT $6"

/*
 * Takes the ledger rows that this statement sees from transaction $1 to $2
 * into the counters. A subject's row is touched even where its deltas add up
 * to nothing, for it may be another of the same id. Returns the number of
 * ledger rows, the subjects that are left with nothing, and the oldest
 * transaction that may still be running.
 */
#define COUNTER_FOLD(number, subjects) \
	"WITH taken AS (DELETE FROM ddd.counter_ledger l" \
	" WHERE l.counter = " number " AND l.xid >= $1 AND l.xid <= $2 RETURNING l.subject_id, l.delta)," \
	" sums AS (SELECT t.subject_id, sum(t.delta)::bigint AS delta, count(*) AS rows FROM taken t GROUP BY t.subject_id)," \
	" changed AS (INSERT INTO ddd.counters AS c (counter, subject_id, value, subject_at)" \
	" SELECT " number ", k.subject_id, k.delta, coalesce(s.created_at, '-infinity'::timestamptz)" \
	" FROM sums k LEFT JOIN ddd." subjects " s ON s.id = k.subject_id" \
	" ON CONFLICT (counter, subject_id) DO UPDATE" \
	" SET value = c.value + excluded.value, subject_at = excluded.subject_at" \
	" WHERE excluded.value <> 0 OR c.subject_at <> excluded.subject_at" \
	" RETURNING c.subject_id, c.value)" \
	" SELECT (SELECT coalesce(sum(k.rows), 0)::bigint FROM sums k)," \
	" (SELECT array_agg(c.subject_id) FROM changed c WHERE c.value = 0)," \
	" pg_snapshot_xmin(pg_current_snapshot())"

/* Counts anew, and takes every ledger row that this statement sees: their rows are counted. */
#define COUNTER_RECOUNT(number, source, column, subjects) \
	"WITH taken AS (DELETE FROM ddd.counter_ledger l WHERE l.counter = " number " RETURNING l.delta)," \
	" counted AS MATERIALIZED (SELECT r." column " AS subject_id, count(*) AS value FROM ddd." source " r GROUP BY 1)," \
	" removed AS (DELETE FROM ddd.counters c WHERE c.counter = " number \
	" AND NOT EXISTS (SELECT FROM counted k WHERE k.subject_id = c.subject_id) RETURNING c.subject_id)," \
	" changed AS (INSERT INTO ddd.counters AS c (counter, subject_id, value, subject_at)" \
	" SELECT " number ", k.subject_id, k.value, coalesce(s.created_at, '-infinity'::timestamptz)" \
	" FROM counted k LEFT JOIN ddd." subjects " s ON s.id = k.subject_id" \
	" ON CONFLICT (counter, subject_id) DO UPDATE SET value = excluded.value, subject_at = excluded.subject_at" \
	" WHERE c.value <> excluded.value OR c.subject_at <> excluded.subject_at RETURNING c.subject_id)" \
	" SELECT (SELECT count(*) FROM taken)," \
	" (SELECT count(*) FROM removed) + (SELECT count(*) FROM changed)," \
	" pg_snapshot_xmin(pg_current_snapshot())"

/*
 * Subjects with rows, a number or something pending, $2 of them after $1 (all
 * if NULL), with what is told of each and what is counted, both in this
 * snapshot. $3 is the low-water mark, $4 whether the counter is stale. Numbers
 * are looked up one by one: a join may well read all of them.
 */
#define COUNTER_VERIFY(number, source, column) \
	"WITH pending AS MATERIALIZED (" \
	" SELECT l.subject_id, sum(l.delta)::bigint AS delta FROM ddd.counter_ledger l" \
	" WHERE l.counter = " number " AND l.xid >= $3 GROUP BY l.subject_id)" \
	" SELECT '" source "'::text, s.id, CASE WHEN $4 THEN k.counted ELSE" \
	" coalesce((SELECT c.value FROM ddd.counters c WHERE c.counter = " number " AND c.subject_id = s.id), 0)" \
	" + coalesce(p.delta, 0) END," \
	" k.counted, " number "::bigint, s.id FROM (SELECT u.id FROM (" \
	"(SELECT DISTINCT r." column " AS id FROM ddd." source " r WHERE $1 IS NULL OR r." column " > $1 ORDER BY 1 LIMIT $2)" \
	" UNION (SELECT c.subject_id FROM ddd.counters c WHERE c.counter = " number \
	" AND ($1 IS NULL OR c.subject_id > $1) ORDER BY 1 LIMIT $2)" \
	" UNION (SELECT p.subject_id FROM pending p WHERE $1 IS NULL OR p.subject_id > $1)" \
	") u ORDER BY u.id LIMIT $2) s" \
	" CROSS JOIN LATERAL (SELECT count(*) AS counted FROM ddd." source " r WHERE r." column " = s.id) k" \
	" LEFT JOIN pending p ON p.subject_id = s.id ORDER BY s.id"

/* The subjects of which something else is told than is counted. $1 is the low-water mark. */
#define COUNTER_WRONG(number, source, column) \
	"SELECT count(*), coalesce(min(w.id), 0) FROM (SELECT s.id FROM (" \
	"SELECT c.subject_id AS id, c.value AS n FROM ddd.counters c WHERE c.counter = " number \
	" UNION ALL SELECT l.subject_id, l.delta FROM ddd.counter_ledger l WHERE l.counter = " number " AND l.xid >= $1" \
	" UNION ALL SELECT r." column ", -count(*) FROM ddd." source " r GROUP BY r." column \
	") s GROUP BY s.id HAVING sum(s.n) <> 0) w"

#endif							/* DDD_COUNTERS_H */
