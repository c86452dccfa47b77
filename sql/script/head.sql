\echo The extension ddd is managed by CREATE, ALTER and DROP EXTENSION. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

