CREATE TABLE ddd.schema_version (
    version text NOT NULL,
    CONSTRAINT schema_version_format CHECK (version ~ '^[0-9]+[.][0-9]+[.][0-9]+$')
);
COMMENT ON TABLE ddd.schema_version IS
'One row: the version of ddd that these tables are at. Dumped and restored with the data; the version of the code is pg_extension.extversion.';

CREATE TABLE ddd.stash (
    version    text  NOT NULL,
    table_name text  NOT NULL,
    row_key    text  NOT NULL,
    content    jsonb NOT NULL,
    CONSTRAINT stash_pkey PRIMARY KEY (version, table_name, row_key)
);
COMMENT ON TABLE ddd.stash IS
'Column values that only the named version can hold, set aside by a migration away from it and put back by the migration to it.';

