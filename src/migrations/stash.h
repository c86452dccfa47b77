/*
 * stash.h
 *		What a row of ddd.stash holds, and the statements about it that setting
 *		aside and bringing back have in common.
 *
 * content is one of
 *		{"row": {column: value, ...}, "by": version}
 *		{"columns": {column: value, ...}, "where": {column: value, ...}, "by": version}
 * a whole row, or values for the row that has these values in "where"; "by" is
 * the version that cannot hold them, whose migration set them aside. A value
 * is what its type's output function gives under stash_pin_formats(): a string
 * that its input function takes back without loss, or null.
 */
#ifndef DDD_STASH_H
#define DDD_STASH_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"

/* A table of ddd whose rows are set aside or brought back. */
typedef struct StashTable
{
	Relation	relation;
	const char *name;			/* without schema */
	const char *qualified;		/* as SQL names it */
	Bitmapset  *key;			/* columns of its primary key */
} StashTable;

/* Opens a table that the caller has locked. Raises 55000 where it has no primary key. */
extern void stash_table_open(StashTable *table, const char *name);
extern void stash_table_close(StashTable *table);

/* Makes values be written and read the same in every session, until the owner's scope ends. */
extern void stash_pin_formats(void);

/* Returns the columns that hold values of their own: not dropped, not generated. */
extern Bitmapset *stash_stored_columns(StashTable *table);

extern const char *stash_column_name(StashTable *table, int number);

/* Appends an expression: the value of a column of the row "t", as a string. */
extern void stash_append_value(StringInfo sql, StashTable *table, int number);

#endif							/* DDD_STASH_H */
