/*
 * api.c
 *		Who may call what: ddd.grant_api() and ddd.revoke_api().
 *
 * A function's level follows from the catalog, so that one that a version adds
 * has a level by itself: what reads the users, posts, comments and tags is for
 * readers, what writes them for writers, the rest of the API for admins. What
 * does not fit is in the table of exceptions below and nowhere else. Operators
 * and casts ask for EXECUTE on their functions, a cast from text for that on the
 * type's input function, so that these are for readers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "privileges/privileges.h"

/* Functions, in all their forms, of another level than the rule gives them. */
static const struct
{
	const char *function;
	Level		level;
}			exceptions[] = {
	/* who reads may be somebody, and has to prove it */
	{"authenticate", LEVEL_READER},
	{"begin_as", LEVEL_READER},
	/* about other people's accounts, or all of them */
	{"create_users", LEVEL_ADMIN},
	{"prune_tokens", LEVEL_ADMIN},
	{"set_password", LEVEL_ADMIN},
	{"take_outbox", LEVEL_ADMIN},
};

/* $1 is the role, $2 the level, $3 and $4 are the exceptions. */
static SpiPlan grant_plan = {
	.sql = "WITH member AS ("
	"SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
	"  WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'ddd'),"
	" routine AS ("
	"SELECT p.proowner, p.proacl, p.provolatile, e.level,"
	"   CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || p.oid::regprocedure AS object,"
	"   substring(obj_description(p.oid, 'pg_proc'), 'Context: (\\w+)[.]$') AS context,"
	"   EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)"
	"   OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)"
	"   OR EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput)) AS is_operator"
	"  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid"
	"  LEFT JOIN unnest($3::text[], $4::bigint[]) AS e (name, level) ON e.name = p.proname),"
	" wanted (level, owner, acl, privilege, object) AS ("
	"SELECT 1, n.nspowner, n.nspacl, 'USAGE', 'SCHEMA ddd' FROM pg_namespace n WHERE n.nspname = 'ddd'"
	" UNION ALL SELECT 1, c.relowner, c.relacl, 'SELECT', 'TABLE ' || c.oid::regclass"
	"  FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid WHERE c.relkind = 'v'"
	/* to store queries; a call needs no type */
	" UNION ALL SELECT 1, t.typowner, t.typacl, 'USAGE', 'TYPE ' || t.oid::regtype"
	"  FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid"
	"  WHERE t.typtype = 'b' AND t.typelem = 0"
	" UNION ALL SELECT CASE WHEN r.context IS NULL THEN 1 WHEN r.level IS NOT NULL THEN r.level"
	"   WHEN r.context NOT IN ('users', 'blog', 'popularity', 'tags') THEN 3"
	"   WHEN r.provolatile = 'v' THEN 2 ELSE 1 END, r.proowner, r.proacl, 'EXECUTE', r.object"
	"  FROM routine r WHERE r.context IS NOT NULL OR r.is_operator)"
	" SELECT w.owner, format('GRANT %s ON %s TO %I', w.privilege, w.object, g.rolname),"
	"   format('%s ON %s', w.privilege, w.object)"
	"  FROM wanted w JOIN pg_roles g ON g.oid = $1"
	"  WHERE w.level <= $2 AND NOT EXISTS ("
	"   SELECT FROM aclexplode(w.acl) a WHERE a.grantee = $1 AND a.privilege_type = w.privilege)"
	"  ORDER BY w.object COLLATE \"C\"",
	.nargs = 4,
	.argtypes = {OIDOID, INT8OID, TEXTARRAYOID, INT8ARRAYOID},
};

/* $1 is the role. ALL on a table takes what was granted on its columns, too. */
static SpiPlan revoke_plan = {
	.sql = "WITH addressed (owner, acl, object) AS ("
	"SELECT nspowner, nspacl, 'SCHEMA ddd' FROM pg_namespace WHERE nspname = 'ddd'"
	" UNION ALL SELECT relowner, relacl, CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::regclass"
	"  FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
	" UNION ALL SELECT c.relowner, a.attacl, 'TABLE ' || c.oid::regclass"
	"  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	"  WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	" UNION ALL SELECT typowner, typacl, 'TYPE ' || oid::regtype"
	"  FROM pg_type WHERE typnamespace = 'ddd'::regnamespace"
	" UNION ALL SELECT proowner, proacl, 'ROUTINE ' || oid::regprocedure"
	"  FROM pg_proc WHERE pronamespace = 'ddd'::regnamespace)"
	" SELECT DISTINCT a.grantor, format('REVOKE ALL ON %s FROM %I', o.object, g.rolname),"
	"   replace(o.object, 'ROUTINE', 'FUNCTION') COLLATE \"C\""
	"  FROM addressed o, aclexplode(o.acl) a, pg_roles g"
	"  WHERE a.grantee = $1 AND g.oid = $1 AND o.owner <> $1 ORDER BY 3",
	.nargs = 1,
	.argtypes = {OIDOID},
};

PG_FUNCTION_INFO_V1(ddd_grant_api);

Datum
ddd_grant_api(PG_FUNCTION_ARGS)
{
	Datum		values[4];
	Datum		functions[lengthof(exceptions)];
	int64		levels[lengthof(exceptions)];

	arg_required(fcinfo, 0, "role");
	arg_required(fcinfo, 1, "level");
	privileges_begin("ddd.grant_api()");
	values[1] = Int64GetDatum(arg_level(fcinfo, 1, LEVEL_ADMIN));
	values[0] = ObjectIdGetDatum(arg_grantee(fcinfo, 0));
	for (size_t i = 0; i < lengthof(exceptions); i++)
	{
		functions[i] = CStringGetTextDatum(exceptions[i].function);
		levels[i] = exceptions[i].level;
	}
	values[2] = text_array(functions, lengthof(exceptions));
	values[3] = plan_array(INT8OID, levels, lengthof(exceptions), sizeof(levels[0]));
	privileges_change(fcinfo, &grant_plan, values);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(ddd_revoke_api);

Datum
ddd_revoke_api(PG_FUNCTION_ARGS)
{
	Datum		role;

	arg_required(fcinfo, 0, "role");
	privileges_begin("ddd.revoke_api()");
	role = ObjectIdGetDatum(arg_grantee(fcinfo, 0));
	privileges_change(fcinfo, &revoke_plan, &role);
	return (Datum) 0;
}
