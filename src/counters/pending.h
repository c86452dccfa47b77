/*
 * pending.h
 *		Reading the parts of a counter through index cursors; private to counters.
 */
#ifndef DDD_COUNTERS_PENDING_H
#define DDD_COUNTERS_PENDING_H

#include "core/core.h"
#include "counters/state.h"
#include "counters/subjects.h"

/* What is to be added to a counter's numbers. */
typedef struct Pending
{
	CounterState state;
	subjects_hash *subjects;	/* NULL where nothing is pending */
	int64		largest;		/* delta, 0 or more */
} Pending;

/* Reads the state, and the ledger unless the counter is stale; false where SPI must do it instead. */
extern bool pending_read(Pending *pending, int16 counter);

/* Opens ddd.counters to look subjects up; false where SPI must do it instead. */
extern bool numbers_open(IndexCursor *numbers);

/* Reads a subject's number, 0 where it has none; false where SPI must do it instead. */
extern bool numbers_read(IndexCursor *numbers, int16 counter, int64 subject_id, int64 *number);

#endif							/* DDD_COUNTERS_PENDING_H */
