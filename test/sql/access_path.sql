-- ddd.access_path: reading an index directly answers what SQL answers, and
-- leaves to SQL what it cannot read.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
INSERT INTO ddd.users (id, email, full_name) VALUES (1000000, 'walk@example.org', 'Walker');
INSERT INTO ddd.posts (id, title, content, author_id, created_at)
SELECT 1000000 + i, 'Walk ' || i, repeat('x', i), 1000000, '2026-01-01'::timestamptz + (i * 7919 % 700) * interval '1 minute'
  FROM generate_series(1, 1500) i;
INSERT INTO ddd.tags (id, name) VALUES (1000001, 'walked'), (1000002, 'seldom'), (1000003, 'unused');
INSERT INTO ddd.post_tags (post_id, tag_id)
SELECT p.id, t.id FROM ddd.posts p, ddd.tags t
 WHERE p.title LIKE 'Walk %' AND (t.name = 'walked' OR t.name = 'seldom' AND substr(p.title, 6)::int % 300 = 0);

-- rows(path, ...): the rows of a listing with their cursors, walked page by page
CREATE FUNCTION pg_temp.rows(path text, tag text, first int, skip int) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    after text;
    page text[];
    found text[] := '{}';
BEGIN
    PERFORM set_config('ddd.access_path', path, true);
    LOOP
        SELECT array_agg(p::text), (array_agg(p.cursor))[count(*)] INTO page, after
          FROM ddd.posts_by_tag(tag, first, after, skip) p;
        EXIT WHEN page IS NULL;
        found := found || page;
    END LOOP;
    RETURN found;
END $$;

-- equal(): for each tag, page size and skip, are both paths' rows the same; and how many
CREATE FUNCTION pg_temp.equal() RETURNS TABLE (tag text, equal boolean, n int[]) LANGUAGE sql AS $$
    SELECT t.tag, bool_and(a.rows = s.rows), array_agg(cardinality(a.rows) ORDER BY f.first, k.skip)
      FROM unnest(ARRAY['walked', 'seldom', 'unused', 'unknown']) WITH ORDINALITY AS t (tag, nth),
           unnest(ARRAY[7, 400, 1000]) f (first), unnest(ARRAY[0, 3]) k (skip),
           LATERAL (SELECT pg_temp.rows('auto', t.tag, f.first, k.skip) AS rows) a,
           LATERAL (SELECT pg_temp.rows('spi', t.tag, f.first, k.skip) AS rows) s
     GROUP BY t.tag, t.nth ORDER BY t.nth
$$;
SELECT * FROM pg_temp.equal();
VACUUM ddd.post_tags, ddd.posts;
SELECT * FROM pg_temp.equal();

-- dead, moved and invisible entries; this transaction's own changes
BEGIN;
DELETE FROM ddd.posts WHERE title LIKE 'Walk %9';
UPDATE ddd.posts SET title = 'Walked ' || substr(title, 6) WHERE title LIKE 'Walk %7';
UPDATE ddd.post_tags SET tag_id = (SELECT id FROM ddd.tags WHERE name = 'unused') WHERE post_id % 5 = 0 AND tag_id = (SELECT id FROM ddd.tags WHERE name = 'walked');
SELECT * FROM pg_temp.equal();
ROLLBACK;
SELECT * FROM pg_temp.equal();

-- links whose post is gone, as within a statement before its cascade: they are neither shown nor skipped
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM ddd.posts WHERE title LIKE 'Walk %9' OR title IN ('Walk 600', 'Walk 1200');
SELECT * FROM pg_temp.equal();
ROLLBACK;

-- a cursor keeps its snapshot
SET ddd.access_path = auto;
BEGIN;
DECLARE before CURSOR FOR SELECT title FROM ddd.posts_by_tag('seldom', 1);
DELETE FROM ddd.posts WHERE title LIKE 'Walk %00';
FETCH ALL FROM before;
SELECT count(*) FROM ddd.posts_by_tag('seldom');
ROLLBACK;

-- what must be left to SQL: the answers stay those of SQL
BEGIN;
CREATE TABLE public.more_posts () INHERITS (ddd.posts);
INSERT INTO public.more_posts (id, title, content, author_id) VALUES (2000000, 'Inherited', 'x', 1000000);
SET session_replication_role = replica;
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at) SELECT p.id, t.id, p.created_at FROM public.more_posts p, ddd.tags t WHERE t.name = 'seldom';
SELECT title FROM ddd.posts_by_tag('seldom', 1);
ROLLBACK;
BEGIN;
ALTER TABLE ddd.posts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY only_some ON ddd.posts USING (title IN ('Walk 300', 'Walk 600'));
CREATE ROLE access_path_owner;
GRANT ALL ON SCHEMA ddd TO access_path_owner;
ALTER TABLE ddd.schema_version OWNER TO access_path_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA ddd TO access_path_owner;
SELECT count(*) FROM ddd.posts_by_tag('seldom');
SELECT * FROM pg_temp.equal() WHERE tag = 'seldom';
REVOKE SELECT ON ddd.post_tags FROM access_path_owner;
SELECT pg_temp.err('SELECT ddd.posts_by_tag(''seldom'')');
ROLLBACK;
BEGIN;
DROP INDEX ddd.ix_post_tags_tag_id;
CREATE INDEX ix_post_tags_tag_id ON ddd.post_tags (tag_id, post_created_at DESC, post_id DESC) WHERE post_id < 0;
CREATE INDEX other_order ON ddd.post_tags (tag_id, post_created_at, post_id);
SELECT * FROM pg_temp.equal();
ROLLBACK;
SELECT count(*) FROM ddd.posts_by_tag(' SelDom ', 10);
BEGIN;
DROP INDEX ddd.ix_tags_name;
CREATE INDEX expression ON ddd.tags (lower(key));
CREATE INDEX other_column ON ddd.tags (name COLLATE "C");
CREATE INDEX other_class ON ddd.tags (key text_pattern_ops);
CREATE INDEX other_collation ON ddd.tags (key COLLATE "default");
CREATE INDEX only_some ON ddd.tags (key) WHERE id < 0;
CREATE INDEX second ON ddd.tags (id, key);
SELECT * FROM pg_temp.equal();
ROLLBACK;
BEGIN;
ALTER TABLE ddd.posts RENAME COLUMN content TO body;
SELECT pg_temp.err('SELECT ddd.posts_by_tag(''seldom'')');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.posts ALTER COLUMN content TYPE bytea USING content::bytea;
SELECT pg_temp.err('SELECT ddd.posts_by_tag(''seldom'')');
ROLLBACK;
BEGIN;
ALTER TABLE ddd.post_tags RENAME TO links;
SELECT pg_temp.err('SELECT ddd.posts_by_tag(''seldom'')');
ROLLBACK;
SELECT pg_temp.err('SET ddd.access_path = index');

SET ddd.access_path = auto;
DELETE FROM ddd.posts;
DELETE FROM ddd.tags;
DELETE FROM ddd.users;
