-- tags: finding posts by tag.

CREATE OR REPLACE FUNCTION ddd.tag_key(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_key';
COMMENT ON FUNCTION ddd.tag_key(text) IS
'Returns the form of a tag''s name that all names of the same tag have.
White space around the name goes; then it is put into Unicode''s canonical caseless form,
NFC(toCasefold(NFD(name))), whatever the database''s locale and collation. Where the database''s
encoding has no place for that, ASCII letters alone are folded.
name: the name; NULL gives NULL.
Returns: the key, which is its own key.
Errors:
  22001 name of more than 1200 bytes
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tag_key(text) FROM PUBLIC;

-- A shell until its functions are there; what is revoked names it, and so comes after.
DO $ddd$
BEGIN
    IF NOT ddd.owns_type('tag_query') THEN
        CREATE TYPE ddd.tag_query;
    END IF;
END
$ddd$;

CREATE OR REPLACE FUNCTION ddd.tag_query_in(query cstring) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_in';
COMMENT ON FUNCTION ddd.tag_query_in(cstring) IS
'Reads a tag query.
Errors:
  22023 no tag query: the message has the place, the detail what is wrong there
Context: tags (internal).';

CREATE OR REPLACE FUNCTION ddd.tag_query_out(query ddd.tag_query) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_out';
COMMENT ON FUNCTION ddd.tag_query_out(ddd.tag_query) IS
'Writes a tag query as text that reads back as the same.
Errors: none.
Context: tags (internal).';

CREATE OR REPLACE FUNCTION ddd.tag_query_recv(message internal) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_recv';
COMMENT ON FUNCTION ddd.tag_query_recv(internal) IS
'Reads a tag query in its binary form: a byte 1, then its text.
Errors:
  22023 no tag query
  22P03 another byte than 1
Context: tags (internal).';

CREATE OR REPLACE FUNCTION ddd.tag_query_send(query ddd.tag_query) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_send';
COMMENT ON FUNCTION ddd.tag_query_send(ddd.tag_query) IS
'Writes a tag query in its binary form: a byte 1, then its text.
Errors:
  22021 a name is no text in the database''s encoding (SQL_ASCII)
  22P05 a name has no form in the client''s encoding
Context: tags (internal).';

DO $ddd$
BEGIN
    IF NOT (SELECT typisdefined FROM pg_type WHERE typname = 'tag_query' AND typnamespace = 'ddd'::regnamespace) THEN
        CREATE TYPE ddd.tag_query (
            INPUT = ddd.tag_query_in, OUTPUT = ddd.tag_query_out, RECEIVE = ddd.tag_query_recv, SEND = ddd.tag_query_send,
            INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.tag_query IS
'A question about tags: names, & (and), | (or), ! (not), parentheses;
name* for all tags that begin so; {a, b} for these tags and no other; () for never.
A name with white space or one of &|!(){},*"\ stands in double quotes,
in which \" and \\ stand for " and \.
At most 256 names and operators, 32 deep; names of 1200 bytes, a text of 1 MB.';
REVOKE ALL ON TYPE ddd.tag_query FROM PUBLIC;
REVOKE ALL ON FUNCTION ddd.tag_query_in(cstring) FROM PUBLIC;
REVOKE ALL ON FUNCTION ddd.tag_query_out(ddd.tag_query) FROM PUBLIC;
REVOKE ALL ON FUNCTION ddd.tag_query_recv(internal) FROM PUBLIC;
REVOKE ALL ON FUNCTION ddd.tag_query_send(ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_eq(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_eq';
COMMENT ON FUNCTION ddd.tag_query_eq(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query is the same as another.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_eq(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_ne(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_ne';
COMMENT ON FUNCTION ddd.tag_query_ne(ddd.tag_query, ddd.tag_query) IS
'Tells whether two tag queries differ.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_ne(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_lt(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_lt';
COMMENT ON FUNCTION ddd.tag_query_lt(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query comes before another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_lt(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_le(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_le';
COMMENT ON FUNCTION ddd.tag_query_le(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query does not come after another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_le(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_gt(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_gt';
COMMENT ON FUNCTION ddd.tag_query_gt(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query comes after another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_gt(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_ge(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_ge';
COMMENT ON FUNCTION ddd.tag_query_ge(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query does not come before another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_ge(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_cmp(query ddd.tag_query, other ddd.tag_query) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_cmp';
COMMENT ON FUNCTION ddd.tag_query_cmp(ddd.tag_query, ddd.tag_query) IS
'Compares tag queries in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_cmp(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_hash(query ddd.tag_query) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_hash';
COMMENT ON FUNCTION ddd.tag_query_hash(ddd.tag_query) IS
'Hashes a tag query.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_hash(ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_hash_extended(query ddd.tag_query, seed bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_hash_extended';
COMMENT ON FUNCTION ddd.tag_query_hash_extended(ddd.tag_query, bigint) IS
'Hashes a tag query with a seed.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_hash_extended(ddd.tag_query, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_all(tags text[]) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_all';
COMMENT ON FUNCTION ddd.tags_all(text[]) IS
'Makes a tag query of names: all of them.
tags: the names, in any order and spelling; a name twice counts once.
Returns: the query; of no names, one that is always true.
Errors:
  22004 null tags or element
  22023 a blank name or one of more than 1200 bytes; more than 256 names and operators
  2202E tags is not a one-dimensional array
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tags_all(text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_any(tags text[]) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_any';
COMMENT ON FUNCTION ddd.tags_any(text[]) IS
'Makes a tag query of names: at least one of them.
tags: the names, in any order and spelling; a name twice counts once.
Returns: the query; of no names, one that is never true.
Errors:
  22004 null tags or element
  22023 a blank name or one of more than 1200 bytes; more than 256 names and operators
  2202E tags is not a one-dimensional array
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tags_any(text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_none(tags text[]) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_none';
COMMENT ON FUNCTION ddd.tags_none(text[]) IS
'Makes a tag query of names: none of them.
tags: the names, in any order and spelling; a name twice counts once.
Returns: the query; of no names, one that is always true.
Errors:
  22004 null tags or element
  22023 a blank name or one of more than 1200 bytes; more than 256 names and operators
  2202E tags is not a one-dimensional array
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tags_none(text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_exact(tags text[]) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_exact';
COMMENT ON FUNCTION ddd.tags_exact(text[]) IS
'Makes a tag query of names: these and no other.
tags: the names, in any order and spelling; a name twice counts once.
Returns: the query; of no names, one for what has no tags.
Errors:
  22004 null tags or element
  22023 a blank name or one of more than 1200 bytes; more than 256 names and operators
  2202E tags is not a one-dimensional array
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tags_exact(text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_and(query ddd.tag_query, other ddd.tag_query) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_and';
COMMENT ON FUNCTION ddd.tag_query_and(ddd.tag_query, ddd.tag_query) IS
'Makes a tag query that is true where two are: operator &&.
query: one query; NULL gives NULL.
other: the other one; NULL gives NULL.
Returns: the query, in canonical form.
Errors:
  22023 more than 256 names and operators, or nested more than 32 deep
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tag_query_and(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_or(query ddd.tag_query, other ddd.tag_query) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_or';
COMMENT ON FUNCTION ddd.tag_query_or(ddd.tag_query, ddd.tag_query) IS
'Makes a tag query that is true where at least one of two is: operator ||.
query: one query; NULL gives NULL.
other: the other one; NULL gives NULL.
Returns: the query, in canonical form.
Errors:
  22023 more than 256 names and operators, or nested more than 32 deep
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tag_query_or(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tag_query_not(query ddd.tag_query) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_not';
COMMENT ON FUNCTION ddd.tag_query_not(ddd.tag_query) IS
'Makes a tag query that is true where another is not: operator !!.
query: the other query; NULL gives NULL.
Returns: the query, in canonical form.
Errors:
  22023 more than 256 names and operators, or nested more than 32 deep
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tag_query_not(ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_match(tags text[], query ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_match';
COMMENT ON FUNCTION ddd.tags_match(text[], ddd.tag_query) IS
'Tells whether an array of tags is what a tag query asks for: operator @@.
An element that is NULL, blank or of more than 1200 bytes is no tag. A GIN index with the operator
class ddd.tag_array_ops finds such arrays.
tags: names, in any order and spelling; NULL gives NULL.
query: the query; NULL gives NULL.
Returns: true or false.
Errors: none.
Context: tags.';
REVOKE ALL ON FUNCTION ddd.tags_match(text[], ddd.tag_query) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.tags_match_selectivity(planner internal, operator oid, arguments internal, variable integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_match_selectivity';
COMMENT ON FUNCTION ddd.tags_match_selectivity(internal, oid, internal, integer) IS
'Estimates how many arrays of tags are what a tag query asks for.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tags_match_selectivity(internal, oid, internal, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.gin_tags_compare(one text, other text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_compare';
COMMENT ON FUNCTION ddd.gin_tags_compare(text, text) IS
'Compares keys of an index of tags, byte by byte.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_compare(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.gin_tags_compare_prefix(prefix text, key text, strategy smallint, extra internal) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_compare_prefix';
COMMENT ON FUNCTION ddd.gin_tags_compare_prefix(text, text, smallint, internal) IS
'Tells whether a key of an index of tags begins with a prefix: 0, or 1.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_compare_prefix(text, text, smallint, internal) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.gin_tags_extract_value(tags text[], nkeys internal, nulls internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_extract_value';
COMMENT ON FUNCTION ddd.gin_tags_extract_value(text[], internal, internal) IS
'Gives the keys of an array for an index of tags.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_extract_value(text[], internal, internal) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.gin_tags_extract_query(query ddd.tag_query, nkeys internal, strategy smallint, partial internal, extra internal, nulls internal, mode internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_extract_query';
COMMENT ON FUNCTION ddd.gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal) IS
'Gives the keys of a tag query for an index of tags.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.gin_tags_triconsistent(checks internal, strategy smallint, query ddd.tag_query, nkeys integer, extra internal, keys internal, nulls internal) RETURNS "char"
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_triconsistent';
COMMENT ON FUNCTION ddd.gin_tags_triconsistent(internal, smallint, ddd.tag_query, integer, internal, internal, internal) IS
'Tells whether an array with these keys is what a tag query asks for.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_triconsistent(internal, smallint, ddd.tag_query, integer, internal, internal, internal) FROM PUBLIC;

DO $ddd$
BEGIN
    IF EXISTS (SELECT FROM pg_opclass c JOIN pg_depend d ON d.classid = 'pg_opclass'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                WHERE c.opcname = 'tag_array_ops' AND c.opcnamespace = 'ddd'::regnamespace) THEN
        RETURN;
    END IF;

    CREATE CAST (text AS ddd.tag_query) WITH INOUT AS ASSIGNMENT;

    CREATE OPERATOR ddd.= (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_eq,
        COMMUTATOR = OPERATOR(ddd.=), NEGATOR = OPERATOR(ddd.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
    CREATE OPERATOR ddd.<> (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_ne,
        COMMUTATOR = OPERATOR(ddd.<>), NEGATOR = OPERATOR(ddd.=), RESTRICT = neqsel, JOIN = neqjoinsel);
    CREATE OPERATOR ddd.< (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_lt,
        COMMUTATOR = OPERATOR(ddd.>), NEGATOR = OPERATOR(ddd.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
    CREATE OPERATOR ddd.<= (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_le,
        COMMUTATOR = OPERATOR(ddd.>=), NEGATOR = OPERATOR(ddd.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
    CREATE OPERATOR ddd.> (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_gt,
        COMMUTATOR = OPERATOR(ddd.<), NEGATOR = OPERATOR(ddd.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
    CREATE OPERATOR ddd.>= (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_ge,
        COMMUTATOR = OPERATOR(ddd.<=), NEGATOR = OPERATOR(ddd.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
    CREATE OPERATOR CLASS ddd.tag_query_ops DEFAULT FOR TYPE ddd.tag_query USING btree AS
        OPERATOR 1 ddd.<, OPERATOR 2 ddd.<=, OPERATOR 3 ddd.=, OPERATOR 4 ddd.>=, OPERATOR 5 ddd.>,
        FUNCTION 1 ddd.tag_query_cmp(ddd.tag_query, ddd.tag_query);
    CREATE OPERATOR CLASS ddd.tag_query_ops DEFAULT FOR TYPE ddd.tag_query USING hash AS
        OPERATOR 1 ddd.=,
        FUNCTION 1 ddd.tag_query_hash(ddd.tag_query),
        FUNCTION 2 ddd.tag_query_hash_extended(ddd.tag_query, bigint);

    CREATE OPERATOR ddd.&& (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_and,
        COMMUTATOR = OPERATOR(ddd.&&));
    CREATE OPERATOR ddd.|| (LEFTARG = ddd.tag_query, RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_or,
        COMMUTATOR = OPERATOR(ddd.||));
    CREATE OPERATOR ddd.!! (RIGHTARG = ddd.tag_query, FUNCTION = ddd.tag_query_not);
    CREATE OPERATOR ddd.@@ (LEFTARG = text[], RIGHTARG = ddd.tag_query, FUNCTION = ddd.tags_match,
        RESTRICT = ddd.tags_match_selectivity, JOIN = contjoinsel);
    CREATE OPERATOR CLASS ddd.tag_array_ops FOR TYPE text[] USING gin AS
        OPERATOR 1 ddd.@@ (text[], ddd.tag_query),
        FUNCTION 1 ddd.gin_tags_compare(text, text),
        FUNCTION 2 ddd.gin_tags_extract_value(text[], internal, internal),
        FUNCTION 3 ddd.gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal),
        FUNCTION 5 ddd.gin_tags_compare_prefix(text, text, smallint, internal),
        FUNCTION 6 ddd.gin_tags_triconsistent(internal, smallint, ddd.tag_query, integer, internal, internal, internal),
        STORAGE text;
END
$ddd$;
COMMENT ON OPERATOR ddd.@@ (text[], ddd.tag_query) IS 'is what the tag query asks for';
COMMENT ON OPERATOR ddd.&& (ddd.tag_query, ddd.tag_query) IS 'and';
COMMENT ON OPERATOR ddd.|| (ddd.tag_query, ddd.tag_query) IS 'or';
COMMENT ON OPERATOR ddd.!! (NONE, ddd.tag_query) IS 'not';
COMMENT ON OPERATOR CLASS ddd.tag_array_ops USING gin IS 'arrays of tags, for @@ with a tag query';

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
name: the tag in any spelling, or a synonym of it.
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

CREATE OR REPLACE FUNCTION ddd.posts_by_tags(
    query ddd.tag_query,
    first integer DEFAULT 20,
    after text DEFAULT NULL
) RETURNS SETOF ddd.post_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'ddd_posts_by_tags';
COMMENT ON FUNCTION ddd.posts_by_tags(ddd.tag_query, integer, text) IS
'Lists the posts whose tags are what a query asks for, newest first.
A synonym stands for its tag, an unknown name for a tag that no post has. The posts of the rarest
tag are followed as far as the page goes; a query that only says what is not there follows all.
query: the query.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null query or first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing with this query; a text that
    is no query, with the position in it
Context: tags.';
REVOKE ALL ON FUNCTION ddd.posts_by_tags(ddd.tag_query, integer, text) FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('tag_info') THEN
        CREATE TYPE ddd.tag_info AS (
            id bigint,
            name text,
            post_count bigint,
            synonym_of text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.tag_info IS 'A tag or a synonym: how many posts the tag has, of a synonym the tag that it stands for; and the name of that tag.';
REVOKE ALL ON TYPE ddd.tag_info FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('tag_page') THEN
        CREATE TYPE ddd.tag_page AS (
            id bigint,
            name text,
            post_count bigint,
            synonym_of text,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.tag_page IS 'A tag or a synonym, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.tag_page FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('related_tag') THEN
        CREATE TYPE ddd.related_tag AS (
            id bigint,
            name text,
            post_count bigint,
            shared bigint
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.related_tag IS 'A tag, how many posts it has, and how many of those looked at have another tag as well.';
REVOKE ALL ON TYPE ddd.related_tag FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.list_tags(first integer DEFAULT 100, after text DEFAULT NULL, prefix text DEFAULT NULL) RETURNS SETOF ddd.tag_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'ddd_list_tags';
COMMENT ON FUNCTION ddd.list_tags(integer, text, text) IS
'Lists tags and synonyms in the order of their keys.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
prefix: what names begin with, in any spelling; NULL for all.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing with this prefix
Context: tags.';
REVOKE ALL ON FUNCTION ddd.list_tags(integer, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.popular_tags(first integer DEFAULT 20) RETURNS SETOF ddd.tag_info
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'ddd_popular_tags';
COMMENT ON FUNCTION ddd.popular_tags(integer) IS
'Lists the tags that have the most posts; of equal ones the later made first.
first: rows, from 0 to ddd.max_page_size.
Returns: the rows; tags without posts are not among them.
Errors:
  22004 null first
  2201W negative first
  22023 first above its limit
Context: tags.';
REVOKE ALL ON FUNCTION ddd.popular_tags(integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.suggest_tags(prefix text, first integer DEFAULT 10) RETURNS SETOF ddd.tag_info
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_suggest_tags';
COMMENT ON FUNCTION ddd.suggest_tags(text, integer) IS
'Lists the tags whose name, or a synonym of it, begins so; those with the most posts first.
Of a beginning that fewer than 1000 tags have, each is looked up; of another, tags in the order of
their posts, until enough begin so. Of those with equally many posts the order is not promised.
prefix: what the name begins with, in any spelling.
first: rows, from 0 to ddd.max_page_size.
Returns: the rows; a synonym gives the tag that it stands for.
Errors:
  22004 null prefix or first
  2201W negative first
  22023 first above its limit
Context: tags.';
REVOKE ALL ON FUNCTION ddd.suggest_tags(text, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.related_tags(name text, first integer DEFAULT 8) RETURNS SETOF ddd.related_tag
LANGUAGE c STABLE PARALLEL SAFE ROWS 8
AS 'MODULE_PATHNAME', 'ddd_related_tags';
COMMENT ON FUNCTION ddd.related_tags(text, integer) IS
'Lists the tags that most often stand beside a tag; of equal ones the first made first.
Counts the tags of the newest 10,000 posts of the tag: exact if it has no more.
name: the tag in any spelling, or a synonym of it.
first: rows, from 0 to ddd.max_page_size.
Returns: the rows; none for an unknown tag.
Errors:
  22004 null name or first
  2201W negative first
  22023 first above its limit
Context: tags.';
REVOKE ALL ON FUNCTION ddd.related_tags(text, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.rename_tag(name text, new_name text) RETURNS ddd.tag_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_rename_tag';
COMMENT ON FUNCTION ddd.rename_tag(text, text) IS
'Gives a tag or a synonym another name; its posts keep it.
name: the tag in any spelling, or a synonym, which is renamed itself.
new_name: at most 100 characters, not blank, without control and invisible characters; white space
  around it is removed.
Returns: the tag as it is then; NULL if there is none of that name.
Errors:
  22001 new_name of more than 100 characters
  22004 null argument
  22023 new_name is blank or has a control or invisible character
  23505 another tag or synonym has that name: merge_tags() makes one of two tags; a synonym of this
    tag is dropped before
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 the tags were changed meanwhile
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.rename_tag(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.merge_tags(source text[], target text) RETURNS ddd.tag_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_merge_tags';
COMMENT ON FUNCTION ddd.merge_tags(text[], text) IS
'Makes one tag of several: their posts go to the target, and their names become synonyms of it.
source: tags in any spelling, or synonyms, which stand for their tags; unknown ones are passed over.
target: the tag that stays.
Returns: the target as it is then; NULL, and nothing is done, if there is no such tag.
Errors:
  22004 null argument, null name
  2202E source is not one-dimensional
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 the tags were changed meanwhile, or in a REPEATABLE READ transaction posts were tagged
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.merge_tags(text[], text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.add_tag_synonym(name text, synonym text) RETURNS ddd.tag_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_add_tag_synonym';
COMMENT ON FUNCTION ddd.add_tag_synonym(text, text) IS
'Makes a name a synonym of a tag: it stands for the tag wherever a tag is named.
name: the tag in any spelling, or a synonym of it.
synonym: the name, as tag_post() takes it; a tag without posts and synonyms becomes one.
Returns: the synonym; NULL if there is no such tag.
Errors:
  22001 synonym of more than 100 characters
  22004 null argument
  22023 synonym is blank or has a control or invisible character
  23505 a tag with posts or synonyms has that name, or it stands for another tag
  23514 synonym names the tag itself
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 the tags were changed meanwhile
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.add_tag_synonym(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.drop_tag_synonym(synonym text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_drop_tag_synonym';
COMMENT ON FUNCTION ddd.drop_tag_synonym(text) IS
'Removes a synonym; the tag that it stood for stays.
synonym: the name in any spelling.
Returns: whether there was such a synonym.
Errors:
  22004 null synonym
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.drop_tag_synonym(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.delete_tag(name text, force boolean DEFAULT false) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_tag';
COMMENT ON FUNCTION ddd.delete_tag(text, boolean) IS
'Deletes a tag with its synonyms, or a synonym.
name: the tag or synonym in any spelling.
force: whether to take it off the posts that have it.
Returns: whether there was one.
Errors:
  22004 null argument
  23503 the tag still has posts, and force is false; a foreign key of yours refers to it
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 the tags were changed meanwhile, or in a REPEATABLE READ transaction posts were tagged
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.delete_tag(text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.prune_tags() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_prune_tags';
COMMENT ON FUNCTION ddd.prune_tags() IS
'Deletes the tags that no post has and that have no synonyms; passes over those in use right now.
What your own foreign keys do about a deleted tag is theirs to say.
Returns: the number of tags that were deleted.
Errors:
  23503 a foreign key of yours refers to one of them
  28000 ddd.enforce_identity is on and no user is authenticated
  40001 in a REPEATABLE READ transaction, one was changed meanwhile
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: tags.';
REVOKE ALL ON FUNCTION ddd.prune_tags() FROM PUBLIC;
