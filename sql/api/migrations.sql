-- migrations: which version stands, and how tables and code come together.

CREATE OR REPLACE FUNCTION ddd.version(OUT code text, OUT library text, OUT tables text)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_version';
COMMENT ON FUNCTION ddd.version() IS
'The version of the SQL objects (code), of the loaded library and of the tables. The tables'' version is NULL where there are none. Works also when the three differ.';
REVOKE ALL ON FUNCTION ddd.version() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tables_wanted() RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tables_wanted';
COMMENT ON FUNCTION ddd.tables_wanted() IS
'Whether CREATE EXTENSION creates tables here: ddd.create_tables if it is on or off; if auto, not during a restore (row_security and check_function_bodies both off) and not on a Citus worker.';
REVOKE ALL ON FUNCTION ddd.tables_wanted() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.install() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_install';
COMMENT ON FUNCTION ddd.install() IS
'Creates the tables where CREATE EXTENSION left them out and the triggers that are missing, and lets the owner execute the functions; returns what was created. Errors: 42501 unless superuser; 25006 in a read-only transaction; 55000 when the tables are at another version, with the commands that repair it.';
REVOKE ALL ON FUNCTION ddd.install() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.stamp(version text) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_stamp';
COMMENT ON FUNCTION ddd.stamp(text) IS
'Records that the code is at the given version, which must be the version of the tables, so that ALTER EXTENSION ddd UPDATE runs the migrations from there. For an old dump restored onto newer code. Errors: 42501 unless superuser; 25006 in a read-only transaction; 22004; 22023 when the tables are at another version.';
REVOKE ALL ON FUNCTION ddd.stamp(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.migrate(from_version text, statements text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_migrate';
COMMENT ON FUNCTION ddd.migrate(text, text) IS
'For migration scripts: false where there are no tables; otherwise checks that they are at the given version, locks them against other migrations, runs the statements as their owner in a restricted operation, and records the version of the code as theirs. Errors: 55000 when called outside a script or when the tables are at another version; 42501 when a forced policy would hide rows; 22004.';
REVOKE ALL ON FUNCTION ddd.migrate(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.guard_schema_version() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_guard_schema_version';
COMMENT ON FUNCTION ddd.guard_schema_version() IS
'BEFORE row trigger of ddd.schema_version: lets a restore insert the version that is there already, refuses another one (55000), and tells every session to check again.';
REVOKE ALL ON FUNCTION ddd.guard_schema_version() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.grant_to_owner() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $grant$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT o.owner, d.objid::regprocedure AS function
          FROM pg_depend d,
               (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'ddd'
                 UNION
                SELECT relowner::regrole FROM pg_class WHERE oid = to_regclass('ddd.schema_version')) AS o (owner)
         WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
           AND d.refclassid = 'pg_extension'::regclass
           AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
           AND NOT has_function_privilege(o.owner::oid, d.objid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', missing.function, missing.owner);
    END LOOP;
END
$grant$;
COMMENT ON FUNCTION ddd.grant_to_owner() IS
'Lets the owner of the schema and of the tables execute the functions of the extension, which creating triggers needs. Internal: called by ddd.install().';
REVOKE ALL ON FUNCTION ddd.grant_to_owner() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.attach_triggers() RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $triggers$
DECLARE
    missing record;
    attached integer := 0;
BEGIN
    FOR missing IN
        SELECT t.* FROM (VALUES
            ('schema_version', 'schema_version_guard', 'BEFORE INSERT OR UPDATE OR DELETE', 'guard_schema_version()'),
            ('users', 'users_check', 'BEFORE INSERT OR UPDATE', 'check_row(''email:email'', ''text:full_name'')'),
            ('users', 'users_touch', 'BEFORE UPDATE', 'touch_row()'),
            ('posts', 'posts_check', 'BEFORE INSERT OR UPDATE', 'check_row(''text:title'')'),
            ('posts', 'posts_touch', 'BEFORE UPDATE', 'touch_row()'),
            ('comments', 'comments_check', 'BEFORE INSERT OR UPDATE', 'check_row(''text:content'')'),
            ('comments', 'comments_parent', 'BEFORE INSERT OR UPDATE', 'check_comment()'),
            ('comments', 'comments_touch', 'BEFORE UPDATE', 'touch_row()'),
            ('tags', 'tags_check', 'BEFORE INSERT OR UPDATE', 'check_row(''name:name'')'),
            ('tags', 'tags_touch', 'BEFORE UPDATE', 'touch_row()'),
            ('post_tags', 'post_tags_fill', 'BEFORE INSERT OR UPDATE', 'fill_post_tag()')
        ) AS t (table_name, trigger_name, event, call)
        WHERE NOT EXISTS (SELECT FROM pg_trigger g
                           WHERE g.tgrelid = format('ddd.%I', t.table_name)::regclass
                             AND g.tgname = t.trigger_name)
    LOOP
        EXECUTE format('CREATE TRIGGER %I %s ON ddd.%I FOR EACH ROW EXECUTE FUNCTION ddd.%s',
                       missing.trigger_name, missing.event, missing.table_name, missing.call);
        attached := attached + 1;
    END LOOP;
    RETURN attached;
END
$triggers$;
COMMENT ON FUNCTION ddd.attach_triggers() IS
'Creates the triggers of this version that are missing and returns how many. Internal: called by CREATE EXTENSION and by ddd.install().';
REVOKE ALL ON FUNCTION ddd.attach_triggers() FROM PUBLIC;

