-- ddd.posts_with_comments(), ddd.users_with_posts(): to the byte what
-- jsonb_agg(jsonb_build_object(...)) makes of the same rows.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
SET timezone = 'UTC';
SET jit = off;

-- text(n): each as hard on JSON as content may be
CREATE FUNCTION pg_temp.hard(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE n % 9
        WHEN 0 THEN 'plain ' || n
        WHEN 1 THEN E'"quoted" \\back\\slash/ {"id": 1}, [null] '
        WHEN 2 THEN E'\x01\x02\x1f\x7f\t\r\n\b\f.'
        WHEN 3 THEN U&'\00FC\4E2D\6587\+01F600\0301\200B\FEFF\2028x'
        WHEN 4 THEN repeat('compressed ', 2000)
        WHEN 5 THEN (SELECT string_agg(md5((n * i)::text), '') FROM generate_series(1, 400) i)
        WHEN 6 THEN repeat('x', (n % 140)::int) || '.'
        WHEN 7 THEN 'null'
        ELSE '1' END
$$;
INSERT INTO ddd.users (id, email, full_name, bio, created_at)
SELECT 3000000 + i, 'views' || i || '@example.org', CASE WHEN i % 3 = 0 THEN U&'Zo\00EB "Z" \\' ELSE 'User ' || i END,
       CASE WHEN i % 2 = 0 THEN 'bio' END, '2026-01-01'::timestamptz + (i * 7 % 10) * interval '1 minute'
  FROM generate_series(1, 40) i;
-- several posts at one time; numbers of comments around multiples of 32; a year BC; ids of any size
INSERT INTO ddd.posts (id, title, content, author_id, created_at, updated_at)
SELECT CASE WHEN i = 1 THEN 9223372036854775807 WHEN i = 2 THEN -9223372036854775808 ELSE 3000000 + i END,
       left(pg_temp.hard(i * 3 % 4), 255), pg_temp.hard(i * 5), 3000001 + i * i % 20,
       CASE WHEN i = 7 THEN '0044-03-15 12:00:00.5 BC' ELSE '2026-01-01'::timestamptz + (i * 31 % 17) * interval '1 hour' END,
       '2026-02-01'::timestamptz + i * interval '1.000001 s'
  FROM generate_series(1, 60) i;
INSERT INTO ddd.comments (id, content, post_id, author_id, created_at, updated_at)
SELECT CASE p.nth * 1000 + i WHEN 3001 THEN 9223372036854775807 WHEN 3002 THEN -9223372036854775808
            WHEN 3003 THEN 0 WHEN 3004 THEN 10000 WHEN 3005 THEN 99990000 ELSE 3000000 + p.nth * 1000 + i END,
       pg_temp.hard(p.nth * 7 + i), p.id, 3000001 + (p.nth * 13 + i * i) % 40,
       t.at, t.at + CASE WHEN i % 3 = 0 THEN interval '1.5 s' ELSE interval '0' END
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM ddd.posts WHERE author_id > 3000000) p,
       generate_series(1, (ARRAY[0, 1, 31, 32, 33, 64, 65, 2, 0, 97])[1 + p.nth % 10]) i,
       LATERAL (SELECT '2026-01-05'::timestamptz + (p.nth * 17 + i * 29) % 23 * interval '1 hour 0.25 s' AS at) t;
SET session_replication_role = replica;
UPDATE ddd.comments c SET parent_id = (SELECT min(o.id) FROM ddd.comments o WHERE o.post_id = c.post_id)
 WHERE c.author_id > 3000000 AND c.id % 4 = 1 AND c.id <> (SELECT min(o.id) FROM ddd.comments o WHERE o.post_id = c.post_id);
RESET session_replication_role;
SELECT count(*), count(parent_id), count(DISTINCT post_id), count(*) FILTER (WHERE created_at = updated_at) > 100 AS same_times FROM ddd.comments;

CREATE FUNCTION pg_temp.sql_posts(first int, skip int, n int)
RETURNS TABLE (id bigint, title text, content text, author_id bigint, created_at timestamptz, updated_at timestamptz, comments jsonb)
LANGUAGE sql AS $$
    SELECT p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
               'id', c.id, 'content', c.content, 'author_id', c.author_id, 'author_name', u.full_name,
               'parent_id', c.parent_id, 'created_at', c.created_at, 'updated_at', c.updated_at) ORDER BY c.created_at, c.id)
             FROM (SELECT * FROM ddd.comments c WHERE c.post_id = p.id ORDER BY c.created_at, c.id LIMIT n) c
             JOIN ddd.users u ON u.id = c.author_id), '[]')
      FROM ddd.posts p ORDER BY p.created_at DESC, p.id DESC OFFSET skip LIMIT first
$$;
CREATE FUNCTION pg_temp.sql_users(first int, n int)
RETURNS TABLE (id bigint, email text, full_name text, is_active boolean, is_superuser boolean, bio text,
               created_at timestamptz, updated_at timestamptz, posts jsonb)
LANGUAGE sql AS $$
    SELECT u.id, u.email, u.full_name, u.is_active, u.is_superuser, u.bio, u.created_at, u.updated_at,
           coalesce((SELECT jsonb_agg(jsonb_build_object('id', p.id, 'title', p.title, 'content', p.content,
               'created_at', p.created_at, 'updated_at', p.updated_at) ORDER BY p.created_at DESC, p.id DESC)
             FROM (SELECT * FROM ddd.posts p WHERE p.author_id = u.id ORDER BY p.created_at DESC, p.id DESC LIMIT n) p), '[]')
      FROM ddd.users u ORDER BY u.created_at DESC, u.id DESC LIMIT first
$$;

-- The rows of a listing, page by page, and those of the SQL form, numbered.
CREATE FUNCTION pg_temp.walk(listing text, first int, n int) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    r record;
    after text;
    seen int := 0;
    before int;
BEGIN
    LOOP
        before := seen;
        FOR r IN EXECUTE format('SELECT * FROM ddd.%I(first => %L, after => %L, %I => %L)', listing, first, after,
                                CASE listing WHEN 'posts_with_comments' THEN 'comments_per_post' ELSE 'posts_per_user' END, n)
        LOOP
            seen := seen + 1;
            after := r.cursor;
            RETURN NEXT r;
        END LOOP;
        EXIT WHEN seen = before;
    END LOOP;
END $$;

-- same(): which rows are not the same to the byte (*<>), for each number of children; and how many there are
CREATE FUNCTION pg_temp.same() RETURNS TABLE (n int, posts bigint, users bigint, children bigint, differ bigint) LANGUAGE sql AS $$
    SELECT k.n, p.rows, u.rows, p.children + u.children, p.differ + u.differ
      FROM unnest(ARRAY[NULL, 0, 1, 3, 33, 1000]) WITH ORDINALITY k (n, nth),
           LATERAL (SELECT count(d.id) AS rows, sum(jsonb_array_length(d.comments)) AS children,
                           count(*) FILTER (WHERE d.id IS NULL OR s.id IS NULL OR
                                                  ROW(d.id, d.title, d.content, d.author_id, d.created_at, d.updated_at, d.comments)::record *<>
                                                  ROW(s.id, s.title, s.content, s.author_id, s.created_at, s.updated_at, s.comments)) AS differ
                      FROM ROWS FROM (pg_temp.walk('posts_with_comments', 7, k.n) AS (
                               id bigint, title text, content text, author_id bigint, created_at timestamptz, updated_at timestamptz,
                               comments jsonb, cursor text)) WITH ORDINALITY AS d
                      FULL JOIN pg_temp.sql_posts(NULL, 0, k.n) WITH ORDINALITY AS s
                           (id, title, content, author_id, created_at, updated_at, comments, ordinality) USING (ordinality)) p,
           LATERAL (SELECT count(d.id) AS rows, sum(jsonb_array_length(d.posts)) AS children,
                           count(*) FILTER (WHERE d.id IS NULL OR s.id IS NULL OR
                                                  ROW(d.id, d.email, d.full_name, d.is_active, d.is_superuser, d.bio, d.created_at, d.updated_at, d.posts)::record *<>
                                                  ROW(s.id, s.email, s.full_name, s.is_active, s.is_superuser, s.bio, s.created_at, s.updated_at, s.posts)) AS differ
                      FROM ROWS FROM (pg_temp.walk('users_with_posts', 7, k.n) AS (
                               id bigint, email text, full_name text, is_active boolean, is_superuser boolean, bio text,
                               created_at timestamptz, updated_at timestamptz, posts jsonb, cursor text)) WITH ORDINALITY AS d
                      FULL JOIN pg_temp.sql_users(NULL, k.n) WITH ORDINALITY AS s
                           (id, email, full_name, is_active, is_superuser, bio, created_at, updated_at, posts, ordinality) USING (ordinality)) u
     ORDER BY k.nth
$$;
SELECT * FROM pg_temp.same();

-- times as the session's zone has them, in ISO whatever its DateStyle
SET timezone = 'America/St_Johns';
SET datestyle = 'German';
SELECT * FROM pg_temp.same() WHERE differ > 0;
SELECT (comments -> 0 ->> 'created_at')::timestamptz = p.created_at + interval '0' AS same, comments -> 0 ->> 'created_at' AS at
  FROM ddd.posts_with_comments(1, comments_per_post => 1) v, LATERAL (
      SELECT min(c.created_at) AS created_at FROM ddd.comments c WHERE c.post_id = v.id) p;
SELECT posts ->> -1 FROM ddd.users_with_posts(40) WHERE posts -> -1 ->> 'created_at' ~ 'BC';
SET timezone = 'UTC';
RESET datestyle;

-- the order does not hang on one plan
CREATE FUNCTION pg_temp.same_with(setting text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    DISCARD PLANS;
    PERFORM set_config(s, 'off', true) FROM unnest(string_to_array(setting, ' ')) s;
    RETURN QUERY SELECT d::text FROM pg_temp.same() d WHERE d.differ > 0;
END $$;
BEGIN;
SELECT pg_temp.same_with('enable_nestloop enable_memoize enable_material');
ROLLBACK;
BEGIN;
SELECT pg_temp.same_with('enable_indexscan enable_indexonlyscan enable_incremental_sort');
ROLLBACK;
BEGIN;
DROP INDEX ddd.ix_comments_post_id, ddd.ix_posts_author_id, ddd.ix_posts_created_at, ddd.ix_users_created_at;
ALTER TABLE ddd.comments DROP CONSTRAINT comments_author_id_fkey;
ALTER TABLE ddd.posts DROP CONSTRAINT posts_author_id_fkey;
ALTER TABLE ddd.users DROP CONSTRAINT users_pkey CASCADE;
SELECT pg_temp.same_with('enable_nestloop');
ROLLBACK;
DISCARD PLANS;

-- none, skipped, and one transaction's own changes; a cursor keeps its snapshot
SELECT count(*) FROM ddd.posts_with_comments(0);
SELECT count(*) FROM ddd.posts_with_comments(10, skip => 60);
SELECT count(*), sum(jsonb_array_length(comments)) FROM ddd.posts_with_comments(10, skip => 55);
BEGIN;
DECLARE kept CURSOR FOR SELECT sum(jsonb_array_length(comments)) FROM ddd.posts_with_comments(60);
DELETE FROM ddd.comments;
SELECT DISTINCT comments FROM ddd.posts_with_comments(60);
FETCH ALL FROM kept;
DELETE FROM ddd.posts;
SELECT DISTINCT posts FROM ddd.users_with_posts(40);
SELECT count(*) FROM ddd.posts_with_comments(60);
ROLLBACK;

-- tables that are not as expected
BEGIN;
ALTER TABLE ddd.comments DROP CONSTRAINT comments_content_not_blank, ALTER COLUMN content TYPE bytea USING ''::bytea;
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.comments DROP CONSTRAINT comments_parent_id_fkey, ALTER COLUMN parent_id TYPE text USING parent_id::text;
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.users ALTER COLUMN full_name TYPE "char" USING 'x';
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.comments ALTER COLUMN updated_at TYPE date;
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.posts ALTER COLUMN title TYPE json USING to_json(title);
SELECT pg_temp.err('SELECT ddd.users_with_posts()');
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.comments RENAME COLUMN content TO body;
SELECT pg_temp.err('SELECT ddd.posts_with_comments()');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.comments ALTER COLUMN content DROP NOT NULL, ALTER COLUMN author_id DROP NOT NULL;
SET session_replication_role = replica;
UPDATE ddd.comments SET content = NULL WHERE id % 2 = 0;
SELECT * FROM pg_temp.same() WHERE differ > 0;
CREATE DOMAIN public.words AS text;
ALTER TABLE ddd.comments ALTER COLUMN content TYPE public.words;
SELECT * FROM pg_temp.same() WHERE differ > 0;
ROLLBACK;

-- a link whose tag is gone, as within a statement or in a replica
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (4000000, 'Linked', 'x', 3000001);
INSERT INTO ddd.tags (id, name, key) VALUES (6000000, 'there', 'there');
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at) VALUES (4000000, 6000000, now()), (4000000, 6000001, now());
SELECT tags FROM ddd.posts_detail('{4000000}');
ROLLBACK;

-- more than a jsonb value can hold
BEGIN;
INSERT INTO ddd.posts (id, title, content, author_id, created_at) VALUES (4000000, 'Large', 'x', 3000001, '2027-01-01');
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (5000000, repeat('x', 1000000), 4000000, 3000001);
INSERT INTO ddd.comments (id, content, post_id, author_id) SELECT 5000000 + i, content, 4000000, 3000001 FROM ddd.comments, generate_series(1, 269) i WHERE id = 5000000;
SELECT pg_temp.err('SELECT count(comments) FROM ddd.posts_with_comments(1)');
SELECT jsonb_array_length(comments), pg_column_size(comments) > 200000000 AS large FROM ddd.posts_with_comments(1, comments_per_post => 200);
ROLLBACK;

DELETE FROM ddd.posts;
DELETE FROM ddd.users;
