-- Posts, comments and tags: results, and the error of every wrong argument.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
SELECT id AS ann FROM ddd.create_user('ann@blog', 'Ann') \gset
SELECT id AS bob FROM ddd.create_user('bob@blog', 'Bob') \gset

-- posts
SELECT id AS p1 FROM ddd.create_post(:ann, 'First', 'Hello', ARRAY['Ruby', ' rails ', 'ruby']) \gset
SELECT id AS p2 FROM ddd.create_post(:bob, 'Second', '', '{}') \gset
SELECT p.title, p.content, p.author_id = :ann AS by_ann, p.created_at = p.updated_at AS fresh FROM ddd.get_post(:p1) p;
SELECT ddd.get_post(0) IS NULL AS none;
SELECT pg_temp.err($$SELECT ddd.create_post(0, 'X', 'x')$$);
SELECT pg_temp.err(format('SELECT ddd.create_post(%s, %L, ''x'')', :ann, t)) FROM unnest(ARRAY['', E' \t', U&'\200B', repeat('ä', 256)]) AS t;
SELECT char_length(p.title) FROM ddd.create_post(:ann, repeat('ä', 255), 'x') p;
SELECT pg_temp.err($$SELECT ddd.create_post(NULL, 'X', 'x')$$), pg_temp.err($$SELECT ddd.create_post(1, NULL, 'x')$$),
       pg_temp.err($$SELECT ddd.create_post(1, 'X', NULL)$$), pg_temp.err($$SELECT ddd.create_post(1, 'X', 'x', NULL)$$);
SELECT p.title, p.content, p.updated_at > p.created_at AS moved FROM ddd.update_post(:p1, '{"title": "First!"}') p;
SELECT p.updated_at = (ddd.get_post(:p1)).updated_at AS kept FROM ddd.update_post(:p1, '{"title": "First!"}') p;
SELECT ddd.update_post(0, '{}') IS NULL AS none;
SELECT patch, pg_temp.err(format('SELECT ddd.update_post(%s, %L)', :p1, patch))
  FROM unnest(ARRAY['{"title": ""}', '{"title": null}', '{"author_id": "1"}', '{"content": 1}', '[]']) AS patch;
SELECT pg_temp.err(format($$SELECT ddd.update_post(%s, '{"title": "late"}', '2000-01-01')$$, :p1));

-- tags: one tag in every spelling, the first one stays
SELECT ddd.tag_post(:p1, ARRAY['RUBY', 'Zebra', 'ant']);
SELECT ddd.tag_post(:p2, ARRAY['zebra', 'Рельсы', 'рельсы', 'café', U&'cafe\0301', '🙂', 'a,b', '{x}', '"q"', 'back\slash']);
SELECT ddd.untag_post(:p2, ARRAY['ZEBRA', 'nothing', '', 'рельсы', 'Рельсы', 'a,b', '{x}', '"q"', 'back\slash', '🙂', U&'cafe\0301']);
SELECT ddd.set_post_tags(:p2, ARRAY['go', 'ruby', 'Go']), ddd.set_post_tags(:p2, '{}'), ddd.set_post_tags(:p2, ARRAY['go']);
SELECT name FROM ddd.tags ORDER BY key;
SELECT encode(convert_to(t, 'UTF8'), 'escape') AS tag, pg_temp.err(format('SELECT ddd.tag_post(%s, ARRAY[%L])', :p1, t))
  FROM unnest(ARRAY['', '  ', E'a\nb', E'a\x01', U&'\200B', U&'a\202Eb', repeat('ä', 101), NULL]) WITH ORDINALITY AS u (t, n) ORDER BY n;
SELECT cardinality(ddd.tag_post(:p2, ARRAY[repeat('ä', 100)]));
SELECT pg_temp.err(format('SELECT ddd.tag_post(%s, ARRAY[[''a'', ''b'']])', :p1)), pg_temp.err(format('SELECT ddd.tag_post(%s, NULL)', :p1)),
       pg_temp.err($$SELECT ddd.tag_post(0, '{a}')$$), pg_temp.err($$SELECT ddd.untag_post(0, '{a}')$$), pg_temp.err($$SELECT ddd.set_post_tags(0, '{}')$$),
       pg_temp.err($$SELECT ddd.tag_post(NULL, '{a}')$$);
SELECT cardinality(ddd.set_post_tags(:p2, array_agg('t' || i))) FROM generate_series(1, 32) i;
SELECT pg_temp.err(format('SELECT ddd.tag_post(%s, ''{t33}'')', :p2)),
       pg_temp.err(format('SELECT ddd.set_post_tags(%s, %L)', :p2, (SELECT array_agg('t' || i) FROM generate_series(1, 33) i))),
       pg_temp.err(format('SELECT ddd.create_post(%s, ''X'', ''x'', %L)', :ann, (SELECT array_agg('t' || i) FROM generate_series(1, 33) i)));
SELECT cardinality(ddd.tag_post(:p2, (SELECT array_agg('T' || (i % 32 + 1)) FROM generate_series(1, 100000) i))) AS a_hundred_thousand_of_the_same;
SELECT ddd.set_post_tags(:p2, '[2:3]={b,a}'::text[]);

-- comments and threads
SELECT id AS c1 FROM ddd.add_comment(:p1, :bob, 'One') \gset
SELECT id AS c2 FROM ddd.add_comment(:p1, :ann, 'Reply', :c1) \gset
SELECT c.content, c.parent_id = :c1 AS reply, c.created_at = c.updated_at AS fresh FROM ddd.add_comment(:p1, :bob, 'Again', :c1) c;
SELECT pg_temp.err(format('SELECT ddd.add_comment(0, %s, ''x'')', :bob)), pg_temp.err(format('SELECT ddd.add_comment(%s, 0, ''x'')', :p1)),
       pg_temp.err(format('SELECT ddd.add_comment(%s, %s, ''x'', 0)', :p1, :bob)), pg_temp.err(format('SELECT ddd.add_comment(%s, %s, ''x'', %s)', :p2, :bob, :c1)),
       pg_temp.err(format('SELECT ddd.add_comment(%s, %s, %L)', :p1, :bob, U&' \200B')), pg_temp.err(format('SELECT ddd.add_comment(%s, %s, NULL)', :p1, :bob));
DO $$
DECLARE at bigint; post bigint := (SELECT max(id) FROM ddd.posts);
BEGIN
    FOR i IN 1..32 LOOP
        SELECT id INTO at FROM ddd.add_comment(post, (SELECT author_id FROM ddd.posts WHERE id = post), 'level ' || i, at);
    END LOOP;
END $$;
SELECT pg_temp.err(format('SELECT ddd.add_comment(%s, %s, ''level 33'', %s)', c.post_id, c.author_id, c.id)) FROM ddd.comments c WHERE content = 'level 32';

-- lists
SELECT left(title, 10) AS title, comments FROM (SELECT title, jsonb_path_query_array(comments, '$[*].content') AS comments FROM ddd.posts_with_comments(10, comments_per_post => 2)) x;
SELECT jsonb_agg(k ORDER BY k) FROM (SELECT jsonb_object_keys(comments -> 0) AS k FROM ddd.posts_with_comments(10) WHERE comments <> '[]' LIMIT 7) x;
SELECT left(p.title, 10) AS title, p.comment_count FROM ddd.popular_posts() p;
SELECT p.title <> '' AS titled, p.comment_count FROM ddd.popular_posts(min_comments => 0) p;
SELECT p.title, p.comment_count FROM ddd.popular_posts(min_comments => 4) p WHERE char_length(title) < 100;
SELECT title FROM ddd.posts_by_tag(' RUBY '), pg_temp.err('SELECT ddd.posts_by_tag(NULL)');
SELECT count(*) FROM ddd.posts_by_tag('unknown');
SELECT content FROM ddd.post_comments(:p1);
SELECT count(*) FROM ddd.post_comments(0);

-- editing and deleting a comment
SELECT c.content, c.updated_at > c.created_at AS moved FROM ddd.update_comment(:c2, '{"content": "Edited"}') c;
SELECT c.content, c.updated_at = (SELECT updated_at FROM ddd.comments WHERE id = :c2) AS kept FROM ddd.update_comment(:c2, '{}') c;
SELECT ddd.update_comment(0, '{}') IS NULL AS none, ddd.update_comment(0, '{}', now()) IS NULL AS none_at, ddd.delete_comment(0) AS deleted;
SELECT patch, pg_temp.err(format('SELECT ddd.update_comment(%s, %L)', :c2, patch))
  FROM unnest(ARRAY['{"content": " "}', '{"content": null}', '{"content": 1}', '{"post_id": 1}', '{"parent_id": null}', '[]']) AS patch;
SELECT pg_temp.err(format($$SELECT ddd.update_comment(%s, '{"content": "late"}', '2000-01-01')$$, :c2)),
       pg_temp.err($$SELECT ddd.update_comment(NULL, '{}')$$), pg_temp.err($$SELECT ddd.update_comment(1, NULL)$$), pg_temp.err($$SELECT ddd.delete_comment(NULL)$$);
SELECT id AS c3 FROM ddd.add_comment(:p1, :bob, 'Gone', :c2) \gset
SELECT ddd.delete_comment(:c3), ddd.delete_comment(:c3);

-- what a page shows together
SELECT left(d.title, 10) AS title, d.author_name, d.tags, d.comment_count FROM ddd.posts_detail(ARRAY[:p1, 0, :p2, :p1]) d;
SELECT count(*) FROM ddd.posts_detail('{}');
SELECT pg_temp.err('SELECT ddd.posts_detail(NULL)'), pg_temp.err('SELECT ddd.posts_detail(ARRAY[1, NULL])'), pg_temp.err('SELECT ddd.posts_detail(ARRAY[[1], [2]])'),
       pg_temp.err('SELECT ddd.posts_detail((SELECT array_agg(i) FROM generate_series(1, 1001) i))'), pg_temp.err('SELECT ddd.posts_detail((SELECT array_agg(i) FROM generate_series(1, 1000) i))');
SELECT full_name, jsonb_path_query_array(posts, '$[*].title') = (SELECT jsonb_agg(title ORDER BY created_at DESC, id DESC) FROM ddd.posts WHERE author_id = u.id) AS posts FROM ddd.users_with_posts() u;
SELECT full_name, jsonb_array_length(posts) AS one FROM ddd.users_with_posts(posts_per_user => 1);
SELECT jsonb_agg(k ORDER BY k) FROM (SELECT jsonb_object_keys(posts -> 0) AS k FROM ddd.users_with_posts(1)) x;
SELECT pg_temp.err('SELECT ddd.users_with_posts(posts_per_user => -1)');
SELECT left(title, 10) AS title FROM ddd.user_posts(:ann);
SELECT content FROM ddd.user_comments(:ann, 3);

-- deleting a post takes its comments and links along; a deleted parent leaves its replies
DELETE FROM ddd.comments WHERE id = :c1;
SELECT content, parent_id FROM ddd.comments WHERE post_id = :p1 ORDER BY id;
SELECT ddd.delete_post(:p1), ddd.delete_post(:p1);
SELECT (SELECT count(*) FROM ddd.comments WHERE post_id = :p1) AS comments,
       (SELECT count(*) FROM ddd.post_tags WHERE post_id = :p1) AS links;
SELECT pg_temp.err('SELECT ddd.delete_post(NULL)');
SELECT ddd.delete_user(:ann, 'cascade'), ddd.delete_user(:bob, 'cascade');
DELETE FROM ddd.tags;
