/*
 * ranking.c
 *		The first places of a ranking that is being put together.
 *
 * Candidates come in any order; what was entered twice is held once. The
 * order is by the keys, all descending.
 */
#include "postgres.h"

#include "core/core.h"

static int	compare(const int64 *a, const int64 *b);

void
ranking_enter(Ranking *ranking, const int64 *keys, int64 value)
{
	int			place;

	if (keys[0] < ranking->least || compare(keys, ranking->after) >= 0 ||
		ranking_is_full_before(ranking, keys))
		return;
	for (place = ranking->held; place > 0; place--)
	{
		int			order = compare(keys, ranking->ranks[place - 1].keys);

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	if (ranking->held < ranking->wanted)
		ranking->held++;
	memmove(&ranking->ranks[place + 1], &ranking->ranks[place],
			sizeof(Rank) * (ranking->held - 1 - place));
	memcpy(ranking->ranks[place].keys, keys, sizeof(ranking->ranks[place].keys));
	ranking->ranks[place].value = value;
}

bool
ranking_can_enter(const Ranking *ranking, int64 first_key)
{
	return first_key >= ranking->least && first_key <= ranking->after[0] &&
		(ranking->held < ranking->wanted || first_key >= ranking->ranks[ranking->held - 1].keys[0]);
}

bool
ranking_is_full_before(const Ranking *ranking, const int64 *keys)
{
	return ranking->held == ranking->wanted &&
		(ranking->wanted == 0 || compare(keys, ranking->ranks[ranking->held - 1].keys) <= 0);
}

static int
compare(const int64 *a, const int64 *b)
{
	for (int i = 0; i < RANK_KEYS; i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}
