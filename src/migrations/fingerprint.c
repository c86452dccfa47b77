/*
 * fingerprint.c
 *		What this database should look like, and what it looks like:
 *		ddd.fingerprint() and ddd.check_schema().
 *
 * The statement that collects the facts is fingerprint.sql beside this file,
 * which the build makes a string of. The facts of each version, as a fresh
 * installation has them, are installed with its scripts: ddd--<version>.facts.
 *
 * A deviation is a fault or the user's right. Tables are the user's, who may
 * add to them (columns, indexes, triggers, policies, privileges), tune them and
 * comment on them. It is a fault where something of ddd's is missing or
 * changed, where something is there that another version of ddd has, and where
 * something stands among the functions that ddd has not put there. The end of
 * check_plan is where this is decided.
 */
#include "postgres.h"

#include <unistd.h>

#include "catalog/pg_type.h"
#include "fingerprint_sql.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "migrations/catalog.h"
#include "migrations/fingerprint.h"
#include "migrations/revisions.h"

#define FACT_COLUMNS	4

static SpiPlan fingerprint_plan = {
	.sql = FINGERPRINT_SQL,
};

/* $1 to $4 are the facts that are expected, $5 whether of the code, too, $6 the objects of all versions. */
static SpiPlan check_plan = {
	.sql = "WITH expected AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS e (part, object, fact, value)),"
	" found AS (" FINGERPRINT_SQL "),"
	" differs AS ("
	"  SELECT coalesce(e.part, f.part) AS part, object, fact, e.value AS expected, f.value AS found,"
	"   CASE WHEN NOT EXISTS (SELECT FROM found o WHERE o.object = coalesce(e.object, f.object)) THEN 'missing'"
	"    WHEN NOT EXISTS (SELECT FROM expected o WHERE o.object = coalesce(e.object, f.object)) THEN 'added' ELSE 'changed' END AS deviation"
	"  FROM expected e FULL JOIN found f USING (object, fact)"
	"  WHERE e.value IS DISTINCT FROM f.value)"
	" SELECT object, deviation, CASE WHEN deviation = 'changed' THEN fact END,"
	"  CASE WHEN deviation = 'changed' THEN expected END, CASE WHEN deviation = 'changed' THEN found END,"
	"  CASE deviation WHEN 'missing' THEN true WHEN 'added' THEN part = 'code' OR object = ANY ($6)"
	"   ELSE fact !~ '^(comment|storage|compression|statistics|options|tablespace|row security|replica identity"
	"|clustered|initial privileges|privileges of (?!the owner))' END AS is_fault"
	" FROM differs WHERE (deviation = 'changed' AND fact <> 'position' OR deviation <> 'changed' AND fact = 'definition') AND (part = 'tables' OR $5)"
	" ORDER BY is_fault DESC, object COLLATE \"C\", fact COLLATE \"C\"",
	.nargs = 6,
	.argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID, TEXTARRAYOID},
};

#define OBJECT_COLUMN	1

/* Lines of facts files, column by column. */
typedef struct Facts
{
	Datum	   *columns[FACT_COLUMNS];
	int			count;
	int			room;
} Facts;

static void init_facts(Facts *facts);
static bool read_facts(Facts *facts, const char *version, const char *part);
static Datum facts_column(Facts *facts, int column);
static void unknown_version(const char *version) pg_attribute_noreturn();
static char *read_file(const char *path);
static void append_line(Facts *facts, char *line, const char *part);

PG_FUNCTION_INFO_V1(ddd_fingerprint);

Datum
ddd_fingerprint(PG_FUNCTION_ARGS)
{
	OwnerScope	caller;

	catalog_begin(&caller, fcinfo);
	plan_execute(&fingerprint_plan, NULL, NULL, true);
	catalog_rows(fcinfo);
	catalog_end(&caller);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_check_schema);

Datum
ddd_check_schema(PG_FUNCTION_ARGS)
{
	char	   *code = revision_current();
	char	   *tables = version_of_tables();
	OwnerScope	caller;

	catalog_begin(&caller, fcinfo);
	fingerprint_check(code, tables ? tables : code);
	catalog_rows(fcinfo);
	catalog_end(&caller);
	return (Datum) 0;
}

uint64
fingerprint_check(const char *code, const char *tables)
{
	Facts		expected;
	Facts		all;
	Datum		values[FACT_COLUMNS + 2];
	const char *version;

	init_facts(&expected);
	if (code != NULL && !read_facts(&expected, code, "code"))
		unknown_version(code);
	if (!read_facts(&expected, tables, "tables"))
		unknown_version(tables);
	init_facts(&all);
	for (int i = 0; (version = revision_version(i)) != NULL; i++)
		(void) read_facts(&all, version, "tables");

	for (int i = 0; i < FACT_COLUMNS; i++)
		values[i] = facts_column(&expected, i);
	values[FACT_COLUMNS] = BoolGetDatum(code != NULL);
	values[FACT_COLUMNS + 1] = facts_column(&all, OBJECT_COLUMN);
	return plan_execute(&check_plan, values, NULL, true);
}

static void
init_facts(Facts *facts)
{
	facts->count = 0;
	facts->room = 4096;
	for (int i = 0; i < FACT_COLUMNS; i++)
		facts->columns[i] = palloc_array(Datum, facts->room);
}

static Datum
facts_column(Facts *facts, int column)
{
	return text_array(facts->columns[column], facts->count);
}

/* Appends the facts of one part of a version; returns false where they are not installed. */
static bool
read_facts(Facts *facts, const char *version, const char *part)
{
	char		share[MAXPGPATH];
	char	   *path;
	char	   *next;

	get_share_path(my_exec_path, share);
	path = psprintf("%s/extension/ddd--%s.facts", share, version);
	if (strspn(version, "0123456789.") != strlen(version) || access(path, R_OK) != 0)
		return false;
	next = read_file(path);
	while (*next != '\0')
	{
		char	   *line = next;

		next = strchrnul(line, '\n');
		if (*next != '\0')
			*next++ = '\0';
		append_line(facts, line, part);
	}
	return true;
}

static void
unknown_version(const char *version)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this server does not know what version \"%.*s\" of ddd looks like",
					pg_mbcliplen(version, strlen(version), MAX_VERSION), version),
			 errhint("Install the package that has this version.")));
}

static char *
read_file(const char *path)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	StringInfoData content;
	char		buffer[8192];
	size_t		bytes;

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	initStringInfo(&content);
	while ((bytes = fread(buffer, 1, sizeof(buffer), file)) > 0)
		appendBinaryStringInfo(&content, buffer, bytes);
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
	return content.data;
}

/* Appends a line, part, object, fact and value with tabs between, if it is of the part. */
static void
append_line(Facts *facts, char *line, const char *part)
{
	char	   *fields[FACT_COLUMNS];

	for (int i = 0; i < FACT_COLUMNS; i++)
	{
		fields[i] = line;
		line = strchrnul(line, '\t');
		if (*line != '\0')
			*line++ = '\0';
	}
	if (strcmp(fields[0], part) != 0)
		return;
	if (facts->count == facts->room)
	{
		facts->room *= 2;
		for (int i = 0; i < FACT_COLUMNS; i++)
			facts->columns[i] = repalloc_array(facts->columns[i], Datum, facts->room);
	}
	for (int i = 0; i < FACT_COLUMNS; i++)
		facts->columns[i][facts->count] = CStringGetTextDatum(fields[i]);
	facts->count++;
}
