/*
 * args.c
 *		Reading and checking the arguments of SQL-callable functions.
 *
 * API functions are not STRICT: a NULL for a required argument is an error
 * that names it, so that a forgotten value never turns into a silent NULL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/core.h"

void
arg_required(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

bool
arg_bool(FunctionCallInfo fcinfo, int argno, const char *name)
{
	arg_required(fcinfo, argno, name);
	return PG_GETARG_BOOL(argno);
}

int64
arg_int64(FunctionCallInfo fcinfo, int argno, const char *name)
{
	arg_required(fcinfo, argno, name);
	return PG_GETARG_INT64(argno);
}

text *
arg_text(FunctionCallInfo fcinfo, int argno, const char *name)
{
	arg_required(fcinfo, argno, name);
	return PG_GETARG_TEXT_PP(argno);
}

text *
arg_text_or_null(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_GETARG_TEXT_PP(argno);
}

void
arg_check_array(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array", name)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not contain nulls", name)));
}

Datum *
arg_text_array(FunctionCallInfo fcinfo, int argno, const char *name, int *count)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;

	arg_required(fcinfo, argno, name);
	array = PG_GETARG_ARRAYTYPE_P(argno);
	arg_check_array(array, name);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	return elements;
}

void
check_length(text *value, int max, const char *table, const char *column)
{
	if (text_length_chars(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) > max)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("value for \"%s\" is longer than %d characters", column, max),
				 err_object(table, column, NULL)));
}

void
check_not_blank(text *value, const char *table, const char *column)
{
	if (text_is_blank(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("value for \"%s\" must not be blank", column),
				 err_object(table, column, psprintf("%s_%s_not_blank", table, column))));
}
