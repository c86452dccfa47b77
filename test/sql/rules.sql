-- The rules are in the tables: direct writes, as an ORM makes them, keep every one.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
ALTER SEQUENCE ddd.users_id_seq RESTART;
ALTER SEQUENCE ddd.posts_id_seq RESTART;
INSERT INTO ddd.users (email, full_name) VALUES ('Ann@rules', 'Ann'), ('bob@rules', 'Bob');
SELECT id AS ann FROM ddd.users WHERE email = 'Ann@rules' \gset
SELECT id AS bob FROM ddd.users WHERE email = 'bob@rules' \gset
SELECT hashed_password, is_active, is_superuser, bio, created_at = updated_at AS fresh FROM ddd.users WHERE id = :ann;

-- e-mail key, validity and blanks
SELECT pg_temp.err($$INSERT INTO ddd.users (email, full_name) VALUES ('ANN@RULES', 'X')$$);
SELECT pg_temp.err(format('UPDATE ddd.users SET email = ''aNN@rules'' WHERE id = %s', :bob));
SELECT encode(convert_to(e, 'UTF8'), 'escape') AS email, pg_temp.err(format('INSERT INTO ddd.users (email, full_name) VALUES (%L, ''X'')', e)) FROM unnest(ARRAY['no-at', ' a@x', 'a@x..y', U&'a\200B@x', E'a\r\n@x', NULL]) WITH ORDINALITY AS t (e, n) ORDER BY n;
SELECT pg_temp.err(format('INSERT INTO ddd.users (email, full_name) VALUES (''n@rules'', %L)', n)) FROM unnest(ARRAY[' ', U&'\200B', NULL, repeat('x', 256)]) WITH ORDINALITY AS t (n, o) ORDER BY o;
SELECT pg_temp.err(format('UPDATE ddd.users SET full_name = %L WHERE id = %s', U&'\00A0', :ann));
SELECT pg_temp.err($$INSERT INTO ddd.users (email, full_name, created_at) VALUES ('n@rules', 'X', 'infinity')$$), pg_temp.err($$INSERT INTO ddd.users (email, full_name, updated_at) VALUES ('n@rules', 'X', '-infinity')$$);
-- the table's own constraints hold the same rules, as far as they can be said without the library
ALTER TABLE ddd.users DISABLE TRIGGER USER;
SELECT e, pg_temp.err(format('INSERT INTO ddd.users (email, full_name) VALUES (%L, %L)', e, n)) AS without_triggers FROM (VALUES ('no-at', 'X'), ('a b@x', 'X'), ('a@b', ' ')) AS t (e, n);
ALTER TABLE ddd.users ENABLE TRIGGER USER;
-- a vertical tab is white space, the letter v is none
BEGIN;
ALTER TABLE ddd.users DISABLE TRIGGER USER;
ALTER TABLE ddd.posts DISABLE TRIGGER USER;
ALTER TABLE ddd.comments DISABLE TRIGGER USER;
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'v@rules', 'v');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'vv', '', -1);
INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('v v', -1, -1);
SELECT pg_temp.err(format(statement, E' \x0b')) FROM (VALUES ('UPDATE ddd.users SET full_name = %L WHERE id = -1'), ('UPDATE ddd.posts SET title = %L WHERE id = -1'),
       ('UPDATE ddd.comments SET content = %L WHERE post_id = -1')) AS t (statement);
ROLLBACK;

-- times: created_at stays, updated_at moves on a real change, strictly
BEGIN;
SELECT created_at AS c0, updated_at AS u0 FROM ddd.users WHERE id = :ann \gset
UPDATE ddd.users SET bio = 'one' WHERE id = :ann;
SELECT updated_at AS u1 FROM ddd.users WHERE id = :ann \gset
UPDATE ddd.users SET bio = 'two' WHERE id = :ann;
SELECT updated_at AS u2 FROM ddd.users WHERE id = :ann \gset
UPDATE ddd.users SET bio = 'two', full_name = full_name WHERE id = :ann;
SELECT updated_at AS u3 FROM ddd.users WHERE id = :ann \gset
UPDATE ddd.users SET created_at = '2000-01-01', updated_at = '2000-01-01', bio = 'three' WHERE id = :ann;
SELECT :'u0'::timestamptz < :'u1' AS moved, :'u1'::timestamptz < :'u2' AS moved_again, :'u2'::timestamptz = :'u3' AS kept,
       created_at = :'c0' AS created_kept, updated_at > :'u3' AS set_by_nobody FROM ddd.users WHERE id = :ann;
COMMIT;
ALTER TABLE ddd.users ADD COLUMN nick text, ADD COLUMN pic text;
ALTER TABLE ddd.users ALTER COLUMN pic SET STORAGE EXTERNAL;
UPDATE ddd.users SET pic = repeat('x', 10000), nick = 'a' WHERE id = :ann;
SELECT updated_at AS u4 FROM ddd.users WHERE id = :ann \gset
UPDATE ddd.users SET pic = repeat('x', 10000) WHERE id = :ann;
SELECT updated_at = :'u4' AS same_value_kept FROM ddd.users WHERE id = :ann;
UPDATE ddd.users SET nick = NULL WHERE id = :ann;
SELECT updated_at > :'u4' AS added_column_moved FROM ddd.users WHERE id = :ann;
ALTER TABLE ddd.users DROP COLUMN nick, DROP COLUMN pic;
UPDATE ddd.users SET bio = 'after a column was dropped' WHERE id = :ann;

-- posts, comments, threads
INSERT INTO ddd.posts (title, content, author_id) VALUES ('P1', '', :ann), ('P2', '', :ann);
SELECT id AS p1 FROM ddd.posts WHERE title = 'P1' \gset
SELECT id AS p2 FROM ddd.posts WHERE title = 'P2' \gset
SELECT pg_temp.err(format('INSERT INTO ddd.posts (title, content, author_id) VALUES (%L, '''', %s)', U&'\FEFF', :ann)), pg_temp.err($$INSERT INTO ddd.posts (title, content, author_id) VALUES ('X', '', 0)$$);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (1001, 'one', :p1, :bob);
INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id) VALUES (1002, 'two', :p1, :bob, 1001), (1003, 'three', :p1, :bob, 1002);
SELECT what, pg_temp.err(statement) FROM (VALUES
    ('blank', format('INSERT INTO ddd.comments (content, post_id, author_id) VALUES (%L, %s, %s)', E'\n', :p1, :bob)),
    ('no post', format('INSERT INTO ddd.comments (content, post_id, author_id) VALUES (''x'', 0, %s)', :bob)),
    ('no parent', format('INSERT INTO ddd.comments (content, post_id, author_id, parent_id) VALUES (''x'', %s, %s, 77)', :p1, :bob)),
    ('own parent', format('INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id) VALUES (1009, ''x'', %s, %s, 1009)', :p1, :bob)),
    ('two in a circle', format('INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id) VALUES (1007, ''x'', %s, %s, 1008), (1008, ''x'', %1$s, %2$s, 1007)', :p1, :bob)),
    ('other post', format('INSERT INTO ddd.comments (content, post_id, author_id, parent_id) VALUES (''x'', %s, %s, 1001)', :p2, :bob)),
    ('circle', 'UPDATE ddd.comments SET parent_id = 1003 WHERE id = 1001'),
    ('other parent', 'UPDATE ddd.comments SET parent_id = 1001 WHERE id = 1003'),
    ('reply to another post', format('UPDATE ddd.comments SET post_id = %s WHERE id = 1003', :p2)),
    ('parent to another post', format('UPDATE ddd.comments SET post_id = %s WHERE id = 1001', :p2))) AS t (what, statement);
-- a whole thread can move
UPDATE ddd.comments SET parent_id = NULL WHERE id = 1003;
UPDATE ddd.comments SET post_id = :p2 WHERE id = 1003;
SELECT id, post_id = :p1 AS on_p1, parent_id FROM ddd.comments ORDER BY id;

-- tags: the two-column insert of an association table
INSERT INTO ddd.tags (id, name) VALUES (1001, 'Tag');
SELECT pg_temp.err($$INSERT INTO ddd.tags (name) VALUES ('TAG')$$);
SELECT pg_temp.err(format('INSERT INTO ddd.tags (name) VALUES (%L)', n)) FROM unnest(ARRAY['', ' x', 'x ', E'a\tb', U&'a\2028b', repeat('x', 101)]) AS n;
INSERT INTO ddd.post_tags (post_id, tag_id) VALUES (:p1, 1001);
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at) VALUES (:p2, 1001, '1999-01-01');
SELECT l.post_created_at = p.created_at AS filled FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id;
UPDATE ddd.post_tags SET post_created_at = '1999-01-01';
SELECT l.post_created_at = p.created_at AS kept FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id;
SELECT pg_temp.err('INSERT INTO ddd.post_tags (post_id, tag_id) VALUES (0, 1001)'), pg_temp.err(format('INSERT INTO ddd.post_tags (post_id, tag_id) VALUES (%s, 0)', :p1)),
       pg_temp.err(format('INSERT INTO ddd.post_tags (post_id, tag_id) VALUES (%s, 1001)', :p1)), pg_temp.err('INSERT INTO ddd.post_tags (tag_id) VALUES (1001)');
SELECT pg_temp.err('DELETE FROM ddd.tags WHERE id = 1001'), pg_temp.err(format('DELETE FROM ddd.users WHERE id = %s', :bob));

-- COPY and MERGE go the same way
COPY ddd.post_tags (post_id, tag_id) FROM PROGRAM 'true';
MERGE INTO ddd.posts p USING (VALUES (:p1, 'merged'), (0, ' ')) AS s (id, title) ON p.id = s.id WHEN MATCHED THEN UPDATE SET title = s.title;
SELECT title, updated_at > created_at AS moved FROM ddd.posts WHERE id = :p1;

-- cascade
DELETE FROM ddd.posts WHERE id IN (:p1, :p2);
SELECT (SELECT count(*) FROM ddd.comments) AS comments, (SELECT count(*) FROM ddd.post_tags) AS links, (SELECT count(*) FROM ddd.tags) AS tags;

-- looking like a restore opens nothing to a role that does not own the tables
CREATE ROLE regress_ddd_app;
GRANT USAGE ON SCHEMA ddd TO regress_ddd_app;
GRANT EXECUTE ON FUNCTION ddd.add_comment(bigint, bigint, text, bigint) TO regress_ddd_app;
GRANT INSERT, SELECT ON ddd.post_tags TO regress_ddd_app;
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', :ann);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'one', -1, :ann);
SET ddd.max_comment_depth = 1;
SET check_function_bodies = off;
SET row_security = off;
SET ROLE regress_ddd_app;
SELECT pg_temp.err(format('SELECT ddd.add_comment(-1, %s, ''two'', -1)', :ann));
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at) VALUES (-1, 1001, '1999-01-01') RETURNING post_created_at > '2000-01-01' AS corrected;
RESET ROLE;
UPDATE ddd.post_tags SET post_created_at = '1999-01-01' RETURNING post_created_at < '2000-01-01' AS owner_trusted;
RESET row_security;
RESET check_function_bodies;
RESET ddd.max_comment_depth;
DELETE FROM ddd.posts;
DROP OWNED BY regress_ddd_app;
DROP ROLE regress_ddd_app;

-- columns that the owner adds have no effect, whatever they are called; a
-- column whose type he changes is an error and nothing worse
INSERT INTO ddd.posts (title, content, author_id) VALUES ('P', '', :ann);
ALTER TABLE ddd.users ADD COLUMN rank int, ADD COLUMN cursor text, ADD COLUMN author_name text;
ALTER TABLE ddd.posts ADD COLUMN comment_count int, ADD COLUMN count int, ADD COLUMN comments jsonb, ADD COLUMN cursor text;
ALTER TABLE ddd.comments ADD COLUMN comments jsonb, ADD COLUMN full_name text;
SELECT (SELECT count(*) FROM ddd.list_users()), (SELECT count(*) FROM ddd.search_users('ann')), (SELECT count(*) FROM ddd.list_posts()),
       (SELECT count(*) FROM ddd.popular_posts(min_comments => 0)), (SELECT count(*) FROM ddd.posts_with_comments());
ALTER TABLE ddd.users DROP COLUMN rank, DROP COLUMN cursor, DROP COLUMN author_name;
ALTER TABLE ddd.posts DROP COLUMN comment_count, DROP COLUMN count, DROP COLUMN comments, DROP COLUMN cursor;
ALTER TABLE ddd.comments DROP COLUMN comments, DROP COLUMN full_name;
BEGIN;
ALTER TABLE ddd.users ALTER COLUMN bio TYPE bigint USING 4096;
ALTER TABLE ddd.posts ALTER COLUMN content TYPE int USING 7;
SELECT pg_temp.err(format('SELECT id FROM ddd.get_user(%s)', :ann)), pg_temp.err('SELECT id FROM ddd.list_users()'), pg_temp.err('SELECT id FROM ddd.list_posts()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.schema_version DROP CONSTRAINT schema_version_format;
ALTER TABLE ddd.schema_version ALTER COLUMN version TYPE int USING 7;
SELECT pg_temp.err('SELECT ddd.version()'), pg_temp.err('SELECT ddd.get_user(1)');
ROLLBACK;

-- tables or a schema of another name are missed, and back again found
BEGIN;
ALTER SCHEMA ddd RENAME TO ddd2;
SELECT pg_temp.err('SELECT ddd2.get_user(1)');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.schema_version RENAME TO old_version;
SELECT pg_temp.err('SELECT ddd.get_user(1)');
ROLLBACK;
SELECT (ddd.get_user(:ann)).full_name;

-- updated_at stops at the last microsecond that a dump can hold
INSERT INTO ddd.users (email, full_name, updated_at) VALUES ('late@rules', 'Late', '294276-12-31 23:59:59.999999+00');
UPDATE ddd.users SET bio = 'x' WHERE email = 'late@rules' RETURNING updated_at = '294276-12-31 23:59:59.999999+00' AS stays;

-- an error about a user never shows the row, which holds the hash
ALTER TABLE ddd.users ADD CONSTRAINT users_with_bio CHECK (bio IS NOT NULL) NOT VALID;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT ddd.set_password(:bob, 'correct horse');
\set VERBOSITY terse
ALTER TABLE ddd.users DROP CONSTRAINT users_with_bio;
SELECT pg_temp.err($$SELECT ddd.create_user(jsonb_build_object(repeat('é', 40), 'x'))$$);
DELETE FROM ddd.posts;

-- a trigger function called as anything else says so
SELECT pg_temp.err('SELECT ddd.touch_row()'), pg_temp.err('SELECT ddd.check_row()');
SELECT pg_temp.err('SELECT ddd.check_comment()'), pg_temp.err('SELECT ddd.fill_post_tag()'), pg_temp.err('SELECT ddd.guard_schema_version()');
CREATE TRIGGER wrong AFTER UPDATE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION ddd.touch_row();
SELECT pg_temp.err('UPDATE ddd.tags SET name = ''other''');
DROP TRIGGER wrong ON ddd.tags;
CREATE TABLE public.other (n int, created_at date, updated_at timestamptz, t int);
CREATE TRIGGER touch BEFORE UPDATE ON public.other FOR EACH ROW EXECUTE FUNCTION ddd.touch_row();
CREATE TRIGGER c BEFORE INSERT ON public.other FOR EACH ROW EXECUTE FUNCTION ddd.check_row('text:t');
SELECT pg_temp.err('INSERT INTO public.other (t) VALUES (7)');
DROP TRIGGER c ON public.other;
INSERT INTO public.other (t) VALUES (7);
SELECT pg_temp.err('UPDATE public.other SET n = 1');
CREATE TRIGGER c BEFORE INSERT ON public.other FOR EACH ROW EXECUTE FUNCTION ddd.check_row('text:no');
SELECT pg_temp.err('INSERT INTO public.other (t) VALUES (7)');
CREATE OR REPLACE TRIGGER c BEFORE INSERT ON public.other FOR EACH ROW EXECUTE FUNCTION ddd.check_row('nonsense');
SELECT pg_temp.err('INSERT INTO public.other (t) VALUES (7)');
DROP TABLE public.other;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
