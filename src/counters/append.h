/*
 * append.h
 *		Writing the counter ledger; private to counters.
 */
#ifndef DDD_COUNTERS_APPEND_H
#define DDD_COUNTERS_APPEND_H

#include "counters/subjects.h"

/* Writes one row for each subject whose delta is not 0; returns how many. */
extern uint64 ledger_append(int16 counter, subjects_hash *deltas);

#endif							/* DDD_COUNTERS_APPEND_H */
