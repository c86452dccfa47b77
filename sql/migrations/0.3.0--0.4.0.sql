-- 0.3.0 -> 0.4.0: the key of a tag's name is a column; synonyms.
-- What the migration calls; the rest comes with the other functions.
CREATE OR REPLACE FUNCTION ddd.tag_key(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ddd_tag_key';
REVOKE ALL ON FUNCTION ddd.tag_key(text) FROM PUBLIC;
CREATE OR REPLACE FUNCTION ddd.unstash(version text, table_name text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ddd_unstash';
REVOKE ALL ON FUNCTION ddd.unstash(text, text) FROM PUBLIC;
CREATE OR REPLACE FUNCTION ddd.migrate(from_version text, tables text[], statements text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ddd_migrate';
REVOKE ALL ON FUNCTION ddd.migrate(text, text[], text) FROM PUBLIC;

SELECT ddd.migrate('0.3.0', '{tags,post_tags}', $migration$
DO $ddd$
DECLARE
    clashes text;
BEGIN
    -- Look before touching anything: columns that users have called the same, tags that become one.
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO clashes
      FROM pg_attribute
     WHERE attrelid = 'ddd.tags'::regclass AND attname IN ('key', 'synonym_of') AND NOT attisdropped;
    IF clashes IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_column',
            MESSAGE = format('ddd.tags has columns of yours with names that ddd 0.4.0 uses: %s', clashes),
            HINT = 'Rename them, then run ALTER EXTENSION ddd UPDATE again.',
            SCHEMA = 'ddd', TABLE = 'tags';
    END IF;
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

    PERFORM ddd.unstash('0.4.0', 'tags');
END
$ddd$;
$migration$);
