\echo The extension ddd is managed by CREATE, ALTER and DROP EXTENSION. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

-- 0.2.0 -> 0.1.0: full_name becomes first_name and last_name; no blog.
SELECT ddd.migrate('0.2.0', $migration$
DO $ddd$
DECLARE
    triggers text[];
    command text;
    migrated bigint;
    held text;
BEGIN
    LOCK TABLE ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags IN ACCESS EXCLUSIVE MODE;

    SELECT string_agg(name, ', ') INTO held
      FROM (VALUES ('posts', EXISTS (SELECT FROM ddd.posts)),
                   ('comments', EXISTS (SELECT FROM ddd.comments)),
                   ('tags', EXISTS (SELECT FROM ddd.tags))) AS t (name, has_rows)
     WHERE has_rows;
    IF held IS NOT NULL AND NOT current_setting('ddd.allow_data_loss')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'version 0.1.0 cannot hold the rows of: ' || held,
            HINT = 'Save them elsewhere and delete them, or SET ddd.allow_data_loss = on to drop them.';
    END IF;
    DROP TABLE ddd.post_tags, ddd.tags, ddd.comments, ddd.posts;

    -- Migrating is not an edit: no trigger sees it, and updated_at stays.
    -- users_check comes back with the older version's arguments.
    DROP TRIGGER IF EXISTS users_check ON ddd.users;
    SELECT array_agg(format('ALTER TABLE ddd.users ENABLE%s TRIGGER %I',
                            CASE tgenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END, tgname))
      INTO triggers
      FROM pg_trigger WHERE tgrelid = 'ddd.users'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
    ALTER TABLE ddd.users DISABLE TRIGGER USER;

    -- The two parts come back as they were where the name is unchanged;
    -- otherwise the first word is the first name.
    ALTER TABLE ddd.users
        ADD COLUMN first_name varchar(255),
        ADD COLUMN last_name varchar(255);
    UPDATE ddd.users u
       SET first_name = split_part(full_name, ' ', 1),
           last_name = CASE WHEN strpos(full_name, ' ') > 0 THEN substr(full_name, strpos(full_name, ' ') + 1) END;
    GET DIAGNOSTICS migrated = ROW_COUNT;
    IF migrated <> (SELECT count(*) FROM ddd.users) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a rule on ddd.users keeps rows from being migrated';
    END IF;
    UPDATE ddd.users u
       SET first_name = s.content ->> 'first_name',
           last_name = s.content ->> 'last_name'
      FROM ddd.stash s
     WHERE s.version = '0.1.0' AND s.table_name = 'users' AND s.row_key = u.id::text
       AND s.content ->> 'full_name' = u.full_name;
    DELETE FROM ddd.stash WHERE version = '0.1.0' AND table_name = 'users';

    -- A name that joining the two parts would not give is set aside.
    INSERT INTO ddd.stash (version, table_name, row_key, content)
    SELECT '0.2.0', 'users', id::text,
           jsonb_build_object('first_name', first_name, 'last_name', last_name, 'full_name', full_name)
      FROM ddd.users
     WHERE full_name IS DISTINCT FROM
           concat_ws(' ',
               nullif(btrim(first_name, E' \t\n\r\f\x0b'), ''),
               nullif(btrim(last_name, E' \t\n\r\f\x0b'), ''));

    ALTER TABLE ddd.users DROP COLUMN full_name;
    DROP INDEX IF EXISTS ddd.ix_users_is_active;

    FOREACH command IN ARRAY coalesce(triggers, '{}') LOOP
        EXECUTE command;
    END LOOP;
END
$ddd$;
$migration$);

-- The view, functions and types that 0.1.0 does not have.
DO $ddd$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT format('DROP %s %s',
                      CASE WHEN c.oid IS NOT NULL THEN 'VIEW' WHEN p.oid IS NOT NULL THEN 'FUNCTION' ELSE 'TYPE' END,
                      CASE WHEN c.oid IS NOT NULL THEN d.objid::regclass::text
                           WHEN p.oid IS NOT NULL THEN d.objid::regprocedure::text
                           ELSE d.objid::regtype::text END) AS command
          FROM pg_depend d
          LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'v'
          LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
          LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
         WHERE d.refclassid = 'pg_extension'::regclass
           AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
           AND d.deptype = 'e'
           -- an array type goes with its element, a view's row type with the view
           AND (c.oid IS NOT NULL OR p.oid IS NOT NULL
                OR t.typelem = 0 AND NOT EXISTS (SELECT FROM pg_class r WHERE r.oid = t.typrelid AND r.relkind = 'v'))
           AND (p.proname IS NULL OR p.proname NOT IN (
                   'attach_triggers', 'check_row', 'create_tables', 'grant_to_owner', 'guard_schema_version',
                   'install', 'migrate', 'stamp', 'tables_wanted', 'touch_row', 'version'))
         ORDER BY c.oid IS NULL, p.oid IS NULL, d.objid
    LOOP
        EXECUTE member.command;
    END LOOP;
END
$ddd$;
-- core: row triggers that every table shares.

CREATE OR REPLACE FUNCTION ddd.touch_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_touch_row';
COMMENT ON FUNCTION ddd.touch_row() IS
'BEFORE UPDATE row trigger: keeps created_at, moves updated_at forward (strictly, also within one transaction) when another column really changes, and keeps it when none does.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.touch_row()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.touch_row() FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.check_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_row';
COMMENT ON FUNCTION ddd.check_row() IS
'BEFORE INSERT OR UPDATE row trigger: each argument is rule:column, rule one of email, text (not blank, counting invisible characters as blank), name (text without control characters or surrounding blanks). Errors: 23514 with constraint <table>_<column>_<rule violated>.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.check_row()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.check_row() FROM PUBLIC;
    END IF;
END $revoke$;

-- migrations: which version stands, and how tables and code come together.

CREATE OR REPLACE FUNCTION ddd.version(OUT code text, OUT library text, OUT tables text)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_version';
COMMENT ON FUNCTION ddd.version() IS
'The version of the SQL objects (code), of the loaded library and of the tables. The tables'' version is NULL where there are none. Works also when the three differ.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.version()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.version() FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.tables_wanted() RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tables_wanted';
COMMENT ON FUNCTION ddd.tables_wanted() IS
'Whether CREATE EXTENSION creates tables here: ddd.create_tables if it is on or off; if auto, not during a restore (row_security and check_function_bodies both off) and not on a Citus worker.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.tables_wanted()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.tables_wanted() FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.install() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_install';
COMMENT ON FUNCTION ddd.install() IS
'Creates the tables where CREATE EXTENSION left them out and the triggers that are missing, and lets the owner execute the functions; returns what was created. Errors: 42501 unless superuser; 55000 when the tables are at another version, with the commands that repair it.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.install()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.install() FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.stamp(version text) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_stamp';
COMMENT ON FUNCTION ddd.stamp(text) IS
'Records that the code is at the given version, which must be the version of the tables, so that ALTER EXTENSION ddd UPDATE runs the migrations from there. For an old dump restored onto newer code. Errors: 42501 unless superuser; 22004; 22023 when the tables are at another version.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.stamp(text)'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.stamp(text) FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.migrate(from_version text, statements text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_migrate';
COMMENT ON FUNCTION ddd.migrate(text, text) IS
'For migration scripts: false where there are no tables; otherwise checks that they are at the given version, locks them against other migrations, runs the statements as their owner in a restricted operation, and records the version of the code as theirs. Errors: 55000 when called outside a script or when the tables are at another version; 42501 when a forced policy would hide rows.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.migrate(text, text)'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.migrate(text, text) FROM PUBLIC;
    END IF;
END $revoke$;

CREATE OR REPLACE FUNCTION ddd.guard_schema_version() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_guard_schema_version';
COMMENT ON FUNCTION ddd.guard_schema_version() IS
'BEFORE row trigger of ddd.schema_version: lets a restore insert the version that is there already, refuses another one (55000), and tells every session to check again.';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.guard_schema_version()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.guard_schema_version() FROM PUBLIC;
    END IF;
END $revoke$;

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
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.grant_to_owner()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.grant_to_owner() FROM PUBLIC;
    END IF;
END $revoke$;

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
            ('users', 'users_check', 'BEFORE INSERT OR UPDATE', 'check_row(''email:email'')'),
            ('users', 'users_touch', 'BEFORE UPDATE', 'touch_row()')
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
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.attach_triggers()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.attach_triggers() FROM PUBLIC;
    END IF;
END $revoke$;

-- ddd.create_tables: what a database without tables gets, run as the owner
-- of the schema by the install script and by ddd.install().
CREATE OR REPLACE FUNCTION ddd.create_tables() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $tables$
BEGIN

CREATE TABLE ddd.schema_version (
    version text NOT NULL,
    CONSTRAINT schema_version_format CHECK (version ~ '^[0-9]+[.][0-9]+[.][0-9]+$')
);
COMMENT ON TABLE ddd.schema_version IS
'One row: the version of ddd that these tables are at. Dumped and restored with the data; the version of the code is pg_extension.extversion.';

CREATE TABLE ddd.stash (
    version    text  NOT NULL,
    table_name text  NOT NULL,
    row_key    text  NOT NULL,
    content    jsonb NOT NULL,
    CONSTRAINT stash_pkey PRIMARY KEY (version, table_name, row_key)
);
COMMENT ON TABLE ddd.stash IS
'Column values that only the named version can hold, set aside by a migration away from it and put back by the migration to it.';

CREATE SEQUENCE ddd.users_id_seq;
CREATE TABLE ddd.users (
    id              bigint       NOT NULL DEFAULT nextval('ddd.users_id_seq'),
    email           varchar(255) NOT NULL,
    hashed_password varchar(255) NOT NULL DEFAULT '!',
    is_active       boolean      NOT NULL DEFAULT true,
    is_superuser    boolean      NOT NULL DEFAULT false,
    bio             text,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    first_name      varchar(255),
    last_name       varchar(255),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_valid
        CHECK (email COLLATE "C" ~ E'^[^@\\x01-\\x20\\x7f]+@[^@\\x01-\\x20\\x7f]+$'),
    CONSTRAINT users_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at))
);
ALTER SEQUENCE ddd.users_id_seq OWNED BY ddd.users.id;
-- lower() under collation "C" folds ASCII letters and nothing else.
CREATE UNIQUE INDEX ix_users_email ON ddd.users (lower(email COLLATE "C"));
CREATE INDEX ix_users_created_at ON ddd.users (created_at DESC, id DESC);
COMMENT ON TABLE ddd.users IS 'Users. E-mail addresses are unique without regard to the case of ASCII letters.';
COMMENT ON COLUMN ddd.users.hashed_password IS 'A password hash in its own text format, or ! for a user who has no password.';


INSERT INTO ddd.schema_version (version)
SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'ddd';

END
$tables$;

COMMENT ON FUNCTION ddd.create_tables() IS
'Creates the tables, sequences and indexes of this version. Internal: called by CREATE EXTENSION and by ddd.install().';
DO $revoke$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = 'ddd.create_tables()'::regprocedure) THEN
        REVOKE ALL ON FUNCTION ddd.create_tables() FROM PUBLIC;
    END IF;
END $revoke$;

-- The tables are at this version now; its triggers may be missing.
SELECT ddd.install() WHERE to_regclass('ddd.schema_version') IS NOT NULL;

-- Tables belong to the user, code belongs to the extension: whatever holds
-- data stops being a member.
DO $ddd$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT format('ALTER EXTENSION ddd DROP %s %s',
                      CASE WHEN d.classid = 'pg_namespace'::regclass THEN 'SCHEMA'
                           WHEN c.relkind = 'S' THEN 'SEQUENCE'
                           ELSE 'TABLE' END,
                      CASE WHEN d.classid = 'pg_namespace'::regclass THEN d.objid::regnamespace::text
                           ELSE d.objid::regclass::text END) AS command
          FROM pg_depend d
          LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
         WHERE d.refclassid = 'pg_extension'::regclass
           AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
           AND d.deptype = 'e'
           AND (d.classid = 'pg_namespace'::regclass OR c.relkind IN ('r', 'p', 'S'))
         ORDER BY c.relkind = 'S' NULLS LAST, d.objid
    LOOP
        EXECUTE member.command;
    END LOOP;
END
$ddd$;
