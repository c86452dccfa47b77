-- Deleting takes along what hangs below, and every number that a call gives
-- afterwards equals a fresh count.
SET client_min_messages = warning;
INSERT INTO ddd.users (id, email, full_name) SELECT -i, 'u' || i || '@cascade', 'U' || i FROM generate_series(1, 4) i;
INSERT INTO ddd.posts (id, title, content, author_id) SELECT -i, 'P' || i, '', -(1 + i % 4) FROM generate_series(1, 12) i;
INSERT INTO ddd.comments (id, content, post_id, author_id)
SELECT -(100 * p + c), 'c', -p, -(1 + (p + c) % 4) FROM generate_series(1, 12) p, generate_series(1, 12) c WHERE c <= p;
INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id) SELECT id - 1000000, 'reply', post_id, -1, id FROM ddd.comments WHERE id % 2 = 0;
SELECT count(ddd.tag_post(id, ARRAY['all', CASE WHEN id % 2 = 0 THEN 'even' ELSE 'odd' END])) FROM ddd.posts WHERE id < 0;

-- equal(): every count of the API against count(*) of the tables
CREATE FUNCTION pg_temp.equal(OUT posts bigint, OUT comments bigint, OUT popular boolean, OUT detail boolean, OUT with_comments boolean, OUT of_tag boolean, OUT orphans bigint)
LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM ddd.posts), (SELECT count(*) FROM ddd.comments),
           (SELECT array_agg((p.id, p.comment_count)) FROM ddd.popular_posts(1000, min_comments => 0) p)
             IS NOT DISTINCT FROM (SELECT array_agg((x.id, x.n) ORDER BY x.n DESC, x.created_at DESC, x.id DESC)
                  FROM (SELECT p.id, p.created_at, count(c.id) AS n FROM ddd.posts p LEFT JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id) x),
           (SELECT coalesce(bool_and(d.comment_count = (SELECT count(*) FROM ddd.comments c WHERE c.post_id = d.id)), true)
              FROM ddd.posts_detail((SELECT coalesce(array_agg(id), '{}') FROM ddd.posts)) d),
           (SELECT coalesce(bool_and(jsonb_array_length(p.comments) = (SELECT count(*) FROM ddd.comments c WHERE c.post_id = p.id)), true)
              FROM ddd.posts_with_comments(1000) p),
           ARRAY(SELECT id FROM ddd.posts_by_tag('all', 1000)) = ARRAY(SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC),
           (SELECT count(*) FROM ddd.comments c WHERE NOT EXISTS (SELECT FROM ddd.posts p WHERE p.id = c.post_id) OR NOT EXISTS (SELECT FROM ddd.users u WHERE u.id = c.author_id))
$$;
SELECT * FROM pg_temp.equal();
-- a deleted post leaves no comment and no link
SELECT ddd.delete_post(-12);
SELECT (SELECT count(*) FROM ddd.comments WHERE post_id = -12) AS comments, (SELECT count(*) FROM ddd.post_tags WHERE post_id = -12) AS links;
SELECT * FROM pg_temp.equal();
-- the same by SQL, as an ORM does
DELETE FROM ddd.posts WHERE id IN (-10, -11);
SELECT * FROM pg_temp.equal();
-- a comment with replies: they stay
SELECT ddd.delete_comment(-902);
SELECT (SELECT count(*) FROM ddd.comments WHERE id = -1000902 AND parent_id IS NULL) AS reply;
SELECT * FROM pg_temp.equal();
-- counts equal the recount inside the transaction and after it is undone
BEGIN;
SELECT ddd.delete_user(-2, 'cascade');
SELECT * FROM pg_temp.equal();
ROLLBACK;
SELECT * FROM pg_temp.equal();
SELECT ddd.delete_user(-2, 'cascade'), ddd.delete_user(-3, 'reassign', -1);
SELECT * FROM pg_temp.equal();
SELECT count(ddd.delete_user(id, 'cascade')) FROM ddd.users;
SELECT * FROM pg_temp.equal();
DELETE FROM ddd.tags;
