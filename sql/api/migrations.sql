-- migrations: which version stands, and how tables and code come together.

CREATE OR REPLACE FUNCTION ddd.version(OUT code text, OUT library text, OUT tables text)
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

CREATE OR REPLACE FUNCTION ddd.current(
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

CREATE OR REPLACE FUNCTION ddd.heads(OUT version text, OUT message text, OUT is_current boolean)
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

CREATE OR REPLACE FUNCTION ddd.history(
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

CREATE OR REPLACE FUNCTION ddd.plan(
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

CREATE OR REPLACE FUNCTION ddd.upgrade(
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

CREATE OR REPLACE FUNCTION ddd.downgrade(
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

CREATE OR REPLACE FUNCTION ddd.fingerprint(OUT part text, OUT object text, OUT fact text, OUT value text)
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

CREATE OR REPLACE FUNCTION ddd.check_schema(
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

CREATE OR REPLACE FUNCTION ddd.verify(OUT finding text, OUT object text, OUT found bigint, OUT example text)
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

CREATE OR REPLACE PROCEDURE ddd.backfill(
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

CREATE OR REPLACE FUNCTION ddd.tables_wanted() RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_tables_wanted';
COMMENT ON FUNCTION ddd.tables_wanted() IS
'Tells whether CREATE EXTENSION creates the tables here.
It is ddd.create_tables if that is on or off; if it is auto, false during a restore (row_security
and check_function_bodies both off) and on a Citus worker.
Context: migrations (internal).';
REVOKE ALL ON FUNCTION ddd.tables_wanted() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.install() RETURNS text
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

CREATE OR REPLACE FUNCTION ddd.stamp(version text, force boolean DEFAULT false) RETURNS text
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

CREATE OR REPLACE FUNCTION ddd.migrate(from_version text, tables text[], statements text) RETURNS boolean
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

CREATE OR REPLACE FUNCTION ddd.stash_rows(version text, table_name text, condition text) RETURNS bigint
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

CREATE OR REPLACE FUNCTION ddd.stash_columns(version text, table_name text, columns text[], depends_on text[], condition text) RETURNS bigint
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

CREATE OR REPLACE FUNCTION ddd.check_dependents(table_name text, columns text[]) RETURNS void
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

CREATE OR REPLACE FUNCTION ddd.unstash(version text, table_name text) RETURNS bigint
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

CREATE OR REPLACE FUNCTION ddd.guard_schema_version() RETURNS trigger
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

CREATE OR REPLACE FUNCTION ddd.pass_grants(from_function regprocedure, to_function regprocedure) RETURNS void
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

CREATE OR REPLACE FUNCTION ddd.grant_to_owner() RETURNS void
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

CREATE OR REPLACE FUNCTION ddd.attach_triggers() RETURNS integer
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

