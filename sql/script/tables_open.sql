-- ddd.create_tables: what a database without tables gets, run as the owner
-- of the schema by the install script and by ddd.install().
CREATE OR REPLACE FUNCTION ddd.create_tables() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $tables$
BEGIN

