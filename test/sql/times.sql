-- created_at stays, updated_at moves on, in every table that has them; and a
-- test can choose every time that a listing goes by.
SET client_min_messages = warning;
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'ann@times', 'Ann');
INSERT INTO ddd.posts (id, title, content, author_id) VALUES (-1, 'P', '', -1);
INSERT INTO ddd.comments (id, content, post_id, author_id) VALUES (-1, 'C', -1, -1);
INSERT INTO ddd.tags (id, name) VALUES (-1, 'T');

-- all in one transaction, where now() stands still
CREATE FUNCTION pg_temp.times(relation text, change text,
    OUT created_kept boolean, OUT moved boolean, OUT moved_again boolean, OUT noop_kept boolean, OUT given_ignored boolean)
LANGUAGE plpgsql AS $$
DECLARE c timestamptz[]; u timestamptz[]; assignment text;
BEGIN
    FOREACH assignment IN ARRAY ARRAY['id = id', format('%1$I = %1$I || 1', change), format('%1$I = %1$I || 2', change), format('%1$I = %1$I', change),
                                      format('%1$I = %1$I || 3, created_at = ''2001-01-01'', updated_at = ''2001-01-01''', change)] LOOP
        EXECUTE format('UPDATE ddd.%I SET %s WHERE id = -1', relation, assignment);
        EXECUTE format('SELECT $1 || created_at, $2 || updated_at FROM ddd.%I WHERE id = -1', relation) USING c, u INTO c, u;
    END LOOP;
    created_kept := c[1] = ALL (c);
    moved := u[2] > u[1];
    moved_again := u[3] > u[2];
    noop_kept := u[4] = u[3];
    given_ignored := u[5] > u[4];
END $$;
-- UPDATE of created_at is ignored; two updates in one transaction differ, a no-op update keeps updated_at
BEGIN;
SELECT t.*, x.* FROM (VALUES ('users', 'full_name'), ('posts', 'title'), ('comments', 'content'), ('tags', 'name')) AS t (relation, change),
       pg_temp.times(relation, change) x;
COMMIT;
-- every table with an updated_at is among these, and has the trigger
SELECT c.relname, count(t.oid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
  LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgfoid = 'ddd.touch_row()'::regprocedure AND t.tgenabled = 'O'
 WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'r' GROUP BY 1 ORDER BY 1;

-- nothing needs a clock of its own: a call's time is its transaction's, and a row's time can be given
BEGIN;
SELECT u.created_at = now() AS users, (SELECT p.created_at = now() FROM ddd.create_post(-1, 'Now', '') p) AS posts,
       (SELECT c.created_at = now() FROM ddd.add_comment(-1, -1, 'now') c) AS comments
  FROM ddd.create_user('now@times', 'Now') u;
ROLLBACK;
INSERT INTO ddd.posts (title, content, author_id, created_at, updated_at)
SELECT to_char(day, 'YYYY-MM-DD'), '', -1, day, day FROM unnest('{2031-05-01,2030-05-01,2032-05-01}'::timestamptz[]) AS day;
SELECT title FROM ddd.list_posts(3);
SELECT title, (SELECT u.updated_at > p.updated_at FROM ddd.update_post(p.id, '{"content": "x"}', p.created_at) u) AS moved
  FROM ddd.posts p WHERE created_at > '2031-01-01' ORDER BY title;
DELETE FROM ddd.posts;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
