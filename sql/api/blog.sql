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
'Writes a post, tags it and returns the row.
author_id: users.id of the author.
title: at most 255 characters, not blank.
content: any text; may be empty.
tags: at most ddd.max_tags_per_post names, as tag_post() takes them.
Returns: the new row.
Errors:
  22001 title of more than 255 characters, tag of more than 100
  22004 null argument, null tag
  22023 more than ddd.max_tags_per_post tags; a tag that is blank or has a control or invisible
    character
  2202E tags is not one-dimensional
  23503 no such author
  23514 blank title
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 tags were deleted meanwhile, again and again
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.create_post(bigint, text, text, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.get_post(post_id bigint) RETURNS ddd.post_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_post';
COMMENT ON FUNCTION ddd.get_post(bigint) IS
'Returns the post with this id.
post_id: posts.id.
Returns: the post, or NULL if there is none.
Errors:
  22004 null post_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.get_post(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.update_post(
    post_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.post_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_post';
COMMENT ON FUNCTION ddd.update_post(bigint, jsonb, timestamptz) IS
'Changes the columns of a post that a JSON object names, and returns the row.
Where nothing really changes, updated_at stays.
post_id: posts.id.
patch: an object with any of title and content, under the rules of create_post().
expected_updated_at: the updated_at that the row must still have; NULL for any.
Returns: the row as it is then, or NULL if there is no such post.
Errors:
  22001 title of more than 255 characters
  22004 null post_id or patch
  22023 not an object, unknown key, value of another JSON type
  23502 null title or content
  23514 blank title; the row was changed meanwhile, constraint posts_stale_update
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.update_post(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_post(post_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_post';
COMMENT ON FUNCTION ddd.delete_post(bigint) IS
'Deletes a post with its comments and its links to tags.
post_id: posts.id.
Returns: whether there was such a post.
Errors:
  22004 null post_id
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
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
'Lists posts, newest first.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
skip: rows to leave out before the page, from 0 to ddd.max_skip.
author_id: users.id of the author; NULL for all authors.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or skip
  2201W negative first
  2201X negative skip
  22023 first or skip above its limit; after is not a cursor of this listing with this author_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.list_posts(integer, text, integer, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.user_posts(
    user_id bigint,
    first integer DEFAULT 10,
    after text DEFAULT NULL
) RETURNS SETOF ddd.post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_user_posts';
COMMENT ON FUNCTION ddd.user_posts(bigint, integer, text) IS
'Lists the posts of a user, newest first.
user_id: users.id of the author.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null user_id or first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing with this user_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.user_posts(bigint, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.posts_detail(ids bigint[]) RETURNS SETOF ddd.post_detail
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_posts_detail';
COMMENT ON FUNCTION ddd.posts_detail(bigint[]) IS
'Returns posts with the name of the author, the tags and the number of comments.
ids: posts.id of at most ddd.max_page_size posts.
Returns: a row for each id, in the order of ids; none for an id that does not exist. Tags are in
  order of name.
Errors:
  22004 null ids, null element
  22023 more than ddd.max_page_size ids
  2202E ids is not one-dimensional
Context: blog.';
REVOKE ALL ON FUNCTION ddd.posts_detail(bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.users_with_posts(
    first integer DEFAULT 10,
    after text DEFAULT NULL,
    posts_per_user integer DEFAULT NULL
) RETURNS SETOF ddd.user_posts_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_users_with_posts';
COMMENT ON FUNCTION ddd.users_with_posts(integer, text, integer) IS
'Lists users, newest first, each with posts as a JSON array.
The posts are newest first; each is an object with id, title, content, created_at and updated_at.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
posts_per_user: the most posts to a user, 0 or more; NULL for all.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first
  2201W negative first or posts_per_user
  22023 first above its limit; after is not a cursor of this listing
  54000 the posts of one user take more than 256 MB
Context: blog.';
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
'Comments on a post, or replies to a comment on it, and returns the row.
post_id: posts.id.
author_id: users.id of the author.
content: any text, not blank.
parent_id: comments.id of the comment that this one replies to; NULL for none. A thread is at most
  ddd.max_comment_depth comments deep.
Returns: the new row.
Errors:
  22004 null post_id, author_id or content
  23503 no such post, author or parent
  23514 blank content; parent on another post, constraint comments_parent_same_post; thread too
    deep, constraint comments_max_depth
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.add_comment(bigint, bigint, text, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.update_comment(
    comment_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.comment_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_comment';
COMMENT ON FUNCTION ddd.update_comment(bigint, jsonb, timestamptz) IS
'Changes the content of a comment, and returns the row.
Where nothing really changes, updated_at stays.
comment_id: comments.id.
patch: an object with content, not blank, or without any key.
expected_updated_at: the updated_at that the row must still have; NULL for any.
Returns: the row as it is then, or NULL if there is no such comment.
Errors:
  22004 null comment_id or patch
  22023 not an object, unknown key, value of another JSON type
  23502 null content
  23514 blank content; the row was changed meanwhile, constraint comments_stale_update
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.update_comment(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_comment(comment_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_comment';
COMMENT ON FUNCTION ddd.delete_comment(bigint) IS
'Deletes a comment; replies to it stay, as top-level comments.
comment_id: comments.id.
Returns: whether there was such a comment.
Errors:
  22004 null comment_id
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.delete_comment(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.user_comments(
    user_id bigint,
    first integer DEFAULT 50,
    after text DEFAULT NULL
) RETURNS SETOF ddd.comment_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_user_comments';
COMMENT ON FUNCTION ddd.user_comments(bigint, integer, text) IS
'Lists the comments of a user, newest first.
user_id: users.id of the author.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null user_id or first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing with this user_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.user_comments(bigint, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.post_comments(
    post_id bigint,
    first integer DEFAULT 50,
    after text DEFAULT NULL
) RETURNS SETOF ddd.comment_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_post_comments';
COMMENT ON FUNCTION ddd.post_comments(bigint, integer, text) IS
'Lists the comments on a post, oldest first.
post_id: posts.id.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null post_id or first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing with this post_id
Context: blog.';
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
'Lists posts, newest first, each with comments as a JSON array.
The comments are oldest first; each is an object with id, content, author_id, author_name,
parent_id, created_at and updated_at.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
skip: rows to leave out before the page, from 0 to ddd.max_skip.
comments_per_post: the most comments to a post, 0 or more; NULL for all.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or skip
  2201W negative first or comments_per_post
  2201X negative skip
  22023 first or skip above its limit; after is not a cursor of this listing
  54000 the comments of one post take more than 256 MB
Context: blog.';
REVOKE ALL ON FUNCTION ddd.posts_with_comments(integer, text, integer, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_user(
    user_id bigint,
    mode text DEFAULT 'restrict',
    reassign_to bigint DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_user';
COMMENT ON FUNCTION ddd.delete_user(bigint, text, bigint) IS
'Deletes a user, who may have posts and comments only if the mode says what becomes of them.
user_id: users.id.
mode: "restrict" refuses while there are any, "reassign" gives them to another user, "cascade"
  deletes them, with the comments of others on those posts.
reassign_to: users.id of the new author, for mode "reassign" only.
Returns: whether there was such a user.
Errors:
  22004 null user_id or mode
  22023 unknown mode; reassign_to missing, the user itself, or given with another mode
  23503 the user has posts or comments; reassign_to is no user
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is another user, or mode is reassign
Context: blog.';
REVOKE ALL ON FUNCTION ddd.delete_user(bigint, text, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_post(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tag_post';
COMMENT ON FUNCTION ddd.tag_post(bigint, text[]) IS
'Adds tags to a post, creates those that do not exist, and returns all tags of the post.
Spellings with the same tag_key() are one tag, and the spelling of the first use stays. A synonym
stands for its tag.
post_id: posts.id.
tags: names of at most 100 characters, not blank, without control and invisible characters; white
  space around them is removed. A post has at most ddd.max_tags_per_post tags.
Returns: the names of all tags of the post, in order.
Errors:
  22001 tag of more than 100 characters
  22004 null argument, null tag
  22023 more than ddd.max_tags_per_post tags; a tag that is blank or has a control or invisible
    character
  2202E tags is not one-dimensional
  23503 no such post
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 tags were deleted meanwhile, again and again
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.tag_post(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.untag_post(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_untag_post';
COMMENT ON FUNCTION ddd.untag_post(bigint, text[]) IS
'Takes tags off a post, and returns the tags that it keeps.
post_id: posts.id.
tags: names; those that the post does not have are passed over.
Returns: the names of all tags of the post, in order.
Errors:
  22004 null argument, null tag
  22023 the post would still have more than ddd.max_tags_per_post tags
  2202E tags is not one-dimensional
  23503 no such post
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.untag_post(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.set_post_tags(post_id bigint, tags text[]) RETURNS text[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_set_post_tags';
COMMENT ON FUNCTION ddd.set_post_tags(bigint, text[]) IS
'Gives a post exactly these tags, creates those that do not exist, and returns them.
post_id: posts.id.
tags: at most ddd.max_tags_per_post names, as tag_post() takes them; none removes all tags.
Returns: the names of all tags of the post, in order.
Errors:
  22001 tag of more than 100 characters
  22004 null argument, null tag
  22023 more than ddd.max_tags_per_post tags; a tag that is blank or has a control or invisible
    character
  2202E tags is not one-dimensional
  23503 no such post
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 tags were deleted meanwhile, again and again
  42501 ddd.enforce_identity is on and the caller is neither the author nor a superuser of the
    application
Context: blog.';
REVOKE ALL ON FUNCTION ddd.set_post_tags(bigint, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.check_comment() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_comment';
COMMENT ON FUNCTION ddd.check_comment() IS
'Keeps threads sound: BEFORE INSERT OR UPDATE row trigger of ddd.comments.
A parent exists, is on the same post, not deeper than ddd.max_comment_depth allows, and is never
exchanged for another.
Errors:
  23503 no such parent
  23514 constraint comments_parent_same_post, comments_max_depth or comments_parent_fixed
  39P01 called as anything else
  42703 the table lacks a column of ddd.comments
  42804 such a column has another type
Context: blog (internal).';
REVOKE ALL ON FUNCTION ddd.check_comment() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.fill_post_tag() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_fill_post_tag';
COMMENT ON FUNCTION ddd.fill_post_tag() IS
'Sets post_created_at to the created_at of the post: row trigger of ddd.post_tags.
Fires BEFORE INSERT OR UPDATE. Puts the tag that is meant in a synonym''s place. A restore by the
owner of the tables keeps the row that it brings.
Errors:
  23503 no such post
  39P01 called as anything else
  40001 the tag became a synonym meanwhile, again and again
  42703 the table lacks a column of ddd.post_tags
  42804 such a column has another type
Context: blog (internal).';
REVOKE ALL ON FUNCTION ddd.fill_post_tag() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.check_tag() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_tag';
COMMENT ON FUNCTION ddd.check_tag() IS
'Fills the key of a tag''s name and keeps synonyms in order: BEFORE row trigger of ddd.tags.
A synonym means a tag that is none; what has posts or synonyms of its own is no synonym.
Errors:
  23514 a synonym that may be none, constraint tags_synonym_of_tag
  39P01 called as anything else
  42703 the table lacks a column of ddd.tags
  42804 such a column has another type
Context: blog (internal).';
REVOKE ALL ON FUNCTION ddd.check_tag() FROM PUBLIC;
