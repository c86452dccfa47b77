-- Pages: every listing walked by cursor equals itself in one page; limits and
-- cursors of anything else are refused.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
SELECT count(*) FROM ddd.create_users((SELECT jsonb_agg(jsonb_build_object('email', 'page' || i || '@x', 'full_name', 'Page ' || i, 'is_active', i % 3 <> 0)) FROM generate_series(1, 23) i));
SELECT count(ddd.create_post((SELECT min(id) + i % 3 FROM ddd.users), 'Post ' || i, 'x', CASE WHEN i % 2 = 0 THEN '{even}' ELSE '{odd,all}' END::text[])) FROM generate_series(1, 20) i;
-- some of the same moment, some not; none in the order of the ids
ALTER TABLE ddd.users DISABLE TRIGGER users_touch;
UPDATE ddd.users SET created_at = '2026-01-01'::timestamptz + (substr(full_name, 6)::int * 5 % 11) * interval '1 hour';
ALTER TABLE ddd.users ENABLE TRIGGER users_touch;
ALTER TABLE ddd.posts DISABLE TRIGGER posts_touch;
UPDATE ddd.posts SET created_at = '2026-01-01'::timestamptz + (substr(title, 6)::int % 7) * interval '1 hour';
ALTER TABLE ddd.posts ENABLE TRIGGER posts_touch;
UPDATE ddd.post_tags SET tag_id = tag_id;
SELECT count(ddd.add_comment(p.id, p.author_id, 'c' || i)) FROM ddd.posts p, generate_series(1, 5) i WHERE i <= substr(p.title, 6)::int % 6;
ALTER TABLE ddd.comments DISABLE TRIGGER comments_touch;
UPDATE ddd.comments SET created_at = '2026-01-02'::timestamptz + (id * 5 % 3) * interval '1 hour';
ALTER TABLE ddd.comments ENABLE TRIGGER comments_touch;
-- so that each order differs from that of the ids
SELECT ARRAY(SELECT id FROM ddd.users ORDER BY created_at DESC, id DESC) <> ARRAY(SELECT id FROM ddd.users ORDER BY id DESC) AS users,
       ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC) <> ARRAY(SELECT id FROM ddd.posts ORDER BY id DESC) AS posts,
       bool_or(oldest <> by_id) AS comments FROM (SELECT array_agg(id ORDER BY created_at, id) AS oldest, array_agg(id ORDER BY id) AS by_id FROM ddd.comments GROUP BY post_id) c;

-- walk(call): the ids of a listing page by page; %s is the cursor
CREATE FUNCTION pg_temp.walk(call text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE at text; ids bigint[] := '{}'; r record; n int;
BEGIN
    LOOP
        n := 0;
        FOR r IN EXECUTE format('SELECT id, cursor FROM ' || call, at) LOOP
            ids := ids || r.id; at := r.cursor; n := n + 1;
        END LOOP;
        EXIT WHEN n = 0;
    END LOOP;
    RETURN ids;
END $$;
SELECT cardinality(pg_temp.walk('ddd.list_users(4, %L)')), pg_temp.walk('ddd.list_users(4, %L)') = ARRAY(SELECT id FROM ddd.users ORDER BY created_at DESC, id DESC) AS equal;
SELECT pg_temp.walk('ddd.list_users(4, %L, active => true)') = ARRAY(SELECT id FROM ddd.users WHERE is_active ORDER BY created_at DESC, id DESC) AS active,
       pg_temp.walk('ddd.list_users(4, %L, active => false)') = ARRAY(SELECT id FROM ddd.users WHERE NOT is_active ORDER BY created_at DESC, id DESC) AS inactive;
SELECT pg_temp.walk('ddd.search_users(''age 1'', 3, %L)') = ARRAY(SELECT id FROM ddd.users WHERE full_name LIKE '%age 1%' ORDER BY id) AS search;
SELECT pg_temp.walk('ddd.list_posts(3, %L)') = ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC) AS posts,
       pg_temp.walk('ddd.list_posts(2, %L, author_id => ' || min(id) || ')') = ARRAY(SELECT id FROM ddd.posts WHERE author_id = (SELECT min(id) FROM ddd.users) ORDER BY created_at DESC, id DESC) AS of_author FROM ddd.users;
SELECT pg_temp.walk('ddd.posts_with_comments(3, %L)') = ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC) AS with_comments;
SELECT bool_and(comments = (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'content', c.content, 'author_id', c.author_id, 'author_name', u.full_name,
           'parent_id', c.parent_id, 'created_at', c.created_at, 'updated_at', c.updated_at) ORDER BY c.created_at, c.id), '[]')
           FROM ddd.comments c JOIN ddd.users u ON u.id = c.author_id WHERE c.post_id = p.id)) AS every_comment FROM ddd.posts_with_comments(100) p;
SELECT pg_temp.walk('ddd.popular_posts(3, %L)') = ARRAY(SELECT p.id FROM ddd.posts p JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id ORDER BY count(*) DESC, p.created_at DESC, p.id DESC) AS popular,
       pg_temp.walk('ddd.popular_posts(3, %L, 0)') = ARRAY(SELECT p.id FROM ddd.posts p LEFT JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id ORDER BY count(c.id) DESC, p.created_at DESC, p.id DESC) AS popular_or_not;
SELECT pg_temp.walk('ddd.posts_by_tag(''odd'', 3, %L)') = ARRAY(SELECT p.id FROM ddd.posts p JOIN ddd.post_tags l ON l.post_id = p.id JOIN ddd.tags t ON t.id = l.tag_id WHERE t.name = 'odd' ORDER BY p.created_at DESC, p.id DESC) AS odd;
SELECT pg_temp.walk('ddd.post_comments(' || post_id || ', 2, %L)') = array_agg(id ORDER BY created_at, id) AS comments FROM ddd.comments GROUP BY post_id HAVING count(*) = 5 LIMIT 1;
SELECT pg_temp.walk('ddd.user_comments(' || author_id || ', 3, %L)') = array_agg(id ORDER BY created_at DESC, id DESC) AS comments_of_author FROM ddd.comments GROUP BY author_id ORDER BY author_id LIMIT 1;
SELECT pg_temp.walk('ddd.user_posts(' || author_id || ', 3, %L)') = array_agg(id ORDER BY created_at DESC, id DESC) AS posts_of_author FROM ddd.posts GROUP BY author_id ORDER BY author_id LIMIT 1;
SELECT pg_temp.walk('ddd.users_with_posts(4, %L)') = ARRAY(SELECT id FROM ddd.users ORDER BY created_at DESC, id DESC) AS users_with_posts;
SELECT bool_and(d.comment_count = (SELECT count(*) FROM ddd.comments c WHERE c.post_id = d.id)
            AND d.tags = ARRAY(SELECT t.name::text FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id WHERE l.post_id = d.id ORDER BY t.name)) AS detail_equal, count(*)
  FROM ddd.posts_detail((SELECT array_agg(id) FROM ddd.posts)) d;

-- limits
SELECT l, pg_temp.err(format(l, -1)) AS negative, pg_temp.err(format(l, 'NULL')) AS "null", pg_temp.err(format(l, 1001)) AS huge
  FROM unnest(ARRAY['SELECT ddd.list_users(%s)', 'SELECT ddd.search_users(''abc'', %s)', 'SELECT ddd.list_posts(%s)', 'SELECT ddd.posts_with_comments(%s)', 'SELECT ddd.popular_posts(%s)',
                    'SELECT ddd.posts_by_tag(''odd'', %s)', 'SELECT ddd.post_comments(1, %s)', 'SELECT ddd.user_comments(1, %s)', 'SELECT ddd.user_posts(1, %s)', 'SELECT ddd.users_with_posts(%s)']) AS l;
SELECT l, pg_temp.err(format(l, -1)) AS negative, pg_temp.err(format(l, 'NULL')) AS "null", pg_temp.err(format(l, 10001)) AS huge
  FROM unnest(ARRAY['SELECT ddd.list_users(skip => %s)', 'SELECT ddd.list_posts(skip => %s)', 'SELECT ddd.posts_with_comments(skip => %s)', 'SELECT ddd.posts_by_tag(''odd'', skip => %s)']) AS l;
SELECT (SELECT count(*) FROM ddd.list_posts(0)) AS none, (SELECT count(*) FROM ddd.list_posts(1000)) AS all,
       (SELECT array_agg(id) FROM ddd.list_posts(3, skip => 2)) = ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC OFFSET 2 LIMIT 3) AS skipped,
       (SELECT array_agg(id) FROM ddd.posts_with_comments(3, skip => 2)) = ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC OFFSET 2 LIMIT 3) AS skipped_with_comments,
       (SELECT array_agg(id) FROM ddd.list_users(3, skip => 4)) = ARRAY(SELECT id FROM ddd.users ORDER BY created_at DESC, id DESC OFFSET 4 LIMIT 3) AS skipped_users;
SELECT pg_temp.err('SELECT ddd.popular_posts(min_comments => -1)'), pg_temp.err('SELECT ddd.popular_posts(min_comments => NULL)'), pg_temp.err('SELECT ddd.posts_with_comments(comments_per_post => -1)');
SELECT count(*) FILTER (WHERE jsonb_array_length(comments) > 1) FROM ddd.posts_with_comments(100, comments_per_post => 1);
SET ddd.max_page_size = 2;
SELECT pg_temp.err('SELECT ddd.list_posts(3)');
RESET ddd.max_page_size;

-- cursors
SELECT cursor AS c FROM ddd.list_posts(1) \gset
SELECT name, pg_temp.err(format('SELECT ddd.list_posts(1, %L)', cursor)) = '22023 | "after" is not a cursor of this listing' AS refused
  FROM (VALUES ('empty', ''), ('truncated', left(:'c', -1)), ('longer', :'c' || 'A'), ('altered', overlay(:'c' PLACING 'zz' FROM 15)), ('padded', :'c' || '='), ('blank', ' ' || :'c'),
               ('random', encode(sha256('x'), 'base64')), ('bytes', 'ä'), ('long', repeat('A', 1000000)), ('of users', (SELECT cursor FROM ddd.list_users(1))),
               ('of an author', (SELECT cursor FROM ddd.list_posts(1, author_id => (SELECT min(id) FROM ddd.users)))), ('with comments', (SELECT cursor FROM ddd.posts_with_comments(1)))) AS t (name, cursor);
SELECT pg_temp.err(format('SELECT ddd.user_posts(1, 1, %L)', (SELECT cursor FROM ddd.list_posts(1)))) AS of_list_posts,
       pg_temp.err(format('SELECT ddd.posts_by_tag(''even'', 1, %L)', (SELECT cursor FROM ddd.posts_by_tag('odd', 1)))) AS other_tag,
       pg_temp.err(format('SELECT ddd.posts_by_tag('' ODD'', 1, %L)', (SELECT cursor FROM ddd.posts_by_tag('odd', 1)))) AS same_tag,
       pg_temp.err(format('SELECT ddd.popular_posts(1, %L, 0)', (SELECT cursor FROM ddd.popular_posts(1)))) AS other_minimum;
-- a cursor outlives its row
SELECT cursor AS c, id FROM ddd.list_posts(1) \gset
SELECT ddd.delete_post(:id);
SELECT (SELECT id FROM ddd.list_posts(1, :'c')) = (SELECT id FROM ddd.list_posts(1)) AS goes_on;

-- search: literal, any case, exact address first, then beginnings
SELECT count(ddd.create_user(e, n)) FROM (VALUES ('zed@s', '100% Zed'), ('a_b@s', 'Al_ice \ O''Hara'), ('zed@s.org', 'Not Zed'), ('q@s', 'zed@s'), ('ä@s', 'ÄRGER')) AS t (e, n);
SELECT q, ARRAY(SELECT email FROM ddd.search_users(q)) FROM unnest(ARRAY['zed@s', 'ZED', '%', '_', '100%', '0% z', 'l_i', 'lxi', '\', '\ o', '''h', 'al', 'ärg', 'zz', 'org']) WITH ORDINALITY AS t (q, n) ORDER BY n;
-- the three lists against the order of the ids, in one page and one by one; ids may be any
SELECT count(ddd.create_user(e, n)) FROM (VALUES ('notzorro@s', 'A'), ('zorro@s.org', 'B'), ('zorro@s', 'C'), ('q2@s', 'Zorro@S')) AS t (e, n);
INSERT INTO ddd.users (id, email, full_name) VALUES (-9223372036854775808, 'is.zorro@s', 'First of all');
SELECT ARRAY(SELECT email FROM ddd.search_users('zorro@s')) AS found,
       ARRAY(SELECT email FROM unnest(pg_temp.walk('ddd.search_users(''zorro@s'', 1, %L)')) WITH ORDINALITY i (id, nth) JOIN ddd.users USING (id) ORDER BY nth) AS walked;
SELECT pg_temp.err('SELECT ddd.search_users('''')'), pg_temp.err('SELECT ddd.search_users('' '')'), pg_temp.err('SELECT ddd.search_users(NULL)'),
       pg_temp.err(format('SELECT ddd.search_users(%L)', repeat('x', 201))), pg_temp.err(format('SELECT ddd.search_users(%L)', repeat('ä', 200)));
SELECT count(ddd.delete_user(id, 'cascade')) FROM ddd.users;
DELETE FROM ddd.tags;
