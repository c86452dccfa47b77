-- popularity: which posts are talked about.

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('popular_post_page') THEN
        CREATE TYPE ddd.popular_post_page AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            comment_count bigint,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.popular_post_page IS 'A post with the number of its comments, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.popular_post_page FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('hot_post_page') THEN
        CREATE TYPE ddd.hot_post_page AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            comment_count bigint,
            score double precision,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.hot_post_page IS 'A post with the number of its comments and its score, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.hot_post_page FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.popular_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    min_comments integer DEFAULT 1,
    since interval DEFAULT NULL
) RETURNS SETOF ddd.popular_post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_popular_posts';
COMMENT ON FUNCTION ddd.popular_posts(integer, text, integer, interval) IS
'Lists posts by number of comments, most first.
Posts with the same number come newest first. The numbers are exact in the snapshot of the caller.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
min_comments: the least number of comments of a post, 0 or more.
since: counts only comments that are no older than this at the first page; NULL counts all.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or min_comments
  22008 since reaches out of the range of timestamps
  2201W negative first
  22023 negative min_comments; since is not positive; first above its limit; after is not a cursor
    of this listing with this min_comments and since
Context: popularity.';
REVOKE ALL ON FUNCTION ddd.popular_posts(integer, text, integer, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.hot_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    gravity double precision DEFAULT 1.8
) RETURNS SETOF ddd.hot_post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_hot_posts';
COMMENT ON FUNCTION ddd.hot_posts(integer, text, double precision) IS
'Lists posts with comments by score, highest first: comments / (age in hours + 2) ^ gravity.
The age is the time from the post''s created_at to now(), at least 0. Score and number of comments
are exact in the snapshot of the caller; a walk keeps the moment of its first page. Posts with the
same score come newest first.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
gravity: how fast a score falls with age, from 0, by comments alone, to 32.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or gravity
  2201W negative first
  22023 gravity out of its range; first above its limit; after is not a cursor of this listing with
    this gravity
Context: popularity.';
REVOKE ALL ON FUNCTION ddd.hot_posts(integer, text, double precision) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.comment_count(post_id bigint) RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_comment_count';
COMMENT ON FUNCTION ddd.comment_count(bigint) IS
'Returns the number of comments of a post, exact in the snapshot of the caller.
post_id: the post.
Returns: the number; 0 where there is no such post.
Errors:
  22004 null post_id
Context: popularity.';
REVOKE ALL ON FUNCTION ddd.comment_count(bigint) FROM PUBLIC;

