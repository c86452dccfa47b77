/*
 * call.c
 *		The frame of an API call, and how its rows become results.
 *
 * api_begin checks the versions, becomes the owner of the tables and opens
 * SPI; api_end undoes it. Results are built in the memory context that was
 * current at api_begin, because SPI's own goes away with api_end.
 *
 * Columns are taken by their position in the statement's own select list,
 * never by a table's column numbers.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/core.h"

void
api_begin(ApiCall *call)
{
	call->result_context = CurrentMemoryContext;
	version_guard();
	owner_begin(&call->owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
api_end(ApiCall *call)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&call->owner);
}

Datum
api_row(ApiCall *call, FunctionCallInfo fcinfo)
{
	MemoryContext spi_context;
	TupleDesc	result_desc;
	HeapTuple	row = SPI_tuptable->vals[0];
	Datum	   *values;
	bool	   *nulls;
	Datum		result;

	spi_context = MemoryContextSwitchTo(call->result_context);
	if (get_call_result_type(fcinfo, NULL, &result_desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "function must return a row type");
	if (result_desc->natts != SPI_tuptable->tupdesc->natts)
		elog(ERROR, "statement has %d columns, result has %d",
			 SPI_tuptable->tupdesc->natts, result_desc->natts);
	check_row_type(SPI_tuptable->tupdesc, result_desc, result_desc->natts);
	result_desc = BlessTupleDesc(result_desc);

	values = palloc(sizeof(Datum) * result_desc->natts);
	nulls = palloc(sizeof(bool) * result_desc->natts);
	heap_deform_tuple(row, SPI_tuptable->tupdesc, values, nulls);
	result = HeapTupleGetDatum(heap_form_tuple(result_desc, values, nulls));
	MemoryContextSwitchTo(spi_context);
	return result;
}

/*
 * Raises 42804 unless the first columns of a statement's result have the types
 * that they are read as. A table's owner may change a column's type, and a
 * Datum of another type is a wild pointer.
 */
void
check_row_type(TupleDesc found, TupleDesc wanted, int columns)
{
	if (found->natts < columns || wanted->natts < columns)
		elog(ERROR, "statement has %d columns, result has %d", found->natts, wanted->natts);
	for (int i = 0; i < columns; i++)
		check_column_type(found, i + 1, TupleDescAttr(wanted, i)->atttypid);
}

void
check_column_type(TupleDesc desc, int column, Oid wanted)
{
	Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
	Oid			found = attribute->atttypid;

	if (found == wanted || (wanted == TEXTOID && found == VARCHAROID))
		return;
	found = getBaseType(found);
	if (found != wanted && !(wanted == TEXTOID && found == VARCHAROID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of ddd's tables has type %s instead of %s",
						NameStr(attribute->attname), format_type_be(attribute->atttypid),
						format_type_be(wanted))));
}

Datum
api_end_row(ApiCall *call, FunctionCallInfo fcinfo, uint64 rows)
{
	Datum		result;

	if (rows == 0)
	{
		api_end(call);
		PG_RETURN_NULL();
	}
	result = api_row(call, fcinfo);
	api_end(call);
	return result;
}

void
api_rows(ApiCall *call, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	check_row_type(SPI_tuptable->tupdesc, rsinfo->setDesc, rsinfo->setDesc->natts);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	}
}
