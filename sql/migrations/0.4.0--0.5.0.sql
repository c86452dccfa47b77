-- 0.4.0 -> 0.5.0: a log of the migrations, of which those so far are in ddd.stash; backfills.
SELECT ddd.migrate('0.4.0', '{}', $migration$
CREATE TABLE ddd.migration_log (
    applied_at timestamptz NOT NULL,
    version    text        NOT NULL,
    parent     text,
    direction  text        NOT NULL,
    message    text        NOT NULL,
    applied_by text        NOT NULL,
    duration   interval    NOT NULL,
    CONSTRAINT migration_log_pkey PRIMARY KEY (applied_at, version),
    CONSTRAINT migration_log_direction_known CHECK (direction IN ('install', 'up', 'down', 'stamp'))
);
COMMENT ON TABLE ddd.migration_log IS
'What has been done to these tables: a row for each step from "parent", the version before, to "version". Dumped and restored with the data; ddd.history() shows it.';
SELECT ddd.unstash('0.5.0', 'migration_log');

CREATE TABLE ddd.backfills (
    table_name   text        NOT NULL,
    assignments  text        NOT NULL,
    condition    text        NOT NULL,
    last_key     jsonb,
    rows_read    bigint      NOT NULL,
    rows_changed bigint      NOT NULL,
    started_at   timestamptz NOT NULL,
    started_by   text        NOT NULL,
    CONSTRAINT backfills_pkey PRIMARY KEY (table_name, assignments, condition)
);
COMMENT ON TABLE ddd.backfills IS
'How far each ddd.backfill() has come that has not come to its end: a row for each, changed with every batch.';
COMMENT ON COLUMN ddd.backfills.last_key IS 'Primary key of the last row that was read; NULL before the first.';
SELECT ddd.unstash('0.5.0', 'backfills');

-- Where i is not the small letter of I, older versions spelt a trigger's name
-- without it. One that was restored elsewhere may have the other beside it.
DO $ddd$
DECLARE
    odd record;
BEGIN
    FOR odd IN
        SELECT t.tgname, c.oid::regclass AS table_name, c.relname || '_count_insert' AS right_name
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'ddd'::regnamespace AND t.tgfoid = 'ddd.count_rows()'::regprocedure
           AND t.tgname LIKE replace(c.relname, '_', '\_') || '\_count\_%nsert' AND t.tgname <> c.relname || '_count_insert'
    LOOP
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = odd.table_name AND tgname = odd.right_name) THEN
            EXECUTE format('DROP TRIGGER %I ON %s', odd.tgname, odd.table_name);
        ELSE
            EXECUTE format('ALTER TRIGGER %I ON %s RENAME TO %I', odd.tgname, odd.table_name, odd.right_name);
        END IF;
    END LOOP;
END
$ddd$;
$migration$);

-- stamp() has an argument more; what is granted on it stays.
CREATE OR REPLACE FUNCTION ddd.stamp(version text, force boolean DEFAULT false) RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'ddd_stamp';
REVOKE ALL ON FUNCTION ddd.stamp(text, boolean) FROM PUBLIC;
SELECT ddd.pass_grants('ddd.stamp(text)', 'ddd.stamp(text, boolean)');
DROP FUNCTION ddd.stamp(text);
-- what was there for the scripts up to 0.3.0, which have it at their own versions
DROP FUNCTION ddd.migrate(text, text);
