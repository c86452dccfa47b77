/*
 * tables.c
 *		Reading and writing tables without the API: ddd.grant_tables().
 *
 * Which columns a role reaches is what is granted here, and which rows it
 * writes is the matter of the policies (rls.c); neither is enough without the
 * other. Columns that the API fills or guards are out of reach: ids and times,
 * the password hash, whether an account is active or a superuser's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "privileges/privileges.h"

/* $1 is the role, $2 the level. Without columns, the whole object. */
static SpiPlan grant_plan = {
	.sql = "WITH rule (level, object, privilege, columns) AS (VALUES"
	" (1, 'users', 'SELECT', '{id,email,full_name,is_active,is_superuser,bio,created_at,updated_at}'::text[]),"
	" (1, 'posts', 'SELECT', NULL), (1, 'comments', 'SELECT', NULL),"
	" (1, 'tags', 'SELECT', NULL), (1, 'post_tags', 'SELECT', NULL),"
	" (2, 'users', 'UPDATE', '{email,full_name,bio}'), (2, 'users', 'DELETE', NULL),"
	" (2, 'posts', 'INSERT', '{title,content,author_id}'),"
	" (2, 'posts', 'UPDATE', '{title,content}'), (2, 'posts', 'DELETE', NULL),"
	" (2, 'posts_id_seq', 'USAGE', NULL),"
	" (2, 'comments', 'INSERT', '{content,post_id,author_id,parent_id}'),"
	" (2, 'comments', 'UPDATE', '{content}'), (2, 'comments', 'DELETE', NULL),"
	" (2, 'comments_id_seq', 'USAGE', NULL),"
	" (2, 'tags', 'INSERT', '{name,synonym_of}'), (2, 'tags', 'UPDATE', '{name,synonym_of}'),"
	" (2, 'tags', 'DELETE', NULL), (2, 'tags_id_seq', 'USAGE', NULL),"
	" (2, 'post_tags', 'INSERT', '{post_id,tag_id}'), (2, 'post_tags', 'DELETE', NULL)),"
	" missing (owner, acl, privilege, columns, object) AS ("
	"SELECT n.nspowner, n.nspacl, 'USAGE', NULL::text[], 'SCHEMA ddd' FROM pg_namespace n WHERE n.nspname = 'ddd'"
	" UNION ALL SELECT p.proowner, p.proacl, 'EXECUTE', NULL, 'FUNCTION ' || p.oid::regprocedure"
	"  FROM pg_proc p WHERE p.oid IN (to_regprocedure('ddd.rls_user()'), to_regprocedure('ddd.rls_superuser()')) AND $2 >= 2"
	" UNION ALL SELECT c.relowner, c.relacl, r.privilege, ARRAY(SELECT n FROM unnest(r.columns) n WHERE n <> ALL (g.columns)),"
	"   CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass"
	"  FROM rule r JOIN pg_class c ON c.relname = r.object AND c.relnamespace = 'ddd'::regnamespace,"
	"   LATERAL (SELECT ARRAY(SELECT t.attname::text FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid"
	"     AND a.grantee = $1 AND a.privilege_type = r.privilege) AS columns) g"
	"  WHERE r.level <= $2 AND (r.columns <@ g.columns) IS NOT TRUE)"
	" SELECT m.owner, format('GRANT %s ON %s TO %I', w.what, m.object, g.rolname), format('%s ON %s', w.what, m.object)"
	"  FROM missing m JOIN pg_roles g ON g.oid = $1 CROSS JOIN LATERAL (SELECT m.privilege ||"
	"   coalesce(' (' || (SELECT string_agg(quote_ident(n), ', ') FROM unnest(m.columns) n) || ')', '')) AS w (what)"
	"  WHERE NOT EXISTS (SELECT FROM aclexplode(m.acl) a WHERE a.grantee = $1 AND a.privilege_type = m.privilege)"
	"  ORDER BY m.object COLLATE \"C\", m.privilege",
	.nargs = 2,
	.argtypes = {OIDOID, INT8OID},
};

PG_FUNCTION_INFO_V1(ddd_grant_tables);

Datum
ddd_grant_tables(PG_FUNCTION_ARGS)
{
	Datum		values[2];

	arg_required(fcinfo, 0, "role");
	arg_required(fcinfo, 1, "level");
	privileges_begin("ddd.grant_tables()");
	values[1] = Int64GetDatum(arg_level(fcinfo, 1, LEVEL_WRITER));
	values[0] = ObjectIdGetDatum(arg_grantee(fcinfo, 0));
	if (!rls_enabled())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row-level security is not enabled for the tables of ddd"),
				 errhint("Run SELECT ddd.enable_rls().")));
	privileges_change(fcinfo, &grant_plan, values);
	return (Datum) 0;
}
