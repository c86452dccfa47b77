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
    triggers text[];
    command text;
    clashes text;
    stashed record;
    columns text;
    fields text;
    left_over bigint := 0;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    LOCK TABLE ddd.tags, ddd.post_tags IN ACCESS EXCLUSIVE MODE;

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

    -- Migrating is not an edit: no trigger sees it.
    SELECT array_agg(format('ALTER TABLE ddd.tags ENABLE%s TRIGGER %I',
                            CASE tgenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END, tgname))
      INTO triggers
      FROM pg_trigger WHERE tgrelid = 'ddd.tags'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
    ALTER TABLE ddd.tags DISABLE TRIGGER USER;

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

    -- Synonyms that went down come back, with what users had in columns of their
    -- own, where their tag is there, their name is free and the table takes them.
    FOR stashed IN SELECT * FROM ddd.stash WHERE version = '0.4.0' AND table_name = 'tags' ORDER BY row_key::bigint LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
               string_agg('r.' || quote_ident(attname), ', ' ORDER BY attnum) INTO columns, fields
          FROM pg_attribute
         WHERE attrelid = 'ddd.tags'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
           AND attname <> 'key' AND stashed.content ? attname;
        BEGIN
            EXECUTE format('INSERT INTO ddd.tags (%s, key) OVERRIDING SYSTEM VALUE '
                           'SELECT %s, ddd.tag_key(r.name) FROM jsonb_populate_record(NULL::ddd.tags, $1) r '
                           'WHERE EXISTS (SELECT FROM ddd.tags t WHERE t.id = r.synonym_of) RETURNING id',
                           columns, fields) INTO STRICT stashed.row_key USING stashed.content;
            DELETE FROM ddd.stash WHERE version = '0.4.0' AND table_name = 'tags' AND row_key = stashed.row_key;
        EXCEPTION WHEN OTHERS THEN
            left_over := left_over + 1;
        END;
    END LOOP;
    IF left_over > 0 THEN
        RAISE WARNING USING
            MESSAGE = format('not all synonyms of tags could be put back: %s stay in ddd.stash', left_over),
            DETAIL = 'Their names are taken, the tags that they stood for are gone, or ddd.tags has been changed.';
    END IF;

    FOREACH command IN ARRAY coalesce(triggers, '{}') LOOP
        EXECUTE command;
    END LOOP;
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
