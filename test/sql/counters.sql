-- The counters equal a fresh count after every kind of change, folded or not,
-- by both access paths.
\set VERBOSITY terse
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set counted :input '/common/counted.sql'
\i :counted
SELECT ddd.rebuild_counters() >= 0 AS rebuilt;

-- step(statements): runs them, compares; folds, compares
CREATE FUNCTION pg_temp.step(statements text) RETURNS TABLE (pending text, folded text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statements;
    pending := pg_temp.counted();
    PERFORM ddd.fold_counters();
    folded := pg_temp.counted();
    RETURN NEXT;
END $$;
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'counters@example.org', 'C');

SELECT * FROM pg_temp.step($$
    INSERT INTO ddd.posts (id, title, content, author_id, created_at)
    SELECT -i, 'P' || i, '', -1, '2026-01-01'::timestamptz + (i * 7919 % 50) * interval '1 day' FROM generate_series(1, 100) i$$);
SELECT * FROM pg_temp.step($$
    INSERT INTO ddd.comments (id, content, post_id, author_id)
    SELECT -(1000 * p + c), 'c', -p, -1 FROM generate_series(1, 100) p, generate_series(1, 20) c WHERE c <= p % 21$$);
-- nothing for nothing
SELECT * FROM pg_temp.step('DELETE FROM ddd.comments WHERE false');
SELECT * FROM pg_temp.step('UPDATE ddd.comments SET post_id = post_id WHERE post_id = -20');
BEGIN;
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -1, -1 WHERE false;
UPDATE ddd.comments SET content = 'changed' WHERE post_id = -20;
SELECT count(*) AS ledger_rows FROM ddd.counter_ledger;
ROLLBACK;
-- one statement, one row for each subject
BEGIN;
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -1 - i % 3, -1 FROM generate_series(1, 30) i;
UPDATE ddd.comments SET post_id = -50 WHERE post_id IN (-2, -3);
SELECT counter, subject_id, delta FROM ddd.counter_ledger ORDER BY counter, subject_id, delta;
ROLLBACK;
-- moved, deleted, both
SELECT * FROM pg_temp.step('UPDATE ddd.comments SET post_id = -99 WHERE post_id = -20');
SELECT * FROM pg_temp.step('DELETE FROM ddd.comments WHERE post_id IN (-99, -5) AND id % 2 = 0');
SELECT * FROM pg_temp.step($$
    WITH gone AS (DELETE FROM ddd.comments WHERE post_id = -18 RETURNING id),
         moved AS (UPDATE ddd.comments SET post_id = -1 WHERE post_id = -17 RETURNING id)
    INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -2, -1 FROM generate_series(1, 5)$$);
-- INSERT ... ON CONFLICT and MERGE fire several triggers
SELECT * FROM pg_temp.step($$
    INSERT INTO ddd.comments (id, content, post_id, author_id)
    SELECT -(1000 * 19 + c), 'again', -16, -1 FROM generate_series(1, 25) c ON CONFLICT (id) DO UPDATE SET post_id = excluded.post_id$$);
SELECT * FROM pg_temp.step($$
    MERGE INTO ddd.comments c USING (SELECT -(1000 * 16 + i) AS id FROM generate_series(1, 30) i) n ON c.id = n.id
    WHEN MATCHED AND n.id % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET post_id = -40
    WHEN NOT MATCHED THEN INSERT (id, content, post_id, author_id) VALUES (n.id, 'merged', -41, -1)$$);
-- a cascade; the same id again, with another time
SELECT * FROM pg_temp.step('DELETE FROM ddd.posts WHERE id IN (-14, -40, -100)');
SELECT * FROM pg_temp.step($$
    DELETE FROM ddd.posts WHERE id = -13;
    INSERT INTO ddd.posts (id, title, content, author_id, created_at) VALUES (-13, 'Again', '', -1, '2025-01-01');
    INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -13, -1 FROM generate_series(1, 13)$$);
-- what a savepoint takes back was never there
SELECT * FROM pg_temp.step($step$
    DO $do$ BEGIN
        INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('kept', -12, -1);
        BEGIN
            INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'lost', -12, -1 FROM generate_series(1, 50);
            PERFORM ddd.fold_counters();
            RAISE EXCEPTION USING ERRCODE = 'ZZ999';
        EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL;
        END;
    END $do$ $step$);
-- through the API
SELECT * FROM pg_temp.step($$
    SELECT ddd.add_comment(-11, -1, 'c'), ddd.delete_comment(-11001), ddd.delete_post(-10), ddd.update_comment(-9001, '{"content": "x"}')$$);
SELECT * FROM pg_temp.step($$
    SELECT count(ddd.tag_post(-i, ARRAY['counted', 'c' || i % 3])) FROM generate_series(1, 9) i$$);
SELECT * FROM pg_temp.step($$SELECT ddd.set_post_tags(-1, '{c1}'), ddd.untag_post(-2, '{counted}'), ddd.delete_post(-3)$$);
-- COPY
-- COPY
COPY ddd.comments (content, post_id, author_id) FROM stdin;
copied	-1	-1
copied	-1	-1
copied	-21	-1
\.
SELECT pg_temp.counted() AS pending;
SELECT ddd.fold_counters() AS ledger_rows, ddd.fold_counters() AS again;
SELECT pg_temp.counted() AS folded;

-- TRUNCATE makes the counter stale: readers count until the next fold
BEGIN;
TRUNCATE ddd.comments;
SELECT pg_temp.ranked() AS truncated, (SELECT stale FROM ddd.counter_state WHERE counter = 1);
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -11 - i % 2, -1 FROM generate_series(1, 30) i;
SELECT pg_temp.ranked() AS stale, ddd.comment_count(-11);
SELECT ddd.fold_counters() AS ledger_rows;
SELECT pg_temp.counted() AS folded, ddd.comment_count(-11), (SELECT stale FROM ddd.counter_state WHERE counter = 1);
ROLLBACK;
SELECT pg_temp.counted() AS rolled_back;

-- without the triggers the numbers are wrong, and rebuilt
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM ddd.comments WHERE post_id = -1;
UPDATE ddd.comments SET post_id = -22 WHERE post_id = -21;
INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('c', -6, -1);
RESET session_replication_role;
SELECT pg_temp.counted() AS wrong;
SELECT counter, subject_id, told, counted FROM ddd.verify_counters() WHERE told <> counted;
SELECT ddd.rebuild_counters() AS corrected, ddd.rebuild_counters() AS again;
SELECT pg_temp.counted() AS rebuilt;
SELECT count(*) > 80 AS some, bool_and(told = counted) AS right FROM ddd.verify_counters();
ROLLBACK;

-- a mark of another cluster means nothing here
BEGIN;
INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -7, -1 FROM generate_series(1, 9);
UPDATE ddd.counter_ledger SET xid = '5';
UPDATE ddd.counter_state SET low_water = '1000000000000', system_identifier = system_identifier + 1;
SELECT pg_temp.counted() AS foreign_mark;
SELECT ddd.fold_counters() AS ledger_rows;
SELECT pg_temp.counted() AS folded;
ROLLBACK;

-- folding needs a fresh snapshot
\set err :input '/common/err.sql'
\i :err
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.err('SELECT ddd.fold_counters()'), pg_temp.err('SELECT ddd.rebuild_counters()');
COMMIT;

-- comment_count
SELECT ddd.comment_count(-1) = (SELECT count(*) FROM ddd.comments WHERE post_id = -1) AS equal, ddd.comment_count(0) AS nobody;
SELECT pg_temp.err('SELECT ddd.comment_count(NULL)');

-- count_rows() is only for tables of the owner, as a statement trigger with its tables
CREATE TABLE public.thing (id bigint, owner bigint);
CREATE TRIGGER no_rows AFTER INSERT ON public.thing FOR EACH STATEMENT EXECUTE FUNCTION ddd.count_rows('1', 'owner');
SELECT pg_temp.err('INSERT INTO public.thing VALUES (1, 1)');
DROP TRIGGER no_rows ON public.thing;
CREATE TRIGGER one_argument AFTER INSERT ON public.thing REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.count_rows('1');
SELECT pg_temp.err('INSERT INTO public.thing VALUES (1, 1)');
DROP TRIGGER one_argument ON public.thing;
CREATE TRIGGER no_column AFTER INSERT ON public.thing REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.count_rows('77', 'owned');
SELECT pg_temp.err('INSERT INTO public.thing VALUES (1, 1)');
DROP TRIGGER no_column ON public.thing;
CREATE TRIGGER each_row AFTER INSERT ON public.thing FOR EACH ROW EXECUTE FUNCTION ddd.count_rows('77', 'owner');
SELECT pg_temp.err('INSERT INTO public.thing VALUES (1, 1)');
DROP TRIGGER each_row ON public.thing;
-- another table of the owner can have a counter of its own; NULL names nobody
CREATE TRIGGER counted AFTER INSERT ON public.thing REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.count_rows('77', 'owner');
INSERT INTO public.thing VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
SELECT counter, subject_id, delta FROM ddd.counter_ledger WHERE counter = 77 ORDER BY subject_id;
DELETE FROM ddd.counter_ledger WHERE counter = 77;
CREATE ROLE regress_counters;
ALTER TABLE public.thing OWNER TO regress_counters;
SELECT pg_temp.err('INSERT INTO public.thing VALUES (1, 1)');
DROP TABLE public.thing;
DROP ROLE regress_counters;

-- what the ledger's owner adds to it has a statement write it, with the same result
ALTER TABLE ddd.counter_ledger ADD COLUMN note text DEFAULT 'mine';
SELECT * FROM pg_temp.step($$INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -8, -1 FROM generate_series(1, 9)$$);
ALTER TABLE ddd.counter_ledger DROP COLUMN note;
CREATE UNIQUE INDEX mine ON ddd.counter_ledger (xid, subject_id, delta, counter);
SELECT * FROM pg_temp.step($$INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -8, -1 FROM generate_series(1, 9)$$);
DROP INDEX ddd.mine;
-- after a dropped column the others are found by name
SELECT * FROM pg_temp.step($$INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', -8, -1 FROM generate_series(1, 9)$$);

DELETE FROM ddd.comments WHERE author_id = -1;
DELETE FROM ddd.posts WHERE author_id = -1;
DELETE FROM ddd.tags t WHERE name IN ('counted', 'c0', 'c1', 'c2');
DELETE FROM ddd.users WHERE id = -1;
SELECT ddd.fold_counters() > 0 AS folded;
SELECT pg_temp.counted() AS empty, (SELECT count(*) FROM ddd.counters WHERE value = 0) AS zeros;
