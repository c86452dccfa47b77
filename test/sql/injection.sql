-- Text is data: whatever SQL an argument holds, no function runs it, none
-- trips over it, and it comes back as it was.
\set VERBOSITY terse
SET client_min_messages = warning;
SET ddd.argon2_memory_kib = '8MB';
SET ddd.argon2_time = 1;
\getenv input PG_ABS_SRCDIR
\set calls :input '/common/calls.sql'
\set ECHO none
\i :calls
\set ECHO all
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'ann@sql', 'Ann'), (-2, 'bob@sql', 'Bob');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', -1);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'C', -1, -2);
CREATE TEMPORARY TABLE corpus (nth int GENERATED ALWAYS AS IDENTITY, bad text);
INSERT INTO corpus (bad) VALUES
    ('''; DROP TABLE ddd.users CASCADE; --'), (''' OR ''1''=''1'), ('"; DELETE FROM ddd.posts; --'), (''') ; DELETE FROM ddd.posts; --'),
    ('$$; DELETE FROM ddd.posts; $$'), ('$migration$; DELETE FROM ddd.posts; --'), ('$1'), ('$7 || $8'), ('%s %I %L %n %1$s'), ('{"a": "%"}'),
    ('\''; DELETE FROM ddd.posts; --'), ('\'), ('\x27; DELETE'), ('/* '), ('*/ --'), ('-- '), (':id'), (E'1;\nDELETE FROM ddd.posts;\n--'),
    ('{a,b}'), ('{"'), ('(1,2)'), ('NULL'), ('x'' UNION SELECT hashed_password FROM ddd.users --'), ('a@x''; --'), (U&'\FF07; DELETE');

-- every function, every argument that is text in some form, every text: no
-- syntax error, no missing object, no internal error, and all rows stay
CREATE TEMPORARY TABLE answer AS
SELECT a.function, a.name, c.nth, t.state, t.changed
  FROM argument a CROSS JOIN corpus c
 CROSS JOIN LATERAL (SELECT CASE a.type
           WHEN 'text' THEN quote_literal(bad)
           WHEN 'text[]' THEN format('ARRAY[%L]', bad)
           WHEN 'jsonb' THEN quote_literal(CASE
               WHEN a.function ~ 'create_users' THEN jsonb_build_array(jsonb_build_object('email', 'x' || c.nth || '@sql', 'full_name', bad))
               WHEN a.function ~ 'create_user' THEN jsonb_build_object('email', 'x' || c.nth || '@sql', 'full_name', bad, 'bio', bad)
               WHEN a.function ~ 'update_user' THEN jsonb_build_object('full_name', bad, 'bio', bad)
               ELSE jsonb_build_object('content', bad) END) END) v (value)
 CROSS JOIN LATERAL pg_temp.tried(pg_temp.call(a.function, a.name, v.value)) t
 WHERE a.type IN ('text', 'text[]', 'jsonb');
SELECT count(*) > 700 AS calls, count(DISTINCT (function, name)) AS arguments FROM answer;
SELECT function, name, array_agg(DISTINCT state ORDER BY state) AS states, bool_or(changed) AS changed
  FROM answer GROUP BY function, name ORDER BY function COLLATE "C", name COLLATE "C";

-- as keys of an object, too
SELECT DISTINCT t.state FROM corpus c, argument a, pg_temp.tried(pg_temp.call(a.function, a.name, quote_literal(
           CASE WHEN a.function ~ 'create_users' THEN jsonb_build_array(jsonb_build_object(bad, 1)) ELSE jsonb_build_object(bad, 1) END))) t
 WHERE a.type = 'jsonb';

-- what is stored is what was given
CREATE FUNCTION pg_temp.stored(bad text, OUT post boolean, OUT comment boolean, OUT "user" boolean, OUT searched boolean, OUT tag boolean, OUT by_tag boolean)
LANGUAGE plpgsql AS $$
DECLARE p ddd.post_info; c ddd.comment_info; u ddd.user_info; name text := btrim(bad);
BEGIN
    p := ddd.create_post(-1, bad, bad);
    p := ddd.get_post(p.id);
    post := p.title = bad AND p.content = bad;
    c := ddd.add_comment(p.id, -1, bad);
    comment := c.content = bad AND (SELECT content FROM ddd.post_comments(p.id)) = bad;
    u := ddd.update_user(-2, jsonb_build_object('full_name', bad, 'bio', bad));
    u := ddd.get_user(-2);
    "user" := u.full_name = bad AND u.bio = bad;
    searched := EXISTS (SELECT FROM ddd.search_users(bad, 1000) s WHERE s.id = -2);
    IF name !~ '\n' THEN
        tag := ddd.set_post_tags(p.id, ARRAY[bad]) = ARRAY[name];
        by_tag := (SELECT array_agg(t.id) FROM ddd.posts_by_tag(bad) t) = ARRAY[p.id];
        PERFORM ddd.delete_post(p.id);
    END IF;
END $$;
SELECT s.*, count(*) FROM corpus, pg_temp.stored(bad) s GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 7;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
