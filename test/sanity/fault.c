/*
 * fault.c
 *		Deliberate faults, compiled into an instrumented ddd.so and no other.
 *
 * A tool that reports nothing may as well be switched off. Each fault is of
 * the kind that the tool is there for and must be reported.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/core.h"

static int	use(const char *bytes, int at);

PG_FUNCTION_INFO_V1(ddd_fault);

/* Commits the named fault; 22023 for a name that is none. */
Datum
ddd_fault(PG_FUNCTION_ARGS)
{
	text	   *argument = PG_GETARG_TEXT_PP(0);
	const char *kind = text_to_cstring(argument);
	volatile int length = 100;
	volatile int result = 0;

	if (strcmp(kind, "heap") == 0)
	{
		char	   *buffer = malloc(length);

		memset(buffer, 1, length);
		result = use(buffer, length);
		free(buffer);
	}
	else if (strcmp(kind, "freed") == 0)
	{
		char	   *volatile buffer = malloc(length);

		memset(buffer, 1, length);
		free(buffer);
		result = use(buffer, 0);
	}
	else if (strcmp(kind, "stack") == 0)
	{
		char		buffer[100];

		memset(buffer, 1, sizeof(buffer));
		result = use(buffer, length);
	}
	else if (strcmp(kind, "palloc") == 0)
	{
		char	   *buffer = palloc(length);

		memset(buffer, 1, length);
		result = use(buffer, length);
	}
	else if (strcmp(kind, "argument") == 0)
		result = use(VARDATA_ANY(argument), VARSIZE_ANY_EXHDR(argument));
	else if (strcmp(kind, "uninitialized") == 0)
	{
		char	   *buffer = malloc(length);

		if (use(buffer, 0) > 0)
			result = 1;
		free(buffer);
	}
	else if (strcmp(kind, "overflow") == 0)
		result = PG_INT32_MAX - 99 + length;
	else if (strcmp(kind, "shift") == 0)
		result = 1 << length;
	else if (strcmp(kind, "assertion") == 0)
		Assert(strcmp(kind, "what ddd_fault was given") == 0);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no such fault")));
	PG_RETURN_INT32(result);
}

static pg_noinline int
use(const char *bytes, int at)
{
	return bytes[at];
}
