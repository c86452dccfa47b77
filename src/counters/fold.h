/*
 * fold.h
 *		Folding, and asking for it; private to counters.
 */
#ifndef DDD_COUNTERS_FOLD_H
#define DDD_COUNTERS_FOLD_H

#include "counters/counters.h"

/*
 * Folds a batch, unless somebody is in the way, and returns whether there may
 * be more. In a READ COMMITTED transaction.
 */
extern bool fold_batch(Counter *counter);

/* Tells how many ledger rows were met by a reader, or written. */
extern void fold_ask_read(int64 rows);
extern void fold_ask_written(int64 rows);

#endif							/* DDD_COUNTERS_FOLD_H */
