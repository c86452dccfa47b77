/*
 * compat.h
 *		Every difference between PostgreSQL versions that ddd meets.
 *
 * No other file of ddd looks at PG_VERSION_NUM.
 */
#ifndef DDD_COMPAT_H
#define DDD_COMPAT_H

#include "postgres.h"

#include "replication/message.h"
#include "utils/guc_tables.h"

#if PG_VERSION_NUM < 150000
#error "ddd needs PostgreSQL 15 or later"
#endif

/*
 * An input function hands its error to the context that wants it and returns
 * the value, where PostgreSQL can do that; elsewhere it raises the error.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define ereturn(context, value, ...) \
	do { \
		(void) (context); \
		(void) (value); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)
#endif

/* Writes bytes into the write-ahead log, as part of the transaction. */
static inline void
compat_log_message(const char *prefix, const char *bytes, size_t size)
{
#if PG_VERSION_NUM >= 170000
	(void) LogLogicalMessage(prefix, bytes, size, true, false);
#else
	(void) LogLogicalMessage(prefix, bytes, size, true);
#endif
}

/* Returns the record of a setting, whatever the case of its name, or NULL. */
static inline struct config_generic *
compat_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	struct config_generic **settings = get_guc_variables();
	int			count = GetNumConfigOptions();

	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(settings[i]->name, name) == 0)
			return settings[i];
	}
	return NULL;
#endif
}

#endif							/* DDD_COMPAT_H */
