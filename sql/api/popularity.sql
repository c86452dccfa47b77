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
'Posts by number of comments, then created_at, then id, all descending, with at least min_comments comments (0: all posts). The counts are exact in the caller''s snapshot. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first; 22023 first above ddd.max_page_size, or a cursor of another listing. 22023 also for a negative min_comments. 22004.';
REVOKE ALL ON FUNCTION ddd.popular_posts(integer, text, integer) FROM PUBLIC;

