-- The tables are at this version now; its triggers may be missing.
SELECT ddd.install() WHERE to_regclass('ddd.schema_version') IS NOT NULL;

