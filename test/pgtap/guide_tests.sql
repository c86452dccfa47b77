-- The guide's own tests, one for one, and what its rows say of results: the
-- number of rows, no secret in any JSON.
BEGIN;
SELECT no_plan();

-- test_create_user
CREATE TEMPORARY TABLE created AS
    SELECT u.* FROM ddd.create_user(jsonb_build_object('email', 'test@example.com', 'full_name', 'Test User', 'password', 'testpass123')) u;
SELECT isnt(id, NULL, 'test_create_user: the user has an id') FROM created;
SELECT is(email, 'test@example.com', 'test_create_user: and the e-mail address') FROM created;
SELECT is(full_name, 'Test User', 'test_create_user: and the name') FROM created;
SELECT ok(ddd.verify_password('testpass123', u.hashed_password) AND u.hashed_password !~ 'testpass123', 'test_create_user: the password is stored hashed')
  FROM ddd.users u JOIN created USING (id);
SELECT throws_ok($$SELECT ddd.create_user('Test@Example.com', 'Again')$$, '23505', 'Email already registered', 'a duplicate has the guide''s message');

-- test_get_user_by_email
INSERT INTO ddd.users (email, full_name) VALUES ('direct@example.com', 'Test User');
SELECT isnt(ddd.get_user_by_email('direct@example.com') IS NULL, true, 'test_get_user_by_email: the user is found');
SELECT is((ddd.get_user_by_email('direct@example.com')).email, 'direct@example.com', 'test_get_user_by_email: with the e-mail address');
SELECT ok(ddd.get_user_by_email('nobody@example.com') IS NULL, 'get_user_by_email: nobody is NULL');

-- rows: exactly the page that is asked for, however many comments there are
INSERT INTO ddd.posts (id, title, content, author_id) SELECT -i, 'P' || i, '', (SELECT id FROM created) FROM generate_series(1, 15) i;
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -1 - i % 15, (SELECT id FROM created) FROM generate_series(1, 90) i;
SELECT is((SELECT count(*) FROM ddd.posts_with_comments(n)), n::bigint, format('posts_with_comments(%s) has exactly %s rows', n, n)) FROM unnest(ARRAY[0, 1, 10, 15]) n;
SELECT is((SELECT count(*) FROM ddd.posts_with_comments(10, skip => 10)), 5::bigint, 'posts_with_comments has what is left after skip');
SELECT is((SELECT sum(jsonb_array_length(comments)) FROM ddd.posts_with_comments(15)), 90::bigint, 'posts_with_comments has every comment');
SELECT is((SELECT max(jsonb_array_length(comments)) FROM ddd.posts_with_comments(15, comments_per_post => 2)), 2, 'posts_with_comments has at most comments_per_post');
SELECT is((SELECT count(*) FROM ddd.users_with_posts(1)), 1::bigint, 'users_with_posts(1) has exactly one row');

-- JSON: every function that returns some is listed here, and none has a secret key
CREATE FUNCTION pg_temp.secret_keys(document jsonb) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT k FROM jsonb_path_query(document, 'strict $.**') o, jsonb_object_keys(CASE jsonb_typeof(o) WHEN 'object' THEN o ELSE '{}' END) k WHERE k ~* 'password|hash|secret'
$$;
SELECT set_eq($$SELECT p.proname::text FROM pg_proc p JOIN ddd.api a ON a.function = p.proname AND a.arguments = pg_get_function_arguments(p.oid)
    WHERE p.prorettype = 'jsonb'::regtype OR EXISTS (SELECT FROM pg_type t JOIN pg_attribute c ON c.attrelid = t.typrelid
        WHERE t.oid = p.prorettype AND c.atttypid = 'jsonb'::regtype)$$, ARRAY['to_dict', 'posts_with_comments', 'users_with_posts'], 'these functions return JSON');
SELECT set_has($$SELECT pg_temp.secret_keys(to_jsonb(u)) FROM ddd.users u$$, $$VALUES ('hashed_password')$$, 'a row of ddd.users has a secret key');
SELECT is_empty($$SELECT pg_temp.secret_keys(d) FROM (
    SELECT ddd.to_dict(u) FROM ddd.users u UNION ALL SELECT ddd.to_dict(ddd.get_user(id)) FROM created UNION ALL SELECT ddd.to_dict(p) FROM ddd.posts p
    UNION ALL SELECT ddd.to_dict(c) FROM ddd.comments c UNION ALL SELECT ddd.to_dict(l) FROM ddd.list_users() l UNION ALL SELECT ddd.to_dict(w) FROM ddd.users_with_posts() w
    UNION ALL SELECT comments FROM ddd.posts_with_comments(15) UNION ALL SELECT posts FROM ddd.users_with_posts()) x (d)$$, 'no secret key in any jsonb');

SELECT * FROM finish();
ROLLBACK;
