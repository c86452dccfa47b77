-- popular_posts(since) and hot_posts() equal brute force on posts and comments
-- that are spread over years, folded or not, and while the counter is stale.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set counted :input '/common/counted.sql'
\i :counted

INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'rankings@example.org', 'R');
SELECT setseed(0.5);
-- of all ages, 20 in the future; most comments are old, a few posts are new and have many
INSERT INTO ddd.posts (id, title, content, author_id, created_at)
SELECT -i, 'P' || i, '', -1, now() + interval '10 days' - i * interval '12 hours' FROM generate_series(1, 3000) i;
INSERT INTO ddd.comments (content, post_id, author_id, created_at)
SELECT 'c', p.id, -1, p.created_at + (now() - p.created_at) * power(random(), 2)
  FROM ddd.posts p, LATERAL generate_series(1, (3000 / (1 + abs(p.id) * 7919 % 3001))::int) WHERE p.id < 0;
SELECT count(*) > 20000 AS comments FROM ddd.comments;
SELECT ddd.fold_counters() > 0 AS folded;
ANALYZE ddd.posts, ddd.comments, ddd.counters;
SELECT pg_temp.ranked();

-- pending: the top loses, new ones rise, some come to nothing
DELETE FROM ddd.comments c USING ddd.popular_posts(3) p WHERE c.post_id = p.id AND c.id % 3 > 0;
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -100 - i % 7, -1 FROM generate_series(1, 900) i;
DELETE FROM ddd.comments c USING ddd.hot_posts(2) p WHERE c.post_id = p.id;
DELETE FROM ddd.posts WHERE id BETWEEN -60 AND -40;
SELECT pg_temp.ranked();
SELECT ddd.fold_counters() > 0 AS folded;
SELECT pg_temp.ranked();

-- the index of the counts knows a post that is gone: its place goes to the next
SET session_replication_role = replica;
DELETE FROM ddd.posts WHERE id IN (SELECT id FROM ddd.popular_posts(2) UNION SELECT id FROM ddd.hot_posts(1));
RESET session_replication_role;
SELECT count(*) AS popular FROM ddd.popular_posts(10);
SELECT count(*) AS of_late FROM ddd.popular_posts(10, since => '100 days');
SELECT count(*) AS hot FROM ddd.hot_posts(10);
DELETE FROM ddd.comments c WHERE NOT EXISTS (SELECT FROM ddd.posts p WHERE p.id = c.post_id);
SELECT pg_temp.ranked();

-- stale: counted
UPDATE ddd.counter_state SET stale = true;
SELECT pg_temp.ranked();
SELECT ddd.rebuild_counters() >= 0 AS rebuilt;
SELECT pg_temp.ranked();

-- a walk keeps the moment of its first page: no post comes twice, although all scores have fallen
SELECT array_agg(id ORDER BY place) AS ids, (array_agg(cursor ORDER BY place DESC))[1] AS place
  FROM ddd.hot_posts(50) WITH ORDINALITY AS p (id, title, content, author_id, created_at, updated_at, comment_count, score, cursor, place) \gset first_
SELECT count(*) AS again FROM ddd.hot_posts(50, :'first_place') WHERE id = ANY (:'first_ids'::bigint[]);

-- a walk while numbers change: it ends, and no post that gains comments comes twice
CREATE FUNCTION pg_temp.moving_walk(call text, change text) RETURNS TABLE (pages int, posts int, twice int) LANGUAGE plpgsql AS $$
DECLARE
    place text;
    last_place text;
    page bigint[];
    met bigint[] := '{}';
BEGIN
    pages := 0;
    LOOP
        EXECUTE format('SELECT array_agg(p.id), (array_agg(p.cursor))[count(*)] FROM %s p', call) INTO page, last_place USING place;
        EXIT WHEN page IS NULL;
        met := met || page;
        place := last_place;
        pages := pages + 1;
        EXECUTE change;
    END LOOP;
    posts := cardinality(met);
    twice := posts - (SELECT count(DISTINCT id) FROM unnest(met) id);
    RETURN NEXT;
END $$;
BEGIN;
SELECT pages > 15 AS ended, posts > 1000 AS listed, twice
  FROM pg_temp.moving_walk('ddd.popular_posts(60, $1)',
       'INSERT INTO ddd.comments (content, post_id, author_id) SELECT ''c'', id, -1 FROM ddd.posts ORDER BY random() LIMIT 200');
SELECT pages > 3 AS ended, posts > 200 AS listed, twice
  FROM pg_temp.moving_walk('ddd.popular_posts(60, $1, since => ''50 days'')',
       'INSERT INTO ddd.comments (content, post_id, author_id) SELECT ''c'', id, -1 FROM ddd.posts ORDER BY random() LIMIT 30');
SELECT pages > 6 AS ended, posts > 500 AS listed, twice
  FROM pg_temp.moving_walk('ddd.hot_posts(120, $1)',
       'INSERT INTO ddd.comments (content, post_id, author_id) SELECT ''c'', id, -1 FROM ddd.posts ORDER BY random() LIMIT 200');
SELECT pages > 8 AS ended
  FROM pg_temp.moving_walk('ddd.popular_posts(100, $1)',
       'DELETE FROM ddd.comments WHERE id IN (SELECT id FROM ddd.comments ORDER BY random() LIMIT 300)');
ROLLBACK;

-- what is refused
SELECT * FROM ddd.popular_posts(since => '0');
SELECT * FROM ddd.popular_posts(since => '-1 day');
SELECT * FROM ddd.popular_posts(since => '1 month -31 days');
SELECT * FROM ddd.popular_posts(since => '400000 years');
SELECT * FROM ddd.hot_posts(gravity => 'NaN');
SELECT * FROM ddd.hot_posts(gravity => 'infinity');
SELECT * FROM ddd.hot_posts(gravity => -0.1);
SELECT * FROM ddd.hot_posts(gravity => 32.1);
SELECT * FROM ddd.hot_posts(gravity => NULL);
-- a cursor fits its own window and gravity only
SELECT cursor FROM ddd.popular_posts(1, since => '10 days') \gset
SELECT count(*) FROM ddd.popular_posts(1, :'cursor', since => '10 days');
SELECT * FROM ddd.popular_posts(1, :'cursor', since => '11 days');
SELECT * FROM ddd.popular_posts(1, :'cursor');
SELECT cursor FROM ddd.hot_posts(1) \gset
SELECT count(*) FROM ddd.hot_posts(1, :'cursor');
SELECT * FROM ddd.hot_posts(1, :'cursor', 2);

DELETE FROM ddd.posts WHERE id < 0;
DELETE FROM ddd.users WHERE id = -1;
SELECT ddd.fold_counters() > 0 AS folded;
SELECT pg_temp.counted();
