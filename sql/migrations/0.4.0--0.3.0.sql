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

SELECT ddd.migrate('0.4.0', $migration$
DO $ddd$
DECLARE
    triggers text[];
    command text;
    referencing record;
    referenced boolean;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    LOCK TABLE ddd.tags, ddd.post_tags IN ACCESS EXCLUSIVE MODE;

    -- Look before touching anything: a user's rows would go with the synonyms that they name, or forget them.
    FOR referencing IN
        SELECT c.conname, c.conrelid::regclass AS table_name, k.condition
          FROM pg_constraint c,
               LATERAL (SELECT string_agg(format('r.%I OPERATOR(%I.%s) t.%I', r.attname, n.nspname, o.oprname, t.attname), ' AND ')
                          FROM unnest(c.conkey, c.confkey, c.conpfeqop) AS u (from_column, to_column, operator)
                          JOIN pg_attribute r ON r.attrelid = c.conrelid AND r.attnum = u.from_column
                          JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = u.to_column
                          JOIN pg_operator o ON o.oid = u.operator
                          JOIN pg_namespace n ON n.oid = o.oprnamespace) AS k (condition)
         WHERE c.contype = 'f' AND c.confrelid = 'ddd.tags'::regclass AND c.confdeltype IN ('c', 'n', 'd')
           AND c.conparentid = 0 AND (c.conrelid <> 'ddd.tags'::regclass OR c.conname <> 'tags_synonym_of_fkey')
           AND EXISTS (SELECT FROM ddd.tags WHERE synonym_of IS NOT NULL)
    LOOP
        BEGIN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s r JOIN ddd.tags t ON %s WHERE t.synonym_of IS NOT NULL)',
                           referencing.table_name, referencing.condition) INTO referenced;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = format('cannot see whether rows of %s name synonyms of tags, which ddd 0.3.0 does not have', referencing.table_name),
                HINT = format('Grant SELECT on it, and USAGE on its schema, to %I, then run ALTER EXTENSION ddd UPDATE again.', current_user),
                CONSTRAINT = referencing.conname;
        END;
        IF referenced THEN
            RAISE EXCEPTION USING
                ERRCODE = 'foreign_key_violation',
                MESSAGE = format('rows of %s name synonyms of tags, which ddd 0.3.0 does not have', referencing.table_name),
                HINT = 'Let them name the tags that are meant, then run ALTER EXTENSION ddd UPDATE again.',
                CONSTRAINT = referencing.conname;
        END IF;
    END LOOP;

    -- Migrating is not an edit: no trigger sees it.
    DROP TRIGGER IF EXISTS tags_key ON ddd.tags;
    SELECT array_agg(format('ALTER TABLE ddd.tags ENABLE%s TRIGGER %I',
                            CASE tgenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END, tgname))
      INTO triggers
      FROM pg_trigger WHERE tgrelid = 'ddd.tags'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
    ALTER TABLE ddd.tags DISABLE TRIGGER USER;

    -- Synonyms are set aside.
    INSERT INTO ddd.stash (version, table_name, row_key, content)
    SELECT '0.4.0', 'tags', t.id::text, to_jsonb(t) - 'key' FROM ddd.tags t WHERE t.synonym_of IS NOT NULL
        ON CONFLICT (version, table_name, row_key) DO UPDATE SET content = EXCLUDED.content;
    DELETE FROM ddd.tags WHERE synonym_of IS NOT NULL;
    IF EXISTS (SELECT FROM ddd.tags WHERE synonym_of IS NOT NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a rule on ddd.tags keeps synonyms from being set aside';
    END IF;

    DROP INDEX ddd.ix_tags_name, ddd.ix_tags_synonym_of;
    ALTER TABLE ddd.tags DROP COLUMN key, DROP COLUMN synonym_of;
    CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (lower(name COLLATE "C"));
    COMMENT ON TABLE ddd.tags IS 'Tags. Names are unique without regard to the case of ASCII letters.';

    FOREACH command IN ARRAY coalesce(triggers, '{}') LOOP
        EXECUTE command;
    END LOOP;
END
$ddd$;
$migration$);

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
