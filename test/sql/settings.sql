-- Settings: each has its limits and a description, a mistyped one is refused,
-- and a database or a role can have its own.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
SELECT library IS NOT NULL AS loaded FROM ddd.version();
-- rows of pg_settings: units and short_desc
SELECT name, boot_val AS "default", unit, vartype, min_val, max_val, enumvals, context, short_desc ~ '^[A-Z].{10,}[.]$' AS described
  FROM pg_settings WHERE name ~ '^ddd[.]' ORDER BY name COLLATE "C";

-- a typo
SET ddd.max_pagesize = 3;
SET ddd.max_page_size = 3;
SELECT set_config('ddd.maxskip', '3', false);
ALTER ROLE CURRENT_USER SET ddd.max_pagesize = 3;
RESET ddd.max_page_size;
-- ... that comes before the library is dropped when it is loaded
\c -
SET client_min_messages = warning;
\set VERBOSITY terse
SET ddd.max_pagesize = 3;
SELECT count(*) FROM ddd.list_posts(0);
SHOW ddd.max_pagesize;
\set VERBOSITY sqlstate

-- values out of range, of another type
SELECT name FROM pg_settings WHERE name ~ '^ddd[.]' AND vartype = 'integer' ORDER BY name COLLATE "C";
SET ddd.max_page_size = 0;
SET ddd.max_skip = -1;
SET ddd.max_tags_per_post = 10001;
SET ddd.max_comment_depth = 'deep';
SET ddd.argon2_memory_kib = '2GB';
SET ddd.argon2_time = 0;
SET ddd.hash_slots = 8;
SET ddd.hash_slot_timeout = -1;
SET ddd.create_tables = 'perhaps';
SET ddd.allow_data_loss = 2;
SET ddd.argon2_memory_kib = '16MB';
SHOW ddd.argon2_memory_kib;

-- of a database, of a role; raised by superusers only
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET ddd.max_page_size = 7;
CREATE ROLE regress_ddd_settings;
ALTER ROLE regress_ddd_settings SET ddd.create_tables = off;
\c -
SELECT count(*) FROM ddd.list_posts(7);
SELECT count(*) FROM ddd.list_posts(8);
SET ROLE regress_ddd_settings;
SET ddd.max_page_size = 1000;
SET ddd.argon2_memory_kib = '64MB';
SET ddd.hash_slot_timeout = '1min';
SET ddd.create_tables = on;
RESET ROLE;
ALTER DATABASE :"db" RESET ddd.max_page_size;
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_ddd_settings'::regrole;
DROP ROLE regress_ddd_settings;

-- the server is the suite's own: beside the tests, without a network
SELECT current_setting('listen_addresses') = '' AS no_network,
       current_setting('data_directory') = regexp_replace(:'input', '/test$', '') || '/server/data' AS beside_the_tests;

-- the planner's settings for pages are for the planner: what a page's statement calls sees the session's
BEGIN;
CREATE FUNCTION public.regress_ddd_seen() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN current_setting('enable_seqscan')::boolean AND current_setting('enable_sort')::boolean;
END $$;
CREATE ROLE regress_ddd_settings;
GRANT ALL ON SCHEMA ddd TO regress_ddd_settings;
GRANT SELECT ON ALL TABLES IN SCHEMA ddd TO regress_ddd_settings;
ALTER TABLE ddd.schema_version OWNER TO regress_ddd_settings;
INSERT INTO ddd.users (email, full_name) VALUES ('seen@settings', 'Seen');
ALTER TABLE ddd.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON ddd.users USING (public.regress_ddd_seen());
SELECT count(*) > 0 AS first_call FROM ddd.list_users(1);
SELECT count(*) > 0 AS second_call FROM ddd.list_users(1);
SHOW enable_seqscan;
ROLLBACK;
