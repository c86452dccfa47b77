/*
 * audit.c
 *		What an audit module does, for 018_audit.pl: a NOTICE for each table
 *		whose privileges the executor checks.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static bool
#if PG_VERSION_NUM >= 160000
audit(List *range_table, List *permissions, bool raise)
#else
audit(List *range_table, bool raise)
#endif
{
	ListCell   *cell;

	foreach(cell, range_table)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (entry->rtekind == RTE_RELATION)
			ereport(NOTICE, (errmsg("audit: %s", get_rel_name(entry->relid))));
	}
	return true;
}

void
_PG_init(void)
{
	ExecutorCheckPerms_hook = audit;
}
