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
  55000 a subscription replicates the ledger: the publisher folds
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

CREATE OR REPLACE FUNCTION ddd.verify_counters(
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

