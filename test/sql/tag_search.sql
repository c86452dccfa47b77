-- posts_by_tags() gives what set algebra says, page by page, by index cursors
-- and by SQL, with deltas pending and without, whatever state the tables are in.
SET client_min_messages = warning;
SET searches.seed = 0.1;
SET searches.posts = 500;
\getenv input PG_ABS_SRCDIR
\set searches :input '/common/searches.sql'
\set ECHO none
\i :searches
\set ECHO all
SELECT wrong, pages > 900 AS pages, rows > 9000 AS rows FROM public.ask(600);
SELECT ddd.fold_counters() > 0 AS folded;
VACUUM (ANALYZE) ddd.posts, ddd.post_tags, ddd.tags;
SELECT wrong, pages > 900 AS pages, rows > 9000 AS rows FROM public.ask(600);
SET ddd.access_path = spi;
SELECT wrong, pages > 300 AS pages FROM public.ask(200);
RESET ddd.access_path;
BEGIN;
DROP INDEX ddd.ix_posts_created_at;
SELECT wrong, pages > 300 AS pages FROM public.ask(200);
ROLLBACK;
-- nobody knows how many posts a tag has; a new session remembers nothing
\c -
SET client_min_messages = warning;
SELECT setseed(0.3) IS NOT NULL AS seeded;
BEGIN;
SET LOCAL client_min_messages = error;
UPDATE ddd.counter_state SET stale = true;
SELECT wrong, pages > 300 AS pages FROM public.ask(200);
ROLLBACK;
-- posts that have many tags before those that are asked about
BEGIN;
INSERT INTO ddd.tags (id, name) SELECT -1000 - n, 'filler' || n FROM generate_series(1, 100) n;
INSERT INTO ddd.post_tags (post_id, tag_id) SELECT p.id, -1000 - n FROM public.place p, generate_series(1, 100) n WHERE p.place % 3 = 0;
INSERT INTO public.tagged SELECT -1001, 'filler', string_agg((p.place % 3 = 0)::int::text, '' ORDER BY p.place)::varbit FROM public.place p;
SELECT wrong, pages > 450 AS pages FROM public.ask(300);
ROLLBACK;
-- tags of the least and the greatest id
BEGIN;
INSERT INTO ddd.tags (id, name) VALUES ('-9223372036854775808', 'least'), (9223372036854775807, 'most');
INSERT INTO ddd.post_tags (post_id, tag_id)
SELECT p.id, t.id FROM public.place p JOIN ddd.tags t ON t.name = 'least' AND p.place IN (4, 40) OR t.name = 'most' AND p.place % 2 = 0;
SELECT array_agg(l.place) FROM ddd.posts_by_tags('least', 5) s JOIN public.place l USING (id);
SELECT array_agg(l.place) FROM ddd.posts_by_tags('least & (most | btag1)', 5) s JOIN public.place l USING (id);
SELECT array_agg(l.place) FROM ddd.posts_by_tags('most & !least', 5) s JOIN public.place l USING (id);
ROLLBACK;
-- a wrong answer is noticed
BEGIN;
DELETE FROM ddd.post_tags WHERE (post_id, tag_id) IN (SELECT post_id, tag_id FROM ddd.post_tags ORDER BY post_created_at DESC LIMIT 3);
SELECT wrong IS NOT NULL AS noticed FROM public.ask(200);
ROLLBACK;

-- what is there within a statement and after it
BEGIN;
WITH gone AS (DELETE FROM ddd.posts WHERE id = (SELECT id FROM public.place WHERE place = 1) RETURNING id)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM ddd.posts_by_tags('!()', 1000));
SELECT count(*) FROM ddd.posts_by_tags('!()', 1000);
ROLLBACK;

-- a cursor is one of this query, however it is written, and goes on after posts that are gone
SELECT count(*) FROM ddd.posts_by_tags('BTAG1 & !x', 5, (SELECT min(cursor) FROM ddd.posts_by_tags('!x & btag1', 1)));
BEGIN;
SELECT id AS last, cursor FROM ddd.posts_by_tags('btag1', 5) OFFSET 4 \gset
SELECT array_agg(id) AS next FROM ddd.posts_by_tags('btag1', 5, :'cursor') \gset
DELETE FROM ddd.posts WHERE id = :last OR id = (:'next'::bigint[])[1];
SELECT array_agg(id) = (:'next'::bigint[])[2:] AS goes_on FROM ddd.posts_by_tags('btag1', 4, :'cursor');
ROLLBACK;
-- nor does it know a name that the tag has got meanwhile: the walk is of a query
BEGIN;
SELECT cursor FROM ddd.posts_by_tags('btag1', 5) OFFSET 4 \gset
SELECT name FROM ddd.rename_tag('btag1', 'other');
SELECT count(*) FROM ddd.posts_by_tags('btag1', 5, :'cursor');
SELECT name FROM ddd.add_tag_synonym('other', 'btag1');
SELECT count(*) FROM ddd.posts_by_tags('btag1', 5, :'cursor');
ROLLBACK;

\set VERBOSITY sqlstate
SELECT ddd.posts_by_tags('btag1', 5, (SELECT min(cursor) FROM ddd.posts_by_tags('btag1 | x', 1)));
SELECT ddd.posts_by_tags('btag1', 5, (SELECT min(cursor) FROM ddd.posts_by_tag('btag1', 1)));
SELECT ddd.posts_by_tags(NULL);
SELECT ddd.posts_by_tags('a', -1);
\set VERBOSITY terse
SELECT count(*) FROM ddd.posts_by_tags('btag1', 0);

-- ten thousand tags of one beginning
INSERT INTO ddd.tags (name) SELECT 'many' || n FROM generate_series(1, 10000) n;
INSERT INTO ddd.post_tags (post_id, tag_id)
SELECT p.id, t.id FROM public.place p JOIN ddd.tags t ON t.key = 'many' || p.place * 20 WHERE p.place % 7 = 0;
SELECT array_agg(l.place) FROM ddd.posts_by_tags('many*', 5) s JOIN public.place l USING (id);
SELECT array_agg(l.place) = ARRAY(
	SELECT l.place FROM public.place l
	 WHERE l.place % 7 = 0 AND NOT EXISTS (SELECT FROM ddd.post_tags p JOIN ddd.tags t ON t.id = p.tag_id WHERE p.post_id = l.id AND t.key = 'btag1')
	 ORDER BY l.place LIMIT 5) AS right
  FROM ddd.posts_by_tags('many* & !btag1', 5) s JOIN public.place l USING (id);
SELECT count(*) FROM ddd.posts_by_tags('many*', 1000);
SELECT count(*), min(name), max(post_count) FROM ddd.suggest_tags('many', 1000);
SELECT count(*), count(DISTINCT name), count(*) FILTER (WHERE post_count > 0) FROM ddd.suggest_tags('many', 100);
DROP TABLE public.place, public.tagged, public.name;
DROP FUNCTION public.random_search, public.expected_page, public.ask;
DELETE FROM ddd.posts;
DELETE FROM ddd.tags;
DELETE FROM ddd.users;
