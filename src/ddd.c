/*
 * ddd.c
 *		Module entry: the list of contexts, and nothing else.
 *
 * Works without shared_preload_libraries; the library is loaded by the first
 * call of one of its functions.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "blog/blog.h"
#include "core/core.h"
#include "counters/counters.h"
#include "migrations/migrations.h"
#include "tags/tags.h"
#include "users/users.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	relation_init();
	version_init();
	cursor_init();
	index_cursor_init();
	identity_init();
	secret_init();
	users_init();
	counters_init();
	blog_init();
	tags_init();
	migrations_init();

	MarkGUCPrefixReserved("ddd");
}
