/*
 * core.h
 *		What every context of ddd shares: errors, arguments, the owner of the
 *		tables, saved plans, results, page cursors and the version guard.
 *
 * core knows no context; every context may use core.
 */
#ifndef DDD_CORE_H
#define DDD_CORE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "port/pg_crc32c.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* error.c ------------------------------------------------------------------ */

/*
 * Adds the SCHEMA, TABLE, COLUMN and CONSTRAINT fields to an error being
 * built. Any but the schema may be NULL.
 */
extern int	err_object(const char *table, const char *column, const char *constraint);

/*
 * In a PG_CATCH block: returns the error being handled, to be changed and
 * raised again with ReThrowError. It must be raised: nothing was rolled back.
 */
extern ErrorData *error_take(MemoryContext context);

/* args.c ------------------------------------------------------------------- */

/* Each returns argument argno, or raises 22004 naming it when it is NULL. */
extern void arg_required(FunctionCallInfo fcinfo, int argno, const char *name);
extern bool arg_bool(FunctionCallInfo fcinfo, int argno, const char *name);
extern int64 arg_int64(FunctionCallInfo fcinfo, int argno, const char *name);
extern text *arg_text(FunctionCallInfo fcinfo, int argno, const char *name);

/* Returns the argument, or NULL where it is NULL. */
extern text *arg_text_or_null(FunctionCallInfo fcinfo, int argno);

/* Raises 2202E unless the array has one dimension or none, 22004 where an element is NULL. */
extern void arg_check_array(ArrayType *array, const char *name);

/* Returns the elements of a text[], checked by arg_check_array. */
extern Datum *arg_text_array(FunctionCallInfo fcinfo, int argno, const char *name, int *count);

/* Counts characters; safe on text that is invalid in the database encoding. */
extern int	text_length_chars(const char *s, int len);

/* Tells whether no character of the text leaves a mark: blanks, controls, default ignorables. */
extern bool text_is_blank(const char *s, int len);

/* Tells whether the text holds a control character or an invisible one. */
extern bool text_has_control(const char *s, int len);

/* Returns the text without leading and trailing ASCII white space. */
extern text *text_trim(text *value);

/* Moves the bounds of a text past leading and trailing ASCII white space. */
extern void text_trim_bounds(const char **s, int *len);

extern bool text_is_ascii(const char *s, int len);

/* Code points, from first to last. */
typedef struct CodeRange
{
	uint32		first;
	uint32		last;
} CodeRange;

/* Tells whether a code point is in one of the ranges, which are in order. */
extern bool code_is_in(uint32 code, const CodeRange *ranges, int n);

/* Compares texts byte by byte, as COLLATE "C" does. */
extern int	text_compare(text *a, text *b);

/* Raises 22001 when the text is longer than max characters. */
extern void check_length(text *value, int max, const char *table, const char *column);

/* Raises 23514 with constraint <table>_<column>_not_blank. */
extern void check_not_blank(text *value, const char *table, const char *column);

/* Tells what is wrong with an e-mail address, or returns NULL. */
extern const char *email_problem(const char *s, int len);

/* Tells what is wrong with a name kept free of controls, or returns NULL. */
extern const char *name_problem(const char *s, int len);

/* fold.c ------------------------------------------------------------------- */

/*
 * Bytes of the longest name that has a caseless form, without white space
 * around it, and of the longest form: a hundred characters always have one.
 */
#define MAX_FOLD	1200

/* Returns a name's caseless form, palloc'd and with a zero byte after it; NULL if one of them is longer. */
extern char *name_fold(const char *s, int len, int *folded_len);

/* The same as text: the key of a tag. */
extern text *name_key(text *name);

/* row_triggers.c ----------------------------------------------------------- */

/*
 * Makes ddd.touch_row() leave updated_at in one table, until it is called with
 * InvalidOid, which has to be after an error too.
 */
extern void touch_row_stop(Oid relid);

/*
 * Returns the number that a column has in this relation now, for use in this
 * call only. Raises 42703, or 42804 if it is not of the type (TEXTOID stands
 * for varchar as well).
 */
extern int	row_column(Relation relation, const char *name, Oid type);

/*
 * Returns the row that a BEFORE INSERT OR UPDATE row trigger was fired for;
 * raises 39P01 naming the function where it was called as anything else.
 */
extern HeapTuple row_of_trigger(FunctionCallInfo fcinfo, const char *function);

/*
 * Raises 39P01 naming the function unless it is called as an AFTER statement
 * trigger with transition tables, and 42501 unless on a table of the owner of
 * ddd's: it writes in his name, and a function that may be executed is no
 * right to forge.
 */
extern void statement_trigger_check(FunctionCallInfo fcinfo, const char *function);

/* json.c ------------------------------------------------------------------- */

/* A key that a JSON object argument may have. */
typedef struct JsonField
{
	const char *key;
	enum jbvType type;			/* jbvString or jbvBool */
	bool		nullable;		/* JSON null is allowed and means SQL NULL */
	bool		present;		/* out */
	bool		isnull;			/* out */
	Datum		value;			/* out: text or bool */
} JsonField;

/*
 * Fills the fields from a JSON object. Raises 22023 for anything but an
 * object, an unknown key, or a value of another type, and 23502 for a null
 * where none is allowed. "table" names the table whose columns these are.
 */
extern void json_read(JsonbContainer *object, JsonField *fields, int nfields, const char *table);

/* relation.c --------------------------------------------------------------- */

extern void relation_init(void);

/* Returns the owner of ddd's tables; raises 55000 where there are none. */
extern Oid	relation_owner(void);

/* Raises the 55000 of a database without ddd's tables. */
extern void relation_missing(void) pg_attribute_noreturn();

/* Returns the OID of ddd.schema_version, or InvalidOid where there are no tables. */
extern Oid	relation_schema_version(void);

/* owner.c ------------------------------------------------------------------ */

/* What to go back to when acting as the owner of the tables ends. */
typedef struct OwnerScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} OwnerScope;

/*
 * Acts as the given role with the restricted-operation flag. On error the
 * (sub)transaction's abort undoes it.
 */
extern void owner_begin(OwnerScope *scope, Oid owner);
extern void owner_end(OwnerScope *scope);

/*
 * owner_begin for who one is already, and for statements about the catalog: they
 * look costly to the planner, and compiling them (JIT) takes longer than running them.
 */
extern void owner_begin_catalog(OwnerScope *scope);

/* Pins search_path until the scope ends; for whoever runs SQL in one, as plan_execute does itself. */
extern void owner_pin_path(void);

/* secret.c ----------------------------------------------------------------- */

/* What stands in logs and views for what they must not have. */
#define SECRET_REDACTED "<redacted>"

/* Defines ddd.literal_password and keeps secrets out of the log. */
extern void secret_init(void);

/*
 * The first action of every SQL function that takes a password, a hash of one
 * or a token; "function" is its name in SQL and in the list of secret.c. Takes
 * the statement out of pg_stat_activity, and tells or raises 22023 where the
 * text that is argument argno is a literal of the statement, as
 * ddd.literal_password says. NO_SECRET looks for none.
 */
#define NO_SECRET (-1)
extern void secret_call(FunctionCallInfo fcinfo, const char *function, int argno);

/* The same where the argument is a jsonb with keys "password". */
extern void secret_call_json(FunctionCallInfo fcinfo, const char *function, int argno);

/* Tells whether such a function has been called since the client's statement began. */
extern bool secret_was_called(void);

/* Returns the name of such a function that the text calls, or NULL; the text may be NULL. */
extern const char *secret_function_in(const char *text);

/* Tells whether a name in SQL goes on with this character. */
extern bool secret_is_name_character(char c);

/* Returns what follows white space and comments, or NULL where they do not end soon. */
extern const char *secret_skip_blanks(const char *at);

/* Shows a call of this function, or nothing at all if it is NULL, in pg_stat_activity. */
extern void secret_hide_activity(const char *function);

/* secret_log.c ------------------------------------------------------------- */

extern void secret_log_init(void);

/* identity.c --------------------------------------------------------------- */

/* A user of the application who proved to be the caller. */
typedef struct Identity
{
	int64		user_id;		/* users.id */
	bool		is_superuser;	/* users.is_superuser, when it was proved */
	TimestampTz expires_at;
	char		scope[FLEXIBLE_ARRAY_MEMBER];	/* words between single blanks */
} Identity;

extern void identity_init(void);

/* Makes a user the caller until the (sub)transaction ends. The scope is copied. */
extern void identity_set(int64 user_id, bool is_superuser, const char *scope, TimestampTz expires_at);

/* Returns the caller, or NULL where nobody is proved; valid until the next statement at most. */
extern const Identity *identity_current(void);

/* The same, also where what proved the caller has expired since: for what only takes note. */
extern const Identity *identity_last(void);

/* The same as identity_current, and raises 28000 instead of returning NULL. */
extern const Identity *identity_require(void);

/* The scope without limits. */
#define SCOPE_ALL	"*"

/* Tells whether the scope has this word, or no limits. */
extern bool identity_has_scope(const Identity *identity, const char *scope);

/* spi.c -------------------------------------------------------------------- */

#define PLAN_MAX_ARGS 20

/* How a statement is planned. */
typedef enum PlanChoice
{
	PLAN_AUTO,					/* as PostgreSQL finds best after a few executions */
	PLAN_GENERIC,				/* once: one plan serves all values */
	PLAN_CUSTOM,				/* at every execution: the values decide */
	PLAN_WALK					/* once, to walk indexes in order: see spi.c */
} PlanChoice;

/* A statement: constant text, prepared on first use, kept for the session. */
typedef struct SpiPlan
{
	const char *sql;
	int			nargs;
	Oid			argtypes[PLAN_MAX_ARGS];
	PlanChoice	choice;
	int			walk_generation;	/* of a PLAN_WALK's plan */
	SPIPlanPtr	saved;			/* valid once set */
} SpiPlan;

/*
 * Runs a statement inside an SPI connection. nulls is SPI's ("n" or " " for
 * each argument) or NULL; a negative SPI code is an internal error. Returns
 * the number of rows.
 */
extern uint64 plan_execute(SpiPlan *plan, Datum *values, const char *nulls, bool read_only);

/* The same, with the rows going to a receiver instead of SPI_tuptable, which may be NULL for that. */
extern void plan_execute_to(SpiPlan *plan, Datum *values, const char *nulls, bool read_only,
							DestReceiver *receiver);

/*
 * Returns column col (from 1) of row "row" of the last statement's result.
 * Raises 42804 if it is not of the type.
 */
extern Datum plan_value(uint64 row, int col, Oid type, bool *isnull);
extern int64 plan_int64(uint64 row, int col);

/* The same of a text, in the current memory context; raises 22004 where it is null. */
extern text *plan_text(uint64 row, int col);

/*
 * Raises 25001 for a call such as "ddd.fold_counters()" where the transaction has one snapshot
 * for all: for what must see what was committed while it waited for a lock.
 */
extern void check_isolation(const char *call);

/*
 * Runs a reading statement under a snapshot of now, whatever the isolation
 * level: for what must not be as it was when the transaction began.
 */
extern uint64 plan_execute_latest(SpiPlan *plan, Datum *values);

/*
 * Returns an array for a parameter: n values of a type of 64 bits, each
 * "stride" bytes after the one before.
 */
extern Datum plan_array(Oid type, const int64 *values, int n, size_t stride);

/* Returns n texts as a text[]. */
extern Datum text_array(Datum *elements, int n);

/* patch.c ------------------------------------------------------------------ */

/* Reads (id, patch, expected_updated_at): fills the statement's first two parameters. */
extern void patch_target(FunctionCallInfo fcinfo, const char *id_name, Datum *values, char *nulls);

/* Fills the statement's other parameters, two for each field. */
extern void patch_columns(JsonField *fields, int nfields, Datum *values, char *nulls);

/*
 * Raises 23514 <table>_stale_update where nothing was updated although the row
 * is there: it is no longer at the expected updated_at.
 */
extern void patch_check_stale(uint64 rows, SpiPlan *get_plan, Datum *values, const char *nulls,
							  const char *table, const char *what);

/* index_cursor.c ----------------------------------------------------------- */

/*
 * A key that an index must have: a smallint, bigint, xid8 or timestamptz
 * column, or a text column in the order of collation "C".
 */
typedef struct IndexColumn
{
	const char *name;
	Oid			type;
	bool		descending;
} IndexColumn;

/* A table of ddd being read in the order of an index. */
typedef struct IndexCursor
{
	Relation	table;
	Relation	index;
	IndexScanDesc scan;			/* NULL before a seek */
	bool		keys_only;
	TupleTableSlot *slot;		/* the row, after index_cursor_next_row */
	Buffer		visibility;		/* of the visibility map */
} IndexCursor;

/* Defines ddd.access_path. */
extern void index_cursor_init(void);

/* Tells whether tables may be reached without the executor. */
extern bool direct_access_allowed(void);

/*
 * Opens a table by an index whose first keys are the columns; keys_only to read
 * with index_cursor_next_keys, otherwise with index_cursor_next_row. Returns
 * false where SPI must do it instead.
 */
extern bool index_cursor_open(IndexCursor *cursor, const char *table,
							  const IndexColumn *columns, int ncolumns, bool keys_only);

/* Returns the number of a column in the table, or 0 if it has none of that name and type. */
extern int	index_cursor_column(IndexCursor *cursor, const char *name, Oid type);

/* Goes before the first entry that the keys admit; as many keys each time until index_cursor_rest. */
extern void index_cursor_seek(IndexCursor *cursor, ScanKey keys, int nkeys);

/*
 * Makes "key" admit what is before a place: (columns[first], ...) < (values),
 * n of them, bigint or timestamptz. "members" is room for n keys.
 */
extern void index_cursor_before(ScanKey key, ScanKey members, const IndexColumn *columns, int first, int n,
								const int64 *values);

/* Reads the next entry's first key values from the index alone where possible; false at the end. */
extern bool index_cursor_next_keys(IndexCursor *cursor, Datum *values, int nvalues);

/* Reads the next entry's row into the slot; false at the end. */
extern bool index_cursor_next_row(IndexCursor *cursor);

/* Gives back what a scan holds until the next seek: 28 kB, 44 with keys_only, and its pins. */
extern void index_cursor_rest(IndexCursor *cursor);

extern void index_cursor_close(IndexCursor *cursor);

/* call.c ------------------------------------------------------------------- */

/* One call of an API function: guarded, as the owner, inside SPI. */
typedef struct ApiCall
{
	OwnerScope	owner;
	MemoryContext result_context;	/* where results must live */
} ApiCall;

extern void api_begin(ApiCall *call);
extern void api_end(ApiCall *call);

/*
 * Returns the first row of the last statement as the function's composite
 * result, allocated in the caller's memory.
 */
extern Datum api_row(ApiCall *call, FunctionCallInfo fcinfo);

/* Each raises 42804 where a result's column is not of the type it is read as. */
extern void check_row_type(TupleDesc found, TupleDesc wanted, int columns);
extern void check_column_type(TupleDesc desc, int column, Oid wanted);

/* Ends a call that returns one row if there is one: the row, or NULL. */
extern Datum api_end_row(ApiCall *call, FunctionCallInfo fcinfo, uint64 rows);

/* Appends the rows of the last statement to a set-returning function's result. */
extern void api_rows(ApiCall *call, FunctionCallInfo fcinfo);

/* cursor.c ----------------------------------------------------------------- */

#define PAGE_MAX_KEYS 4

/* Bytes of the longest text that a listing goes by. */
#define PAGE_MAX_TEXT_KEY MAX_FOLD

/* One page of a listing: where it starts and how many rows it has. */
typedef struct ListPage
{
	const char *listing;		/* the function's name; part of every cursor */
	int64		first;
	int64		skip;
	int			nkeys;
	int64		keys[PAGE_MAX_KEYS];	/* the row before the page */
	text	   *text_key;		/* the same, of a listing in the order of a text; else NULL */
	pg_crc32c	filter;			/* checksum of the listing and its filters */
} ListPage;

extern void cursor_init(void);
extern void page_begin(ListPage *page, const char *listing);

/* Makes an argument part of the listing's identity: its cursors fit no other value. */
extern void page_filter(ListPage *page, const void *value, size_t len);
extern void page_filter_text(ListPage *page, text *value);

/* Reads first and skip; skip_arg is -1 where the function has none. 2201W, 2201X, 22023. */
extern void page_limits(ListPage *page, FunctionCallInfo fcinfo, int first_arg, int skip_arg);

/* Reads the cursor, or starts at the given keys. Raises 22023 for a cursor of anything else. */
extern void page_after(ListPage *page, FunctionCallInfo fcinfo, int after_arg, int nkeys, const int64 *start);

/* The same for a listing in the order of a text, which starts at the empty one. */
extern void page_after_text(ListPage *page, FunctionCallInfo fcinfo, int after_arg);

/* Takes the rows of a page into the function's result. */
typedef struct PageWriter
{
	ListPage   *page;
	Tuplestorestate *rows;
	TupleDesc	desc;
	Datum	   *values;			/* one row, to be filled but for the cursor, its last column */
	bool	   *nulls;
	MemoryContext row_context;
} PageWriter;

/* Begins the result, without rows so far. */
extern void page_result(FunctionCallInfo fcinfo);

/* Begins the result, or goes on with it. */
extern void page_writer_begin(PageWriter *writer, ListPage *page, FunctionCallInfo fcinfo);

/* Raises 42804 where a statement's columns from "first" on are not of a page's key types. */
extern void page_check_keys(ListPage *page, TupleDesc found, int first);

/* Appends the row in values and nulls, with the cursor of its keys. */
extern void page_write(PageWriter *writer, const int64 *keys);
extern void page_write_text(PageWriter *writer, text *text_key);
extern void page_writer_end(PageWriter *writer);

/*
 * Runs a statement of a page; its rows, each with its cursor as the last
 * column, are appended to the function's result. Returns their number. The
 * statement's last nkeys columns are the keys (bigint or timestamptz, never
 * NULL) and are not part of the result.
 */
extern uint64 page_execute(ListPage *page, SpiPlan *plan, Datum *values, const char *nulls,
						   FunctionCallInfo fcinfo);

/* Raises 22023 when count is above ddd.max_page_size. */
extern void check_page_size(int64 count, const char *what);

/* ranking.c ---------------------------------------------------------------- */

#define RANK_KEYS 3

/* A place in a ranking; the order is by the keys, all descending. */
typedef struct Rank
{
	int64		keys[RANK_KEYS];
	int64		value;			/* whatever belongs to it */
} Rank;

/* The first places of a ranking after one of its places, as far as they are known. */
typedef struct Ranking
{
	Rank	   *ranks;			/* room for "wanted" */
	int			held;
	int			wanted;
	const int64 *after;
	int64		least;			/* first key of a place */
} Ranking;

/* Puts a candidate into its place, if it has one. */
extern void ranking_enter(Ranking *ranking, const int64 *keys, int64 value);

/* Tells whether a candidate with this first key could have a place. */
extern bool ranking_can_enter(const Ranking *ranking, int64 first_key);

/* Tells whether as many are held as are wanted, none of them after this place. */
extern bool ranking_is_full_before(const Ranking *ranking, const int64 *keys);

/* version.c ---------------------------------------------------------------- */

extern void version_init(void);

/* Raises 55000 with the remedy unless library, code and tables are at one version. */
extern void version_guard(void);

/* Tells whether they are, without raising an error. */
extern bool version_agrees(void);

/* Raises 55000 with the remedy unless the tables exist and are at the code's version. */
extern void version_tables_guard(const char *code);

/* Compares dotted version numbers. */
extern bool version_is_newer(const char *a, const char *b);

/* Makes every session check again, once this transaction commits. */
extern void version_changed(void);

/* Returns the version of the SQL objects, or NULL; in the current memory context. */
extern char *version_of_code(void);

/* Returns the version of the tables, or NULL where there are none. */
extern char *version_of_tables(void);

/* restore.c ---------------------------------------------------------------- */

/* Tells whether this session loads a dump: row_security is set, check_function_bodies off. */
extern bool restore_in_progress(void);

/* Tells whether this is so and the session's role has the rights of the tables' owner. */
extern bool restore_by_owner(void);

#endif							/* DDD_CORE_H */
