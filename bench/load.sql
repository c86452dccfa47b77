-- Synthetic data in ddd's tables:
--
--   psql -v users=N -v posts=N -v comments=N -v tags=N -f load.sql
--
-- Always the same rows for the same numbers. Ids and times go the same way, as
-- they do in a table that grew. Popularity has nothing to do with age: comments
-- are spread over posts, and posts over tags, by Zipf's law with exponent 1.
-- The newest hundred posts get the mean number of comments each instead, so
-- that a page of the newest posts is the same size at every scale.
--
-- Loaded as a restore would: triggers off, indexes and foreign keys afterwards.
\set ON_ERROR_STOP on
\set QUIET on
\o /dev/null
SET client_min_messages = warning;
SET synchronous_commit = off;
SET timezone = 'UTC';
SELECT setseed(0.42);

SELECT bench.strip('ddd');
SET session_replication_role = replica;

INSERT INTO ddd.users (id, email, full_name, bio, is_active, created_at, updated_at)
SELECT i, 'user' || i || '@' || (ARRAY['example.org', 'example.net', 'mail.example.com'])[1 + i % 3],
       (ARRAY['Anna', 'Boris', 'Clara', 'David', 'Edith', 'Felix', 'Greta', 'Henry',
              'Irene', 'Jonas', 'Karin', 'Louis', 'Maria', 'Nadia', 'Oscar', 'Paula',
              'Quinn', 'Robin', 'Sonja', 'Thomas', 'Ursula', 'Viktor', 'Wanda', 'Xenia',
              'Yannick', 'Zelda', 'Albert', 'Bianca', 'Conrad', 'Dorothy', 'Emil', 'Flora'])
            [1 + floor(random() * 32)::int] || ' ' ||
       initcap(left(translate(md5('surname' || floor(random() * 20000)), '0123456789', 'olizeasgtn'), 8)),
       CASE WHEN i % 4 = 0 THEN 'Writes about ' || md5(i::text) END, i % 20 <> 0, t, t
  FROM (SELECT i, timestamptz '2018-01-01' + i * (interval '700 days' / :users) AS t
          FROM generate_series(1, :users) i) s;

INSERT INTO ddd.posts (id, title, content, author_id, created_at, updated_at)
SELECT i, 'Post number ' || i || ' on ' || left(md5(i::text), 12), repeat(md5(i::text) || ' and more. ', 12),
       1 + floor(random() * :users)::bigint, t, t
  FROM (SELECT i, timestamptz '2020-01-01' + i * (interval '1400 days' / :posts) AS t
          FROM generate_series(1, :posts) i) s;

-- width_bucket finds the place in a sorted array; the array is made once.
INSERT INTO ddd.comments (id, content, post_id, author_id, created_at, updated_at)
SELECT i, 'Comment number ' || i || ' says ' || md5(i::text) || ', and that is all.',
       CASE WHEN i > :comments - 100 * (:comments / :posts) THEN :posts - i % 100
            ELSE bench.shuffle(width_bucket(random(), (SELECT bench.zipf(:posts - 100))), :posts - 100) END,
       1 + floor(random() * :users)::bigint, t, t
  FROM (SELECT i, timestamptz '2024-01-01' + i * (interval '600 days' / :comments) AS t
          FROM generate_series(1, :comments) i) s;

INSERT INTO ddd.tags (id, name, created_at, updated_at, key)
SELECT i, 'tag-' || i, '2020-01-01', '2020-01-01', 'tag-' || i FROM generate_series(1, :tags) i;

-- Eight draws, of which the first four that differ count: of 20,000 posts one has fewer.
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at)
SELECT p.id, d.tag, p.created_at
  FROM (SELECT post, tag, row_number() OVER (PARTITION BY post ORDER BY min(nth)) AS nth
          FROM (SELECT post, nth, 1 + width_bucket(random(), (SELECT bench.zipf(:tags))) AS tag
                  FROM generate_series(1, :posts) post, generate_series(1, 8) nth) s
         GROUP BY post, tag) d
  JOIN ddd.posts p ON p.id = d.post
 WHERE d.nth <= 4
 ORDER BY p.id, d.nth;

-- Two tags that never meet, on a tenth of the posts each.
INSERT INTO ddd.tags (id, name, created_at, updated_at, key)
SELECT :tags + i, 'never-' || i, '2020-01-01', '2020-01-01', 'never-' || i FROM generate_series(1, 2) i;
INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at)
SELECT p.id, :tags + 1 + p.id / 10 % 2, p.created_at FROM ddd.posts p WHERE p.id % 5 = 0;

SELECT setval('ddd.users_id_seq', :users), setval('ddd.posts_id_seq', :posts),
       setval('ddd.comments_id_seq', :comments), setval('ddd.tags_id_seq', :tags + 2);

SET session_replication_role = origin;
\o
\pset tuples_only on
SELECT bench.unstrip('ddd') \gexec
\o /dev/null
SELECT ddd.rebuild_counters();
\o
VACUUM (ANALYZE) ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags,
                 ddd.counters, ddd.counter_ledger, ddd.counter_state;
