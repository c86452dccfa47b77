-- Fills empty tables with data of a given scale: psql -v posts=100000 gives
-- scale M. Ten comments and four tags a post, a user and a tag for every ten
-- posts. The same number of posts, a multiple of a thousand, gives the same rows.
--
-- Comments per post, tags, and posts and comments per user follow Zipf's law
-- (the n-th has 1/n of the first). created_at has nothing to do with the order
-- in which rows lie: a planner who wants the newest rows has to use an index.
-- Triggers and foreign keys are off: what they would add or check is written here.

BEGIN;
SET LOCAL session_replication_role = replica;
SELECT setseed(0.25);

-- A position from 1 to n, of which k is drawn as often as 1 / k of the first.
CREATE FUNCTION pg_temp.zipf(n integer) RETURNS integer LANGUAGE sql VOLATILE
RETURN floor(exp(random() * ln(n + 1)));

-- The position in some other order: primes without a common divisor with n.
CREATE FUNCTION pg_temp.shuffled(k bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN 1 + (k * 7919 + 4096) % n;

INSERT INTO ddd.users (id, email, full_name, is_active, created_at, updated_at)
SELECT n, 'user' || n || '@mail' || n % 50 || '.example',
       'Given' || pg_temp.shuffled(n, users) || ' Family' || n % 97, n % 20 <> 0, t, t
  FROM (SELECT :posts / 10 AS users) s, generate_series(1, users) n,
       LATERAL (SELECT timestamptz '2020-01-01Z' + pg_temp.shuffled(n, users) * interval '1 hour' AS t) u;

INSERT INTO ddd.posts (id, title, content, author_id, created_at, updated_at)
SELECT n, 'Title of post ' || n, repeat('Text of post ' || n || '. ', 8),
       pg_temp.shuffled(pg_temp.zipf(:posts / 10), :posts / 10), t, t
  FROM generate_series(1, :posts) n,
       LATERAL (SELECT timestamptz '2021-01-01Z'
                       + pg_temp.shuffled(n, :posts) * interval '10 minutes' AS t) u;

INSERT INTO ddd.comments (id, content, post_id, author_id, created_at, updated_at)
SELECT n, 'Comment ' || n || ' says something', pg_temp.shuffled(pg_temp.zipf(:posts), :posts),
       pg_temp.shuffled(1 + pg_temp.zipf(:posts / 10), :posts / 10), t, t
  FROM generate_series(1, 10 * :posts) n,
       LATERAL (SELECT timestamptz '2024-01-01Z'
                       + pg_temp.shuffled(n, 10 * :posts) * interval '1 minute' AS t) u;

INSERT INTO ddd.tags (id, name, key)
SELECT n, 'tag' || n, 'tag' || n FROM generate_series(1, :posts / 10) n;

-- Four groups of tags and one of each: a post has four different ones.
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at)
SELECT p.id, 4 * pg_temp.zipf(:posts / 40) - g, p.created_at
  FROM ddd.posts p, generate_series(0, 3) g;

SELECT setval('ddd.users_id_seq', (SELECT max(id) FROM ddd.users)),
       setval('ddd.posts_id_seq', (SELECT max(id) FROM ddd.posts)),
       setval('ddd.comments_id_seq', (SELECT max(id) FROM ddd.comments)),
       setval('ddd.tags_id_seq', (SELECT max(id) FROM ddd.tags));
COMMIT;

SELECT ddd.rebuild_counters();
