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

CREATE OR REPLACE FUNCTION ddd.create_user(
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
'Signs a user up and returns the row. The password (UTF-8 bytes counted) is hashed with Argon2id; a hash from elsewhere goes in hashed_password; with neither, the user cannot log in. Errors: 23505 constraint ix_users_email, "Email already registered"; 22023 bad e-mail, both password and hash, unsupported hash; 22001 over 255 characters; 23514 blank name, password of fewer than 8 or more than 1024 bytes; 22P05 a password without UTF-8 form; 22004 null argument.';
REVOKE ALL ON FUNCTION ddd.create_user(text, text, text, text, boolean, boolean, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.create_user(data jsonb) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_create_user_json';
COMMENT ON FUNCTION ddd.create_user(jsonb) IS
'Signs a user up from a JSON object whose keys are the arguments of the other form. Errors: 23505 constraint ix_users_email, "Email already registered"; 22023 unknown key, wrong JSON type, bad e-mail, both password and hash, unsupported hash; 22001 over 255 characters; 23514 blank name, password of fewer than 8 or more than 1024 bytes; 22P05 a password without UTF-8 form; 22004 null argument or missing key; 23502 null value.';
REVOKE ALL ON FUNCTION ddd.create_user(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.create_users(data jsonb, on_conflict text DEFAULT 'error') RETURNS SETOF ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'ddd_create_users';
COMMENT ON FUNCTION ddd.create_users(jsonb, text) IS
'Signs up every element of a JSON array, each as create_user(data) takes it, and returns the new rows. on_conflict ''skip'' leaves out those whose e-mail is registered. Errors as create_user, with a DETAIL or CONTEXT that names the element; 22023 not an array, unknown on_conflict.';
REVOKE ALL ON FUNCTION ddd.create_users(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.get_user(user_id bigint) RETURNS ddd.user_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_user';
COMMENT ON FUNCTION ddd.get_user(bigint) IS
'Returns the user, or NULL. Errors: 22004 null argument.';
REVOKE ALL ON FUNCTION ddd.get_user(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.get_user_by_email(email text) RETURNS ddd.user_info
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_get_user_by_email';
COMMENT ON FUNCTION ddd.get_user_by_email(text) IS
'Returns the user with that e-mail address, in any case of its ASCII letters, or NULL. Errors: 22004 null argument.';
REVOKE ALL ON FUNCTION ddd.get_user_by_email(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.list_users(
    first integer DEFAULT 100,
    after text DEFAULT NULL,
    skip integer DEFAULT 0,
    active boolean DEFAULT NULL
) RETURNS SETOF ddd.user_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'ddd_list_users';
COMMENT ON FUNCTION ddd.list_users(integer, text, integer, boolean) IS
'Users, newest first; only active or inactive ones where "active" says so. One page: at most "first" rows after the row whose cursor is "after", after skipping "skip" rows. Errors: 2201W negative first, 2201X negative skip; 22023 first above ddd.max_page_size, skip above ddd.max_skip, or a cursor of another listing. 22004.';
REVOKE ALL ON FUNCTION ddd.list_users(integer, text, integer, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.search_users(
    query text,
    first integer DEFAULT 20,
    after text DEFAULT NULL
) RETURNS SETOF ddd.user_page
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'ddd_search_users';
COMMENT ON FUNCTION ddd.search_users(text, integer, text) IS
'Users whose full_name or email contains the text, in any case; with fewer than 3 characters, begins with it. % and _ mean themselves. First the one whose e-mail it is, then those that begin with it, then the rest, each by id. One page: at most "first" rows after the row whose cursor is "after". Errors: 2201W negative first; 22023 first above ddd.max_page_size, or a cursor of another listing. 22023 also for a blank query or one over 200 characters. 22004.';
REVOKE ALL ON FUNCTION ddd.search_users(text, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.update_user(
    user_id bigint,
    patch jsonb,
    expected_updated_at timestamptz DEFAULT NULL
) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_update_user';
COMMENT ON FUNCTION ddd.update_user(bigint, jsonb, timestamptz) IS
'Changes the columns that the JSON object names (email, full_name, bio, is_active, is_superuser; null empties bio) and returns the row, or NULL if there is no such user. With expected_updated_at the row must still be at that time. Errors: 22023 unknown or immutable key, wrong JSON type, bad e-mail; 23502 null; 22001; 23505 as create_user; 23514 blank name, or constraint users_stale_update; 22004.';
REVOKE ALL ON FUNCTION ddd.update_user(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.set_password(user_id bigint, password text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_set_password';
COMMENT ON FUNCTION ddd.set_password(bigint, text) IS
'Hashes the password with Argon2id and stores it; false if there is no such user. Errors: 23514 fewer than 8 or more than 1024 bytes; 22P05 no UTF-8 form; 22004.';
REVOKE ALL ON FUNCTION ddd.set_password(bigint, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.is_authenticated(user_info ddd.user_info) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_is_authenticated';
COMMENT ON FUNCTION ddd.is_authenticated(ddd.user_info) IS
'Whether the user is active, so that (u).is_authenticated reads like the model''s property. NULL for NULL.';
REVOKE ALL ON FUNCTION ddd.is_authenticated(ddd.user_info) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.repr(user_info ddd.user_info) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_repr';
COMMENT ON FUNCTION ddd.repr(ddd.user_info) IS
'The user as <User(email=''...'', full_name=''...'')>, with quotes, backslashes and control characters escaped. NULL for NULL.';
REVOKE ALL ON FUNCTION ddd.repr(ddd.user_info) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.to_dict(record anyelement) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_to_dict';
COMMENT ON FUNCTION ddd.to_dict(anyelement) IS
'A row of ddd as a JSON object, column by column; hashed_password is left out always. NULL for NULL. Errors: 42804 not a row of a table or type of ddd.';
REVOKE ALL ON FUNCTION ddd.to_dict(anyelement) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.hash_password(password text) RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'ddd_hash_password';
COMMENT ON FUNCTION ddd.hash_password(text) IS
'Hashes a password with Argon2id at the cost of ddd.argon2_memory_kib and ddd.argon2_time; returns a PHC string with a random salt. The UTF-8 form of the password counts. Errors: 22004 NULL; 23514 shorter than 8 or longer than 1024 bytes; 22P05 no UTF-8 form; 53200 not enough memory.';
REVOKE ALL ON FUNCTION ddd.hash_password(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.verify_password(password text, hash text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'ddd_verify_password';
COMMENT ON FUNCTION ddd.verify_password(text, text) IS
'Whether hash was made of this password: argon2id, argon2i, bcrypt ($2a$ $2b$ $2y$, which reads 72 bytes), sha-crypt ($5$ $6$, up to 511 bytes), pbkdf2-sha256 (passlib and Django). False for the hash ! and for a password over 1024 bytes. Errors: 22004 NULL; 22023 a hash of another scheme, malformed or over the limits of cost, refused before any hashing; 22P05 no UTF-8 form; 53200 not enough memory.';
REVOKE ALL ON FUNCTION ddd.verify_password(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.needs_rehash(hash text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_needs_rehash';
COMMENT ON FUNCTION ddd.needs_rehash(text) IS
'Whether a hash should be replaced once its password is known: it is not argon2id, or has less memory, or less memory times passes, than the settings ask for. Never asks for a weaker one; false for the hash !. Errors: 22004 NULL; 22023 a hash that verify_password refuses.';
REVOKE ALL ON FUNCTION ddd.needs_rehash(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.identify_hash(hash text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_identify_hash';
COMMENT ON FUNCTION ddd.identify_hash(text) IS
'The scheme of a hash: argon2id, argon2i, bcrypt, sha256-crypt, sha512-crypt, pbkdf2-sha256, django-pbkdf2-sha256, unusable (the hash !), or NULL for one that verify_password refuses. Errors: 22004 NULL.';
REVOKE ALL ON FUNCTION ddd.identify_hash(text) FROM PUBLIC;
