-- Nothing of ddd is for everybody, and nothing runs with the rights of another
-- but through the one helper in C. The lint is tried on faults.
BEGIN;
SELECT plan(4 + 14);

CREATE FUNCTION pg_temp.lint() RETURNS SETOF text LANGUAGE sql AS $lint$
    WITH member AS (
        SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'ddd'
    ), object (name, acl) AS (
        SELECT 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname = 'ddd'
        UNION ALL
        SELECT 'relation ' || oid::regclass, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
          FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT format('column %s.%I', a.attrelid::regclass, a.attname), a.attacl
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'ddd'::regnamespace
        UNION ALL
        SELECT 'function ' || oid::regprocedure, coalesce(proacl, acldefault('f', proowner))
          FROM pg_proc WHERE pronamespace = 'ddd'::regnamespace OR oid IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)
        UNION ALL
        -- row types of tables and views have no privileges that could be taken
        SELECT 'type ' || t.oid::regtype, coalesce(t.typacl, acldefault('T', t.typowner))
          FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.typnamespace = 'ddd'::regnamespace AND t.typcategory <> 'A' AND coalesce(c.relkind = 'c', true)
        UNION ALL
        SELECT 'default privileges for ' || d.defaclobjtype::text, d.defaclacl
          FROM pg_default_acl d WHERE d.defaclnamespace = 'ddd'::regnamespace
    )
    SELECT DISTINCT o.name || ': PUBLIC has ' || a.privilege_type FROM object o, aclexplode(o.acl) a WHERE a.grantee = 0
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ': SECURITY DEFINER' FROM pg_proc p WHERE p.pronamespace = 'ddd'::regnamespace AND p.prosecdef
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ': no pinned search_path'
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.pronamespace = 'ddd'::regnamespace AND l.lanname <> 'c' AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false)
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ': not a member of the extension'
      FROM pg_proc p WHERE p.pronamespace = 'ddd'::regnamespace AND p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)
    UNION ALL
    SELECT 'view ' || c.oid::regclass || ': reads a table without security_invoker'
      FROM pg_class c
     WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'v' AND NOT coalesce(c.reloptions::text ~ 'security_invoker=(true|on)', false)
       AND EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                     JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid AND t.relnamespace = 'ddd'::regnamespace AND t.relkind = 'r'
                    WHERE w.ev_class = c.oid)
$lint$;

-- What the lint says after a statement, which is undone.
CREATE FUNCTION pg_temp.after(statement text) RETURNS text LANGUAGE plpgsql AS $after$
DECLARE
    found text;
BEGIN
    EXECUTE statement;
    SELECT string_agg(l, '; ' ORDER BY l) INTO found FROM pg_temp.lint() l;
    RAISE EXCEPTION USING ERRCODE = 'DDD00', MESSAGE = coalesce(found, 'nothing');
EXCEPTION
    WHEN SQLSTATE 'DDD00' THEN RETURN SQLERRM;
END
$after$;

SELECT is_empty('SELECT pg_temp.lint()', 'nothing of ddd is for PUBLIC, SECURITY DEFINER or without its search_path');
SELECT ddd.enable_rls();
SELECT is_empty('SELECT pg_temp.lint()', '... nor under row-level security');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ddd'::regnamespace AND c.relforcerowsecurity$$, 'it is not forced: the owner runs the API and dumps');
SELECT is_empty($$SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'ddd'::regnamespace
     AND concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ '(?<!SELECT )ddd\.rls_'$$, 'a policy asks who the caller is once in a statement');

SELECT is(pg_temp.after(statement), found, statement) FROM (VALUES
    ('GRANT USAGE ON SCHEMA ddd TO PUBLIC', 'schema ddd: PUBLIC has USAGE'),
    ('GRANT SELECT ON ddd.posts TO PUBLIC', 'relation ddd.posts: PUBLIC has SELECT'),
    ('GRANT SELECT ON ddd.api TO PUBLIC', 'relation ddd.api: PUBLIC has SELECT'),
    ('GRANT USAGE ON SEQUENCE ddd.posts_id_seq TO PUBLIC', 'relation ddd.posts_id_seq: PUBLIC has USAGE'),
    ('GRANT UPDATE (email) ON ddd.users TO PUBLIC', 'column ddd.users.email: PUBLIC has UPDATE'),
    ('GRANT EXECUTE ON FUNCTION ddd.get_user(bigint) TO PUBLIC', 'function ddd.get_user(bigint): PUBLIC has EXECUTE'),
    ('GRANT EXECUTE ON FUNCTION ddd.rls_user() TO PUBLIC', 'function ddd.rls_user(): PUBLIC has EXECUTE'),
    ('GRANT USAGE ON TYPE ddd.tag_query TO PUBLIC', 'type ddd.tag_query: PUBLIC has USAGE'),
    ('GRANT USAGE ON TYPE ddd.user_info TO PUBLIC', 'type ddd.user_info: PUBLIC has USAGE'),
    ('ALTER DEFAULT PRIVILEGES IN SCHEMA ddd GRANT SELECT ON TABLES TO PUBLIC', 'default privileges for r: PUBLIC has SELECT'),
    ('ALTER FUNCTION ddd.get_user(bigint) SECURITY DEFINER', 'function ddd.get_user(bigint): SECURITY DEFINER'),
    ('ALTER FUNCTION ddd.attach_triggers() RESET search_path', 'function ddd.attach_triggers(): no pinned search_path'),
    ('CREATE FUNCTION ddd.planted() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp AS ''SELECT 1''; REVOKE ALL ON FUNCTION ddd.planted() FROM PUBLIC',
     'function ddd.planted(): not a member of the extension'),
    ('CREATE VIEW ddd.planted AS SELECT id FROM ddd.users', 'view ddd.planted: reads a table without security_invoker')) AS fault (statement, found);

SELECT * FROM finish();
ROLLBACK;
