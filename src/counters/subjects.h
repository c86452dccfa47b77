/*
 * subjects.h
 *		A set of subjects with a delta each; private to counters.
 */
#ifndef DDD_COUNTERS_SUBJECTS_H
#define DDD_COUNTERS_SUBJECTS_H

#include "postgres.h"

#include "common/hashfn.h"
#include "common/int.h"

typedef struct Subject
{
	int64		id;
	int64		delta;
	bool		met;			/* by the last walk of the ranking */
	char		status;			/* of simplehash */
} Subject;

#define SH_PREFIX subjects
#define SH_ELEMENT_TYPE Subject
#define SH_KEY_TYPE int64
#define SH_KEY id
#define SH_HASH_KEY(table, key) hash_bytes_uint32((uint32) ((uint64) (key) >> 32) ^ (uint32) (key))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Adds to a subject's delta; raises 22003 where the sum does not fit. */
static inline void
subjects_add(subjects_hash *subjects, int64 id, int64 delta)
{
	bool		found;
	Subject    *subject = subjects_insert(subjects, id, &found);

	if (!found)
		subject->delta = 0;
	if (pg_add_s64_overflow(subject->delta, delta, &subject->delta))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("bigint out of range")));
}

#endif							/* DDD_COUNTERS_SUBJECTS_H */
