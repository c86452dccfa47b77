/*
 * switch.c
 *		ddd.enable_audit() and ddd.disable_audit().
 *
 * The audit is on where its triggers are; where they are not, it costs nothing.
 * Both write that they were called into the log, so that it says from when to
 * when it is one, and so that ddd.audit_verify() can tell when the triggers
 * went in another way: DROP EXTENSION ... CASCADE takes them along, and nothing
 * brings them back but ddd.enable_audit().
 *
 * Locks: SHARE ROW EXCLUSIVE on each audited table to enable, ACCESS EXCLUSIVE
 * to disable, in the order of statements below.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "audit/audit.h"

#define TRIGGER(table, event, lower_event, transition, id) \
	"CREATE OR REPLACE TRIGGER " table "_audit_" lower_event " AFTER " event " ON ddd." table transition \
	" FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows('" id "')"
#define TRIGGERS(table, id) \
	TRIGGER(table, "INSERT", "insert", " REFERENCING NEW TABLE AS new_rows", id), \
	TRIGGER(table, "UPDATE", "update", " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows", id), \
	TRIGGER(table, "DELETE", "delete", " REFERENCING OLD TABLE AS old_rows", id), \
	TRIGGER(table, "TRUNCATE", "truncate", "", id)

static const char *const statements[] = {
	TRIGGERS("users", "id"),
	TRIGGERS("posts", "id"),
	TRIGGERS("comments", "id"),
	TRIGGERS("tags", "id"),
	TRIGGERS("post_tags", "post_id"),
};

/* Those that record all of an event, by the four values of tgtype; whatever their names. */
static SpiPlan in_force_plan = {
	.sql = "SELECT count(DISTINCT (c.relname, t.tgtype)) FROM pg_catalog.pg_trigger t"
	" JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid"
	" WHERE t.tgfoid = to_regprocedure('ddd.audit_rows()') AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL"
	" AND t.tgtype IN (4, 8, 16, 32) AND c.relnamespace = to_regnamespace('ddd')"
	" AND c.relname IN ('users', 'posts', 'comments', 'tags', 'post_tags')",
};

static SpiPlan attached_plan = {
	.sql = "SELECT t.tgname::text, t.tgrelid::regclass::text FROM pg_catalog.pg_trigger t"
	" WHERE t.tgfoid = to_regprocedure('ddd.audit_rows()') AND t.tgparentid = 0 ORDER BY t.tgrelid, t.oid",
};

/* Triggers of somebody else that are called as those to be. */
static SpiPlan taken_plan = {
	.sql = "SELECT format('%I on %s', t.tgname, c.oid::regclass)"
	" FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid"
	" WHERE t.tgfoid <> to_regprocedure('ddd.audit_rows()') AND c.relnamespace = to_regnamespace('ddd')"
	" AND c.relname IN ('users', 'posts', 'comments', 'tags', 'post_tags')"
	" AND t.tgname IN (SELECT c.relname || '_audit_' || e FROM unnest('{insert,update,delete,truncate}'::text[]) e)"
	" ORDER BY 1",
};

static void begin(ApiCall *call, const char *function);
static void check_names(void);
static void run_utility(const char *sql);

PG_FUNCTION_INFO_V1(ddd_enable_audit);

Datum
ddd_enable_audit(PG_FUNCTION_ARGS)
{
	AuditEntry	entry = {.table = "audit_log", .action = "ENABLE", .row_count = -1};
	ApiCall		call;
	int			wanted;
	bool		missing;

	begin(&call, "enable_audit");
	missing = audit_triggers(false, &wanted) < wanted;
	if (missing)
	{
		check_names();
		for (size_t i = 0; i < lengthof(statements); i++)
			run_utility(statements[i]);
		audit_append(&entry);
	}
	api_end(&call);
	PG_RETURN_BOOL(missing);
}

PG_FUNCTION_INFO_V1(ddd_disable_audit);

Datum
ddd_disable_audit(PG_FUNCTION_ARGS)
{
	AuditEntry	entry = {.table = "audit_log", .action = "DISABLE", .row_count = -1};
	ApiCall		call;
	uint64		count;
	SPITupleTable *attached;

	begin(&call, "disable_audit");
	count = plan_execute(&attached_plan, NULL, NULL, false);
	attached = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
		run_utility(psprintf("DROP TRIGGER %s ON %s",
							 quote_identifier(SPI_getvalue(attached->vals[i], attached->tupdesc, 1)),
							 SPI_getvalue(attached->vals[i], attached->tupdesc, 2)));
	if (count > 0)
		audit_append(&entry);
	api_end(&call);
	PG_RETURN_BOOL(count > 0);
}

int
audit_triggers(bool read_only, int *wanted)
{
	*wanted = lengthof(statements);
	plan_execute(&in_force_plan, NULL, NULL, read_only);
	return plan_int64(0, 1);
}

/* Begins a call for the owner of the tables alone: EXECUTE may have been granted to others. */
static void
begin(ApiCall *call, const char *function)
{
	PreventCommandIfReadOnly(psprintf("ddd.%s()", function));
	check_isolation(psprintf("ddd.%s()", function));
	if (!has_privs_of_role(GetUserId(), relation_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ddd.%s()", function),
				 errhint("Only the owner of the tables or a superuser may run it.")));
	api_begin(call);
}

/* What CREATE OR REPLACE would take for one to be made anew. */
static void
check_names(void)
{
	if (plan_execute(&taken_plan, NULL, NULL, false) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger %s is not one of the audit", text_to_cstring(plan_text(0, 1))),
				 errhint("Give it another name.")));
}

static void
run_utility(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", sql);
}
