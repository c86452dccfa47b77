-- 0.3.0 -> 0.4.0: the key of a tag's name is a column; synonyms.
-- What the migration calls; the rest comes with the other functions.
CREATE OR REPLACE FUNCTION ddd.tag_key(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ddd_tag_key';
REVOKE ALL ON FUNCTION ddd.tag_key(text) FROM PUBLIC;
-- The tables' owner calls it, for now only: what is granted in a script is in no dump.
DO $ddd$
DECLARE
    owner regrole;
BEGIN
    FOR owner IN SELECT c.relowner FROM pg_class c, pg_proc p
                  WHERE c.oid = to_regclass('ddd.tags') AND p.oid = 'ddd.tag_key(text)'::regprocedure
                    AND c.relowner <> p.proowner
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION ddd.tag_key(text) TO %s', owner);
    END LOOP;
END
$ddd$;

SELECT ddd.migrate('0.3.0', $migration$
DO $ddd$
DECLARE
    clashes text;
    kept text;
BEGIN
    LOCK TABLE ddd.tags, ddd.post_tags IN ACCESS EXCLUSIVE MODE;

    -- Look before touching anything: tags that become one.
    SELECT string_agg(names, E'\n' ORDER BY first) INTO clashes
      FROM (SELECT min(id) AS first, string_agg(format('%s (id %s)', name, id), ', ' ORDER BY id) AS names
              FROM ddd.tags GROUP BY ddd.tag_key(name) HAVING count(*) > 1) s;
    IF clashes IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'unique_violation',
            MESSAGE = 'tags that are spellings of one name',
            DETAIL = clashes,
            HINT = 'Rename all but one of each, or link its posts to that one and delete it, then run ALTER EXTENSION ddd UPDATE again.',
            SCHEMA = 'ddd', TABLE = 'tags', COLUMN = 'name', CONSTRAINT = 'ix_tags_name';
    END IF;

    -- Migrating is not an edit: filled by changing its type, a column fires no trigger.
    ALTER TABLE ddd.tags ADD COLUMN key text COLLATE "C", ADD COLUMN synonym_of bigint;
    ALTER TABLE ddd.tags
        ALTER COLUMN key TYPE text COLLATE "C" USING ddd.tag_key(name),
        ALTER COLUMN key SET NOT NULL,
        ADD CONSTRAINT tags_synonym_of_fkey FOREIGN KEY (synonym_of) REFERENCES ddd.tags (id) ON DELETE CASCADE,
        ADD CONSTRAINT tags_synonym_of_other CHECK (synonym_of <> id);
    DROP INDEX ddd.ix_tags_name;
    CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (key);
    CREATE INDEX ix_tags_synonym_of ON ddd.tags (synonym_of) WHERE synonym_of IS NOT NULL;
    COMMENT ON TABLE ddd.tags IS 'Tags and their synonyms. Names are unique by their key.';
    COMMENT ON COLUMN ddd.tags.key IS 'What all spellings of the name have in common, filled by a trigger: ddd.tag_key(name).';
    COMMENT ON COLUMN ddd.tags.synonym_of IS 'The tag that is meant by this name, which has no posts of its own.';

    -- Synonyms that went down come back, where their tag is there and their name is
    -- free, with what users had in columns of their own.
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO kept
      FROM pg_attribute
     WHERE attrelid = 'ddd.tags'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
       AND attname NOT IN ('key', 'synonym_of')
       AND EXISTS (SELECT FROM ddd.stash WHERE version = '0.4.0' AND table_name = 'tags' AND content ? attname);
    IF kept IS NOT NULL THEN
        EXECUTE format($insert$
            INSERT INTO ddd.tags (%1$s, key, synonym_of)
            SELECT %2$s, ddd.tag_key(r.name), t.id
              FROM ddd.stash s JOIN ddd.tags t ON t.id = (s.content ->> 'synonym_of')::bigint
             CROSS JOIN LATERAL jsonb_populate_record(NULL::ddd.tags, s.content) r
             WHERE s.version = '0.4.0' AND s.table_name = 'tags'
                ON CONFLICT DO NOTHING
            $insert$, kept, regexp_replace(kept, '(^|, )', '\1r.', 'g'));
    END IF;
    DELETE FROM ddd.stash WHERE version = '0.4.0' AND table_name = 'tags';
END
$ddd$;
$migration$);

DO $ddd$
DECLARE
    owner regrole;
BEGIN
    FOR owner IN SELECT c.relowner FROM pg_class c, pg_proc p
                  WHERE c.oid = to_regclass('ddd.tags') AND p.oid = 'ddd.tag_key(text)'::regprocedure
                    AND c.relowner <> p.proowner
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION ddd.tag_key(text) FROM %s', owner);
    END LOOP;
END
$ddd$;
