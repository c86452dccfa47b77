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
'Signs a user up and returns the row.
Without password and hashed_password, no password verifies for the user.
email: at most 255 characters; white space around it is removed. One user per address, where the
  case of ASCII letters does not count.
full_name: at most 255 characters, not blank.
password: 8 to 1024 bytes of UTF-8; stored as an Argon2id hash.
bio: any text.
is_active: whether the account is in use; what ddd.is_authenticated() tells.
is_superuser: whether the user may write everything under ddd.enforce_identity.
hashed_password: a hash made elsewhere, of a scheme that ddd.verify_password() knows.
Returns: the new row, without the hash.
Errors:
  22001 email or full_name of more than 255 characters
  22004 null email, full_name, is_active or is_superuser
  22021 password not valid in the encoding of the database
  22023 not an e-mail address; both password and hashed_password; a hash that is not supported;
    where ddd.literal_password is error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23505 "Email already registered", constraint ix_users_email
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  28000 is_superuser or hashed_password while ddd.enforce_identity is on and no user is
    authenticated
  42501 is_superuser or hashed_password while ddd.enforce_identity is on and the caller is no
    superuser of the application
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_user(text, text, text, text, boolean, boolean, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.create_user(data jsonb) RETURNS ddd.user_info
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
    password and hashed_password; a hash that is not supported; where ddd.literal_password is
    error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23502 null for a key that takes none
  23505 "Email already registered", constraint ix_users_email
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  28000 is_superuser or hashed_password while ddd.enforce_identity is on and no user is
    authenticated
  42501 is_superuser or hashed_password while ddd.enforce_identity is on and the caller is no
    superuser of the application
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_user(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.create_users(data jsonb, on_conflict text DEFAULT 'error') RETURNS SETOF ddd.user_info
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
    with this code; where ddd.literal_password is error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23502 null for a key that takes none
  23505 "Email already registered", constraint ix_users_email, unless on_conflict is "skip"
  23514 blank full_name; password of fewer than 8 or more than 1024 bytes, constraint
    password_length
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
  53200 not enough memory to hash a password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.create_users(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.get_user(user_id bigint) RETURNS ddd.user_info
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

CREATE OR REPLACE FUNCTION ddd.get_user_by_email(email text) RETURNS ddd.user_info
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

CREATE OR REPLACE FUNCTION ddd.list_users(
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

CREATE OR REPLACE FUNCTION ddd.search_users(
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

CREATE OR REPLACE FUNCTION ddd.update_user(
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
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is another user, or patch has is_active
    or is_superuser
Context: users.';
REVOKE ALL ON FUNCTION ddd.update_user(bigint, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.set_password(user_id bigint, password text) RETURNS boolean
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
  22023 where ddd.literal_password is error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23514 password of fewer than 8 or more than 1024 bytes, constraint password_length
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.set_password(bigint, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.is_authenticated(user_info ddd.user_info) RETURNS boolean
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

CREATE OR REPLACE FUNCTION ddd.repr(user_info ddd.user_info) RETURNS text
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

CREATE OR REPLACE FUNCTION ddd.to_dict(record anyelement) RETURNS jsonb
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

CREATE OR REPLACE FUNCTION ddd.hash_password(password text) RETURNS text
LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100000
AS 'MODULE_PATHNAME', 'ddd_hash_password';
COMMENT ON FUNCTION ddd.hash_password(text) IS
'Hashes a password with Argon2id and a random salt.
The cost is that of ddd.argon2_memory_kib and ddd.argon2_time.
password: 8 to 1024 bytes of UTF-8.
Returns: the hash in PHC format, $argon2id$v=19$m=...,t=...,p=1$salt$tag.
Errors:
  22004 null password
  22021 password not valid in the encoding of the database
  22023 where ddd.literal_password is error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23514 password of fewer than 8 or more than 1024 bytes, constraint password_length
  53200 not enough memory
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.hash_password(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.verify_password(password text, hash text) RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000
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
  22023 a hash of another scheme, malformed, or over the limits of cost; where
    ddd.literal_password is error, a password in the text of the statement
  22P05 password with a character that UTF-8 does not have
  53200 not enough memory
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.verify_password(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.needs_rehash(hash text) RETURNS boolean
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

CREATE OR REPLACE FUNCTION ddd.identify_hash(hash text) RETURNS text
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

CREATE OR REPLACE FUNCTION ddd.issue_token(user_id bigint, ttl interval DEFAULT '1 day', scope text DEFAULT '*') RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_issue_token';
COMMENT ON FUNCTION ddd.issue_token(bigint, interval, text) IS
'Makes an access token for a user: 256 random bits, of which only the SHA-256 is stored.
It counts until it expires, is rotated or revoked, or the user has another password, and while
the user is active. Expired tokens of the user are deleted.
user_id: users.id.
ttl: how long it counts; more than 0, at most 10 years, and without a negative part.
scope: what it lets its bearer do: words of printable ASCII between single blanks, at most 255
  characters; * alone is everything. Under ddd.enforce_identity only * and the word write let write;
  other words are for the application.
Returns: the token, ddd_ and 43 characters; NULL if there is no such user, or it is not active.
Errors:
  22004 null argument
  22023 ttl or scope is not as it should be
  25006 the transaction is read-only
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is another user, or has less scope
Context: users.';
REVOKE ALL ON FUNCTION ddd.issue_token(bigint, interval, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.rotate_token(token text, ttl interval DEFAULT '1 day') RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_rotate_token';
COMMENT ON FUNCTION ddd.rotate_token(text, interval) IS
'Replaces an access token by another one of the same user and scope; the old one ends.
Of two that rotate the same token, one has the error.
token: the token.
ttl: how long the new one counts; more than 0, at most 10 years, and without a negative part.
Returns: the new token.
Errors:
  22004 null argument
  22023 ttl is not as it should be; where ddd.literal_password is error, a token in the text of
    the statement
  25006 the transaction is read-only
  28000 the token is malformed, expired or revoked, or its user is not active
Context: users.';
REVOKE ALL ON FUNCTION ddd.rotate_token(text, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.revoke_token(token text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_revoke_token';
COMMENT ON FUNCTION ddd.revoke_token(text) IS
'Ends an access token, as a log-out does.
token: the token.
Returns: whether there was such a token.
Errors:
  22004 null token
  22023 where ddd.literal_password is error, a token in the text of the statement
  25006 the transaction is read-only
Context: users.';
REVOKE ALL ON FUNCTION ddd.revoke_token(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.revoke_tokens(user_id bigint) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_revoke_tokens';
COMMENT ON FUNCTION ddd.revoke_tokens(bigint) IS
'Ends all access tokens of a user.
A new password does so by itself.
user_id: users.id.
Returns: the number of tokens.
Errors:
  22004 null user_id
  25001 the transaction is REPEATABLE READ or SERIALIZABLE, and would miss tokens
  25006 the transaction is read-only
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is another user
Context: users.';
REVOKE ALL ON FUNCTION ddd.revoke_tokens(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.prune_tokens() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_prune_tokens';
COMMENT ON FUNCTION ddd.prune_tokens() IS
'Deletes the tokens that have expired; for cron.
Returns: their number.
Errors:
  25006 the transaction is read-only
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: users.';
REVOKE ALL ON FUNCTION ddd.prune_tokens() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.begin_as(token text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_begin_as';
COMMENT ON FUNCTION ddd.begin_as(text) IS
'Makes the user of an access token the caller, until the transaction ends.
ROLLBACK TO a savepoint takes it back where it came after the savepoint. Nothing else than a token
or a password makes a caller: no setting does.
token: the token.
Returns: the users.id.
Errors:
  22004 null token
  22023 where ddd.literal_password is error, a token in the text of the statement
  28000 the token is malformed, expired or revoked, or its user is not active
Context: users.';
REVOKE ALL ON FUNCTION ddd.begin_as(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.current_user_id() RETURNS bigint
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ddd_current_user_id';
COMMENT ON FUNCTION ddd.current_user_id() IS
'Tells who the caller is: the user of begin_as() or authenticate() in this transaction.
In a policy or a condition, write (SELECT ddd.current_user_id()), which is asked once.
Returns: the users.id, or NULL if nobody is authenticated, or the token has expired since.
Errors: none.
Context: users.';
REVOKE ALL ON FUNCTION ddd.current_user_id() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.current_scope() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ddd_current_scope';
COMMENT ON FUNCTION ddd.current_scope() IS
'Tells what the caller may do: the scope of the token of begin_as(), or * after authenticate().
Returns: words between single blanks, or NULL if nobody is authenticated.
Errors: none.
Context: users.';
REVOKE ALL ON FUNCTION ddd.current_scope() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.require_user() RETURNS bigint
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ddd_require_user';
COMMENT ON FUNCTION ddd.require_user() IS
'Returns who the caller is, as current_user_id(), and insists on one.
Returns: the users.id.
Errors:
  28000 nobody is authenticated in this transaction
Context: users.';
REVOKE ALL ON FUNCTION ddd.require_user() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.authenticate(email text, password text, source text DEFAULT NULL) RETURNS ddd.user_info
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_authenticate';
COMMENT ON FUNCTION ddd.authenticate(text, text, text) IS
'Proves who a user is by e-mail address and password, and makes him the caller.
An unknown address, an account without password, out of use or with a hash that is not supported,
and a wrong password have the same answer in the same time, ddd.auth_min_duration at least.
Failures are counted by account and by source, also if the transaction is rolled back: after many,
answers take up to ddd.auth_max_delay longer, those to the right password too. On success a hash
of another scheme than Argon2id, or weaker than ddd.argon2_memory_kib and ddd.argon2_time, is
replaced, where that can be written at once.
Until the transaction ends the user is the caller, with scope *.
email: the address; the case of ASCII letters and white space around it do not count.
password: the password; its UTF-8 form counts.
source: where the attempt comes from, for example the address of the client; NULL counts by
  account alone.
Returns: the user, or NULL.
Errors:
  22004 null email or password
  22021 password not valid in the encoding of the database
  22023 password of more than 1024 bytes; where ddd.literal_password is error, a password in the
    text of the statement
  22P05 password with a character that UTF-8 does not have
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.authenticate(text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.change_password(user_id bigint, old_password text, new_password text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_change_password';
COMMENT ON FUNCTION ddd.change_password(bigint, text, text) IS
'Gives a user a new password if the old one is right.
It takes the time of authenticate(), and its failures are counted by user; all access tokens end.
user_id: users.id.
old_password: the present password.
new_password: 8 to 1024 bytes of UTF-8; stored as an Argon2id hash.
Returns: whether it was changed; false for a wrong password, or a user who cannot log in.
Errors:
  22004 null argument
  22021 password not valid in the encoding of the database
  22023 old_password of more than 1024 bytes; where ddd.literal_password is error, a password in
    the text of the statement
  22P05 password with a character that UTF-8 does not have
  23514 new_password of fewer than 8 or more than 1024 bytes, constraint password_length
  25006 the transaction is read-only
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is another user
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.change_password(bigint, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.request_password_reset(email text) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_request_password_reset';
COMMENT ON FUNCTION ddd.request_password_reset(text) IS
'Asks for a message that brings a user a token that resets his password.
The application sends it: ddd.take_outbox(). There is one such message to a user at a time,
and a next one a minute after the last was taken. Answer and time are the same whether or not
there is such an account.
email: the address; the case of ASCII letters and white space around it do not count.
Returns: nothing.
Errors:
  22004 null email
  25006 the transaction is read-only
Context: users.';
REVOKE ALL ON FUNCTION ddd.request_password_reset(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.request_email_verification(email text) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_request_email_verification';
COMMENT ON FUNCTION ddd.request_email_verification(text) IS
'Asks for a message that brings a user a token that proves his address.
The application sends it: ddd.take_outbox(). An address that is proved already gets none. There is
one such message to a user at a time, and a next one a minute after the last was taken. Answer and
time are the same whether or not there is such an account.
email: the address; the case of ASCII letters and white space around it do not count.
Returns: nothing.
Errors:
  22004 null email
  25006 the transaction is read-only
Context: users.';
REVOKE ALL ON FUNCTION ddd.request_email_verification(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.take_outbox(
    first integer DEFAULT 10, OUT kind text, OUT user_id bigint, OUT email text, OUT full_name text, OUT token text,
    OUT expires_at timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_take_outbox';
COMMENT ON FUNCTION ddd.take_outbox(integer) IS
'Takes messages that users are to be sent, the oldest first, and makes their tokens.
Send them and commit: after a ROLLBACK they are there again, and the tokens of before do not
count. Several senders take different ones. Those to users who are not active are dropped.
first: messages to take, from 0 to ddd.max_page_size.
kind: verify_email, whose token is for ddd.verify_email(), or reset_password, for
  ddd.reset_password().
user_id: users.id.
email: where to send it.
full_name: the name of the user.
token: to be sent; it is stored nowhere.
expires_at: until when the token counts: ddd.verify_token_ttl or ddd.reset_token_ttl.
Returns: a row for each message.
Errors:
  22004 null first
  2201W negative first
  22023 first above its limit
  25006 the transaction is read-only
  28000 ddd.enforce_identity is on and no user is authenticated
  42501 ddd.enforce_identity is on and the caller is no superuser of the application
Context: users.';
REVOKE ALL ON FUNCTION ddd.take_outbox(integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.verify_email(token text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_verify_email';
COMMENT ON FUNCTION ddd.verify_email(text) IS
'Takes a token that was sent to an address as proof that its user receives mail there.
token: of a message of kind verify_email; it counts once, until it expires, and as long as that is
  the address of the user.
Returns: whether the address is proved.
Errors:
  22004 null token
  22023 where ddd.literal_password is error, a token in the text of the statement
  25006 the transaction is read-only
Context: users.';
REVOKE ALL ON FUNCTION ddd.verify_email(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.email_verified(user_id bigint) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_email_verified';
COMMENT ON FUNCTION ddd.email_verified(bigint) IS
'Tells whether a user has proved the present e-mail address by verify_email().
user_id: users.id.
Returns: whether it is proved; NULL if there is no such user.
Errors:
  22004 null user_id
Context: users.';
REVOKE ALL ON FUNCTION ddd.email_verified(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.reset_password(token text, new_password text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_reset_password';
COMMENT ON FUNCTION ddd.reset_password(text, text) IS
'Gives a user a new password for a token that was sent to him; all his access tokens end.
token: of a message of kind reset_password; it counts once, until it expires, and as long as
  password and address of the user are the same.
new_password: 8 to 1024 bytes of UTF-8; stored as an Argon2id hash.
Returns: whether it was changed.
Errors:
  22004 null argument
  22021 password not valid in the encoding of the database
  22023 where ddd.literal_password is error, a password or token in the text of the statement
  22P05 password with a character that UTF-8 does not have
  23514 new_password of fewer than 8 or more than 1024 bytes, constraint password_length
  25006 the transaction is read-only
  53200 not enough memory to hash the password
  53300 too many sessions hash passwords already
Context: users.';
REVOKE ALL ON FUNCTION ddd.reset_password(text, text) FROM PUBLIC;
