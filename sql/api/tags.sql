-- tags: finding posts by tag.

CREATE OR REPLACE FUNCTION ddd.posts_by_tag(
    name text,
    first integer DEFAULT 20,
    after text DEFAULT NULL,
    skip integer DEFAULT 0
) RETURNS SETOF ddd.post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'ddd_posts_by_tag';
COMMENT ON FUNCTION ddd.posts_by_tag(text, integer, text, integer) IS
'Posts with the tag, newest first; none for an unknown tag. The case of ASCII letters and surrounding blanks do not matter. One page: at most "first" rows after the row whose cursor is "after", after skipping "skip" rows. Errors: 2201W negative first, 2201X negative skip; 22023 first above ddd.max_page_size, skip above ddd.max_skip, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.posts_by_tag(text, integer, text, integer) FROM PUBLIC;

