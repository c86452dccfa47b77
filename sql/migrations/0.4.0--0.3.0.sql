-- 0.4.0 -> 0.3.0: no type tag_query; what others made of it stops the migration.
DO $ddd$
DECLARE
    dependents text;
BEGIN
    WITH RECURSIVE ours (classid, objid) AS (
        SELECT 'pg_type'::regclass::oid, oid FROM pg_type
         WHERE typnamespace = 'ddd'::regnamespace AND typname IN ('tag_query', '_tag_query')
         UNION
        SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
         WHERE opcnamespace = 'ddd'::regnamespace AND opcname = 'tag_array_ops'
         UNION
        SELECT e.classid, e.objid FROM ours o
          JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
          JOIN pg_depend e ON e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e'
    )
    SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid), ', ') INTO dependents
      FROM ours o JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
     WHERE d.classid NOT IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
       AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM ours);
    IF dependents IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = 'ddd 0.3.0 has no type ddd.tag_query, which other objects use',
            DETAIL = format('Found: %s.', dependents),
            HINT = 'Drop them, or turn columns to text: ALTER TABLE … ALTER COLUMN … TYPE text.';
    END IF;
END
$ddd$;

SELECT ddd.migrate('0.4.0', '');

DROP OPERATOR FAMILY ddd.tag_array_ops USING gin;
DROP OPERATOR FAMILY ddd.tag_query_ops USING btree;
DROP OPERATOR FAMILY ddd.tag_query_ops USING hash;
-- and with it the functions and operators that take or return it
DROP TYPE ddd.tag_query CASCADE;
DROP FUNCTION ddd.tag_key(text);
DROP FUNCTION ddd.tags_match_selectivity(internal, oid, internal, integer);
DROP FUNCTION ddd.gin_tags_compare(text, text);
DROP FUNCTION ddd.gin_tags_compare_prefix(text, text, smallint, internal);
DROP FUNCTION ddd.gin_tags_extract_value(text[], internal, internal);
