-- A tour of the loaded package index: what the API answers and how long it
-- took. Read from standard input by psql, so that an error names no file.
-- Shows packages and teams; no column with an address.
\set QUIET on
\set ON_ERROR_STOP on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'
\set SHOW_CONTEXT never

\echo
\echo 'Each time is what this client waited for the first such call of its session.'
\echo
\echo '== A sign-up: create_user(email, full_name, password) hashes with Argon2id'
\timing on
SELECT id, full_name, is_active, created_at::timestamp(0)
  FROM ddd.create_user('guest@example.org', 'Demo Guest', 'correct horse battery');
\timing off
SELECT ddd.identify_hash(hashed_password) AS scheme, split_part(hashed_password, '$', 4) AS cost,
       ddd.verify_password('correct horse battery', hashed_password) AS right_password,
       ddd.verify_password('correct horse buttery', hashed_password) AS wrong_password
  FROM ddd.users WHERE email = 'guest@example.org';

\echo
\echo '== The same address in another case: create_user(\'Guest@Example.ORG\', ...) is refused'
\set ON_ERROR_STOP off
\timing on
SELECT ddd.create_user('Guest@Example.ORG', 'Somebody Else', 'another password');
\timing off
\echo 'SQLSTATE' :LAST_ERROR_SQLSTATE 'with message' :'LAST_ERROR_MESSAGE'
\set ON_ERROR_STOP on

\echo
\echo '== The ten most depended-upon packages: popular_posts(10)'
\timing on
SELECT left(title, 36) AS package, comment_count AS dependants, left(content, 56) AS description
  FROM ddd.popular_posts(10);
\timing off

SELECT max(name) FILTER (WHERE top = 1) AS popular_tag, max(posts) FILTER (WHERE top = 1) AS popular_posts,
       max(name) FILTER (WHERE low = 1) AS rare_tag, max(posts) FILTER (WHERE low = 1) AS rare_posts
  FROM (SELECT t.name, count(*) AS posts,
               row_number() OVER (ORDER BY count(*) DESC, t.name) AS top,
               row_number() OVER (ORDER BY count(*) < 3, count(*), t.name) AS low
          FROM ddd.tags t JOIN ddd.post_tags l ON l.tag_id = t.id GROUP BY t.id) ranked \gset
\if :{?popular_tag}
\else
    \set popular_tag none
    \set popular_posts 0
    \set rare_tag none
    \set rare_posts 0
\endif

\echo
\echo '== The newest posts of a popular tag, on' :popular_posts 'posts: posts_by_tag(':'popular_tag', '5)'
\timing on
SELECT left(title, 36) AS package, left(content, 70) AS description FROM ddd.posts_by_tag(:'popular_tag', 5);
\timing off

\echo
\echo '== The newest posts of a rare tag, on' :rare_posts 'posts: posts_by_tag(':'rare_tag', '5)'
\timing on
SELECT left(title, 36) AS package, left(content, 70) AS description FROM ddd.posts_by_tag(:'rare_tag', 5);
\timing off

\echo
\echo '== Programs in C that need no X11: posts_by_tags(\'implemented-in::c & role::program & !interface::x11\', 5)'
\timing on
SELECT left(title, 36) AS package, left(content, 70) AS description
  FROM ddd.posts_by_tags('implemented-in::c & role::program & !interface::x11', 5);
\timing off

\echo
\echo '== Games or toys in a scripting language: posts_by_tags(\'(game::* | use::gameplaying) & (implemented-in::python | implemented-in::perl)\', 5)'
\timing on
SELECT left(title, 36) AS package, left(content, 70) AS description
  FROM ddd.posts_by_tags('(game::* | use::gameplaying) & (implemented-in::python | implemented-in::perl)', 5);
\timing off

\echo
\echo '== What somebody may mean who types "implemented": suggest_tags(\'implemented\', 3), and what goes with its first: related_tags'
\timing on
SELECT name, post_count FROM ddd.suggest_tags('implemented', 3);
SELECT r.name, r.post_count, r.shared FROM ddd.suggest_tags('implemented', 1) s, LATERAL ddd.related_tags(s.name, 3) r;
\timing off

\echo
\echo '== Find users: search_users(\'team\', 5)'
\timing on
SELECT left(full_name, 80) AS full_name, (SELECT count(*) FROM ddd.posts p WHERE p.author_id = u.id) AS packages
  FROM ddd.search_users('team', 5) u;
\timing off

\echo
\echo '== The guest writes a post, and a thread under it: create_post, add_comment'
SELECT id AS guest FROM ddd.get_user_by_email('guest@example.org') \gset
\timing on
SELECT id AS post, title
  FROM ddd.create_post(:guest, 'Which package should I package next?', 'Asking for a friend.', '{demo, role::question}');
\timing off
SELECT id AS post FROM ddd.list_posts(1) \gset
SELECT id AS question FROM ddd.add_comment(:post, :guest, 'Something with few dependencies.') \gset
\timing on
SELECT id AS comment, parent_id AS reply_to, content
  FROM ddd.add_comment(:post, :guest, 'The top of popular_posts shows what to avoid.', parent_id => :question);
\timing off

\echo
\echo '== The newest posts with their comments: posts_with_comments(3, comments_per_post => 2)'
\timing on
SELECT left(title, 36) AS title, left(content, 20) AS content,
       (SELECT string_agg(left(c->>'content', 46), E'\n') FROM jsonb_array_elements(comments) c) AS comments
  FROM ddd.posts_with_comments(3, comments_per_post => 2);
\timing off
