/*
 * revisions.c
 *		The versions of ddd: their order, what each is about, the way from one
 *		to another.
 *
 * Which scripts there are PostgreSQL knows; this asks it. What it cannot know,
 * each version's message and what its steps lock, is the table below.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/core.h"
#include "migrations/revisions.h"

/* What a step does to those who use the tables meanwhile. */
typedef struct StepCost
{
	const char *locks;			/* tables in order of their names, and the mode */
	int			milliseconds;	/* that it took at scale L, by bench/run --migrations */
} StepCost;

typedef struct Revision
{
	const char *version;
	const char *message;
	StepCost	up;				/* from the version before it */
	StepCost	down;			/* to the version before it */
} Revision;

static const Revision revisions[] = {
	{"0.1.0", "Add user table", {NULL, 0}, {NULL, 0}},
	{"0.2.0", "Full names; posts, comments and tags",
		{"users: ACCESS EXCLUSIVE, every row is written, indexes are built", 1700},
	{"comments, post_tags, posts, tags, users: ACCESS EXCLUSIVE, every row of users is written", 1850}},
	{"0.3.0", "Counters that are exact without hot rows",
		{"comments, post_tags, posts, tags: SHARE ROW EXCLUSIVE, rows are counted, an index of comments is built", 9800},
	{"comments, counter_ledger, counter_state, counters, post_tags: ACCESS EXCLUSIVE, for a moment", 7}},
	{"0.4.0", "Tag queries and synonyms",
		{"post_tags, tags: ACCESS EXCLUSIVE, tags is rewritten", 40},
	{"post_tags, tags: ACCESS EXCLUSIVE, an index of tags is built", 14}},
	{"0.5.0", "Migrations as functions, and a log of them",
		{"none", 14},
	{"backfills, migration_log: ACCESS EXCLUSIVE, for a moment", 29}},
	{"0.6.0", "Identity: logins, tokens, and who may write what",
		{"users: SHARE ROW EXCLUSIVE, for a moment", 200},
	{"audit_log, audit_seals, comments, outbox, post_tags, posts, tags, tokens, users, verified_emails: "
	"ACCESS EXCLUSIVE, for a moment", 140}},
};

static SpiPlan head_plan = {
	.sql = "SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'ddd'",
};

static SpiPlan reachable_plan = {
	.sql = "SELECT target FROM pg_catalog.pg_extension_update_paths('ddd') WHERE source = $1 AND path IS NOT NULL",
	.nargs = 1,
	.argtypes = {TEXTOID},
};

static SpiPlan path_plan = {
	.sql = "SELECT a.versions[i], a.versions[i + 1],"
	" EXISTS (SELECT FROM pg_catalog.pg_extension_update_paths('ddd') b"
	"  WHERE b.source = a.versions[i + 1] AND b.target = a.versions[i] AND b.path IS NOT NULL)"
	" FROM pg_catalog.pg_extension_update_paths('ddd') p,"
	" LATERAL (SELECT string_to_array(p.path, '--')) AS a (versions),"
	" generate_series(1, cardinality(a.versions) - 1) AS i"
	" WHERE p.source = $1 AND p.target = $2 ORDER BY i",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID},
};

static const Revision *find_revision(const char *version);
static bool read_offset(const char *target, long *offset);
static List *reachable_versions(const char *current);
static int	compare_versions(const ListCell *a, const ListCell *b);
static void unknown_target(const char *target, const char *current, List *versions) pg_attribute_noreturn();

const char *
revision_version(int i)
{
	return i < (int) lengthof(revisions) ? revisions[i].version : NULL;
}

const char *
revision_message(const char *version)
{
	const Revision *revision = find_revision(version);

	return revision ? revision->message : "";
}

const char *
revision_locks(const Step *step, int *milliseconds)
{
	const Revision *revision = find_revision(step->is_up ? step->to : step->from);
	const StepCost *cost;

	if (revision == NULL)
		return NULL;
	cost = step->is_up ? &revision->up : &revision->down;
	*milliseconds = cost->milliseconds;
	return cost->locks;
}

char *
revision_head(void)
{
	if (plan_execute(&head_plan, NULL, NULL, true) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server has no control file of extension \"ddd\"")));
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

char *
revision_current(void)
{
	char	   *current = version_of_code();

	if (current == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"ddd\" does not exist")));
	return current;
}

char *
revision_target(const char *target)
{
	char	   *current = revision_current();
	List	   *versions = lcons(current, reachable_versions(current));
	ListCell   *cell;
	long		offset;

	if (strcmp(target, "head") == 0)
		target = revision_head();
	list_sort(versions, compare_versions);
	foreach(cell, versions)
	{
		if (strcmp(lfirst(cell), target) == 0)
			return lfirst(cell);
	}
	if (read_offset(target, &offset))
	{
		int			at = 0;

		while (strcmp(list_nth(versions, at), current) != 0)
			at++;
		if (offset >= -at && offset < list_length(versions) - at)
			return list_nth(versions, at + offset);
	}
	unknown_target(target, current, versions);
}

List *
revision_path(const char *to)
{
	Datum		values[] = {CStringGetTextDatum(revision_current()), CStringGetTextDatum(to)};
	uint64		count = plan_execute(&path_plan, values, NULL, true);
	List	   *steps = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Step	   *step = palloc(sizeof(Step));

		step->from = SPI_getvalue(row, desc, 1);
		step->to = SPI_getvalue(row, desc, 2);
		step->is_up = version_is_newer(step->to, step->from);
		step->reversible = strcmp(SPI_getvalue(row, desc, 3), "t") == 0;
		steps = lappend(steps, step);
	}
	return steps;
}

static const Revision *
find_revision(const char *version)
{
	for (size_t i = 0; i < lengthof(revisions); i++)
	{
		if (strcmp(revisions[i].version, version) == 0)
			return &revisions[i];
	}
	return NULL;
}

/* Reads "+1", "-12": a sign and up to four digits. */
static bool
read_offset(const char *target, long *offset)
{
	size_t		digits;

	if (target[0] != '+' && target[0] != '-')
		return false;
	digits = strspn(target + 1, "0123456789");
	if (digits < 1 || digits > 4 || target[digits + 1] != '\0')
		return false;
	*offset = strtol(target, NULL, 10);
	return true;
}

/* Returns the versions that scripts lead to from the current one. */
static List *
reachable_versions(const char *current)
{
	Datum		value = CStringGetTextDatum(current);
	uint64		count = plan_execute(&reachable_plan, &value, NULL, true);
	List	   *versions = NIL;

	for (uint64 i = 0; i < count; i++)
		versions = lappend(versions, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return versions;
}

static int
compare_versions(const ListCell *a, const ListCell *b)
{
	if (version_is_newer(lfirst(a), lfirst(b)))
		return 1;
	return version_is_newer(lfirst(b), lfirst(a)) ? -1 : 0;
}

static void
unknown_target(const char *target, const char *current, List *versions)
{
	StringInfoData others;
	ListCell   *cell;

	initStringInfo(&others);
	foreach(cell, versions)
	{
		if (strcmp(lfirst(cell), current) != 0)
			appendStringInfo(&others, "%s%s", others.len > 0 ? ", " : "", (char *) lfirst(cell));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("version \"%.*s\" cannot be reached from %s", pg_mbcliplen(target, strlen(target), MAX_VERSION),
					target, current),
			 others.len > 0 ? errhint("Reachable are: %s. \"head\" is the newest; +1 and -1 are the next and the one before.", others.data) :
			 errhint("This server has no scripts that lead to another version.")));
}
