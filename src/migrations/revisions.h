/*
 * revisions.h
 *		The versions of ddd: their order, what each is about, the way from one
 *		to another.
 */
#ifndef DDD_REVISIONS_H
#define DDD_REVISIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Bytes of the longest version, with the zero byte. */
#define MAX_VERSION	32

/* The version that has ddd.migration_log; before it, ddd.stash has the rows. */
#define VERSION_OF_LOG	"0.5.0"

/* One step of a way: between neighbours. */
typedef struct Step
{
	char	   *from;
	char	   *to;
	bool		is_up;
	bool		reversible;		/* there is a script back */
} Step;

/* Returns the i-th version, from 0; NULL after the last that this library knows. */
extern const char *revision_version(int i);

/* Returns what a version is about, in one line; empty for one that this library does not know. */
extern const char *revision_message(const char *version);

/* Returns what the step locks, and for how long when it was measured; NULL where that is not known. */
extern const char *revision_locks(const Step *step, int *milliseconds);

/* Returns the version that ALTER EXTENSION ddd UPDATE leads to. */
extern char *revision_head(void);

/* Returns the version of the code; raises 55000 where there is no extension. */
extern char *revision_current(void);

/*
 * Returns the version that a target names: "head", "+1" and the like, "-1" and
 * the like, or a version. Raises 22023 with the reachable ones for anything
 * else. Needs an SPI connection.
 */
extern char *revision_target(const char *target);

/* Returns the steps from the code's version to another, as palloc'd Steps. Needs an SPI connection. */
extern List *revision_path(const char *to);

#endif							/* DDD_REVISIONS_H */
