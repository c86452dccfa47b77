/*
 * error.c
 *		The fields that let a client tell which rule an error is about, and
 *		rewording an error on its way up.
 *
 * psycopg's diag, PostgREST and ORMs map errors by SQLSTATE and by these
 * fields, never by the message text.
 */
#include "postgres.h"

#include "core/core.h"

int
err_object(const char *table, const char *column, const char *constraint)
{
	err_generic_string(PG_DIAG_SCHEMA_NAME, "ddd");
	if (table)
		err_generic_string(PG_DIAG_TABLE_NAME, table);
	if (column)
		err_generic_string(PG_DIAG_COLUMN_NAME, column);
	if (constraint)
		err_generic_string(PG_DIAG_CONSTRAINT_NAME, constraint);
	return 0;
}

ErrorData *
error_take(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	return error;
}
