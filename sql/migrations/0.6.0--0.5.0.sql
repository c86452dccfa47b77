-- 0.6.0 -> 0.5.0: no tokens, messages, verified addresses and audit log, which wait in ddd.stash.
-- Policies would go with the functions that they call, and leave the tables to whoever may write them.
DO $ddd$
BEGIN
    IF EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                WHERE c.relnamespace = 'ddd'::regnamespace AND p.polname IN ('ddd_read', 'ddd_insert', 'ddd_update', 'ddd_delete')) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'version 0.5.0 of ddd has no row-level security',
            HINT = 'Run SELECT ddd.disable_rls(), and then the downgrade again.';
    END IF;
END
$ddd$;
SELECT ddd.migrate('0.6.0', '{users,posts,comments,tags,post_tags,audit_log,audit_seals,outbox,tokens,verified_emails}', $migration$
-- its function goes, and a trigger of any table with it
DO $ddd$
DECLARE
    attached record;
BEGIN
    FOR attached IN SELECT tgname, tgrelid::regclass AS table_name FROM pg_trigger
                     WHERE tgfoid = to_regprocedure('ddd.audit_rows()') AND tgparentid = 0 ORDER BY tgrelid LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', attached.tgname, attached.table_name);
    END LOOP;
END
$ddd$;
SELECT ddd.stash_rows('0.6.0', 'tokens', 'true');
SELECT ddd.stash_rows('0.6.0', 'outbox', 'true');
SELECT ddd.stash_rows('0.6.0', 'verified_emails', 'true');
DROP TABLE ddd.tokens, ddd.outbox, ddd.verified_emails;
SELECT ddd.stash_rows('0.6.0', 'audit_log', 'true');
SELECT ddd.stash_rows('0.6.0', 'audit_seals', 'true');
DROP TABLE ddd.audit_log, ddd.audit_seals;
$migration$);

DROP FUNCTION ddd.issue_token(bigint, interval, text);
DROP FUNCTION ddd.rotate_token(text, interval);
DROP FUNCTION ddd.revoke_token(text);
DROP FUNCTION ddd.revoke_tokens(bigint);
DROP FUNCTION ddd.prune_tokens();
DROP FUNCTION ddd.begin_as(text);
DROP FUNCTION ddd.current_user_id();
DROP FUNCTION ddd.current_scope();
DROP FUNCTION ddd.require_user();
DROP FUNCTION ddd.authenticate(text, text, text);
DROP FUNCTION ddd.change_password(bigint, text, text);
DROP FUNCTION ddd.request_password_reset(text);
DROP FUNCTION ddd.request_email_verification(text);
DROP FUNCTION ddd.take_outbox(integer);
DROP FUNCTION ddd.verify_email(text);
DROP FUNCTION ddd.email_verified(bigint);
DROP FUNCTION ddd.reset_password(text, text);
DROP FUNCTION ddd.grant_api(text, text);
DROP FUNCTION ddd.revoke_api(text);
DROP FUNCTION ddd.grant_tables(text, text);
DROP FUNCTION ddd.enable_rls();
DROP FUNCTION ddd.disable_rls();
DROP FUNCTION ddd.rls_user();
DROP FUNCTION ddd.rls_superuser();
DROP FUNCTION ddd.enable_audit();
DROP FUNCTION ddd.disable_audit();
DROP FUNCTION ddd.audit_rows();
DROP FUNCTION ddd.audit_seal();
DROP FUNCTION ddd.audit_verify(bytea);
