/*
 * catalog.h
 *		Functions whose rows come from the catalog, and what else the files of
 *		this context read it by.
 */
#ifndef DDD_CATALOG_H
#define DDD_CATALOG_H

#include "postgres.h"

#include "core/core.h"

/*
 * Begins a call of a function that returns a set of rows, so far none: as the
 * caller, with search_path pinned, in an SPI connection.
 */
extern void catalog_begin(OwnerScope *caller, FunctionCallInfo fcinfo);
extern void catalog_end(OwnerScope *caller);

/* Appends a row to the result of a function that returns a set. */
extern void result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/* Appends the rows of the last statement; raises 42804 where its columns are not of the result's types. */
extern void catalog_rows(FunctionCallInfo fcinfo);

/*
 * FROM item over a foreign key "c" of pg_constraint: a row for each pair of
 * columns, "r" of the table that refers and "t" of the one referred to; and
 * the condition that joins their rows of these names, to be aggregated.
 */
#define FOREIGN_KEY_PAIRS \
	"unnest(c.conkey, c.confkey, c.conpfeqop) AS u (from_column, to_column, operator)" \
	" JOIN pg_catalog.pg_attribute r ON r.attrelid = c.conrelid AND r.attnum = u.from_column" \
	" JOIN pg_catalog.pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = u.to_column" \
	" JOIN pg_catalog.pg_operator o ON o.oid = u.operator" \
	" JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace"
#define FOREIGN_KEY_JOINED \
	"string_agg(format('r.%I OPERATOR(%I.%s) t.%I', r.attname, n.nspname, o.oprname, t.attname), ' AND ')"

#endif							/* DDD_CATALOG_H */
