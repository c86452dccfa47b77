
INSERT INTO ddd.schema_version (version)
SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'ddd';

END
$tables$;

COMMENT ON FUNCTION ddd.create_tables() IS
'Creates the tables, sequences and indexes of this version.
Called by ddd.install().
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.create_tables() FROM PUBLIC;

