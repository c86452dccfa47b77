-- text[] @@ ddd.tag_query, for anybody's arrays: its answers, by an index too,
-- and what the planner expects of it.
SET client_min_messages = warning;
SET search_path = ddd, public;

SELECT left(tags::text, 20) AS tags, query, tags @@ query::ddd.tag_query AS found FROM (VALUES
    ('{Rust,Tokio}'::text[], 'rust & tokio'), ('{Rust,Tokio}', 'rust & !tokio'), ('{Rust}', 'async | rust'), ('{}', 'rust'), ('{}', '!rust'), ('{}', '{}'), ('{NULL}', '{}'), ('{NULL,rust}', '{rust}'), ('{" "}', '{}'),
    ('{a,A,b}', '{a,b}'), ('{a,b}', '{a}'), ('{a}', '{a,b}'), ('{machine learning}', '"Machine L"*'), ('{machines}', 'machine*'), ('{machin}', 'machine*'), ('{{a,b},{c,d}}', 'd & a'), ('[5:6]={a,b}', 'b'),
    (NULL, 'a'), ('{a}', NULL), ('{a}', '()'), ('{a}', '!()'), ('{Straße}', 'STRASSE'), (ARRAY[U&'e\0301'], U&'\00c9'), (ARRAY[repeat('a', 1201)], 'a*'), (ARRAY[repeat('a', 1201)], '{}')
) v (tags, query);

-- random arrays and queries: an index says what the operator says
CREATE TABLE public.thing (id int PRIMARY KEY, tags text[]);
SELECT setseed(0.4);
CREATE FUNCTION pg_temp.random_tags() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE tags text[] := '{}';
BEGIN
    IF random() < 0.02 THEN RETURN NULL; END IF;
    FOR i IN 1 .. floor(random() * 6) LOOP
        tags := tags || CASE WHEN random() < 0.02 THEN NULL ELSE chr(97 + floor(random() ^ 3 * 12)::int) || CASE WHEN random() < 0.3 THEN 'X' ELSE '' END END;
    END LOOP;
    RETURN tags;
END $$;
INSERT INTO public.thing SELECT n, pg_temp.random_tags() FROM generate_series(1, 4000) n;
CREATE INDEX thing_tags ON public.thing USING gin (tags tag_array_ops);
ANALYZE public.thing;
CREATE FUNCTION pg_temp.random_query(depth int) RETURNS ddd.tag_query LANGUAGE plpgsql AS $$
DECLARE kind int := CASE WHEN depth > 0 AND random() < 0.8 THEN 3 + floor(random() * 4) ELSE floor(random() * 3) END; name text := chr(97 + floor(random() * 13)::int);
BEGIN
    RETURN CASE kind
        WHEN 0 THEN name::ddd.tag_query
        WHEN 1 THEN (name || CASE WHEN random() < 0.5 THEN 'x' ELSE '*' END)::ddd.tag_query
        WHEN 2 THEN ddd.tags_exact(CASE WHEN random() < 0.2 THEN '{}' ELSE ARRAY[name, name || 'x'] END)
        WHEN 3 THEN !! pg_temp.random_query(depth - 1)
        WHEN 4 THEN pg_temp.random_query(depth - 1) || pg_temp.random_query(depth - 1)
        ELSE pg_temp.random_query(depth - 1) && pg_temp.random_query(depth - 1) END;
END $$;
CREATE FUNCTION pg_temp.found(query ddd.tag_query, by_index boolean) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE ids int[]; plan text; line text;
BEGIN
    PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_bitmapscan', by_index::text, true);
    FOR line IN EXECUTE format('EXPLAIN SELECT id FROM public.thing WHERE tags @@ %L', query) LOOP plan := concat(plan, line); END LOOP;
    IF by_index <> (plan ~ 'thing_tags') THEN RAISE 'plan of %: %', query, plan; END IF;
    EXECUTE format('SELECT array_agg(id ORDER BY id) FROM public.thing WHERE tags @@ %L', query) INTO ids;
    RETURN ids;
END $$;
CREATE TEMPORARY TABLE asked AS
SELECT query, pg_temp.found(query, true) AS by_index, pg_temp.found(query, false) AS by_scan
  FROM (SELECT pg_temp.random_query(n % 5) AS query FROM generate_series(1, 600) n OFFSET 0) s;
SELECT count(*), count(DISTINCT query) > 400 AS "different", count(*) FILTER (WHERE by_index IS DISTINCT FROM by_scan) AS wrong,
       count(*) FILTER (WHERE by_scan IS NULL) > 20 AS none_found, count(*) FILTER (WHERE cardinality(by_scan) > 2000) > 20 AS most_found FROM asked;

-- and the other way round, set algebra says so
CREATE FUNCTION pg_temp.has(name text) RETURNS int[] LANGUAGE sql AS $$ SELECT coalesce(array_agg(id), '{}') FROM public.thing WHERE EXISTS (SELECT FROM unnest(tags) t WHERE lower(t) = name) $$;
SELECT (SELECT array_agg(i ORDER BY i) FROM (SELECT unnest(pg_temp.has('a')) INTERSECT (SELECT unnest(pg_temp.has('b')) UNION SELECT unnest(pg_temp.has('cx'))) EXCEPT SELECT unnest(pg_temp.has('d'))) s (i)) = pg_temp.found('a & (b | cx) & !d', true) AS alike;

-- the planner expects what is there, within a factor of two, where there are statistics
CREATE FUNCTION pg_temp.expected(query text, from_table text DEFAULT 'public.thing') RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %s WHERE tags @@ %L', from_table, query) INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT query, pg_temp.expected(query) / greatest(count(*), 1) BETWEEN 0.5 AND 2 AS about
  FROM unnest(ARRAY['a', 'a & b', 'a | b', '!a', 'a*', '(a | b) & !c', 'a & !b', '()', '!()', 'a & !()']) query
  LEFT JOIN public.thing ON tags @@ query::ddd.tag_query GROUP BY query ORDER BY query COLLATE "C";
SELECT pg_temp.expected('zebra') AS unknown_name, pg_temp.expected('{}') BETWEEN 1 AND 1000 AS without_tags;
CREATE TABLE public.unknown AS SELECT * FROM public.thing;
SELECT pg_temp.expected('a', 'public.unknown') < pg_temp.expected('!a', 'public.unknown') AS without_statistics;
PREPARE by_parameter (ddd.tag_query) AS SELECT count(*) FROM public.thing WHERE tags @@ $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_parameter ('a & b');
DROP TABLE public.thing, public.unknown;

-- a prefix of so many rows that of some only the page is known
CREATE TABLE public.many AS
SELECT array_remove(ARRAY[CASE WHEN hashint4(n) % 2 = 0 THEN 'f' END, CASE WHEN hashint4(n) % 2 = 0 THEN 'p1' END,
                          CASE WHEN hashint4(n + 1000000) % 8 = 0 THEN 'r' END, CASE WHEN hashint4(n + 2000000) % 8 = 0 THEN 's' END,
                          CASE WHEN hashint4(n + 3000000) % 80 = 0 THEN 'p7' END], NULL) || repeat('y', 200) AS tags
  FROM generate_series(1, 40000) n;
CREATE INDEX many_tags ON public.many USING gin (tags tag_array_ops);
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 0;
CREATE TEMPORARY TABLE many_asked AS
SELECT q.query, (SELECT count(*) FROM public.many WHERE tags_match(tags, q.query)) AS wanted
  FROM unnest(ARRAY['f & (p* | r & s)', 'p* & r', 'r & s & p7*', 'f & !p*', 'y* & s & !r', 'p* | q*', 'f & r']::ddd.tag_query[]) AS q (query);
SET enable_seqscan = off;
CREATE FUNCTION pg_temp.by_index(query ddd.tag_query) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan text := '';
    line text;
    n bigint;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN SELECT FROM public.many WHERE tags @@ %L', query) LOOP plan := plan || line; END LOOP;
    IF plan !~ 'many_tags' THEN RAISE 'plan: %', plan; END IF;
    EXECUTE format('SELECT count(*) FROM public.many WHERE tags @@ %L', query) INTO n;
    RETURN n;
END $$;
SELECT query, wanted > 0 AS found, pg_temp.by_index(query) - wanted AS missing FROM many_asked;
RESET enable_seqscan;
RESET work_mem;
DROP TABLE public.many;
