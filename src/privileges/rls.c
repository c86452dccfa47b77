/*
 * rls.c
 *		Row-level security for roles that read and write tables without the API:
 *		ddd.enable_rls(), ddd.disable_rls(), and what the policies ask.
 *
 * Everybody reads all rows, as the API's readers let them, by a policy that is
 * constant and costs no plan an index. Rows are written by the user whom they
 * belong to, if the scope has "write", and by the application's superusers.
 * The policies ask by sub-selects, which are evaluated once in a statement,
 * in the leader of a parallel one.
 *
 * Invariants:
 *	- policies are not forced: the owner of the tables, as whom the API,
 *	  migrations and dumps run, is not subject to them;
 *	- whoever may write is let write by policies, never by their absence: they
 *	  are not taken away while anybody but the owner may write a table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "privileges/privileges.h"

/* Tables that roles may be let read and write. */
#define DOMAIN_TABLES	"'{users,posts,comments,tags,post_tags}'"

/* Tables of secrets, which have no policies. */
#define SECRET_TABLES	"'{tokens,outbox,verified_emails,stash,audit_log,audit_seals}'"

#define POLICIES		"'{ddd_read,ddd_insert,ddd_update,ddd_delete}'"

#define OF_SUPERUSER	"((SELECT ddd.rls_superuser()))"
#define MINE(column)	"(" column " = (SELECT ddd.rls_user()) OR " OF_SUPERUSER ")"
#define OF_MY_POST		"(EXISTS (SELECT FROM ddd.posts p WHERE p.id = post_tags.post_id" \
						" AND p.author_id = (SELECT ddd.rls_user())) OR " OF_SUPERUSER ")"

static const char *const create_policies[] = {
	"CREATE POLICY ddd_read ON ddd.users FOR SELECT USING (true)",
	"CREATE POLICY ddd_update ON ddd.users FOR UPDATE USING " MINE("id"),
	"CREATE POLICY ddd_delete ON ddd.users FOR DELETE USING " MINE("id"),
	"CREATE POLICY ddd_read ON ddd.posts FOR SELECT USING (true)",
	"CREATE POLICY ddd_insert ON ddd.posts FOR INSERT WITH CHECK " MINE("author_id"),
	"CREATE POLICY ddd_update ON ddd.posts FOR UPDATE USING " MINE("author_id"),
	"CREATE POLICY ddd_delete ON ddd.posts FOR DELETE USING " MINE("author_id"),
	"CREATE POLICY ddd_read ON ddd.comments FOR SELECT USING (true)",
	"CREATE POLICY ddd_insert ON ddd.comments FOR INSERT WITH CHECK " MINE("author_id"),
	"CREATE POLICY ddd_update ON ddd.comments FOR UPDATE USING " MINE("author_id"),
	"CREATE POLICY ddd_delete ON ddd.comments FOR DELETE USING " MINE("author_id"),
	"CREATE POLICY ddd_read ON ddd.post_tags FOR SELECT USING (true)",
	"CREATE POLICY ddd_insert ON ddd.post_tags FOR INSERT WITH CHECK " OF_MY_POST,
	"CREATE POLICY ddd_delete ON ddd.post_tags FOR DELETE USING " OF_MY_POST,
	"CREATE POLICY ddd_read ON ddd.tags FOR SELECT USING (true)",
	"CREATE POLICY ddd_insert ON ddd.tags FOR INSERT WITH CHECK " OF_SUPERUSER,
	"CREATE POLICY ddd_update ON ddd.tags FOR UPDATE USING " OF_SUPERUSER,
	"CREATE POLICY ddd_delete ON ddd.tags FOR DELETE USING " OF_SUPERUSER,
};

static SpiPlan drop_policies_plan = {
	.sql = "SELECT format('DROP POLICY %I ON %s', p.polname, c.oid::regclass)"
	" FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
	" WHERE c.relnamespace = 'ddd'::regnamespace AND c.relname = ANY (" DOMAIN_TABLES "::text[])"
	" AND p.polname = ANY (" POLICIES "::text[])",
};

static SpiPlan enable_plan = {
	.sql = "SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.oid::regclass) FROM pg_class c"
	" WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity"
	" AND c.relname = ANY (" DOMAIN_TABLES "::text[] || " SECRET_TABLES "::text[])",
};

/* A table with policies of somebody else stays as it is. */
#define DISABLED \
	" FROM pg_class c WHERE c.relnamespace = 'ddd'::regnamespace AND c.relrowsecurity" \
	" AND c.relname = ANY (" DOMAIN_TABLES "::text[] || " SECRET_TABLES "::text[])" \
	" AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT (" \
	"c.relname = ANY (" DOMAIN_TABLES "::text[]) AND p.polname = ANY (" POLICIES "::text[])))"

static SpiPlan disable_plan = {
	.sql = "SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', c.oid::regclass)" DISABLED,
};

static SpiPlan exposed_plan = {
	.sql = "SELECT string_agg(DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, ', ')"
	" FROM (SELECT a.grantee, t.relname, a.privilege_type FROM (SELECT c.*" DISABLED ") AS t, LATERAL ("
	"   SELECT * FROM aclexplode(t.relacl)"
	"   UNION ALL SELECT x.* FROM pg_attribute b, aclexplode(b.attacl) x WHERE b.attrelid = t.oid) AS a"
	"  WHERE a.grantee <> t.relowner) AS g"
	" WHERE g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE') OR g.relname <> ALL (" DOMAIN_TABLES "::text[])",
};

static SpiPlan enabled_plan = {
	.sql = "SELECT FROM pg_class c WHERE c.relnamespace = 'ddd'::regnamespace AND NOT c.relrowsecurity"
	" AND c.relname = ANY (" DOMAIN_TABLES "::text[])",
};

static bool may_write(const Identity *identity);
static void run_commands(SpiPlan *plan);
static void run(const char *command);
static void check_nobody_writes(void);

PG_FUNCTION_INFO_V1(ddd_rls_user);

Datum
ddd_rls_user(PG_FUNCTION_ARGS)
{
	const Identity *identity = identity_current();

	if (!may_write(identity))
		PG_RETURN_NULL();
	PG_RETURN_INT64(identity->user_id);
}

PG_FUNCTION_INFO_V1(ddd_rls_superuser);

Datum
ddd_rls_superuser(PG_FUNCTION_ARGS)
{
	const Identity *identity = identity_current();

	PG_RETURN_BOOL(may_write(identity) && identity->is_superuser);
}

PG_FUNCTION_INFO_V1(ddd_enable_rls);

Datum
ddd_enable_rls(PG_FUNCTION_ARGS)
{
	ApiCall		call;

	privileges_begin("ddd.enable_rls()");
	api_begin(&call);
	run_commands(&enable_plan);
	run_commands(&drop_policies_plan);
	for (size_t i = 0; i < lengthof(create_policies); i++)
		run(create_policies[i]);
	api_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(ddd_disable_rls);

Datum
ddd_disable_rls(PG_FUNCTION_ARGS)
{
	ApiCall		call;

	privileges_begin("ddd.disable_rls()");
	api_begin(&call);
	check_nobody_writes();
	run_commands(&disable_plan);
	run_commands(&drop_policies_plan);
	api_end(&call);
	PG_RETURN_VOID();
}

bool
rls_enabled(void)
{
	ApiCall		call;
	bool		enabled;

	api_begin(&call);
	enabled = plan_execute(&enabled_plan, NULL, NULL, false) == 0;
	api_end(&call);
	return enabled;
}

static bool
may_write(const Identity *identity)
{
	return identity != NULL && identity_has_scope(identity, "write");
}

static void
run_commands(SpiPlan *plan)
{
	SPITupleTable *commands;

	plan_execute(plan, NULL, NULL, false);
	commands = SPI_tuptable;
	for (uint64 i = 0; i < commands->numvals; i++)
		run(SPI_getvalue(commands->vals[i], commands->tupdesc, 1));
}

static void
run(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", command);
}

/* Raises 55000 where somebody could write, or see secrets, once there are no policies. */
static void
check_nobody_writes(void)
{
	bool		isnull;
	Datum		roles;

	plan_execute(&exposed_plan, NULL, NULL, false);
	roles = plan_value(0, 1, TEXTOID, &isnull);
	if (!isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("other roles than the owner may write tables of ddd"),
				 errdetail("Without policies they could write any row: %s.", TextDatumGetCString(roles)),
				 errhint("Run SELECT ddd.revoke_api('...') for each of them; take from PUBLIC what was granted to it.")));
}
