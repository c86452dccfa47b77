-- Loads the files that parse.awk wrote into ddd, through its API alone:
-- maintainers are users, packages are posts, Debtags are tags, and a dependency
-- is a comment by the depending package's maintainer on the package depended
-- upon. In chunks, each a transaction, so that posts and comments get a
-- created_at in the order of the index.
--
--   psql -X -v dir=DIRECTORY -f load.sql
--
-- The server reads the files. One line of progress per chunk goes to stdout.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on

\set packages :dir /packages.tsv
\set maintainers :dir /maintainers.tsv
\set dependencies :dir /dependencies.tsv

SET client_min_messages = warning;
-- some packages have more tags than a post may have by default
SET ddd.max_tags_per_post = 1000;
SET synchronous_commit = off;

CREATE TEMP TABLE package (nth bigint PRIMARY KEY, name text, description text, address text, tags text);
CREATE TEMP TABLE maintainer (nth bigint PRIMARY KEY, address text, name text);
CREATE TEMP TABLE dependency (nth bigint PRIMARY KEY, package text, on_package text, says text);
COPY package FROM :'packages';
COPY maintainer FROM :'maintainers';
COPY dependency FROM :'dependencies';
ANALYZE package, maintainer, dependency;

-- ---- maintainers are users; of several names for one address the first wins
CREATE TEMP TABLE author (address text PRIMARY KEY, id bigint NOT NULL);
SELECT clock_timestamp() AS started, count(*) AS total FROM maintainer \gset
SELECT format($chunk$
    WITH created AS (
        INSERT INTO author
        SELECT u.email, u.id
          FROM ddd.create_users((SELECT jsonb_agg(jsonb_build_object('email', address, 'full_name', name) ORDER BY nth)
                                   FROM maintainer WHERE nth BETWEEN %1$s AND %2$s), 'skip') u
        RETURNING 1)
    SELECT 'maintainers %2$s of %3$s' FROM created HAVING true
    $chunk$, a, least(a + 999, :total), :total)
  FROM generate_series(1, :total, 1000) a \gexec
SELECT format('loaded %s users in %s s', count(*), round(extract(epoch FROM clock_timestamp() - :'started'), 1)) FROM author;
ANALYZE author;

-- ---- packages are posts
CREATE TEMP TABLE post (name text PRIMARY KEY, id bigint NOT NULL, author_id bigint NOT NULL);
SELECT clock_timestamp() AS started, count(*) AS total FROM package \gset
SELECT format($chunk$
    WITH created AS (
        INSERT INTO post
        SELECT p.title, p.id, p.author_id
          FROM (SELECT a.id, n.name, n.description, string_to_array(n.tags, ',') AS tags
                  FROM package n JOIN author a USING (address)
                 WHERE n.nth BETWEEN %1$s AND %2$s ORDER BY n.nth) n,
               ddd.create_post(n.id, n.name, n.description, n.tags) p
        RETURNING 1)
    SELECT 'packages %2$s of %3$s' FROM created HAVING true
    $chunk$, a, least(a + 4999, :total), :total)
  FROM generate_series(1, :total, 5000) a \gexec
SELECT format('loaded %s posts in %s s', count(*), round(extract(epoch FROM clock_timestamp() - :'started'), 1)) FROM post;
ANALYZE post;

-- ---- dependencies between packages of the index are comments
CREATE TEMP TABLE comment AS
SELECT row_number() OVER (ORDER BY d.nth) AS nth, target.id AS post_id, source.author_id, d.says
  FROM dependency d
  JOIN post source ON source.name = d.package
  JOIN post target ON target.name = d.on_package;
CREATE INDEX ON comment (nth);
ANALYZE comment;
SELECT clock_timestamp() AS started, count(*) AS total FROM comment \gset
SELECT format($chunk$
    SELECT 'dependencies %2$s of %3$s'
      FROM (SELECT * FROM comment WHERE nth BETWEEN %1$s AND %2$s ORDER BY nth) n,
           ddd.add_comment(n.post_id, n.author_id, n.says) c
    HAVING count(c.id) > 0
    $chunk$, a, least(a + 19999, :total), :total)
  FROM generate_series(1, :total, 20000) a \gexec
SELECT format('loaded %s comments in %s s', :total, round(extract(epoch FROM clock_timestamp() - :'started'), 1));

VACUUM ANALYZE ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags;
