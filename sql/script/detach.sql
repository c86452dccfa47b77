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
