-- 0.4.0 -> 0.3.0: no synonyms, which are set aside; no type tag_query: what others
-- made of it stops the migration.
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
            HINT = 'Drop them, or turn columns to text: ALTER TABLE ... ALTER COLUMN ... TYPE text.';
    END IF;
END
$ddd$;

SELECT ddd.migrate('0.4.0', '{tags,post_tags}', $migration$
DO $ddd$
DECLARE
    dependents text;
BEGIN
    -- Look before touching anything: what would go with the columns and their index unasked.
    SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid), ', ') INTO dependents
      FROM pg_attribute a
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
     WHERE a.attrelid = 'ddd.tags'::regclass AND a.attname IN ('key', 'synonym_of') AND d.classid <> 'pg_attrdef'::regclass
       AND pg_describe_object(d.classid, d.objid, 0) NOT IN (
               SELECT pg_describe_object('pg_class'::regclass, oid, 0) FROM pg_class
                WHERE relnamespace = 'ddd'::regnamespace AND relname IN ('ix_tags_name', 'ix_tags_synonym_of')
                UNION ALL
               SELECT pg_describe_object('pg_constraint'::regclass, oid, 0) FROM pg_constraint
                WHERE conrelid = 'ddd.tags'::regclass AND conname IN ('tags_synonym_of_fkey', 'tags_synonym_of_other'));
    IF dependents IS NOT NULL OR EXISTS (SELECT FROM pg_index WHERE indexrelid = 'ddd.ix_tags_name'::regclass AND indisreplident) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = 'ddd 0.3.0 has no columns ddd.tags.key and synonym_of, which other objects use',
            DETAIL = format('Found: %s.', coalesce(dependents, 'the replica identity of ddd.tags')),
            HINT = 'Drop them, then run ALTER EXTENSION ddd UPDATE again.';
    END IF;

    DROP TRIGGER IF EXISTS tags_key ON ddd.tags;
    PERFORM ddd.stash_rows('0.4.0', 'tags', 'synonym_of IS NOT NULL');
    DROP INDEX ddd.ix_tags_name, ddd.ix_tags_synonym_of;
    ALTER TABLE ddd.tags DROP COLUMN key, DROP COLUMN synonym_of;
    CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (lower(name COLLATE "C"));
    COMMENT ON TABLE ddd.tags IS 'Tags. Names are unique without regard to the case of ASCII letters.';
END
$ddd$;
$migration$);

DROP FUNCTION ddd.migrate(text, text[], text);
DROP FUNCTION ddd.stash_rows(text, text, text);
DROP FUNCTION ddd.stash_columns(text, text, text[], text[], text);
DROP FUNCTION ddd.unstash(text, text);

DROP FUNCTION ddd.check_tag();
DROP FUNCTION ddd.posts_by_tags(ddd.tag_query, integer, text);
DROP FUNCTION ddd.list_tags(integer, text, text);
DROP FUNCTION ddd.popular_tags(integer);
DROP FUNCTION ddd.suggest_tags(text, integer);
DROP FUNCTION ddd.related_tags(text, integer);
DROP FUNCTION ddd.rename_tag(text, text);
DROP FUNCTION ddd.merge_tags(text[], text);
DROP FUNCTION ddd.add_tag_synonym(text, text);
DROP FUNCTION ddd.drop_tag_synonym(text);
DROP FUNCTION ddd.delete_tag(text, boolean);
DROP FUNCTION ddd.prune_tags();
DROP TYPE ddd.tag_info;
DROP TYPE ddd.tag_page;
DROP TYPE ddd.related_tag;

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
