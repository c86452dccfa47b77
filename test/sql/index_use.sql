-- Relationships are walked by index in both directions, pages come from an
-- index in their order, and every listing reads its page and no table whole.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ix_users_trgm ON ddd.users USING gin (lower(full_name) gin_trgm_ops, lower(email COLLATE "C") gin_trgm_ops);
INSERT INTO ddd.users (id, email, full_name, created_at)
SELECT -i, 'user' || i || '@index', 'Name ' || md5(i::text), '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 4000) i;
INSERT INTO ddd.posts (id, title, content, author_id, created_at)
SELECT -i, 'Post ' || i, repeat('x', 100), -(1 + i % 1000), '2026-02-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 4000) i;
INSERT INTO ddd.comments (id, content, post_id, author_id, created_at)
SELECT -i, repeat('c', 100), -(1 + i % 4000), -(1 + i % 1999), '2026-03-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 12000) i;
INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id) SELECT id - 100000, 'reply', post_id, -1, id FROM ddd.comments WHERE id % 10 = 0;
INSERT INTO ddd.tags (id, name) SELECT -i, 'tag' || i FROM generate_series(1, 4000) i;
INSERT INTO ddd.post_tags (post_id, tag_id) SELECT -i, -t FROM generate_series(1, 4000) i, unnest(ARRAY[1, 1 + i % 3999, 2 + i % 1999]) t ON CONFLICT DO NOTHING;
VACUUM ANALYZE ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags;

-- plan(query): what EXPLAIN says of it: indexes, tables read whole, sorts
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
    RETURN (SELECT string_agg(DISTINCT coalesce(n ->> 'Index Name', (n ->> 'Node Type') || coalesce(' on ' || (n ->> 'Relation Name'), '')), ', ')
              FROM jsonb_path_query(plan, 'strict $.**') n
             WHERE jsonb_typeof(n) = 'object' AND (n ? 'Index Name' OR n ->> 'Node Type' IN ('Seq Scan', 'Sort', 'Incremental Sort')));
END $$;
-- EXPLAIN uses the index both ways
SELECT way, pg_temp.plan(query) FROM (VALUES
    ('user -> posts', 'SELECT p.* FROM ddd.users u JOIN ddd.posts p ON p.author_id = u.id WHERE u.id = -7'),
    ('post -> author', 'SELECT u.* FROM ddd.posts p JOIN ddd.users u ON u.id = p.author_id WHERE p.id = -7'),
    ('post -> comments', 'SELECT c.* FROM ddd.posts p JOIN ddd.comments c ON c.post_id = p.id WHERE p.id = -7'),
    ('comment -> post', 'SELECT p.* FROM ddd.comments c JOIN ddd.posts p ON p.id = c.post_id WHERE c.id = -7'),
    ('user -> comments', 'SELECT c.* FROM ddd.users u JOIN ddd.comments c ON c.author_id = u.id WHERE u.id = -7'),
    ('comment -> author', 'SELECT u.* FROM ddd.comments c JOIN ddd.users u ON u.id = c.author_id WHERE c.id = -7'),
    ('comment -> parent', 'SELECT p.* FROM ddd.comments c JOIN ddd.comments p ON p.id = c.parent_id WHERE c.id = -7'),
    ('comment -> replies', 'SELECT r.* FROM ddd.comments r WHERE r.post_id = -11 AND r.parent_id = -10'),
    ('post -> tags', 'SELECT t.* FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id WHERE l.post_id = -7'),
    ('tag -> posts', 'SELECT p.* FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id WHERE l.tag_id = -7')) AS q (way, query);

-- lookups and orders of the guide's indexes
SELECT what, pg_temp.plan(query) FROM (VALUES
    ('e-mail', 'SELECT * FROM ddd.users WHERE lower(email COLLATE "C") = ''user7@index'''),
    ('full_name', 'SELECT * FROM ddd.users WHERE full_name = ''Name x'''),
    ('full_name and email', 'SELECT * FROM ddd.users WHERE full_name = ''Name x'' AND email = ''user7@index'''),
    ('ORDER BY full_name, email', 'SELECT * FROM ddd.users ORDER BY full_name, email LIMIT 20'),
    ('next page by full_name, email', 'SELECT * FROM ddd.users WHERE (full_name, email) > (''Name 5'', '''') ORDER BY full_name, email LIMIT 20'),
    ('newest users', 'SELECT * FROM ddd.users ORDER BY created_at DESC, id DESC LIMIT 20'),
    ('users of a time', 'SELECT * FROM ddd.users WHERE created_at BETWEEN ''2026-01-02'' AND ''2026-01-02 01:00'''),
    ('newest posts', 'SELECT * FROM ddd.posts ORDER BY created_at DESC, id DESC LIMIT 20'),
    ('newest posts of a tag', 'SELECT * FROM ddd.post_tags WHERE tag_id = -1 ORDER BY post_created_at DESC, post_id DESC LIMIT 5'),
    ('tag by name', 'SELECT * FROM ddd.tags WHERE key = ''tag7'''),
    ('contains', 'SELECT * FROM ddd.users WHERE lower(full_name) LIKE ''%c4ca4238%'' OR lower(email COLLATE "C") LIKE ''%c4ca4238%''')) AS q (what, query);

-- counted(call): what the server counts of the call's own statements
CREATE FUNCTION pg_temp.counts() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_object_agg(relname, jsonb_build_object('scans', pg_stat_get_xact_numscans(oid),
               'returned', pg_stat_get_xact_tuples_returned(oid), 'fetched', pg_stat_get_xact_tuples_fetched(oid)))
      FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'i') AND relname <> 'schema_version'
$$;
-- rows read by index: the server counts them for the index, or for the table under a bitmap scan
CREATE FUNCTION pg_temp.fetched(counts jsonb, relation text) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum((counts -> c.relname::text ->> 'fetched')::bigint) FROM pg_class c
     WHERE c.oid = ('ddd.' || relation)::regclass OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ('ddd.' || relation)::regclass)
$$;
CREATE FUNCTION pg_temp.counted(call text, OUT rows bigint, OUT read_whole text, OUT posts bigint, OUT comments bigint, OUT post_entries bigint) LANGUAGE plpgsql AS $$
DECLARE b jsonb; a jsonb;
BEGIN
    b := pg_temp.counts();
    EXECUTE 'SELECT count(*) FROM ' || call INTO rows;
    a := pg_temp.counts();
    read_whole := (SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
                    WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r' AND a -> relname -> 'scans' > b -> relname -> 'scans');
    posts := pg_temp.fetched(a, 'posts') - pg_temp.fetched(b, 'posts');
    comments := pg_temp.fetched(a, 'comments') - pg_temp.fetched(b, 'comments');
    post_entries := (a -> 'ix_posts_created_at' ->> 'returned')::bigint - (b -> 'ix_posts_created_at' ->> 'returned')::bigint;
END $$;
-- the guide's popular_posts counts all there is; no other call reads a table whole
SELECT call, u.rows, u.read_whole FROM (VALUES
    ('ddd.get_user(-7)'), ('ddd.get_user_by_email(''USER7@index'')'), ('ddd.list_users(20)'), ('ddd.search_users(''c4ca4238'')'),
    ('ddd.get_post(-7)'), ('ddd.list_posts(10)'), ('ddd.list_posts(10, author_id => -7)'), ('ddd.user_posts(-7)'), ('ddd.posts_detail(''{-7,-8}'')'),
    ('ddd.post_comments(-7)'), ('ddd.user_comments(-7)'), ('ddd.posts_with_comments(10)'), ('ddd.users_with_posts(10)'),
    ('ddd.posts_by_tag(''tag1'', 5)'), ('ddd.posts_by_tag(''tag7'', 5)')) AS c (call), pg_temp.counted(call) u;
SELECT DISTINCT function FROM ddd.api WHERE result ~ '^SETOF' AND context NOT IN ('audit', 'migrations') ORDER BY 1;
-- one pass of posts_with_comments: the page's posts and their comments are read, each once
SELECT u.rows, u.read_whole, u.posts, u.comments = (SELECT sum(jsonb_array_length(comments)) FROM ddd.posts_with_comments(10)) AS comments_of_the_page
  FROM pg_temp.counted('ddd.posts_with_comments(10)') u;
-- a page from far down costs what the first does
SELECT cursor AS c FROM ddd.list_posts(1000, skip => 2000) ORDER BY created_at LIMIT 1 \gset
SELECT u.rows, u.posts, u.post_entries < 20 AS few_entries FROM pg_temp.counted(format('ddd.list_posts(10, %L)', :'c')) u;
SELECT u.rows, u.post_entries > 3000 AS skip_walks FROM pg_temp.counted('ddd.list_posts(10, skip => 3000)') u;
DROP INDEX ddd.ix_users_trgm;
DELETE FROM ddd.post_tags;
DELETE FROM ddd.comments;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
DROP EXTENSION pg_trgm;
VACUUM ANALYZE ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags;
