/*
 * reader.h
 *		A counter being read; private to counters.
 */
#ifndef DDD_COUNTERS_READER_H
#define DDD_COUNTERS_READER_H

#include "counters/counters.h"
#include "counters/state.h"
#include "counters/subjects.h"

struct CounterReader
{
	Counter    *counter;
	CounterState state;
	bool		direct;			/* through index cursors; otherwise SPI reads all but the state */
	subjects_hash *pending;		/* what is to be added to the numbers; NULL where nothing is */
	int64		largest;		/* pending delta, 0 or more */
	IndexCursor numbers;		/* of ddd.counters, to look subjects up, once it is opened */
	int			value;			/* the column's number there, 0 before */
};

/* Opens what numbers_read needs, unless it is; false where SPI must do it instead. */
extern bool numbers_open(CounterReader *reader);

/* Reads a subject's number, without what is pending; 0 where it has none. */
extern int64 numbers_read(CounterReader *reader, int64 subject_id);

#endif							/* DDD_COUNTERS_READER_H */
