-- The schema belongs to the user. One that exists already must hold nothing
-- that a call to this extension's functions could be caught by.
DO $ddd$
DECLARE
    planted text;
BEGIN
    IF to_regnamespace('ddd') IS NULL THEN
        CREATE SCHEMA ddd;
        RETURN;
    END IF;

    IF EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
                WHERE n.nspname = 'ddd' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'others than its owner may create objects in schema "ddd"',
            HINT = 'Revoke CREATE ON SCHEMA ddd from them, then run CREATE EXTENSION again.';
    END IF;

    SELECT string_agg(pg_describe_object(d.classid, d.objid, 0), ', ' ORDER BY d.classid, d.objid)
      INTO planted
      FROM pg_depend d
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
     WHERE d.refclassid = 'pg_namespace'::regclass
       AND d.refobjid = 'ddd'::regnamespace
       AND d.deptype = 'n'
       AND d.classid NOT IN ('pg_statistic_ext'::regclass, 'pg_class'::regclass);
    IF planted IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'schema "ddd" holds objects that are not part of the extension',
            DETAIL = format('Found: %s.', planted),
            HINT = 'Move or drop them, then run CREATE EXTENSION again.';
    END IF;
END
$ddd$;

