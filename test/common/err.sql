-- err(statement): what a client sees of its error, without the prose of the server.
CREATE FUNCTION pg_temp.err(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text; tab text; col text; con text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        tab = TABLE_NAME, col = COLUMN_NAME, con = CONSTRAINT_NAME;
    RETURN concat_ws(' | ', SQLSTATE, message, CASE WHEN detail !~ '^Failing row' THEN nullif(detail, '') END,
                     nullif(concat_ws('.', nullif(tab, ''), nullif(col, '')), ''), nullif(con, ''));
END $$;
