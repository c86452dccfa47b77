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
    DROP INDEX ddd.ix_comments_created_at;
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
DROP FUNCTION ddd.hot_posts(integer, text, double precision);
DROP TYPE ddd.hot_post_page;

-- popular_posts() has one argument less; what is granted on it stays.
CREATE OR REPLACE FUNCTION ddd.popular_posts(
    first integer DEFAULT 10, after text DEFAULT NULL, min_comments integer DEFAULT 1)
RETURNS SETOF ddd.popular_post_page LANGUAGE c AS 'MODULE_PATHNAME', 'ddd_popular_posts';
REVOKE ALL ON FUNCTION ddd.popular_posts(integer, text, integer) FROM PUBLIC;
SELECT ddd.pass_grants('ddd.popular_posts(integer, text, integer, interval)', 'ddd.popular_posts(integer, text, integer)');
DROP FUNCTION ddd.popular_posts(integer, text, integer, interval);
DROP FUNCTION ddd.pass_grants(regprocedure, regprocedure);
