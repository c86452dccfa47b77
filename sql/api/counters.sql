-- counters: how many rows name each subject, exact in every snapshot.

CREATE OR REPLACE FUNCTION ddd.count_rows() RETURNS trigger
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

CREATE OR REPLACE FUNCTION ddd.keep_counter_state() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_keep_counter_state';
COMMENT ON FUNCTION ddd.keep_counter_state() IS
'Keeps the row that a counter has, where a dump brings another: BEFORE INSERT row trigger.
Errors:
  39P01 called as anything else
Context: counters (internal).';
REVOKE ALL ON FUNCTION ddd.keep_counter_state() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.fold_counters() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_fold_counters';
COMMENT ON FUNCTION ddd.fold_counters() IS
'Adds what is pending in ddd.counter_ledger to ddd.counters.
No count changes by it; reading gets cheaper. A counter that is stale is counted anew. Waits for
another fold that is under way, and lets nobody else wait.
Returns: the number of ledger rows that were taken.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
Context: counters.';
REVOKE ALL ON FUNCTION ddd.fold_counters() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.rebuild_counters() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_rebuild_counters';
COMMENT ON FUNCTION ddd.rebuild_counters() IS
'Counts all rows anew and corrects ddd.counters.
For counters that are wrong because rows were changed without their triggers. Others read and write
meanwhile.
Returns: the number of subjects whose stored number was changed.
Errors:
  25001 called in a REPEATABLE READ or SERIALIZABLE transaction
Context: counters.';
REVOKE ALL ON FUNCTION ddd.rebuild_counters() FROM PUBLIC;

