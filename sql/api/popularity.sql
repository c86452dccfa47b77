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

CREATE OR REPLACE FUNCTION ddd.popular_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    min_comments integer DEFAULT 1
) RETURNS SETOF ddd.popular_post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_popular_posts';
COMMENT ON FUNCTION ddd.popular_posts(integer, text, integer) IS
'Lists posts by number of comments, most first.
Posts with the same number come newest first. The numbers are exact in the snapshot of the caller.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
min_comments: the least number of comments of a post, 0 or more.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or min_comments
  2201W negative first
  22023 negative min_comments; first above its limit; after is not a cursor of this listing with
    this min_comments
Context: popularity.';
REVOKE ALL ON FUNCTION ddd.popular_posts(integer, text, integer) FROM PUBLIC;

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

