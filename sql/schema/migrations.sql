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
