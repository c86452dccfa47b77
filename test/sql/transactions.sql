-- Calls are part of the caller's transaction: none commits, a rollback leaves
-- nothing of any of them, and after an error and ROLLBACK TO all goes on.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ddd.argon2_memory_kib = '8MB';
SET ddd.argon2_time = 1;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\set calls :input '/common/calls.sql'
\set ECHO none
\i :err
\i :calls
\set ECHO all
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'ann@tx', 'Ann'), (-2, 'bob@tx', 'Bob');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', -1);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'C', -1, -2);
SELECT ddd.tag_post(-1, '{b,c}');

-- every function that writes, called and undone
CREATE TEMPORARY VIEW writer AS
    SELECT DISTINCT a.function FROM argument a JOIN pg_proc p ON p.oid = a.function::regprocedure
     WHERE p.provolatile = 'v' AND p.proname <> 'hash_password';
SELECT function, t.state, t.changed FROM writer, pg_temp.tried(pg_temp.call(function)) t ORDER BY function COLLATE "C";

-- one transaction for all of them, and nothing is left of it
SELECT pg_temp.state() AS before \gset
BEGIN;
SELECT pg_current_xact_id() AS xid \gset
SELECT (ddd.create_user('cy@tx', 'Cy', 'correct horse')).full_name, count(*) FROM ddd.create_users('[{"email": "dee@tx", "full_name": "Dee"}]');
SELECT (ddd.update_user(-1, '{"bio": "x"}')).bio, ddd.set_password(-1, 'correct horse');
SELECT id AS post FROM ddd.create_post(-2, 'Q', '', '{new}') \gset
SELECT (ddd.update_post(-1, '{"title": "P2"}')).title, ddd.set_post_tags(-1, '{c,d}'), ddd.untag_post(-1, '{c}');
SELECT (ddd.add_comment(:post, -1, 'D', NULL)).content, (ddd.update_comment(-1, '{"content": "C2"}')).content, ddd.delete_comment(-1);
SELECT ddd.delete_post(-1), ddd.delete_user(-2, 'reassign', -1);
SELECT pg_current_xact_id() = :'xid' AS same_transaction, pg_temp.state() <> :'before' AS changed;
ROLLBACK;
SELECT pg_temp.state() = :'before' AS nothing_left;

-- a savepoint takes back what came after it, and no more
BEGIN;
SELECT (ddd.create_post(-1, 'before', '')).title;
SAVEPOINT s;
SELECT (ddd.create_post(-1, 'after', '', '{lost}')).title;
ROLLBACK TO s;
SELECT (ddd.create_post(-1, 'instead', '', '{kept}')).title;
RELEASE s;
COMMIT;
SELECT title FROM ddd.posts WHERE id > 0 ORDER BY id;
SELECT name FROM ddd.tags WHERE name IN ('lost', 'kept');

-- an error inside a savepoint, then the transaction goes on: each kind of error
CREATE TEMPORARY TABLE mistake (nth int, call text);
INSERT INTO mistake VALUES
    (1, $$SELECT ddd.get_user(NULL)$$),
    (2, $$SELECT ddd.create_user('ANN@tx', 'Again')$$),
    (3, $$SELECT ddd.create_users('[{"email": "new@tx", "full_name": "New"}, {"email": "bob@TX", "full_name": "Again"}]')$$),
    (4, $$SELECT ddd.create_post(-9, 'No author', '')$$),
    (5, $$SELECT ddd.tag_post(-1, array_agg('t' || i)) FROM generate_series(1, 33) i$$),
    (6, $$SELECT ddd.add_comment(-1, -1, 'No parent', -9)$$),
    (7, $$SELECT ddd.update_post(-1, '{"title": "late"}', '2000-01-01')$$),
    (8, $$SELECT ddd.delete_user(-1)$$),
    (9, $$SELECT ddd.list_posts(after => 'x')$$),
    (10, $$UPDATE ddd.users SET full_name = ' ' WHERE id = -1$$);
SELECT current_user AS me, current_setting('search_path') AS path, pg_temp.state() AS before \gset
BEGIN;
SELECT nth, left(pg_temp.err(call), 5) AS state, (ddd.get_user(-1)).full_name, current_user = :'me' AS user_kept, current_setting('search_path') = :'path' AS path_kept
  FROM mistake ORDER BY nth;
SAVEPOINT s;
SELECT ddd.create_users('[{"email": "new@tx", "full_name": "New"}, {"email": "bob@TX", "full_name": "Again"}]');
SELECT ddd.get_user(-1);
ROLLBACK TO s;
SELECT (ddd.create_user('new@tx', 'New')).full_name;
SAVEPOINT s;
SELECT ddd.add_comment(-1, -1, 'No parent', -9);
ROLLBACK TO s;
SELECT (ddd.add_comment(-1, -1, 'Parent', -1)).content;
COMMIT;
SELECT count(*) AS kept FROM ddd.users WHERE email = 'new@tx';
SELECT current_user = :'me' AS user_kept, current_setting('search_path') = :'path' AS path_kept, pg_temp.state() <> :'before' AS committed;

-- under PL/pgSQL, a hundred times
DO $$
DECLARE call text; failed int := 0;
BEGIN
    FOR i IN 1..10 LOOP
        FOR call IN SELECT m.call FROM mistake m ORDER BY nth LOOP
            BEGIN
                EXECUTE call;
            EXCEPTION WHEN OTHERS THEN
                failed := failed + 1;
            END;
        END LOOP;
        PERFORM ddd.add_comment(-1, -1, 'round ' || i);
    END LOOP;
    RAISE WARNING '% failed, % comments', failed, (SELECT count(*) FROM ddd.post_comments(-1) WHERE content ~ 'round');
END $$;

-- without a transaction block an error undoes its own statement only
SELECT ddd.create_users('[{"email": "zoe@tx", "full_name": "Zoe"}, {"email": "bob@TX", "full_name": "Again"}]');
SELECT count(*) AS zoe FROM ddd.users WHERE email = 'zoe@tx';
-- and a statement reads its own snapshot, not what it writes itself
SELECT (SELECT count(*) FROM ddd.list_posts()) AS before, (ddd.create_post(-1, 'unseen', '')).title, (SELECT count(*) FROM ddd.list_posts()) AS still;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
