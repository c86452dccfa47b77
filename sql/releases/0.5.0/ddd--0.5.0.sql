\echo The extension ddd is managed by CREATE, ALTER and DROP EXTENSION. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

-- The schema belongs to the user. One that exists already must hold nothing
-- that a call to this extension's functions could be caught by.
DO $ddd$
DECLARE
    planted text;
BEGIN
    IF to_regnamespace('ddd') IS NULL THEN
        CREATE SCHEMA ddd;
        RETURN;
    END IF;

    IF EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
                WHERE n.nspname = 'ddd' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'others than its owner may create objects in schema "ddd"',
            HINT = 'Revoke CREATE ON SCHEMA ddd from them, then run CREATE EXTENSION again.';
    END IF;

    SELECT string_agg(pg_describe_object(d.classid, d.objid, 0), ', ' ORDER BY d.classid, d.objid)
      INTO planted
      FROM pg_depend d
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
     WHERE d.refclassid = 'pg_namespace'::regclass
       AND d.refobjid = 'ddd'::regnamespace
       AND d.deptype = 'n'
       AND d.classid NOT IN ('pg_statistic_ext'::regclass, 'pg_class'::regclass);
    IF planted IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'schema "ddd" holds objects that are not part of the extension',
            DETAIL = format('Found: %s.', planted),
            HINT = 'Move or drop them, then run CREATE EXTENSION again.';
    END IF;
END
$ddd$;

-- core: what the other files stand on, and row triggers that every table shares.

CREATE FUNCTION ddd.owns_type(name text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_owns_type';
COMMENT ON FUNCTION ddd.owns_type(text) IS
'Tells whether schema ddd has a type of this name that is a member of the extension.
For extension scripts. A type of somebody else, or the row type of a table, does not count.
Errors:
  22004 null name
Context: core (internal).';
REVOKE ALL ON FUNCTION ddd.owns_type(text) FROM PUBLIC;

CREATE FUNCTION ddd.touch_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_touch_row';
COMMENT ON FUNCTION ddd.touch_row() IS
'Keeps created_at and moves updated_at: BEFORE UPDATE row trigger of every table with both columns.
updated_at becomes the time of the transaction, or one microsecond more than it was where that is
later. An UPDATE that changes no other column leaves it, and so does ddd.backfill().
Errors:
  39P01 called as anything else
  42703 the table has no created_at or updated_at
  42804 one of them is not a timestamptz
Context: core (internal).';
REVOKE ALL ON FUNCTION ddd.touch_row() FROM PUBLIC;

CREATE FUNCTION ddd.check_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_row';
COMMENT ON FUNCTION ddd.check_row() IS
'Checks columns against rules: BEFORE INSERT OR UPDATE row trigger.
Each argument of the trigger is rule:column. The rules are email; text (not blank, where invisible
characters count as blank); name (not blank, no control or invisible character, no white space
around it). NULL passes.
Errors:
  22023 an argument that is not rule:column, or an unknown rule
  23514 a value against its rule, constraint <table>_<column>_valid or <table>_<column>_not_blank
  39P01 called as anything else
  42703 the table has no such column
  42804 the column is not of type text or varchar
Context: core (internal).';
REVOKE ALL ON FUNCTION ddd.check_row() FROM PUBLIC;


-- What the comments of the functions say is all there is: a function is in the
-- API when the last line of its comment is "Context: <name>.", and internal
-- when that line ends in "(internal)."
CREATE VIEW ddd.api AS
SELECT part[2] AS context,
       p.proname::text AS function,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result,
       part[1] AS summary
  FROM pg_extension e
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                  AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_proc p ON p.oid = d.objid
 CROSS JOIN LATERAL regexp_match(obj_description(p.oid, 'pg_proc'), '^([^\n]+)\n(?:.*\n)?Context: (\w+)[.]$') AS part
 WHERE e.extname = 'ddd' AND part IS NOT NULL
 ORDER BY context, function, arguments;
COMMENT ON VIEW ddd.api IS
'The functions of the API, one row each.
Besides its own errors, a function raises 42501 where the role has no EXECUTE on it, and, if it
reads or writes tables, 55000 where they are missing or at another version than the code; the
hint has the commands to run.';
COMMENT ON COLUMN ddd.api.context IS 'Part of ddd that the function belongs to.';
COMMENT ON COLUMN ddd.api.function IS 'Name of the function, in schema ddd.';
COMMENT ON COLUMN ddd.api.arguments IS 'Names, types and defaults of the arguments.';
COMMENT ON COLUMN ddd.api.result IS 'Type of the result; NULL of a procedure.';
COMMENT ON COLUMN ddd.api.summary IS 'First sentence of the comment; \df+ shows the rest.';
REVOKE ALL ON ddd.api FROM PUBLIC;
-- users: who writes, and how they prove it.

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('user_info') THEN
        CREATE TYPE ddd.user_info AS (
            id bigint,
            email text,
            full_name text,
            is_active boolean,
            is_superuser boolean,
            bio text,
            created_at timestamptz,
            updated_at timestamptz
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.user_info IS 'A user as the API shows one: never with the password hash.';
REVOKE ALL ON TYPE ddd.user_info FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('user_page') THEN
        CREATE TYPE ddd.user_page AS (
            id bigint,
            email text,
            full_name text,
            is_active boolean,
            is_superuser boolean,
            bio text,
            created_at timestamptz,
            updated_at timestamptz,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.user_page IS 'A user of a listing, with the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.user_page FROM PUBLIC;

CREATE FUNCTION ddd.create_user(
    email text,
    full_name text,
    password text DEFAULT NULL,
    bio text DEFAULT NULL,
    is_active boolean DEFAULT true,
    is_superuser boolean DEFAULT false,
    hashed_password text DEFAULT NULL
) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_create_user';
COMMENT ON FUNCTION ddd.create_user(text, text, text, text, boolean, boolean, text) IS
'Signs a user up and returns the row.
Without password and hashed_password, no password verifies for the user.
email: at most 255 characters; white space around it is removed. One user per address, where the
  case of ASCII letters does not count.
full_name: at most 255 characters, not blank.
password: 8 to 1024 bytes of UTF-8; stored as an Argon2id hash.
bio: any text.
is_active: whether the account is in use; what ddd.is_authenticated() tells.
is_superuser: a mark for the application; no function of ddd asks for it.
hashed_password: a hash made elsewhere, of a scheme that ddd.verify_password() knows.
Returns: the new row, without the hash.
Errors:
  22001 email or full_name of more than 255 characters
  22004 null email, full_name, is_active or is_superuser
  22021 password not valid in the encoding of the database
  22023 not an e-mail address; both password and hashed_password; a hash that is not supported
  22P05 password with a character that UTF-8 does not have
  23505 "Email already registered", constraint ix_users_email
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  53200 not enough memory to hash the password
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_user(text, text, text, text, boolean, boolean, text) FROM PUBLIC;

CREATE FUNCTION ddd.create_user(data jsonb) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_create_user_json';
COMMENT ON FUNCTION ddd.create_user(jsonb) IS
'Signs a user up from a JSON object and returns the row.
data: an object with email and full_name, and any of password, bio, is_active, is_superuser and
  hashed_password, which mean what the arguments of the other form do. Only password, bio and
  hashed_password may be null.
Returns: the new row, without the hash.
Errors:
  22001 email or full_name of more than 255 characters
  22004 null data; email or full_name missing
  22021 password not valid in the encoding of the database
  22023 not an object, unknown key, value of another JSON type; not an e-mail address; both
    password and hashed_password; a hash that is not supported
  22P05 password with a character that UTF-8 does not have
  23502 null for a key that takes none
  23505 "Email already registered", constraint ix_users_email
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  53200 not enough memory to hash the password
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_user(jsonb) FROM PUBLIC;

CREATE FUNCTION ddd.create_users(data jsonb, on_conflict text DEFAULT 'error') RETURNS SETOF ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'ddd_create_users';
COMMENT ON FUNCTION ddd.create_users(jsonb, text) IS
'Signs up every element of a JSON array and returns the new rows.
An error undoes the whole call; its DETAIL begins with the number of the element, from 1.
data: an array of objects, each as create_user(data) takes it.
on_conflict: "error", or "skip" to leave out an element whose address is registered already, also
  by an earlier element.
Returns: the new rows, in the order of the array.
Errors:
  22001 email or full_name of more than 255 characters
  22004 null argument; email or full_name missing
  22021 password not valid in the encoding of the database
  22023 not an array; on_conflict neither of the two; an element that create_user(data) refuses
    with this code
  22P05 password with a character that UTF-8 does not have
  23502 null for a key that takes none
  23505 "Email already registered", constraint ix_users_email, unless on_conflict is "skip"
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  53200 not enough memory to hash a password
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_users(jsonb, text) FROM PUBLIC;

CREATE FUNCTION ddd.get_user(user_id bigint) RETURNS ddd.user_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_user';
COMMENT ON FUNCTION ddd.get_user(bigint) IS
'Returns the user with this id.
user_id: users.id.
Returns: the user, or NULL if there is none.
Errors:
  22004 null user_id
Context: users.';
REVOKE ALL ON FUNCTION ddd.get_user(bigint) FROM PUBLIC;

CREATE FUNCTION ddd.get_user_by_email(email text) RETURNS ddd.user_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_user_by_email';
COMMENT ON FUNCTION ddd.get_user_by_email(text) IS
'Returns the user with this e-mail address.
email: the address; the case of ASCII letters and white space around it do not count.
Returns: the user, or NULL if there is none.
Errors:
  22004 null email
Context: users.';
REVOKE ALL ON FUNCTION ddd.get_user_by_email(text) FROM PUBLIC;

CREATE FUNCTION ddd.list_users(
    first integer DEFAULT 100,
    after text DEFAULT NULL,
    skip integer DEFAULT 0,
    active boolean DEFAULT NULL
) RETURNS SETOF ddd.user_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'ddd_list_users';
COMMENT ON FUNCTION ddd.list_users(integer, text, integer, boolean) IS
'Lists users, newest first.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
skip: rows to leave out before the page, from 0 to ddd.max_skip.
active: true for active users only, false for the others only, NULL for both.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first or skip
  2201W negative first
  2201X negative skip
  22023 first or skip above its limit; after is not a cursor of this listing with this active
Context: users.';
REVOKE ALL ON FUNCTION ddd.list_users(integer, text, integer, boolean) FROM PUBLIC;

CREATE FUNCTION ddd.search_users(
    query text,
    first integer DEFAULT 20,
    after text DEFAULT NULL
) RETURNS SETOF ddd.user_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'ddd_search_users';
COMMENT ON FUNCTION ddd.search_users(text, integer, text) IS
'Finds the users whose full_name or email contains a text.
Case does not count (in an address, that of ASCII letters); % and _ stand for themselves. A query
of 1 or 2 characters finds only what begins with it. First comes the user whose address it is,
then those whose full_name or email begins with it, then the rest, each by id.
query: 1 to 200 characters, not blank; white space around it is removed.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null query or first
  2201W negative first
  22023 blank query or one of more than 200 characters; first above its limit; after is not a
    cursor of this listing with this query
Context: users.';
REVOKE ALL ON FUNCTION ddd.search_users(text, integer, text) FROM PUBLIC;

CREATE FUNCTION ddd.update_user(
    user_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_user';
COMMENT ON FUNCTION ddd.update_user(bigint, jsonb, timestamptz) IS
'Changes the columns of a user that a JSON object names, and returns the row.
Where nothing really changes, updated_at stays.
user_id: users.id.
patch: an object with any of email, full_name, bio, is_active and is_superuser, under the rules of
  create_user(); only bio may be null.
expected_updated_at: the updated_at that the row must still have; NULL for any.
Returns: the row as it is then, or NULL if there is no such user.
Errors:
  22001 email or full_name of more than 255 characters
  22004 null user_id or patch
  22023 not an object, unknown key, value of another JSON type; not an e-mail address
  23502 null for a key that takes none
  23505 "Email already registered", constraint ix_users_email
  23514 blank full_name; the row was changed meanwhile, constraint users_stale_update
Context: users.';
REVOKE ALL ON FUNCTION ddd.update_user(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE FUNCTION ddd.set_password(user_id bigint, password text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_set_password';
COMMENT ON FUNCTION ddd.set_password(bigint, text) IS
'Gives a user a new password.
user_id: users.id.
password: 8 to 1024 bytes of UTF-8; stored as an Argon2id hash.
Returns: whether there is such a user.
Errors:
  22004 null argument
  22021 password not valid in the encoding of the database
  22P05 password with a character that UTF-8 does not have
  23514 password of fewer than 8 or more than 1024 bytes, constraint password_length
  53200 not enough memory to hash the password
Context: users.';
REVOKE ALL ON FUNCTION ddd.set_password(bigint, text) FROM PUBLIC;

CREATE FUNCTION ddd.is_authenticated(user_info ddd.user_info) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_is_authenticated';
COMMENT ON FUNCTION ddd.is_authenticated(ddd.user_info) IS
'Tells whether a user counts as authenticated, as every active one does.
Where ddd is on the search_path, (u).is_authenticated reads like a property.
user_info: the user.
Returns: the is_active of the user; NULL for NULL.
Errors: none.
Context: users.';
REVOKE ALL ON FUNCTION ddd.is_authenticated(ddd.user_info) FROM PUBLIC;

CREATE FUNCTION ddd.repr(user_info ddd.user_info) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_repr';
COMMENT ON FUNCTION ddd.repr(ddd.user_info) IS
'Shows a user as <User(email=''ann@example.org'', full_name=''Ann Smith'')>.
user_info: the user.
Returns: the text, with quotes, backslashes and control characters escaped by a backslash, and
  None for a null column; NULL for NULL.
Errors: none.
Context: users.';
REVOKE ALL ON FUNCTION ddd.repr(ddd.user_info) FROM PUBLIC;

CREATE FUNCTION ddd.to_dict(record anyelement) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_to_dict';
COMMENT ON FUNCTION ddd.to_dict(anyelement) IS
'Turns a row of ddd into a JSON object, never with the password hash.
record: a row of a table or a view of schema ddd, or a value of one of its types.
Returns: an object with a key for each column but hashed_password; NULL for NULL.
Errors:
  42804 not a row of ddd
Context: users.';
REVOKE ALL ON FUNCTION ddd.to_dict(anyelement) FROM PUBLIC;

CREATE FUNCTION ddd.hash_password(password text) RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'ddd_hash_password';
COMMENT ON FUNCTION ddd.hash_password(text) IS
'Hashes a password with Argon2id and a random salt.
The cost is that of ddd.argon2_memory_kib and ddd.argon2_time.
password: 8 to 1024 bytes of UTF-8.
Returns: the hash in PHC format, $argon2id$v=19$m=...,t=...,p=1$salt$tag.
Errors:
  22004 null password
  22021 password not valid in the encoding of the database
  22P05 password with a character that UTF-8 does not have
  23514 password of fewer than 8 or more than 1024 bytes, constraint password_length
  53200 not enough memory
Context: users.';
REVOKE ALL ON FUNCTION ddd.hash_password(text) FROM PUBLIC;

CREATE FUNCTION ddd.verify_password(password text, hash text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'ddd_verify_password';
COMMENT ON FUNCTION ddd.verify_password(text, text) IS
'Tells whether a hash was made of this password.
Knows argon2id, argon2i, bcrypt ($2a$, $2b$, $2y$; reads 72 bytes), sha-crypt ($5$, $6$; up to 511
bytes) and PBKDF2 with SHA-256 (of passlib and of Django). The cost written in a hash is bounded
before any work is done for it.
password: any text; its UTF-8 form counts.
hash: the stored hash, or ! for none.
Returns: whether it matches; false for the hash ! and for a password of more than 1024 bytes.
Errors:
  22004 null argument
  22021 password not valid in the encoding of the database
  22023 a hash of another scheme, malformed, or over the limits of cost
  22P05 password with a character that UTF-8 does not have
  53200 not enough memory
Context: users.';
REVOKE ALL ON FUNCTION ddd.verify_password(text, text) FROM PUBLIC;

CREATE FUNCTION ddd.needs_rehash(hash text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_needs_rehash';
COMMENT ON FUNCTION ddd.needs_rehash(text) IS
'Tells whether a stored hash should be replaced once its password is known.
It should where it is not argon2id, or has less memory, or less memory times passes, than
ddd.argon2_memory_kib and ddd.argon2_time ask for.
hash: the stored hash, or ! for none.
Returns: whether to hash again; false for the hash !.
Errors:
  22004 null hash
  22023 a hash that verify_password() refuses
Context: users.';
REVOKE ALL ON FUNCTION ddd.needs_rehash(text) FROM PUBLIC;

CREATE FUNCTION ddd.identify_hash(hash text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_identify_hash';
COMMENT ON FUNCTION ddd.identify_hash(text) IS
'Names the scheme of a stored hash.
hash: the stored hash, or ! for none.
Returns: argon2id, argon2i, bcrypt, sha256-crypt, sha512-crypt, pbkdf2-sha256, django-pbkdf2-sha256
  or unusable (the hash !); NULL for one that verify_password() refuses.
Errors:
  22004 null hash
Context: users.';
REVOKE ALL ON FUNCTION ddd.identify_hash(text) FROM PUBLIC;
-- counters: how many rows name each subject, exact in every snapshot.

CREATE FUNCTION ddd.count_rows() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_count_rows';
COMMENT ON FUNCTION ddd.count_rows() IS
'Writes to ddd.counter_ledger what a statement changes: AFTER statement trigger.
The arguments of the trigger are the number of a counter and the column that names the subject, a
bigint; a trigger on INSERT, DELETE or UPDATE declares the transition tables. One row is written for
each subject with more or fewer rows than before. After TRUNCATE, and while a dump is loaded, the
counter is made stale instead: it is counted anew at the next fold, and by readers until then.
Errors:
  22023 a trigger without the two arguments
  39P01 called as anything else, or without a transition table
  42501 the table does not belong to the owner of ddd''s tables
  42703 the table has no such column
  42804 the column is not a bigint
Context: counters (internal).';
REVOKE ALL ON FUNCTION ddd.count_rows() FROM PUBLIC;

CREATE FUNCTION ddd.keep_counter_state() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_keep_counter_state';
COMMENT ON FUNCTION ddd.keep_counter_state() IS
'Keeps the row that a counter has, where a dump brings another: BEFORE INSERT row trigger.
Errors:
  39P01 called as anything else
Context: counters (internal).';
REVOKE ALL ON FUNCTION ddd.keep_counter_state() FROM PUBLIC;

CREATE FUNCTION ddd.fold_counters() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_fold_counters';
COMMENT ON FUNCTION ddd.fold_counters() IS
'Adds what is pending in ddd.counter_ledger to ddd.counters.
No count changes by it; reading gets cheaper. A counter that is stale is counted anew. Waits for
another fold that is under way, and lets nobody else wait.
Returns: the number of ledger rows that were taken.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  55000 a subscription replicates the ledger: the publisher folds
Context: counters.';
REVOKE ALL ON FUNCTION ddd.fold_counters() FROM PUBLIC;

CREATE FUNCTION ddd.rebuild_counters() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_rebuild_counters';
COMMENT ON FUNCTION ddd.rebuild_counters() IS
'Counts all rows anew and corrects ddd.counters.
For counters that are wrong because rows were changed without their triggers. Others read and write
meanwhile.
Returns: the number of subjects whose stored number was changed.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  55000 a subscription replicates the ledger: the publisher counts
Context: counters.';
REVOKE ALL ON FUNCTION ddd.rebuild_counters() FROM PUBLIC;

DO $ddd$
BEGIN
    IF NOT ddd.owns_type('counter_page') THEN
        CREATE TYPE ddd.counter_page AS (
            counter text,
            subject_id bigint,
            told bigint,
            counted bigint,
            cursor text
        );
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.counter_page IS 'What is told of a subject and what is counted, and the cursor that the next page goes on from.';
REVOKE ALL ON TYPE ddd.counter_page FROM PUBLIC;

CREATE FUNCTION ddd.verify_counters(
    first integer DEFAULT 1000,
    after text DEFAULT NULL
) RETURNS SETOF ddd.counter_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'ddd_verify_counters';
COMMENT ON FUNCTION ddd.verify_counters(integer, text) IS
'Lists what is told of each subject and what is counted, by table and subject.
The two are equal, unless rows were changed without their triggers: then ddd.rebuild_counters()
corrects the numbers. A page counts the rows of its own subjects.
first: rows of the page, from 0 to ddd.max_page_size.
after: cursor of the last row of the page before; NULL for the first page.
Returns: the rows of the page, each with its cursor; no row at the end.
Errors:
  22004 null first
  2201W negative first
  22023 first above its limit; after is not a cursor of this listing
Context: counters.';
REVOKE ALL ON FUNCTION ddd.verify_counters(integer, text) FROM PUBLIC;

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

CREATE FUNCTION ddd.create_post(
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
  40001 tags were deleted meanwhile, again and again
Context: blog.';
REVOKE ALL ON FUNCTION ddd.create_post(bigint, text, text, text[]) FROM PUBLIC;

CREATE FUNCTION ddd.get_post(post_id bigint) RETURNS ddd.post_info
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

CREATE FUNCTION ddd.update_post(
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
Context: blog.';
REVOKE ALL ON FUNCTION ddd.update_post(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE FUNCTION ddd.delete_post(post_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_post';
COMMENT ON FUNCTION ddd.delete_post(bigint) IS
'Deletes a post with its comments and its links to tags.
post_id: posts.id.
Returns: whether there was such a post.
Errors:
  22004 null post_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.delete_post(bigint) FROM PUBLIC;

CREATE FUNCTION ddd.list_posts(
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

CREATE FUNCTION ddd.user_posts(
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

CREATE FUNCTION ddd.posts_detail(ids bigint[]) RETURNS SETOF ddd.post_detail
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

CREATE FUNCTION ddd.users_with_posts(
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

CREATE FUNCTION ddd.add_comment(
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
Context: blog.';
REVOKE ALL ON FUNCTION ddd.add_comment(bigint, bigint, text, bigint) FROM PUBLIC;

CREATE FUNCTION ddd.update_comment(
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
Context: blog.';
REVOKE ALL ON FUNCTION ddd.update_comment(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE FUNCTION ddd.delete_comment(comment_id bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_delete_comment';
COMMENT ON FUNCTION ddd.delete_comment(bigint) IS
'Deletes a comment; replies to it stay, as top-level comments.
comment_id: comments.id.
Returns: whether there was such a comment.
Errors:
  22004 null comment_id
Context: blog.';
REVOKE ALL ON FUNCTION ddd.delete_comment(bigint) FROM PUBLIC;

CREATE FUNCTION ddd.user_comments(
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

CREATE FUNCTION ddd.post_comments(
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

CREATE FUNCTION ddd.posts_with_comments(
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

CREATE FUNCTION ddd.delete_user(
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
Context: blog.';
REVOKE ALL ON FUNCTION ddd.delete_user(bigint, text, bigint) FROM PUBLIC;

CREATE FUNCTION ddd.tag_post(post_id bigint, tags text[]) RETURNS text[]
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
  40001 tags were deleted meanwhile, again and again
Context: blog.';
REVOKE ALL ON FUNCTION ddd.tag_post(bigint, text[]) FROM PUBLIC;

CREATE FUNCTION ddd.untag_post(post_id bigint, tags text[]) RETURNS text[]
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
Context: blog.';
REVOKE ALL ON FUNCTION ddd.untag_post(bigint, text[]) FROM PUBLIC;

CREATE FUNCTION ddd.set_post_tags(post_id bigint, tags text[]) RETURNS text[]
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
  40001 tags were deleted meanwhile, again and again
Context: blog.';
REVOKE ALL ON FUNCTION ddd.set_post_tags(bigint, text[]) FROM PUBLIC;

CREATE FUNCTION ddd.check_comment() RETURNS trigger
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

CREATE FUNCTION ddd.fill_post_tag() RETURNS trigger
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

CREATE FUNCTION ddd.check_tag() RETURNS trigger
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

CREATE FUNCTION ddd.popular_posts(
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

CREATE FUNCTION ddd.hot_posts(
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

CREATE FUNCTION ddd.comment_count(post_id bigint) RETURNS bigint
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

-- tags: finding posts by tag.

CREATE FUNCTION ddd.tag_key(name text) RETURNS text
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

CREATE FUNCTION ddd.tag_query_in(query cstring) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_in';
COMMENT ON FUNCTION ddd.tag_query_in(cstring) IS
'Reads a tag query.
Errors:
  22023 no tag query: the message has the place, the detail what is wrong there
Context: tags (internal).';

CREATE FUNCTION ddd.tag_query_out(query ddd.tag_query) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_out';
COMMENT ON FUNCTION ddd.tag_query_out(ddd.tag_query) IS
'Writes a tag query as text that reads back as the same.
Errors: none.
Context: tags (internal).';

CREATE FUNCTION ddd.tag_query_recv(message internal) RETURNS ddd.tag_query
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_recv';
COMMENT ON FUNCTION ddd.tag_query_recv(internal) IS
'Reads a tag query in its binary form: a byte 1, then its text.
Errors:
  22023 no tag query
  22P03 another byte than 1
Context: tags (internal).';

CREATE FUNCTION ddd.tag_query_send(query ddd.tag_query) RETURNS bytea
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

CREATE FUNCTION ddd.tag_query_eq(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_eq';
COMMENT ON FUNCTION ddd.tag_query_eq(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query is the same as another.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_eq(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_ne(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_ne';
COMMENT ON FUNCTION ddd.tag_query_ne(ddd.tag_query, ddd.tag_query) IS
'Tells whether two tag queries differ.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_ne(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_lt(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_lt';
COMMENT ON FUNCTION ddd.tag_query_lt(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query comes before another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_lt(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_le(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_le';
COMMENT ON FUNCTION ddd.tag_query_le(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query does not come after another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_le(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_gt(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_gt';
COMMENT ON FUNCTION ddd.tag_query_gt(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query comes after another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_gt(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_ge(query ddd.tag_query, other ddd.tag_query) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_ge';
COMMENT ON FUNCTION ddd.tag_query_ge(ddd.tag_query, ddd.tag_query) IS
'Tells whether a tag query does not come before another in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_ge(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_cmp(query ddd.tag_query, other ddd.tag_query) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_cmp';
COMMENT ON FUNCTION ddd.tag_query_cmp(ddd.tag_query, ddd.tag_query) IS
'Compares tag queries in the order of their bytes.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_cmp(ddd.tag_query, ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_hash(query ddd.tag_query) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_hash';
COMMENT ON FUNCTION ddd.tag_query_hash(ddd.tag_query) IS
'Hashes a tag query.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_hash(ddd.tag_query) FROM PUBLIC;

CREATE FUNCTION ddd.tag_query_hash_extended(query ddd.tag_query, seed bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tag_query_hash_extended';
COMMENT ON FUNCTION ddd.tag_query_hash_extended(ddd.tag_query, bigint) IS
'Hashes a tag query with a seed.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tag_query_hash_extended(ddd.tag_query, bigint) FROM PUBLIC;

CREATE FUNCTION ddd.tags_all(tags text[]) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tags_any(tags text[]) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tags_none(tags text[]) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tags_exact(tags text[]) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tag_query_and(query ddd.tag_query, other ddd.tag_query) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tag_query_or(query ddd.tag_query, other ddd.tag_query) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tag_query_not(query ddd.tag_query) RETURNS ddd.tag_query
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

CREATE FUNCTION ddd.tags_match(tags text[], query ddd.tag_query) RETURNS boolean
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

CREATE FUNCTION ddd.tags_match_selectivity(planner internal, operator oid, arguments internal, variable integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_tags_match_selectivity';
COMMENT ON FUNCTION ddd.tags_match_selectivity(internal, oid, internal, integer) IS
'Estimates how many arrays of tags are what a tag query asks for.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.tags_match_selectivity(internal, oid, internal, integer) FROM PUBLIC;

CREATE FUNCTION ddd.gin_tags_compare(one text, other text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_compare';
COMMENT ON FUNCTION ddd.gin_tags_compare(text, text) IS
'Compares keys of an index of tags, byte by byte.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_compare(text, text) FROM PUBLIC;

CREATE FUNCTION ddd.gin_tags_compare_prefix(prefix text, key text, strategy smallint, extra internal) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_compare_prefix';
COMMENT ON FUNCTION ddd.gin_tags_compare_prefix(text, text, smallint, internal) IS
'Tells whether a key of an index of tags begins with a prefix: 0, or 1.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_compare_prefix(text, text, smallint, internal) FROM PUBLIC;

CREATE FUNCTION ddd.gin_tags_extract_value(tags text[], nkeys internal, nulls internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_extract_value';
COMMENT ON FUNCTION ddd.gin_tags_extract_value(text[], internal, internal) IS
'Gives the keys of an array for an index of tags.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_extract_value(text[], internal, internal) FROM PUBLIC;

CREATE FUNCTION ddd.gin_tags_extract_query(query ddd.tag_query, nkeys internal, strategy smallint, partial internal, extra internal, nulls internal, mode internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_gin_tags_extract_query';
COMMENT ON FUNCTION ddd.gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal) IS
'Gives the keys of a tag query for an index of tags.
Errors: none.
Context: tags (internal).';
REVOKE ALL ON FUNCTION ddd.gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal) FROM PUBLIC;

CREATE FUNCTION ddd.gin_tags_triconsistent(checks internal, strategy smallint, query ddd.tag_query, nkeys integer, extra internal, keys internal, nulls internal) RETURNS "char"
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

CREATE FUNCTION ddd.posts_by_tag(
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

CREATE FUNCTION ddd.posts_by_tags(
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

CREATE FUNCTION ddd.list_tags(first integer DEFAULT 100, after text DEFAULT NULL, prefix text DEFAULT NULL) RETURNS SETOF ddd.tag_page
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

CREATE FUNCTION ddd.popular_tags(first integer DEFAULT 20) RETURNS SETOF ddd.tag_info
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

CREATE FUNCTION ddd.suggest_tags(prefix text, first integer DEFAULT 10) RETURNS SETOF ddd.tag_info
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

CREATE FUNCTION ddd.related_tags(name text, first integer DEFAULT 8) RETURNS SETOF ddd.related_tag
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

CREATE FUNCTION ddd.rename_tag(name text, new_name text) RETURNS ddd.tag_info
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
  40001 the tags were changed meanwhile
Context: tags.';
REVOKE ALL ON FUNCTION ddd.rename_tag(text, text) FROM PUBLIC;

CREATE FUNCTION ddd.merge_tags(source text[], target text) RETURNS ddd.tag_info
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
  40001 the tags were changed meanwhile, or in a REPEATABLE READ transaction posts were tagged
Context: tags.';
REVOKE ALL ON FUNCTION ddd.merge_tags(text[], text) FROM PUBLIC;

CREATE FUNCTION ddd.add_tag_synonym(name text, synonym text) RETURNS ddd.tag_info
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
  40001 the tags were changed meanwhile
Context: tags.';
REVOKE ALL ON FUNCTION ddd.add_tag_synonym(text, text) FROM PUBLIC;

CREATE FUNCTION ddd.drop_tag_synonym(synonym text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_drop_tag_synonym';
COMMENT ON FUNCTION ddd.drop_tag_synonym(text) IS
'Removes a synonym; the tag that it stood for stays.
synonym: the name in any spelling.
Returns: whether there was such a synonym.
Errors:
  22004 null synonym
Context: tags.';
REVOKE ALL ON FUNCTION ddd.drop_tag_synonym(text) FROM PUBLIC;

CREATE FUNCTION ddd.delete_tag(name text, force boolean DEFAULT false) RETURNS boolean
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
  40001 the tags were changed meanwhile, or in a REPEATABLE READ transaction posts were tagged
Context: tags.';
REVOKE ALL ON FUNCTION ddd.delete_tag(text, boolean) FROM PUBLIC;

CREATE FUNCTION ddd.prune_tags() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_prune_tags';
COMMENT ON FUNCTION ddd.prune_tags() IS
'Deletes the tags that no post has and that have no synonyms; passes over those in use right now.
What your own foreign keys do about a deleted tag is theirs to say.
Returns: the number of tags that were deleted.
Errors:
  23503 a foreign key of yours refers to one of them
  40001 in a REPEATABLE READ transaction, one was changed meanwhile
Context: tags.';
REVOKE ALL ON FUNCTION ddd.prune_tags() FROM PUBLIC;
-- migrations: which version stands, and how tables and code come together.

CREATE FUNCTION ddd.version(OUT code text, OUT library text, OUT tables text)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_version';
COMMENT ON FUNCTION ddd.version() IS
'Shows the versions of the SQL objects, of the loaded library and of the tables.
They differ after restoring an old dump onto newer code, or between installing a package and
ALTER EXTENSION ddd UPDATE. Works in every such state, and without tables.
code: version of the SQL objects, pg_extension.extversion.
library: version of the shared library that this session has loaded.
tables: version of the tables, from ddd.schema_version; NULL where there are none.
Returns: one row.
Errors:
  55000 ddd.schema_version holds more than one version
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.version() FROM PUBLIC;

CREATE FUNCTION ddd.current(
    OUT version text, OUT message text, OUT is_head boolean, OUT library text, OUT tables text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_current';
COMMENT ON FUNCTION ddd.current() IS
'Shows the version of ddd in this database.
Warns where library, SQL objects and tables are not at one version.
version: version of the SQL objects.
message: what it is about, in one line.
is_head: whether it is the newest that this server has scripts for.
library: version of the shared library that this session has loaded.
tables: version of the tables; NULL where there are none.
Returns: one row.
Errors:
  55000 ddd.schema_version holds more than one version
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.current() FROM PUBLIC;

CREATE FUNCTION ddd.heads(OUT version text, OUT message text, OUT is_current boolean)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_heads';
COMMENT ON FUNCTION ddd.heads() IS
'Shows the version that ddd.upgrade() leads to.
version: the newest version that this server has scripts for; there is one only.
message: what it is about, in one line.
is_current: whether the SQL objects are at this version.
Returns: one row.
Errors: none.
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.heads() FROM PUBLIC;

CREATE FUNCTION ddd.history(
    OUT version text, OUT parent text, OUT message text, OUT applied_at timestamptz, OUT applied_by text,
    OUT duration interval, OUT direction text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_history';
COMMENT ON FUNCTION ddd.history() IS
'Shows what has been done to the tables, the latest first, and before it what is still to come.
It is what ddd.migration_log holds: each step, whoever made it and however, of older versions too.
version: the version that the step led to, or leads to.
parent: the version before the step; NULL of an installation.
message: what the version is about that was installed, applied or undone.
applied_at: when the step ended; NULL of a step that is still to come.
applied_by: the role that had logged in; NULL of a step that is still to come.
duration: how long its script took; NULL of a step that is still to come.
direction: install, up, down or stamp; NULL of a step that is still to come.
Returns: a row for each step.
Errors: none.
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.history() FROM PUBLIC;

CREATE FUNCTION ddd.plan(
    target text DEFAULT 'head', OUT step integer, OUT version text, OUT parent text, OUT direction text, OUT sql text,
    OUT locks text, OUT measured interval, OUT reversible boolean, OUT message text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_plan';
COMMENT ON FUNCTION ddd.plan(text) IS
'Shows the steps to a version, up or down, without making any.
target: head, +1 or -1 (or another number), or a version.
step: number of the step, from 1.
version: the version that the step leads to.
parent: the version before the step.
direction: up or down.
sql: the statement that makes the step.
locks: which tables it locks, and what it does meanwhile; NULL where that is not known.
measured: how long it took with 100,000 users, 1,000,000 posts, 10,000,000 comments and 10,000 tags,
  and held these locks; NULL where that is not known.
reversible: whether there is a script back.
message: what the version is about that the step applies or undoes.
Returns: a row for each step; none where the target is the current version.
Errors:
  22004 null target
  22023 a target that cannot be reached; the hint has those that can
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.plan(text) FROM PUBLIC;

CREATE FUNCTION ddd.upgrade(
    target text DEFAULT 'head', dry_run boolean DEFAULT false, lock_timeout interval DEFAULT '5 s', OUT step integer,
    OUT version text, OUT parent text, OUT direction text, OUT message text, OUT duration interval)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_upgrade';
COMMENT ON FUNCTION ddd.upgrade(text, boolean, interval) IS
'Migrates up to a version, as ALTER EXTENSION ddd UPDATE does, step by step in one transaction.
What stops a migration raises its own error, and nothing has changed. For superusers.
target: head, +1 (or another number), or a version.
dry_run: makes the steps and undoes them; the locks that it takes are real.
lock_timeout: how long it waits for each lock; 0 waits for ever.
step: number of the step, from 1.
version: the version that the step led to.
parent: the version before the step.
direction: up.
message: what the version is about.
duration: how long the step took.
Returns: a row for each step; none where the target is the current version.
Errors:
  22004 null argument
  22023 a target that cannot be reached, or is below; the hint has those that can
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by a role that is no superuser
  55000 the tables are at another version than the code; the hint has the commands to run
  55P03 a lock was not to be had within lock_timeout
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.upgrade(text, boolean, interval) FROM PUBLIC;

CREATE FUNCTION ddd.downgrade(
    target text DEFAULT '-1', dry_run boolean DEFAULT false, lock_timeout interval DEFAULT '5 s', OUT step integer,
    OUT version text, OUT parent text, OUT direction text, OUT message text, OUT duration interval)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_downgrade';
COMMENT ON FUNCTION ddd.downgrade(text, boolean, interval) IS
'Migrates down to a version, as ALTER EXTENSION ddd UPDATE TO does, step by step in one transaction.
What an older version cannot hold waits in ddd.stash, or stops the downgrade with an error
of its own, and nothing has changed. For superusers.
target: -1 (or another number), or a version.
dry_run: makes the steps and undoes them; the locks that it takes are real.
lock_timeout: how long it waits for each lock; 0 waits for ever.
step: number of the step, from 1.
version: the version that the step led to.
parent: the version before the step.
direction: down.
message: what the version is about that the step undid.
duration: how long the step took.
Returns: a row for each step; none where the target is the current version.
Errors:
  22004 null argument
  22023 a target that cannot be reached, or is above; the hint has those that can
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by a role that is no superuser
  55000 the tables are at another version than the code, or hold rows that would be lost
  55P03 a lock was not to be had within lock_timeout
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.downgrade(text, boolean, interval) FROM PUBLIC;

CREATE FUNCTION ddd.fingerprint(OUT part text, OUT object text, OUT fact text, OUT value text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_fingerprint';
COMMENT ON FUNCTION ddd.fingerprint() IS
'Shows the facts about every object of schema ddd and every member of the extension.
There are no OIDs, no rows and no names of the owners in it: two databases are at the same version,
however they got there, where it is the same.
part: tables, what belongs to the user; or code, what an update replaces.
object: which object, in words.
fact: which fact about it; each object has "definition".
value: its value; the MD5 checksum of a long one.
Returns: a row for each fact, ordered by object, fact and value.
Errors: none.
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.fingerprint() FROM PUBLIC;

CREATE FUNCTION ddd.check_schema(
    OUT object text, OUT deviation text, OUT fact text, OUT expected text, OUT found text, OUT is_fault boolean)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_schema';
COMMENT ON FUNCTION ddd.check_schema() IS
'Compares this database with what its version of ddd looks like, and names each deviation.
Who owns the tables may add to them, tune them and comment on them: that is no fault. It is one
where something of ddd is missing or changed, disabled, of another owner or of another version,
and where among its functions stands one that is not its own.
object: which object, in words, as of ddd.fingerprint().
deviation: missing, added or changed.
fact: what has changed; NULL of an object that is missing or added.
expected: as a fresh installation has it; NULL where it does not have that fact.
found: as it is here; NULL where it is not here.
is_fault: whether it is a fault.
Returns: a row for each deviation, faults first; none where all is as installed.
Errors:
  22023 the server does not have the facts of this version
  55000 ddd.schema_version holds more than one version
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.check_schema() FROM PUBLIC;

CREATE FUNCTION ddd.verify(OUT finding text, OUT object text, OUT found bigint, OUT example text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_verify';
COMMENT ON FUNCTION ddd.verify() IS
'Counts rows that are not what constraints and triggers make of them, where those were switched off.
Wrong counts; rows without the one that they name; e-mail addresses and names of tags that are one;
keys of tags; synonyms; times beside tags; ids ahead of their sequence; what should have come back
from ddd.stash. Reads all tables whole, in one snapshot and without locks.
finding: what is wrong.
object: the table, constraint or sequence.
found: how many rows.
example: the key of one of them.
Returns: a row for each kind of finding; none where all is well.
Errors:
  55000 the tables are at another version than the code
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.verify() FROM PUBLIC;

CREATE PROCEDURE ddd.backfill(
    table_name text, assignments text, condition text DEFAULT 'true', batch_size integer DEFAULT 1000,
    pause interval DEFAULT '0 s')
LANGUAGE c
AS 'MODULE_PATHNAME', 'ddd_backfill';
COMMENT ON PROCEDURE ddd.backfill(text, text, text, integer, interval) IS
'Writes columns of a large table in batches, each in a transaction of its own.
For a column that was added empty, before a constraint asks for values. Rows are taken in the order
of the primary key, once each; those that come before the place reached are not seen any more.
Stopped, it goes on where it was when it is called with the same table_name, assignments and
condition; ddd.backfills shows how far it is, and without its row there it begins anew. Sessions
that call it while it runs share the work. The expressions run as the owner of the tables, with
search_path pinned: all names but those of columns and of pg_catalog need their schema. Triggers
fire, but updated_at and created_at stay. A notice at the end says how many rows were written.
table_name: name of a table of schema ddd.
assignments: SQL, what UPDATE has after SET.
condition: SQL, which rows are written; as they are when they are locked for it.
batch_size: rows to read in a transaction.
pause: how long it waits after each batch.
Returns: nothing.
Errors:
  22004 null argument
  22023 batch_size below 1; a primary key is assigned to
  25006 called in a read-only transaction
  2D000 called in a transaction block, or in a function
  40001 a row was changed meanwhile, where the default isolation is not read committed
  42501 called by another role than the owner of the tables; a policy would hide rows
  42601 assignments and condition are not parts of one UPDATE
  42P01 schema ddd has no such table
  54000 assignments and condition are too long
  55000 no primary key, or another than when it was stopped
Context: migrations.';
REVOKE ALL ON PROCEDURE ddd.backfill(text, text, text, integer, interval) FROM PUBLIC;

CREATE FUNCTION ddd.tables_wanted() RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tables_wanted';
COMMENT ON FUNCTION ddd.tables_wanted() IS
'Tells whether CREATE EXTENSION creates the tables here.
It is ddd.create_tables if that is on or off; if it is auto, false during a restore (row_security
and check_function_bodies both off) and on a Citus worker.
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.tables_wanted() FROM PUBLIC;

CREATE FUNCTION ddd.install() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_install';
COMMENT ON FUNCTION ddd.install() IS
'Creates the tables where CREATE EXTENSION left them out, and the triggers that are missing.
Also lets the owner of schema and tables execute the functions. Does nothing where nothing is
missing. For superusers.
Returns: what was created: "created the tables", "attached triggers: 2" or "nothing to do".
Errors:
  25006 called in a read-only transaction
  42501 called by a role that is no superuser
  55000 the tables are at another version than the code; the hint has the commands to run
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.install() FROM PUBLIC;

CREATE FUNCTION ddd.stamp(version text, force boolean DEFAULT false) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_stamp';
COMMENT ON FUNCTION ddd.stamp(text, boolean) IS
'Records that code and tables are at a version, so that the next update starts there.
For an old dump that was restored onto newer code: stamped with the version of its tables, ALTER
EXTENSION ddd UPDATE migrates. Brings the functions to that version and changes no table. For
superusers.
version: the version of the tables; or head, -1 and the like.
force: stamps tables that do not look like this version.
Returns: the version.
Errors:
  22004 null argument
  22023 not a version that leads to the present code; the tables do not look like it; there are none
  25006 called in a read-only transaction
  42501 called by a role that is no superuser
Context: migrations.';
REVOKE ALL ON FUNCTION ddd.stamp(text, boolean) FROM PUBLIC;

CREATE FUNCTION ddd.migrate(from_version text, tables text[], statements text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_migrate';
COMMENT ON FUNCTION ddd.migrate(text, text[], text) IS
'Runs the statements of a migration as the owner of the tables, and records their new version.
For migration scripts. Locks out other migrations. The statements run in a security-restricted
operation with row_security off, and may call every function that the script has made so far.
False, and nothing is run, where there are no tables.
from_version: the version that the tables must be at.
tables: names of those that the statements change. They are locked in this order against
  everybody, and none of their triggers is fired meanwhile but those that count rows.
statements: SQL.
Errors:
  22004 null argument
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  42501 a forced policy would hide rows
  55000 called outside a script, or the tables are not at from_version
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.migrate(text, text[], text) FROM PUBLIC;

CREATE FUNCTION ddd.stash_rows(version text, table_name text, condition text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_stash_rows';
COMMENT ON FUNCTION ddd.stash_rows(text, text, text) IS
'Moves rows of a table to ddd.stash, for a version that cannot hold them.
For the statements of ddd.migrate(). Columns that users have added go with them.
version: the version that can; the migration to it calls ddd.unstash().
table_name: name of a table of schema ddd.
condition: SQL, over the columns of the table; true for all rows.
Returns: the number of rows.
Errors:
  22004 null argument
  23503 rows of another table would go with them by a foreign key, or forget them
  42501 the owner of the tables may not see whether they would
  42P01 schema ddd has no such table
  55000 called outside a script; no primary key; a rule that keeps rows
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.stash_rows(text, text, text) FROM PUBLIC;

CREATE FUNCTION ddd.stash_columns(version text, table_name text, columns text[], depends_on text[], condition text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_stash_columns';
COMMENT ON FUNCTION ddd.stash_columns(text, text, text[], text[], text) IS
'Copies values of columns to ddd.stash, for a version that does not have these columns.
For the statements of ddd.migrate(), before they drop the columns.
version: the version that has them; the migration to it calls ddd.unstash().
table_name: name of a table of schema ddd.
columns: names of the columns.
depends_on: columns of the table that stay; a value comes back only where they are as they were.
condition: SQL, for which rows; false where the migration to that version finds the value by itself.
Returns: the number of rows.
Errors:
  22004 null argument
  42703 the table stores no such column
  42P01 schema ddd has no such table
  55000 called outside a script; no primary key
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.stash_columns(text, text, text[], text[], text) FROM PUBLIC;

CREATE FUNCTION ddd.check_dependents(table_name text, columns text[]) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_dependents';
COMMENT ON FUNCTION ddd.check_dependents(text, text[]) IS
'Stops a migration that would take objects of users along with columns.
For the statements of ddd.migrate(), before they drop columns: DROP COLUMN asks for views and the
like, but not for indexes, constraints and statistics. Those of ddd have to be dropped before.
table_name: name of a table of schema ddd.
columns: names of the columns.
Errors:
  22004 null argument
  2BP01 an index, a constraint or statistics use a column
  42P01 schema ddd has no such table
  55000 called outside a script
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.check_dependents(text, text[]) FROM PUBLIC;

CREATE FUNCTION ddd.unstash(version text, table_name text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_unstash';
COMMENT ON FUNCTION ddd.unstash(text, text) IS
'Brings back what ddd.stash_rows() and ddd.stash_columns() have set aside for a version.
For the statements of ddd.migrate(); and for superusers, to try again. A row comes back where the
table takes it; a value of a column where its row is there and the columns that it depends on are
as they were. The rest stays in ddd.stash, with a warning; so do values without a column.
version: the version that they were set aside for.
table_name: name of a table of schema ddd.
Returns: the number of rows.
Errors:
  22004 null argument
  25006 called in a read-only transaction
  42501 called by a role that is no superuser
  42P01 schema ddd has no such table
  55000 no primary key
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.unstash(text, text) FROM PUBLIC;

CREATE FUNCTION ddd.guard_schema_version() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_guard_schema_version';
COMMENT ON FUNCTION ddd.guard_schema_version() IS
'Keeps ddd.schema_version at one version: BEFORE row trigger of that table.
Lets a restore insert the version that is there already, and makes every session check again.
Errors:
  39P01 called as anything else
  55000 another version is inserted beside the one that is there
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.guard_schema_version() FROM PUBLIC;

CREATE FUNCTION ddd.pass_grants(from_function regprocedure, to_function regprocedure) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_pass_grants';
COMMENT ON FUNCTION ddd.pass_grants(regprocedure, regprocedure) IS
'Grants on a function what users have been granted on the one that it takes the place of.
For extension scripts.
Errors:
  22004 a null argument
  55000 called outside of the scripts of ALTER EXTENSION ddd
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.pass_grants(regprocedure, regprocedure) FROM PUBLIC;

CREATE FUNCTION ddd.grant_to_owner() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $grant$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT o.owner, d.objid::regprocedure AS function
          FROM pg_depend d,
               (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'ddd'
                 UNION
                SELECT relowner::regrole FROM pg_class WHERE oid = to_regclass('ddd.schema_version')) AS o (owner)
         WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
           AND d.refclassid = 'pg_extension'::regclass
           AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
           AND NOT has_function_privilege(o.owner::oid, d.objid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', missing.function, missing.owner);
    END LOOP;
END
$grant$;
COMMENT ON FUNCTION ddd.grant_to_owner() IS
'Lets the owner of the schema and of the tables execute the functions, as creating triggers needs.
Called by ddd.install().
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.grant_to_owner() FROM PUBLIC;

CREATE FUNCTION ddd.attach_triggers() RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $triggers$
DECLARE
    missing record;
    attached integer := 0;
    uncounted boolean;
BEGIN
    FOR missing IN
        SELECT t.*, NULL::smallint AS counter FROM (VALUES
            ('schema_version', 'schema_version_guard', 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'guard_schema_version()'),
            ('counter_state', 'counter_state_keep', 'BEFORE INSERT', 'ROW', 'keep_counter_state()'),
            ('users', 'users_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''email:email'', ''text:full_name'')'),
            ('users', 'users_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),
            ('posts', 'posts_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''text:title'')'),
            ('posts', 'posts_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),
            ('comments', 'comments_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''text:content'')'),
            ('comments', 'comments_parent', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_comment()'),
            ('comments', 'comments_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),
            ('tags', 'tags_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''name:name'')'),
            ('tags', 'tags_key', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_tag()'),
            ('tags', 'tags_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),
            ('post_tags', 'post_tags_fill', 'BEFORE INSERT OR UPDATE', 'ROW', 'fill_post_tag()')
        ) AS t (table_name, trigger_name, event, level, call)
         UNION ALL
        SELECT c.table_name, format('%s_count_%s', c.table_name, lower(e.event COLLATE "C")), 'AFTER ' || e.event,
               'STATEMENT', format('count_rows(%L, %L)', c.counter, c.subject), c.counter::smallint
          FROM (VALUES ('comments', '1', 'post_id'), ('post_tags', '2', 'tag_id')) AS c (table_name, counter, subject),
               unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS e (event)
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger g
                               WHERE g.tgrelid = format('ddd.%I', missing.table_name)::regclass
                                 AND g.tgname = missing.trigger_name);
        EXECUTE format('CREATE TRIGGER %I %s ON ddd.%I %s FOR EACH %s EXECUTE FUNCTION ddd.%s',
                       missing.trigger_name, missing.event, missing.table_name,
                       CASE WHEN missing.level = 'STATEMENT' AND missing.event <> 'AFTER TRUNCATE'
                            THEN concat_ws(' ', 'REFERENCING',
                                           CASE WHEN missing.event <> 'AFTER INSERT' THEN 'OLD TABLE AS old_rows' END,
                                           CASE WHEN missing.event <> 'AFTER DELETE' THEN 'NEW TABLE AS new_rows' END) END,
                       missing.level, missing.call);
        attached := attached + 1;
        -- what was written while it was missing is in no counter; a migration has just counted
        IF missing.call ~ '^count_rows' THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM ddd.%I)', missing.table_name) INTO uncounted;
            uncounted := uncounted OR EXISTS (SELECT FROM ddd.counters WHERE counter = missing.counter)
                                   OR EXISTS (SELECT FROM ddd.counter_ledger WHERE counter = missing.counter);
            INSERT INTO ddd.counter_state AS s (counter, low_water, system_identifier, written_by, stale)
            SELECT missing.counter, '0', 0, '0', true WHERE uncounted
                ON CONFLICT (counter) DO UPDATE SET stale = true
             WHERE s.written_by <> pg_current_xact_id();
        END IF;
    END LOOP;
    RETURN attached;
END
$triggers$;
COMMENT ON FUNCTION ddd.attach_triggers() IS
'Creates the triggers of this version that are missing, and returns how many.
Called by ddd.install().
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.attach_triggers() FROM PUBLIC;

-- ddd.create_tables: what a database without tables gets, run as the owner
-- of the schema by the install script and by ddd.install().
CREATE FUNCTION ddd.create_tables() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $tables$
BEGIN

CREATE TABLE ddd.schema_version (
    version text NOT NULL,
    CONSTRAINT schema_version_format CHECK (version ~ '^[0-9]+[.][0-9]+[.][0-9]+$')
);
COMMENT ON TABLE ddd.schema_version IS
'One row: the version of ddd that these tables are at. Dumped and restored with the data; the version of the code is pg_extension.extversion.';

CREATE TABLE ddd.stash (
    version    text  NOT NULL,
    table_name text  NOT NULL,
    row_key    text  NOT NULL,
    content    jsonb NOT NULL,
    CONSTRAINT stash_pkey PRIMARY KEY (version, table_name, row_key)
);
COMMENT ON TABLE ddd.stash IS
'Column values that only the named version can hold, set aside by a migration away from it and put back by the migration to it.';

CREATE SEQUENCE ddd.users_id_seq;
CREATE TABLE ddd.users (
    id              bigint       NOT NULL DEFAULT nextval('ddd.users_id_seq'),
    email           varchar(255) NOT NULL,
    hashed_password varchar(255) NOT NULL DEFAULT '!',
    is_active       boolean      NOT NULL DEFAULT true,
    is_superuser    boolean      NOT NULL DEFAULT false,
    bio             text,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    full_name       varchar(255) NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_valid
        CHECK (email COLLATE "C" ~ E'^[^@\\x01-\\x20\\x7f]+@[^@\\x01-\\x20\\x7f]+$'),
    CONSTRAINT users_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT users_full_name_not_blank
        CHECK (btrim(full_name, E' \t\n\r\f\x0b') <> '')
);
ALTER SEQUENCE ddd.users_id_seq OWNED BY ddd.users.id;
-- lower() under collation "C" folds ASCII letters and nothing else.
CREATE UNIQUE INDEX ix_users_email ON ddd.users (lower(email COLLATE "C"));
CREATE INDEX ix_users_created_at ON ddd.users (created_at DESC, id DESC);
CREATE INDEX ix_user_name_email ON ddd.users (full_name, email);
CREATE INDEX ix_users_full_name_prefix ON ddd.users (lower(full_name) text_pattern_ops);
CREATE INDEX ix_users_is_active ON ddd.users (is_active, created_at DESC, id DESC);
COMMENT ON TABLE ddd.users IS 'Users. E-mail addresses are unique without regard to the case of ASCII letters.';
COMMENT ON COLUMN ddd.users.hashed_password IS 'A password hash in its own text format, or ! for a user who has no password.';

CREATE TABLE ddd.counter_ledger (
    xid        xid8     NOT NULL,
    subject_id bigint   NOT NULL,
    delta      integer  NOT NULL,
    counter    smallint NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000, autovacuum_vacuum_cost_delay = 0
);
-- no column tells two rows of one transaction apart
ALTER TABLE ddd.counter_ledger REPLICA IDENTITY FULL;
CREATE INDEX ix_counter_ledger_xid ON ddd.counter_ledger (counter, xid);
COMMENT ON TABLE ddd.counter_ledger IS
'What is yet to be added to ddd.counters: one row for each subject that a statement changed. Written by triggers, taken by ddd.fold_counters().';
COMMENT ON COLUMN ddd.counter_ledger.xid IS 'The transaction that wrote the row, of the cluster it was written in.';

CREATE TABLE ddd.counters (
    subject_id bigint      NOT NULL,
    value      bigint      NOT NULL,
    subject_at timestamptz NOT NULL,
    counter    smallint    NOT NULL,
    CONSTRAINT counters_pkey PRIMARY KEY (counter, subject_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX ix_counters_rank ON ddd.counters (counter, value DESC, subject_at DESC, subject_id DESC);
COMMENT ON TABLE ddd.counters IS
'Numbers of rows by subject, but for what ddd.counter_ledger still holds: read them through functions. A subject without a row has 0.';
COMMENT ON COLUMN ddd.counters.subject_at IS 'The subject''s created_at: subjects with the same number are ranked by it.';

CREATE TABLE ddd.counter_state (
    counter           smallint NOT NULL,
    low_water         xid8     NOT NULL,
    system_identifier bigint   NOT NULL,
    written_by        xid8     NOT NULL,
    stale             boolean  NOT NULL,
    CONSTRAINT counter_state_pkey PRIMARY KEY (counter)
) WITH (fillfactor = 10);
COMMENT ON TABLE ddd.counter_state IS
'One row for each counter that was ever folded: 1 is comments by post, 2 is posts by tag. Its lock is held while a counter is folded.';
COMMENT ON COLUMN ddd.counter_state.low_water IS
'Every transaction before it is in ddd.counters, in the cluster that system_identifier names, if written_by is the row''s xmin; elsewhere it means nothing.';
COMMENT ON COLUMN ddd.counter_state.stale IS 'The counter is wrong until the next fold, which counts anew: rows were loaded from a dump, or truncated.';

CREATE SEQUENCE ddd.posts_id_seq;
CREATE TABLE ddd.posts (
    id         bigint       NOT NULL DEFAULT nextval('ddd.posts_id_seq'),
    title      varchar(255) NOT NULL,
    content    text         NOT NULL,
    author_id  bigint       NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id),
    CONSTRAINT posts_title_not_blank
        CHECK (btrim(title, E' \t\n\r\f\x0b') <> ''),
    CONSTRAINT posts_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at))
);
ALTER SEQUENCE ddd.posts_id_seq OWNED BY ddd.posts.id;
CREATE INDEX ix_posts_created_at ON ddd.posts (created_at DESC, id DESC);
CREATE INDEX ix_posts_author_id ON ddd.posts (author_id, created_at DESC, id DESC);
COMMENT ON TABLE ddd.posts IS 'Posts. created_at never changes.';

CREATE SEQUENCE ddd.comments_id_seq;
CREATE TABLE ddd.comments (
    id         bigint      NOT NULL DEFAULT nextval('ddd.comments_id_seq'),
    content    text        NOT NULL,
    post_id    bigint      NOT NULL,
    author_id  bigint      NOT NULL,
    parent_id  bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT comments_pkey PRIMARY KEY (id),
    CONSTRAINT comments_post_id_id_key UNIQUE (post_id, id),
    -- author before post: the order in which deleting a user locks them
    CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id),
    CONSTRAINT comments_post_id_fkey FOREIGN KEY (post_id) REFERENCES ddd.posts (id) ON DELETE CASCADE,
    -- a reply is on its parent's post; it stays when the parent is deleted
    CONSTRAINT comments_parent_id_fkey FOREIGN KEY (post_id, parent_id)
        REFERENCES ddd.comments (post_id, id) ON DELETE SET NULL (parent_id),
    CONSTRAINT comments_content_not_blank
        CHECK (btrim(content, E' \t\n\r\f\x0b') <> ''),
    CONSTRAINT comments_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at))
);
ALTER SEQUENCE ddd.comments_id_seq OWNED BY ddd.comments.id;
CREATE INDEX ix_comments_post_id ON ddd.comments (post_id, created_at, id);
CREATE INDEX ix_comments_author_id ON ddd.comments (author_id, created_at DESC, id DESC);
CREATE INDEX ix_comments_created_at ON ddd.comments (created_at, post_id);
CREATE INDEX ix_comments_parent_id ON ddd.comments (post_id, parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE ddd.comments IS 'Comments on posts. A reply names its parent, a comment on the same post.';

CREATE SEQUENCE ddd.tags_id_seq;
CREATE TABLE ddd.tags (
    id         bigint       NOT NULL DEFAULT nextval('ddd.tags_id_seq'),
    name       varchar(100) NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    key        text         COLLATE "C" NOT NULL,
    synonym_of bigint,
    CONSTRAINT tags_pkey PRIMARY KEY (id),
    CONSTRAINT tags_synonym_of_fkey FOREIGN KEY (synonym_of) REFERENCES ddd.tags (id) ON DELETE CASCADE,
    CONSTRAINT tags_name_valid
        CHECK (name <> '' AND name COLLATE "C" !~ E'^\\x20|\\x20$|[\\x01-\\x1f\\x7f]'),
    CONSTRAINT tags_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT tags_synonym_of_other
        CHECK (synonym_of <> id)
);
ALTER SEQUENCE ddd.tags_id_seq OWNED BY ddd.tags.id;
CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (key);
CREATE INDEX ix_tags_synonym_of ON ddd.tags (synonym_of) WHERE synonym_of IS NOT NULL;
COMMENT ON TABLE ddd.tags IS 'Tags and their synonyms. Names are unique by their key.';
COMMENT ON COLUMN ddd.tags.key IS 'What all spellings of the name have in common, filled by a trigger: ddd.tag_key(name).';
COMMENT ON COLUMN ddd.tags.synonym_of IS 'The tag that is meant by this name, which has no posts of its own.';

CREATE TABLE ddd.post_tags (
    post_id         bigint      NOT NULL,
    tag_id          bigint      NOT NULL,
    post_created_at timestamptz NOT NULL,
    CONSTRAINT post_tags_pkey PRIMARY KEY (post_id, tag_id),
    CONSTRAINT post_tags_post_id_fkey FOREIGN KEY (post_id) REFERENCES ddd.posts (id) ON DELETE CASCADE,
    CONSTRAINT post_tags_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES ddd.tags (id)
);
CREATE INDEX ix_post_tags_tag_id ON ddd.post_tags (tag_id, post_created_at DESC, post_id DESC);
COMMENT ON TABLE ddd.post_tags IS 'Which post has which tag.';
COMMENT ON COLUMN ddd.post_tags.post_created_at IS 'The post''s created_at, filled by a trigger: a tag''s posts come newest first straight from the index.';

CREATE TABLE ddd.migration_log (
    applied_at timestamptz NOT NULL,
    version    text        NOT NULL,
    parent     text,
    direction  text        NOT NULL,
    message    text        NOT NULL,
    applied_by text        NOT NULL,
    duration   interval    NOT NULL,
    CONSTRAINT migration_log_pkey PRIMARY KEY (applied_at, version),
    CONSTRAINT migration_log_direction_known CHECK (direction IN ('install', 'up', 'down', 'stamp'))
);
COMMENT ON TABLE ddd.migration_log IS
'What has been done to these tables: a row for each step from "parent", the version before, to "version". Dumped and restored with the data; ddd.history() shows it.';

CREATE TABLE ddd.backfills (
    table_name   text        NOT NULL,
    assignments  text        NOT NULL,
    condition    text        NOT NULL,
    last_key     jsonb,
    rows_read    bigint      NOT NULL,
    rows_changed bigint      NOT NULL,
    started_at   timestamptz NOT NULL,
    started_by   text        NOT NULL,
    CONSTRAINT backfills_pkey PRIMARY KEY (table_name, assignments, condition)
);
COMMENT ON TABLE ddd.backfills IS
'How far each ddd.backfill() has come that has not come to its end: a row for each, changed with every batch.';
COMMENT ON COLUMN ddd.backfills.last_key IS 'Primary key of the last row that was read; NULL before the first.';

INSERT INTO ddd.schema_version (version)
SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'ddd';

END
$tables$;

COMMENT ON FUNCTION ddd.create_tables() IS
'Creates the tables, sequences and indexes of this version.
Called by ddd.install().
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.create_tables() FROM PUBLIC;

-- Create the tables, or take up those that are there.
DO $ddd$
DECLARE
    schema_owner regrole := (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'ddd');
    foreign_tables text;
BEGIN
    IF NOT ddd.tables_wanted() THEN
        RETURN;
    END IF;
    IF schema_owner <> current_user::regrole THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('schema "ddd" belongs to role "%s"', schema_owner),
            HINT = 'If you trust what it holds, run SET ddd.create_tables = off; CREATE EXTENSION ddd; SELECT ddd.install();';
    END IF;
    SELECT string_agg(format('%s of role "%s"', relname, relowner::regrole), ', ' ORDER BY relname)
      INTO foreign_tables
      FROM pg_class
     WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relowner <> schema_owner::oid
       AND relname IN ('schema_version', 'stash', 'users', 'posts', 'comments', 'tags', 'post_tags',
                       'counter_ledger', 'counters', 'counter_state', 'migration_log', 'backfills');
    IF foreign_tables IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'schema "ddd" holds tables of another owner',
            DETAIL = format('Found: %s.', foreign_tables);
    END IF;
    PERFORM ddd.install();
END
$ddd$;

-- Tables belong to the user, code belongs to the extension: whatever holds
-- data stops being a member.
DO $ddd$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT format('ALTER EXTENSION ddd DROP %s %s',
                      CASE WHEN d.classid = 'pg_namespace'::regclass THEN 'SCHEMA'
                           WHEN c.relkind = 'S' THEN 'SEQUENCE'
                           ELSE 'TABLE' END,
                      CASE WHEN d.classid = 'pg_namespace'::regclass THEN d.objid::regnamespace::text
                           ELSE d.objid::regclass::text END) AS command
          FROM pg_depend d
          LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
         WHERE d.refclassid = 'pg_extension'::regclass
           AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
           AND d.deptype = 'e'
           AND (d.classid = 'pg_namespace'::regclass OR c.relkind IN ('r', 'p', 'S'))
         ORDER BY c.relkind = 'S' NULLS LAST, d.objid
    LOOP
        EXECUTE member.command;
    END LOOP;
END
$ddd$;
