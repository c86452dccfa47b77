-- The peers' tables, with the rows that ddd has. Run after guide_orm.py has
-- created the guide's tables in schema "guide".
--
--   guide    the guide's models: its columns, its indexes, integer and timestamp
--   tuned    ddd's columns, constraints and indexes without ddd's triggers, and
--            what hand-written SQL and an ORM want beside them
--   counter  posts with a counter column kept by a trigger, and a ranking index
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
SET synchronous_commit = off;
SET timezone = 'UTC';

-- ---- guide ----------------------------------------------------------------
\o /dev/null
SELECT bench.strip('guide');
SET session_replication_role = replica;
INSERT INTO guide.users (id, email, full_name, hashed_password, is_active, is_superuser, bio,
                         created_at, updated_at)
SELECT id, email, full_name, hashed_password, is_active, is_superuser, bio, created_at, updated_at
  FROM ddd.users ORDER BY id;
INSERT INTO guide.posts (id, title, content, author_id, created_at, updated_at)
SELECT id, title, content, author_id, created_at, updated_at FROM ddd.posts ORDER BY id;
INSERT INTO guide.comments (id, content, post_id, author_id, created_at, updated_at)
SELECT id, content, post_id, author_id, created_at, updated_at FROM ddd.comments ORDER BY id;
INSERT INTO guide.tags (id, name, created_at, updated_at)
SELECT id, name, created_at, updated_at FROM ddd.tags ORDER BY id;
INSERT INTO guide.post_tags (post_id, tag_id) SELECT post_id, tag_id FROM ddd.post_tags;
SET session_replication_role = origin;
SELECT setval(pg_get_serial_sequence('guide.' || t, 'id'), nextval('ddd.' || t || '_id_seq'))
  FROM unnest(ARRAY['users', 'posts', 'comments', 'tags']) t;
\o
\pset tuples_only on
SELECT bench.unstrip('guide') \gexec

-- ---- tuned ----------------------------------------------------------------
CREATE SCHEMA tuned;
CREATE TABLE tuned.users (LIKE ddd.users INCLUDING ALL);
CREATE TABLE tuned.posts (LIKE ddd.posts INCLUDING ALL);
CREATE TABLE tuned.comments (LIKE ddd.comments INCLUDING ALL);
CREATE TABLE tuned.tags (LIKE ddd.tags INCLUDING ALL);
CREATE TABLE tuned.post_tags (LIKE ddd.post_tags INCLUDING ALL);
-- the foreign keys that ddd's tables have, in their order
SELECT format('ALTER TABLE tuned.%I ADD CONSTRAINT %I %s', t.relname, c.conname,
              replace(pg_get_constraintdef(c.oid), 'REFERENCES ddd.', 'REFERENCES tuned.'))
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 WHERE c.connamespace = 'ddd'::regnamespace AND c.contype = 'f'
   AND EXISTS (SELECT FROM pg_class p WHERE p.relnamespace = 'tuned'::regnamespace AND p.relname = t.relname)
 ORDER BY c.oid \gexec
-- what a model with unique=True on the address has
CREATE UNIQUE INDEX ON tuned.users (email);
CREATE UNIQUE INDEX ON tuned.tags (name);

\o /dev/null
SELECT bench.strip('tuned');
\o
INSERT INTO tuned.users SELECT * FROM ddd.users ORDER BY id;
INSERT INTO tuned.posts SELECT * FROM ddd.posts ORDER BY id;
INSERT INTO tuned.comments SELECT * FROM ddd.comments ORDER BY id;
INSERT INTO tuned.tags SELECT * FROM ddd.tags ORDER BY id;
INSERT INTO tuned.post_tags SELECT * FROM ddd.post_tags ORDER BY post_id;
SELECT bench.unstrip('tuned') \gexec

-- A ready-made ranking: right at this moment and never again.
CREATE TABLE tuned.ranked AS
SELECT p.id AS post_id, p.created_at, count(*) AS comment_count
  FROM tuned.comments c JOIN tuned.posts p ON p.id = c.post_id GROUP BY p.id;
ALTER TABLE tuned.ranked ADD PRIMARY KEY (post_id);
CREATE INDEX ON tuned.ranked (comment_count DESC, created_at DESC, post_id DESC);

-- The tags of each post as an array, for intarray's query_int.
CREATE EXTENSION IF NOT EXISTS intarray;
CREATE TABLE tuned.tagged AS
SELECT p.*, coalesce(t.tags, '{}') AS tags
  FROM tuned.posts p
  LEFT JOIN (SELECT post_id, array_agg(tag_id::int ORDER BY tag_id) AS tags FROM tuned.post_tags GROUP BY post_id) t
         ON t.post_id = p.id
 ORDER BY p.id;
ALTER TABLE tuned.tagged ADD PRIMARY KEY (id);
CREATE INDEX ON tuned.tagged (created_at DESC, id DESC);
CREATE INDEX ON tuned.tagged USING gin (tags gin__int_ops);

CREATE MATERIALIZED VIEW tuned.popular AS
SELECT p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at, count(*) AS comment_count
  FROM tuned.comments c JOIN tuned.posts p ON p.id = c.post_id GROUP BY p.id;
CREATE UNIQUE INDEX ON tuned.popular (id);
CREATE INDEX ON tuned.popular (comment_count DESC, created_at DESC, id DESC);

-- ---- counter --------------------------------------------------------------
CREATE SCHEMA counter;
CREATE TABLE counter.posts AS
SELECT p.*, coalesce(r.comment_count, 0) AS comment_count
  FROM tuned.posts p LEFT JOIN tuned.ranked r ON r.post_id = p.id ORDER BY p.id;
ALTER TABLE counter.posts ADD PRIMARY KEY (id);
CREATE INDEX ON counter.posts (comment_count DESC, created_at DESC, id DESC);
-- Its comments are only written to, so the table starts empty.
CREATE TABLE counter.comments (LIKE ddd.comments INCLUDING ALL);
ALTER TABLE counter.comments ADD FOREIGN KEY (author_id) REFERENCES tuned.users (id);
ALTER TABLE counter.comments ADD FOREIGN KEY (post_id) REFERENCES counter.posts (id) ON DELETE CASCADE;
CREATE FUNCTION counter.count_comment() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE counter.posts SET comment_count = comment_count + 1 WHERE id = NEW.post_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_comment AFTER INSERT ON counter.comments
    FOR EACH ROW EXECUTE FUNCTION counter.count_comment();

-- what makes the addresses of new users unique
CREATE SEQUENCE bench.sign_up;

VACUUM (ANALYZE);
