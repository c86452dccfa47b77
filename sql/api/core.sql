-- core: what the other files stand on, and row triggers that every table shares.

CREATE OR REPLACE FUNCTION ddd.owns_type(name text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ddd_owns_type';
COMMENT ON FUNCTION ddd.owns_type(text) IS
'For extension scripts: whether schema ddd has a type of that name which is a member of the extension. Somebody else''s type, or a table''s row type, does not count. Errors: 22004.';
REVOKE ALL ON FUNCTION ddd.owns_type(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.touch_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_touch_row';
COMMENT ON FUNCTION ddd.touch_row() IS
'BEFORE UPDATE row trigger: keeps created_at, moves updated_at forward (strictly, also within one transaction) when another column really changes, and keeps it when none does.';
REVOKE ALL ON FUNCTION ddd.touch_row() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.check_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ddd_check_row';
COMMENT ON FUNCTION ddd.check_row() IS
'BEFORE INSERT OR UPDATE row trigger: each argument is rule:column, rule one of email, text (not blank, counting invisible characters as blank), name (text without control characters or surrounding blanks). Errors: 23514 with constraint <table>_<column>_<rule violated>.';
REVOKE ALL ON FUNCTION ddd.check_row() FROM PUBLIC;

