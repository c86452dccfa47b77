/*
 * state.h
 *		What the parts of the counters context share; private to it.
 */
#ifndef DDD_COUNTERS_STATE_H
#define DDD_COUNTERS_STATE_H

#include "core/core.h"

/* The row of ddd.counter_state, or what stands for it where there is none. */
typedef struct CounterState
{
	FullTransactionId low_water;	/* the first transaction whose deltas may be in the ledger */
	bool		stale;
} CounterState;

/* The columns of a state's row, in the order of state_take's values. */
#define STATE_NCOLUMNS 5
extern const char *const state_columns[STATE_NCOLUMNS];
extern const Oid state_types[STATE_NCOLUMNS];

/* Takes a row's values over: a mark that no fold of this cluster wrote into this row means nothing. */
extern void state_take(CounterState *state, const Datum *values);

/* Reads the state through SPI. */
extern void state_read(CounterState *state, int16 counter);

/*
 * Reads the state and keeps its row locked to the end of the transaction.
 * Returns false if somebody else has it locked and "wait" is not set.
 */
extern bool state_lock(CounterState *state, int16 counter, bool wait);

/* Says where the next read of the ledger begins; the counter is not stale. */
extern void state_write(int16 counter, FullTransactionId low_water);

/* Makes the counter stale: whoever wants it counts the rows, until the next fold. */
extern void state_make_stale(int16 counter);

#endif							/* DDD_COUNTERS_STATE_H */
