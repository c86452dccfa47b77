/*
 * catalog.c
 *		Functions whose rows come from the catalog.
 *
 * They need no table of ddd, and work whatever versions there are. The caller
 * is who he was: what he may not see in the catalog he does not see here.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "core/core.h"
#include "migrations/catalog.h"

void
catalog_begin(OwnerScope *caller, FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	owner_begin_catalog(caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
catalog_end(OwnerScope *caller)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(caller);
}

void
result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void
catalog_rows(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	check_row_type(SPI_tuptable->tupdesc, result->setDesc, result->setDesc->natts);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}
