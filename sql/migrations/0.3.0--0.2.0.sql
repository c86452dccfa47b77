-- 0.3.0 -> 0.2.0: no counters; what they hold can be counted.
SELECT ddd.migrate('0.3.0', $migration$
DO $ddd$
DECLARE
    counting record;
BEGIN
    LOCK TABLE ddd.comments, ddd.post_tags IN ACCESS EXCLUSIVE MODE;
    FOR counting IN
        SELECT tgname, tgrelid::regclass AS table_name FROM pg_trigger WHERE tgfoid = 'ddd.count_rows()'::regprocedure
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', counting.tgname, counting.table_name);
    END LOOP;
    DROP TABLE ddd.counter_ledger, ddd.counters, ddd.counter_state;
END
$ddd$;
$migration$);

DROP FUNCTION ddd.count_rows();
DROP FUNCTION ddd.keep_counter_state();
DROP FUNCTION ddd.fold_counters();
DROP FUNCTION ddd.rebuild_counters();
DROP FUNCTION ddd.verify_counters(integer, text);
DROP TYPE ddd.counter_page;
DROP FUNCTION ddd.comment_count(bigint);
