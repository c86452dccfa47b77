-- Create the tables, or take up those that are there.
DO $ddd$
DECLARE
    schema_owner regrole := (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'ddd');
    foreign_tables text;
BEGIN
    IF NOT ddd.tables_wanted() THEN
        RETURN;
    END IF;
    IF schema_owner <> current_user::regrole THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('schema "ddd" belongs to role "%s"', schema_owner),
            HINT = 'If you trust what it holds, run SET ddd.create_tables = off; CREATE EXTENSION ddd; SELECT ddd.install();';
    END IF;
    SELECT string_agg(format('%s of role "%s"', relname, relowner::regrole), ', ' ORDER BY relname)
      INTO foreign_tables
      FROM pg_class
     WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relowner <> schema_owner::oid
       AND relname IN ('schema_version', 'stash', 'users', 'posts', 'comments', 'tags', 'post_tags',
                       'counter_ledger', 'counters', 'counter_state', 'migration_log', 'backfills',
                       'tokens', 'outbox', 'verified_emails',
                       'audit_log', 'audit_seals');
    IF foreign_tables IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'schema "ddd" holds tables of another owner',
            DETAIL = format('Found: %s.', foreign_tables);
    END IF;
    PERFORM ddd.install();
END
$ddd$;

