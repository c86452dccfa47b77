-- core: what the other files stand on, and row triggers that every table shares.

CREATE OR REPLACE FUNCTION ddd.owns_type(name text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_owns_type';
COMMENT ON FUNCTION ddd.owns_type(text) IS
'Tells whether schema ddd has a type of this name that is a member of the extension.
For extension scripts. A type of somebody else, or the row type of a table, does not count.
Errors:
  22004 null name
Context: core (internal).';
REVOKE ALL ON FUNCTION ddd.owns_type(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.touch_row() RETURNS trigger
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

CREATE OR REPLACE FUNCTION ddd.check_row() RETURNS trigger
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
CREATE OR REPLACE VIEW ddd.api AS
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
