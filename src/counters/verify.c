/*
 * verify.c
 *		ddd.verify_counters(): what is told of each subject, and what is counted;
 *		and for ddd.verify() of how many subjects the two differ.
 *
 * Both are read in one snapshot, in which they are equal unless rows were
 * changed without the triggers; so no lock is needed. A page counts the rows
 * of its subjects and of no others.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/xid8.h"

#include "counters/counters.h"
#include "counters/state.h"

PG_FUNCTION_INFO_V1(ddd_verify_counters);

Datum
ddd_verify_counters(PG_FUNCTION_ARGS)
{
	/* before the first counter's first subject */
	static const int64 start[] = {0, 0};
	ApiCall		call;
	ListPage	page;
	int			ncounters;
	Counter    *const *counters = counters_defined(&ncounters);

	page_begin(&page, "verify_counters");
	page_limits(&page, fcinfo, 0, -1);
	page_after(&page, fcinfo, 1, 2, start);

	api_begin(&call);
	/* a place after the last counter has no page, but a result */
	page_result(fcinfo);
	for (int i = 0; i < ncounters; i++)
	{
		CounterState state;
		bool		from_start = counters[i]->number > page.keys[0];

		if (counters[i]->number < page.keys[0])
			continue;
		state_read(&state, counters[i]->number);
		page.first -= page_execute(&page, &counters[i]->verify, (Datum[])
								   {
									   Int64GetDatum(page.keys[1]), Int64GetDatum(page.first),
									   FullTransactionIdGetDatum(state.low_water), BoolGetDatum(state.stale)
								   }, from_start ? "n   " : NULL, fcinfo);
	}
	api_end(&call);
	PG_RETURN_NULL();
}

int64
counter_wrong(Counter *counter, int64 *example)
{
	CounterState state;
	Datum		low_water;

	*example = 0;
	state_read(&state, counter->number);
	/* then it is counted for whoever asks */
	if (state.stale)
		return 0;
	low_water = FullTransactionIdGetDatum(state.low_water);
	plan_execute(&counter->wrong, &low_water, NULL, true);
	*example = plan_int64(0, 2);
	return plan_int64(0, 1);
}
