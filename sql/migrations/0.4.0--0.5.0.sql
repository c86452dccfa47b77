-- 0.4.0 -> 0.5.0: a log of the migrations. Those so far are in ddd.stash.
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
$migration$);
