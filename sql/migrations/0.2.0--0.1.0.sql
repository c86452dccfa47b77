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
