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
'Lists the posts that have a tag, newest first.
name: the tag; the case of ASCII letters and white space around it do not count.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
skip: rows to leave out before the page, from 0 to ddd.max_skip.
Returns: the rows of the page, each with its cursor; no row at the end, or for an unknown tag.
Errors:
  22004 null name, first or skip
  2201W negative first
  2201X negative skip
  22023 first or skip above its limit; after is not a cursor of this listing with this name
Context: tags.';
REVOKE ALL ON FUNCTION ddd.posts_by_tag(text, integer, text, integer) FROM PUBLIC;

