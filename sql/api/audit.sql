-- audit: who changed what, and whether the record of it is as it was written.

CREATE OR REPLACE FUNCTION ddd.audit_rows() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_audit_rows';
COMMENT ON FUNCTION ddd.audit_rows() IS
'Writes to ddd.audit_log what a statement changes: AFTER statement trigger.
The argument of the trigger is the column that names the row, a bigint; a trigger on INSERT, DELETE
or UPDATE declares the transition tables. One row is written for a statement, none where it changed
no row, and none for rows that the owner of the tables loads from a dump.
Errors:
  22023 a trigger without the argument
  39P01 called as anything else, or without a transition table
  42501 the table does not belong to the owner of ddd''s tables
  42703 the table has no such column
  42804 the column is not a bigint
Context: audit (internal).';
REVOKE ALL ON FUNCTION ddd.audit_rows() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.enable_audit() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_enable_audit';
COMMENT ON FUNCTION ddd.enable_audit() IS
'Begins to record in ddd.audit_log who changes users, posts, comments, tags and post_tags.
Creates the triggers, which waits for who is writing these tables, and records that. For the owner
of the tables and superusers.
Returns: whether any trigger was missing or disabled.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role
  42710 a trigger of yours has the name that one of the audit is to have
Context: audit.';
REVOKE ALL ON FUNCTION ddd.enable_audit() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.disable_audit() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_disable_audit';
COMMENT ON FUNCTION ddd.disable_audit() IS
'Ends what ddd.enable_audit() began: drops the triggers, and records that.
What is in ddd.audit_log stays. For the owner of the tables and superusers.
Returns: whether there was a trigger.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  42501 called by another role
Context: audit.';
REVOKE ALL ON FUNCTION ddd.disable_audit() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.audit_seal() RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_audit_seal';
COMMENT ON FUNCTION ddd.audit_seal() IS
'Seals what the transactions that have ended have written to ddd.audit_log.
For cron: keep the result out of reach of whoever could rewrite the tables, and have
ddd.audit_verify() look for it. Waits for another call that is under way, and lets nobody else wait.
Returns: digest of the last seal, 32 bytes; NULL where there is nothing to seal yet.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
  25006 called in a read-only transaction
  55000 a subscription replicates the log: the publisher seals; the log comes from a copy of this
    cluster that is ahead of it
Context: audit.';
REVOKE ALL ON FUNCTION ddd.audit_seal() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.audit_verify(
    expected_digest bytea DEFAULT NULL,
    OUT seal bigint, OUT finding text, OUT expected text, OUT found text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ddd_audit_verify';
COMMENT ON FUNCTION ddd.audit_verify(bytea) IS
'Finds what is not in ddd.audit_log and ddd.audit_seals as ddd.audit_seal() found or left it.
Begins with the oldest seal that is kept, and reads the rows of each. What was written since the
last seal is not looked at.
expected_digest: what ddd.audit_seal() has returned, to be found in the chain; NULL for none.
seal: number of the seal that it is about; NULL of the log as a whole.
finding: what is wrong.
expected: what was sealed, or expected.
found: what is there.
Returns: a row for each finding; none where all is well.
Errors:
  42501 a policy would hide rows
Context: audit.';
REVOKE ALL ON FUNCTION ddd.audit_verify(bytea) FROM PUBLIC;
