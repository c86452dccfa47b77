-- Columns can be chosen from every call, and the password hash is never among them.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ddd.argon2_memory_kib = '8MB';
SET ddd.argon2_time = 1;
\getenv input PG_ABS_SRCDIR
\set calls :input '/common/calls.sql'
\set ECHO none
\i :calls
\set ECHO all
INSERT INTO ddd.users (id, email, full_name, hashed_password) VALUES (-1, 'ann@secret', 'Ann', 'secret-hash'), (-2, 'bob@secret', 'Bob', 'secret-hash');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', -1);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'C', -1, -2);

-- the columns that are asked for, as load_only() does
SELECT id, email FROM ddd.list_users(2) ORDER BY id;
SELECT full_name FROM ddd.search_users('ann');
SELECT u.email FROM ddd.get_user(-2) u;
SELECT id, jsonb_array_length(posts) AS posts FROM ddd.users_with_posts() ORDER BY id;

-- hashed_password of a function's result: no such column, whichever function
SELECT hashed_password FROM ddd.list_users();
SELECT (u).hashed_password FROM ddd.get_user(-1) u;
SELECT t.state, count(*) > 25 AS functions
  FROM (SELECT DISTINCT function FROM argument) f, pg_temp.tried(regexp_replace(pg_temp.call(function), '[*]', 'hashed_password')) t GROUP BY 1;

-- and its value in no result, as a row or as JSON
CREATE FUNCTION pg_temp.shows(call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE shown boolean;
BEGIN
    EXECUTE regexp_replace(call, '[*] FROM', 'coalesce(bool_or(r::text ~ ''secret-hash|hashed_password''), false) FROM') || ' r' INTO shown;
    RETURN shown;
END $$;
SELECT count(*) > 15 AS functions, bool_or(pg_temp.shows(pg_temp.call(function))) AS shown FROM (
    SELECT DISTINCT function FROM argument JOIN pg_proc p ON p.oid = function::regprocedure WHERE p.provolatile <> 'v') f;
SELECT pg_temp.shows('SELECT * FROM ddd.users') AS table_shows;
SELECT relation, pg_temp.shows(format('SELECT * FROM (SELECT ddd.to_dict(t) AS d FROM %s t)', relation)) AS shown
  FROM (SELECT oid::regclass AS relation FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r') c WHERE relation::text <> 'ddd.stash' ORDER BY relation::text COLLATE "C";
SELECT ddd.to_dict(u) - 'created_at' - 'updated_at' AS dict FROM ddd.users u WHERE id = -1;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
