-- 0.5.0 -> 0.4.0: no log of the migrations, which goes on in ddd.stash; no backfills.
SELECT ddd.migrate('0.5.0', '{migration_log,backfills}', $migration$
SELECT ddd.stash_rows('0.5.0', 'migration_log', 'true');
SELECT ddd.stash_rows('0.5.0', 'backfills', 'true');
DROP TABLE ddd.migration_log, ddd.backfills;

-- The older version spells the trigger's name as the database's locale does.
DO $ddd$
DECLARE
    counting record;
BEGIN
    FOR counting IN
        SELECT t.tgname, c.oid::regclass AS table_name, c.relname || '_count_' || lower('INSERT') AS spelt
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'ddd'::regnamespace AND t.tgfoid = 'ddd.count_rows()'::regprocedure
           AND t.tgname = c.relname || '_count_insert' AND lower('INSERT') <> 'insert'
    LOOP
        EXECUTE format('ALTER TRIGGER %I ON %s RENAME TO %I', counting.tgname, counting.table_name, counting.spelt);
    END LOOP;
END
$ddd$;
$migration$);

-- stamp() has an argument less; what is granted on it stays.
CREATE OR REPLACE FUNCTION ddd.stamp(version text) RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'ddd_stamp';
REVOKE ALL ON FUNCTION ddd.stamp(text) FROM PUBLIC;
SELECT ddd.pass_grants('ddd.stamp(text, boolean)', 'ddd.stamp(text)');
DROP FUNCTION ddd.stamp(text, boolean);
DROP PROCEDURE ddd.backfill(text, text, text, integer, interval);
DROP FUNCTION ddd.check_dependents(text, text[]);
DROP FUNCTION ddd.current();
DROP FUNCTION ddd.heads();
DROP FUNCTION ddd.history();
DROP FUNCTION ddd.plan(text);
DROP FUNCTION ddd.fingerprint();
DROP FUNCTION ddd.check_schema();
DROP FUNCTION ddd.verify();
DROP FUNCTION ddd.upgrade(text, boolean, interval);
DROP FUNCTION ddd.downgrade(text, boolean, interval);
