/*
 * catalog.h
 *		Functions whose rows come from the catalog.
 */
#ifndef DDD_CATALOG_H
#define DDD_CATALOG_H

#include "postgres.h"

#include "core/core.h"

/* One call: as the caller, with search_path pinned, in an SPI connection. */
typedef struct Catalog
{
	OwnerScope	caller;
	FunctionCallInfo fcinfo;
} Catalog;

/* Begins a call of a function that returns a set of rows, so far none. */
extern void catalog_begin(Catalog *catalog, FunctionCallInfo fcinfo);
extern void catalog_end(Catalog *catalog);

/* Appends a row to the result. */
extern void catalog_row(Catalog *catalog, Datum *values, bool *nulls);

/* Appends the rows of the last statement, whose columns must be of the result's types. */
extern void catalog_rows(Catalog *catalog);

#endif							/* DDD_CATALOG_H */
