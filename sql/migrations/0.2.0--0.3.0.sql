-- 0.2.0 -> 0.3.0: the counters, filled from the rows.
SELECT ddd.migrate('0.2.0', $migration$
DO $ddd$
BEGIN
    -- nobody changes what is counted until the triggers are there
    LOCK TABLE ddd.posts, ddd.comments, ddd.tags, ddd.post_tags IN SHARE ROW EXCLUSIVE MODE;

    CREATE INDEX ix_comments_created_at ON ddd.comments (created_at, post_id);

    CREATE TABLE ddd.counter_ledger (
        xid        xid8     NOT NULL,
        subject_id bigint   NOT NULL,
        delta      integer  NOT NULL,
        counter    smallint NOT NULL
    ) WITH (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 100000, autovacuum_vacuum_cost_delay = 0
    );
    -- no column tells two rows of one transaction apart
    ALTER TABLE ddd.counter_ledger REPLICA IDENTITY FULL;
    CREATE INDEX ix_counter_ledger_xid ON ddd.counter_ledger (counter, xid);
    COMMENT ON TABLE ddd.counter_ledger IS
    'What is yet to be added to ddd.counters: one row for each subject that a statement changed. Written by triggers, taken by ddd.fold_counters().';
    COMMENT ON COLUMN ddd.counter_ledger.xid IS 'The transaction that wrote the row, of the cluster it was written in.';

    CREATE TABLE ddd.counters (
        subject_id bigint      NOT NULL,
        value      bigint      NOT NULL,
        subject_at timestamptz NOT NULL,
        counter    smallint    NOT NULL,
        CONSTRAINT counters_pkey PRIMARY KEY (counter, subject_id)
    ) WITH (
        autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000,
        autovacuum_vacuum_cost_delay = 0
    );
    CREATE INDEX ix_counters_rank ON ddd.counters (counter, value DESC, subject_at DESC, subject_id DESC);
    COMMENT ON TABLE ddd.counters IS
    'Numbers of rows by subject, but for what ddd.counter_ledger still holds: read them through functions. A subject without a row has 0.';
    COMMENT ON COLUMN ddd.counters.subject_at IS 'The subject''s created_at: subjects with the same number are ranked by it.';

    CREATE TABLE ddd.counter_state (
        counter           smallint NOT NULL,
        low_water         xid8     NOT NULL,
        system_identifier bigint   NOT NULL,
        written_by        xid8     NOT NULL,
        stale             boolean  NOT NULL,
        CONSTRAINT counter_state_pkey PRIMARY KEY (counter)
    ) WITH (fillfactor = 10);
    COMMENT ON TABLE ddd.counter_state IS
    'One row for each counter that was ever folded: 1 is comments by post, 2 is posts by tag. Its lock is held while a counter is folded.';
    COMMENT ON COLUMN ddd.counter_state.low_water IS
    'Every transaction before it is in ddd.counters, in the cluster that system_identifier names, if written_by is the row''s xmin; elsewhere it means nothing.';
    COMMENT ON COLUMN ddd.counter_state.stale IS 'The counter is wrong until the next fold, which counts anew: rows were loaded from a dump, or truncated.';

    INSERT INTO ddd.counters (counter, subject_id, value, subject_at)
    SELECT 1, p.id, k.value, p.created_at
      FROM (SELECT post_id, count(*) AS value FROM ddd.comments GROUP BY post_id) k
      JOIN ddd.posts p ON p.id = k.post_id;
    INSERT INTO ddd.counters (counter, subject_id, value, subject_at)
    SELECT 2, t.id, k.value, t.created_at
      FROM (SELECT tag_id, count(*) AS value FROM ddd.post_tags GROUP BY tag_id) k
       JOIN ddd.tags t ON t.id = k.tag_id;
    INSERT INTO ddd.counter_state (counter, low_water, system_identifier, written_by, stale)
    SELECT counter, '0', 0, pg_current_xact_id(), false FROM unnest('{1,2}'::int[]) counter;
END
$ddd$;
$migration$);


-- popular_posts() has one argument more; what is granted on it stays.
CREATE OR REPLACE FUNCTION ddd.pass_grants(from_function regprocedure, to_function regprocedure) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'ddd_pass_grants';
CREATE OR REPLACE FUNCTION ddd.popular_posts(
    first integer DEFAULT 10, after text DEFAULT NULL, min_comments integer DEFAULT 1, since interval DEFAULT NULL)
RETURNS SETOF ddd.popular_post_page LANGUAGE c AS 'MODULE_PATHNAME', 'ddd_popular_posts';
REVOKE ALL ON FUNCTION ddd.popular_posts(integer, text, integer, interval) FROM PUBLIC;
SELECT ddd.pass_grants('ddd.popular_posts(integer, text, integer)', 'ddd.popular_posts(integer, text, integer, interval)');
DROP FUNCTION ddd.popular_posts(integer, text, integer);
