-- The type ddd.tag_query: what reads as a query, what it is written as, which
-- queries are the same, how much a query may hold.
SET client_min_messages = warning;
SET search_path = ddd, public;

-- canonical: folded, flat, in order, once
SELECT input, input::ddd.tag_query AS query FROM unnest(ARRAY[
    'rust', ' Rust ', 'RUST & Async', 'b | a | b', 'a & (b & (c & a))', '(a | b) | (b | c)', 'a | b & c', '(a | b) & c', '!a', '!!a', '!!!a', '! ( a )', '!(a & b)', '!(a | b)', '!(!a)',
    'ru*', 'RU* & !rust*', '"Machine Learning"', '"machine "*', '"a"', '"a\"b\\c"', '"a & b"', '"  a  "', 'role::program', 'c++|c#|.net', E'a\n\t&\r b', '{a}', '{ b , A , b }', '{}', '{"x y",z}', '()', '!()', '!( )', '( )',
    'a & ()', 'a | ()', 'a & !()', 'a | !()', '() & ()', '!() | ()', '((((a))))', '!{a}', '{a} | {}', '"a*"', '"*"*', 'a-b', '''a''', '<a>', '"é"', U&'\00c9', 'a & !a'
]) input;

-- what it is written as reads back as the same, through text and through binary
CREATE TABLE public.query (q ddd.tag_query);
INSERT INTO public.query SELECT q::ddd.tag_query FROM unnest(ARRAY['rust', 'a|b&!c', '!("x y" | {a,"\""})', '()', '{}', 'a*&"b c"*', U&'\00e9 & \4e2d']) q;
INSERT INTO public.query VALUES (ddd.tags_all(ARRAY[repeat(U&'\023a', 400)]));
SELECT bool_and(q::text::ddd.tag_query = q) AS text FROM public.query;
\getenv output PG_ABS_BUILDDIR
\set file :output '/tag_query.binary'
COPY public.query TO :'file' (FORMAT binary);
CREATE TABLE public.copied (q ddd.tag_query);
COPY public.copied FROM :'file' (FORMAT binary);
SELECT count(*), bool_and(q IN (SELECT q FROM public.copied)) AS binary FROM public.query;

-- equality, order, hash; an index of each
SELECT 'a & b'::ddd.tag_query = 'B & A' AS eq, 'a & b'::ddd.tag_query <> 'a | b' AS ne, 'a'::ddd.tag_query < 'b' AS lt, 'b'::ddd.tag_query <= 'a' AS le,
       'b'::ddd.tag_query > 'a' AS gt, 'a'::ddd.tag_query >= 'a' AS ge;
SELECT count(DISTINCT q) FROM (SELECT q::ddd.tag_query FROM unnest(ARRAY['a&b', 'b & a', '(a) & (b)', 'a & b & a', 'A & B', 'a | b']) q) s;
INSERT INTO public.query SELECT (n || ' & x')::ddd.tag_query FROM generate_series(1, 500) n;
ANALYZE public.query;
CREATE INDEX query_btree ON public.query (q);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT q FROM public.query WHERE q = 'x & 7';
SELECT q FROM public.query WHERE q = 'x & 7';
SELECT count(*), bool_and(before < q) AS ordered FROM (SELECT q, lag(q) OVER (ORDER BY q) AS before FROM public.query) s;
DROP INDEX public.query_btree;
CREATE INDEX query_hash ON public.query USING hash (q);
EXPLAIN (COSTS OFF) SELECT q FROM public.query WHERE q = 'x & 7';
SELECT q FROM public.query WHERE q = 'x & 7';
RESET enable_seqscan;
SET enable_sort = off;
SET enable_mergejoin = off;
SELECT count(*) FROM public.query a JOIN public.query b USING (q);
RESET enable_sort;
RESET enable_mergejoin;
SELECT ddd.tag_query_hash_extended('a', 0) = ddd.tag_query_hash_extended('a', 1) AS seedless, ddd.tag_query_hash('a & b') = ddd.tag_query_hash('b & a') AS equal;
DROP TABLE public.query, public.copied;

-- made of names and of other queries
SELECT tags_all('{Rust,async,rust}') AS "all", tags_any('{a,"b c"}') AS "any", tags_none('{a,b}') AS "none", tags_exact('{b,a}') AS exact;
SELECT tags_all('{}') AS "all", tags_any('{}') AS "any", tags_none('{}') AS "none", tags_exact('{}') AS exact;
SELECT tags_all('{a,b}') && 'b | c' AS "and", tags_any('{a,b}') || 'c' AS "or", !! tags_none('{a,b}') AS "not", !! 'a'::ddd.tag_query AS "not";
SELECT tag_query_and('a', NULL), tag_query_or(NULL, 'a'), tag_query_not(NULL);

-- an error has the place and what is wrong there
CREATE FUNCTION pg_temp.refused(query text, OUT state text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM query::ddd.tag_query;
    state := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT left(input, 10) AS input, r.* FROM unnest(ARRAY[
    '', '   ', 'a &', '& a', 'a b', 'a | | b', 'a & & b', '!', '(', ')', '(a', 'a)', '(a b)', '{', '}', '{a', '{a b}', '{a,', '{,}', '{a*}', '{!a}', '*', 'a * b', 'a *', '"', '"a', '"a\', '"a\b"', '""', '"  "', '""*', '"a"b', 'a"b"',
    'a\b', ',', 'a,b', U&'\00e9\00e9 & & x', '"' || repeat('a', 1201) || '"'
]) input CROSS JOIN LATERAL pg_temp.refused(input) r;

-- what it may hold
SELECT name, r.* FROM (VALUES
    ('255 names', (SELECT string_agg('a' || n, '|') FROM generate_series(1, 255) n)), ('256 names', (SELECT string_agg('a' || n, '|') FROM generate_series(1, 256) n)),
    ('the same name 300 times', repeat('a|', 299) || 'a'), ('32 parentheses', repeat('(', 32) || 'a' || repeat(')', 32)), ('33 parentheses', repeat('(', 33) || 'a' || repeat(')', 33)),
    ('a million (', repeat('(', 1000000)), ('a million !', repeat('!', 1000000)), ('32 !', repeat('!', 32) || 'a'), ('33 !', repeat('!', 33) || 'a'),
    ('16 groups in each other', repeat('a & (b | ', 16) || 'c' || repeat(')', 16)), ('17 groups in each other', repeat('a & (b | ', 17) || 'c' || repeat(')', 17)),
    ('a megabyte', repeat(' ', 1048575) || 'a'), ('more than that', repeat(' ', 1048576) || 'a'), ('a name of 1200 bytes', repeat('a', 1200)), ('of 1201', repeat('a', 1201)),
    ('64 k names', (SELECT string_agg('a' || n, '&') FROM generate_series(1, 65536) n))
) v (name, input) CROSS JOIN LATERAL pg_temp.refused(input) r;
\set VERBOSITY terse
SELECT tags_any((SELECT array_agg('a' || n) FROM generate_series(1, 255) n)) IS NOT NULL AS names_255;
SELECT tags_any((SELECT array_agg('a' || n) FROM generate_series(1, 256) n));
SELECT tags_any((SELECT array_agg('a' || n) FROM generate_series(1, 257) n));
SELECT tags_any((SELECT array_agg('a' || n) FROM generate_series(1, 255) n)) || 'b';
SELECT ('a | ' || repeat('a & (b | ', 15) || 'c' || repeat(')', 15))::ddd.tag_query && 'x | y' IS NOT NULL AS depth_32;
SELECT (repeat('a & (b | ', 16) || 'c' || repeat(')', 16))::ddd.tag_query || 'x | y';
SELECT tags_all('{a,NULL}');
SELECT tags_all('{a," "}');
SELECT tags_all('{{a},{b}}');
SELECT tags_all(NULL);
SELECT tags_all(ARRAY[repeat('a', 1201)]);
