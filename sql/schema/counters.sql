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

