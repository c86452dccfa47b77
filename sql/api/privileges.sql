-- privileges: what a role may do, and row-level security.

CREATE OR REPLACE FUNCTION ddd.grant_api(role text, level text) RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_grant_api';
COMMENT ON FUNCTION ddd.grant_api(text, text) IS
'Lets a role call the functions of a level, and says what it was granted.
Readers call what reads users, posts, comments and tags; writers what writes them, too; admins every
function of the API. Call it again after an update, for the functions that are new. To lower a
level, call revoke_api() first. For the owner of the tables.
role: name of the role, as it is in pg_roles.
level: reader, writer or admin; each has what the one before it has.
Returns: what was granted, a row each; none where the role had it all.
Errors:
  0LP01 PostgreSQL leaves a privilege as it was; it names whose grant it is
  22004 null argument
  22023 unknown level; the role is PUBLIC or owns the tables
  25001 in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role than the owner of the tables
  42704 no such role
Context: privileges.';
REVOKE ALL ON FUNCTION ddd.grant_api(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.revoke_api(role text) RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_revoke_api';
COMMENT ON FUNCTION ddd.revoke_api(text) IS
'Takes from a role all that it was granted in schema ddd, by whomever and however.
What it may do as a member of another role stays. For the owner of the tables.
role: name of the role, as it is in pg_roles.
Returns: what it has no privileges on any more, a row each.
Errors:
  0LP01 PostgreSQL leaves a privilege as it was; it names whose grant it is
  22004 null role
  22023 the role is PUBLIC or owns the tables
  25001 in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  2BP01 the role has granted on what it was granted
  42501 called by another role than the owner of the tables
  42704 no such role
Context: privileges.';
REVOKE ALL ON FUNCTION ddd.revoke_api(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.grant_tables(role text, level text) RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 50
AS 'MODULE_PATHNAME', 'ddd_grant_tables';
COMMENT ON FUNCTION ddd.grant_tables(text, text) IS
'Lets a role read or write users, posts, comments, tags and post_tags without the API.
Which rows it may write is up to the policies of enable_rls(); the password hash is out of reach,
and so is what the API alone fills in. revoke_api() takes it away. For the owner of the tables.
role: name of the role, as it is in pg_roles.
level: reader or writer.
Returns: what was granted, a row each; none where the role had it all.
Errors:
  0LP01 PostgreSQL leaves a privilege as it was; it names whose grant it is
  22004 null argument
  22023 unknown level; the role is PUBLIC or owns the tables
  25001 in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role than the owner of the tables
  42703 a table lacks a column
  42704 no such role
  55000 row-level security is not enabled
Context: privileges.';
REVOKE ALL ON FUNCTION ddd.grant_tables(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.enable_rls() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_enable_rls';
COMMENT ON FUNCTION ddd.enable_rls() IS
'Puts the tables under row-level security, with policies for roles that use them without the API.
All rows can be read. A user of the application writes what is his own, where the scope has the word
write, and a superuser of the application everything; who that is, begin_as() and authenticate()
say. Tables of secrets get no policy. The API and the owner of the tables are not affected.
Policies of ddd that have been changed are as they were. Locks these tables. For the owner of the
tables.
Returns: nothing.
Errors:
  25001 in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role than the owner of the tables
Context: privileges.';
REVOKE ALL ON FUNCTION ddd.enable_rls() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.disable_rls() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_disable_rls';
COMMENT ON FUNCTION ddd.disable_rls() IS
'Takes away the policies of enable_rls(), and row-level security where there are no others.
Locks these tables. For the owner of the tables.
Returns: nothing.
Errors:
  25001 in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role than the owner of the tables
  55000 another role than the owner may write a table, and could write any row then
Context: privileges.';
REVOKE ALL ON FUNCTION ddd.disable_rls() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.rls_user() RETURNS bigint
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ddd_rls_user';
COMMENT ON FUNCTION ddd.rls_user() IS
'Tells whose rows the caller may write: the users.id, or NULL without the scope write.
For policies.
Context: privileges (internal).';
REVOKE ALL ON FUNCTION ddd.rls_user() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.rls_superuser() RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ddd_rls_superuser';
COMMENT ON FUNCTION ddd.rls_superuser() IS
'Tells whether the caller may write all rows: a superuser of the application with the scope write.
For policies.
Context: privileges (internal).';
REVOKE ALL ON FUNCTION ddd.rls_superuser() FROM PUBLIC;
