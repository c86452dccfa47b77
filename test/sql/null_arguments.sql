-- NULL for each argument of each function: the error names the argument, or
-- NULL is a value that the argument may have.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ddd.argon2_memory_kib = '8MB';
SET ddd.argon2_time = 1;
\getenv input PG_ABS_SRCDIR
\set calls :input '/common/calls.sql'
\set ECHO none
\i :calls
\set ECHO all
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'ann@null', 'Ann'), (-2, 'bob@null', 'Bob');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', -1);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'C', -1, -2);
CREATE TEMPORARY TABLE answer AS
SELECT a.*, t.* FROM argument a CROSS JOIN LATERAL pg_temp.tried(pg_temp.call(a.function, a.name, 'NULL')) t;
SELECT count(*) AS arguments, count(*) FILTER (WHERE state = '22004') AS required,
       count(*) FILTER (WHERE state = '22004' AND message <> format('argument "%s" must not be null', name)) AS not_named FROM answer;
-- the others are optional
SELECT function, name, state, message FROM answer WHERE state <> '22004' ORDER BY function COLLATE "C", nth;
-- NULL of all arguments at once
SELECT DISTINCT t.state, t.message ~ '^argument "\w+" must not be null$' AS named
  FROM (SELECT function, format('SELECT * FROM %s(%s)', split_part(function, '(', 1), string_agg('NULL::' || type, ', ' ORDER BY nth)) AS call
          FROM argument GROUP BY 1) f, pg_temp.tried(call) t;
-- a strict function gives NULL
SELECT ddd.is_authenticated(NULL) IS NULL AS is_authenticated, ddd.repr(NULL) IS NULL AS repr, ddd.to_dict(NULL::ddd.user_info) IS NULL AS to_dict;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
