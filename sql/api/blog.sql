-- blog: posts, comments, and which post has which tag.

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('post_info') THEN
        CREATE TYPE ddd.post_info AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.post_info IS 'A post.';
REVOKE ALL ON TYPE ddd.post_info FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('post_page') THEN
        CREATE TYPE ddd.post_page AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.post_page IS 'A post of a listing, with the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.post_page FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('post_comments_page') THEN
        CREATE TYPE ddd.post_comments_page AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            comments jsonb,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.post_comments_page IS 'A post with its comments as a JSON array, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.post_comments_page FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('comment_info') THEN
        CREATE TYPE ddd.comment_info AS (
            id bigint,
            content text,
            post_id bigint,
            author_id bigint,
            parent_id bigint,
            created_at timestamptz,
            updated_at timestamptz
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.comment_info IS 'A comment.';
REVOKE ALL ON TYPE ddd.comment_info FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('comment_page') THEN
        CREATE TYPE ddd.comment_page AS (
            id bigint,
            content text,
            post_id bigint,
            author_id bigint,
            parent_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.comment_page IS 'A comment of a listing, with the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.comment_page FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('post_detail') THEN
        CREATE TYPE ddd.post_detail AS (
            id bigint,
            title text,
            content text,
            author_id bigint,
            created_at timestamptz,
            updated_at timestamptz,
            author_name text,
            tags text[],
            comment_count bigint
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.post_detail IS 'A post with what a page shows beside it.';
REVOKE ALL ON TYPE ddd.post_detail FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('user_posts_page') THEN
        CREATE TYPE ddd.user_posts_page AS (
            id bigint,
            email text,
            full_name text,
            is_active boolean,
            is_superuser boolean,
            bio text,
            created_at timestamptz,
            updated_at timestamptz,
            posts jsonb,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.user_posts_page IS 'A user with his posts as a JSON array, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.user_posts_page FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.create_post(
    author_id bigint,
    title text,
    content text,
    tags text[] DEFAULT '{}'
) RETURNS ddd.post_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_create_post';
COMMENT ON FUNCTION ddd.create_post(bigint, text, text, text[]) IS
'Writes a post, tags it and returns the row. Errors: 23503 no such author; 22001 title over 255 characters, tag over 100; 23514 blank title; 22023 more than ddd.max_tags_per_post tags, blank tag or one with control characters; 2202E tags not one-dimensional; 22004.';
REVOKE ALL ON FUNCTION ddd.create_post(bigint, text, text, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.get_post(post_id bigint) RETURNS ddd.post_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_post';
COMMENT ON FUNCTION ddd.get_post(bigint) IS
'Returns the post, or NULL. Errors: 22004 null argument.';
REVOKE ALL ON FUNCTION ddd.get_post(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.update_post(
    post_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.post_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_post';
COMMENT ON FUNCTION ddd.update_post(bigint, jsonb, timestamptz) IS
'Changes the columns that the JSON object names (title, content) and returns the row, or NULL if there is no such post. With expected_updated_at the row must still be at that time. Errors: 22023 unknown or immutable key, wrong JSON type; 23502 null; 22001; 23514 blank title, or constraint posts_stale_update; 22004.';
REVOKE ALL ON FUNCTION ddd.update_post(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_post(post_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_post';
COMMENT ON FUNCTION ddd.delete_post(bigint) IS
'Deletes the post with its comments and tag links; false if there is none. Errors: 22004.';
REVOKE ALL ON FUNCTION ddd.delete_post(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.list_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    skip integer DEFAULT 0,
    author_id bigint DEFAULT NULL
) RETURNS SETOF ddd.post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_list_posts';
COMMENT ON FUNCTION ddd.list_posts(integer, text, integer, bigint) IS
'Posts, newest first; those of one author where author_id is given. One page: at most "first" rows after the row whose cursor is "after", after skipping "skip" rows. Errors: 2201W negative first, 2201X negative skip; 22023 first above ddd.max_page_size, skip above ddd.max_skip, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.list_posts(integer, text, integer, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.user_posts(
    user_id bigint,
    first integer DEFAULT 10,
    after text DEFAULT NULL
) RETURNS SETOF ddd.post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_user_posts';
COMMENT ON FUNCTION ddd.user_posts(bigint, integer, text) IS
'Posts of a user, newest first. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first; 22023 first above ddd.max_page_size, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.user_posts(bigint, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.posts_detail(ids bigint[]) RETURNS SETOF ddd.post_detail
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_posts_detail';
COMMENT ON FUNCTION ddd.posts_detail(bigint[]) IS
'The posts with these ids, in this order, each with its author''s name, its tags in order of name and its number of comments; ids that do not exist are left out. Errors: 22023 more than ddd.max_page_size ids; 2202E not one-dimensional; 22004.';
REVOKE ALL ON FUNCTION ddd.posts_detail(bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.users_with_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    posts_per_user integer DEFAULT NULL
) RETURNS SETOF ddd.user_posts_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_users_with_posts';
COMMENT ON FUNCTION ddd.users_with_posts(integer, text, integer) IS
'Users, newest first, each with his posts (or the newest posts_per_user), newest first, as a JSON array of objects with id, title, content, created_at, updated_at. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first or posts_per_user; 22023 first above ddd.max_page_size, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.users_with_posts(integer, text, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.add_comment(
    post_id bigint,
    author_id bigint,
    content text,
    parent_id bigint DEFAULT NULL
) RETURNS ddd.comment_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_add_comment';
COMMENT ON FUNCTION ddd.add_comment(bigint, bigint, text, bigint) IS
'Comments on a post, or replies to a comment on it, and returns the row. Errors: 23503 no such post, author or parent; 23514 blank content, parent on another post, thread deeper than ddd.max_comment_depth; 22004.';
REVOKE ALL ON FUNCTION ddd.add_comment(bigint, bigint, text, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.update_comment(
    comment_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.comment_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_comment';
COMMENT ON FUNCTION ddd.update_comment(bigint, jsonb, timestamptz) IS
'Changes the columns that the JSON object names (content) and returns the row, or NULL if there is no such comment. With expected_updated_at the row must still be at that time. Errors: 22023 unknown or immutable key, wrong JSON type; 23502 null; 23514 blank content, or constraint comments_stale_update; 22004.';
REVOKE ALL ON FUNCTION ddd.update_comment(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_comment(comment_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_comment';
COMMENT ON FUNCTION ddd.delete_comment(bigint) IS
'Deletes the comment; its replies stay, as top-level comments. False if there is none. Errors: 22004.';
REVOKE ALL ON FUNCTION ddd.delete_comment(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.user_comments(
    user_id bigint,
    first integer DEFAULT 50,
    after text DEFAULT NULL
) RETURNS SETOF ddd.comment_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_user_comments';
COMMENT ON FUNCTION ddd.user_comments(bigint, integer, text) IS
'Comments of a user, newest first. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first; 22023 first above ddd.max_page_size, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.user_comments(bigint, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.post_comments(
    post_id bigint,
    first integer DEFAULT 50,
    after text DEFAULT NULL
) RETURNS SETOF ddd.comment_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_post_comments';
COMMENT ON FUNCTION ddd.post_comments(bigint, integer, text) IS
'Comments of a post, oldest first. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first; 22023 first above ddd.max_page_size, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.post_comments(bigint, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.posts_with_comments(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    skip integer DEFAULT 0,
    comments_per_post integer DEFAULT NULL
) RETURNS SETOF ddd.post_comments_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_posts_with_comments';
COMMENT ON FUNCTION ddd.posts_with_comments(integer, text, integer, integer) IS
'Posts, newest first, each with its comments (or its first comments_per_post ones), oldest first, as a JSON array of objects with id, content, author_id, author_name, parent_id, created_at, updated_at. One page: at most "first" rows after the row whose cursor is "after", after skipping "skip" rows. Errors: 2201W negative first or comments_per_post, 2201X negative skip; 22023 first above ddd.max_page_size, skip above ddd.max_skip, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.posts_with_comments(integer, text, integer, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_user(
    user_id bigint,
    mode text DEFAULT 'restrict',
    reassign_to bigint DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_user';
COMMENT ON FUNCTION ddd.delete_user(bigint, text, bigint) IS
'Deletes the user; false if there is none. Mode restrict refuses while there are posts or comments, reassign gives them to another user, cascade deletes them. Errors: 23503 has content, or no user to reassign to; 22023 unknown mode, reassign_to missing, the user itself, or given with another mode; 22004.';
REVOKE ALL ON FUNCTION ddd.delete_user(bigint, text, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_post(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tag_post';
COMMENT ON FUNCTION ddd.tag_post(bigint, text[]) IS
'Adds tags to a post, creating those that do not exist, and returns all its tags in order of name. Errors: 23503 no such post; 22001 over 100 characters; 22023 blank or control characters, more than ddd.max_tags_per_post tags on the post; 2202E not one-dimensional; 22004.';
REVOKE ALL ON FUNCTION ddd.tag_post(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.untag_post(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_untag_post';
COMMENT ON FUNCTION ddd.untag_post(bigint, text[]) IS
'Takes tags off a post, without regard to those it does not have, and returns the rest in order of name. Errors: 23503 no such post; 2202E; 22004.';
REVOKE ALL ON FUNCTION ddd.untag_post(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.set_post_tags(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_set_post_tags';
COMMENT ON FUNCTION ddd.set_post_tags(bigint, text[]) IS
'Gives a post exactly these tags and returns them in order of name. Errors: as tag_post.';
REVOKE ALL ON FUNCTION ddd.set_post_tags(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.check_comment() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_comment';
COMMENT ON FUNCTION ddd.check_comment() IS
'BEFORE INSERT OR UPDATE row trigger of ddd.comments: a parent exists, is on the same post and not deeper than ddd.max_comment_depth, and is never exchanged for another. Errors: 23503, 23514.';
REVOKE ALL ON FUNCTION ddd.check_comment() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.fill_post_tag() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_fill_post_tag';
COMMENT ON FUNCTION ddd.fill_post_tag() IS
'BEFORE INSERT OR UPDATE row trigger of ddd.post_tags: sets post_created_at to the created_at of the post. During a restore it keeps the value it is given. Errors: 23503 no such post.';
REVOKE ALL ON FUNCTION ddd.fill_post_tag() FROM PUBLIC;

