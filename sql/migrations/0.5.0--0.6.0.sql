-- 0.5.0 -> 0.6.0: tokens, messages to users, verified addresses, the audit log.
SELECT ddd.migrate('0.5.0', '{}', $migration$
CREATE TABLE ddd.tokens (
    digest     bytea       NOT NULL,
    user_id    bigint      NOT NULL,
    purpose    text        NOT NULL,
    scope      text        NOT NULL,
    bound_to   bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT tokens_pkey PRIMARY KEY (digest),
    CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES ddd.users (id) ON DELETE CASCADE,
    CONSTRAINT tokens_purpose_known
        CHECK (purpose IN ('access', 'reset_password', 'verify_email')),
    CONSTRAINT tokens_times_finite
        CHECK (isfinite(created_at) AND isfinite(expires_at))
);
CREATE INDEX ix_tokens_user_id ON ddd.tokens (user_id, purpose);
CREATE INDEX ix_tokens_expires_at ON ddd.tokens (expires_at);
COMMENT ON TABLE ddd.tokens IS 'Tokens that were handed out: their digests only. A row that is deleted is a token revoked.';
COMMENT ON COLUMN ddd.tokens.digest IS 'SHA-256 of the token''s 32 random bytes.';
COMMENT ON COLUMN ddd.tokens.scope IS 'Words between single blanks; what the token lets its bearer do.';
COMMENT ON COLUMN ddd.tokens.bound_to IS
'SHA-256 of what the user had when the token was made: the password hash, for verify_email the address, for reset_password both. It counts as long as that is the same.';
SELECT ddd.unstash('0.6.0', 'tokens');

CREATE TABLE ddd.outbox (
    user_id      bigint      NOT NULL,
    kind         text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (user_id, kind),
    CONSTRAINT outbox_user_id_fkey FOREIGN KEY (user_id) REFERENCES ddd.users (id) ON DELETE CASCADE,
    CONSTRAINT outbox_kind_known CHECK (kind IN ('reset_password', 'verify_email')),
    CONSTRAINT outbox_times_finite CHECK (isfinite(requested_at))
);
CREATE INDEX ix_outbox_requested_at ON ddd.outbox (requested_at, user_id, kind);
COMMENT ON TABLE ddd.outbox IS
'Messages that users are to be sent: ddd.take_outbox() takes them and makes their tokens, so that none is stored here.';
SELECT ddd.unstash('0.6.0', 'outbox');

CREATE TABLE ddd.verified_emails (
    user_id     bigint       NOT NULL,
    email       varchar(255) NOT NULL,
    verified_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT verified_emails_pkey PRIMARY KEY (user_id),
    CONSTRAINT verified_emails_user_id_fkey FOREIGN KEY (user_id) REFERENCES ddd.users (id) ON DELETE CASCADE,
    CONSTRAINT verified_emails_times_finite CHECK (isfinite(verified_at))
);
COMMENT ON TABLE ddd.verified_emails IS 'The address that a user has proved to receive mail at. It counts while it is the user''s address.';
SELECT ddd.unstash('0.6.0', 'verified_emails');

CREATE SEQUENCE ddd.audit_log_id_seq;
CREATE TABLE ddd.audit_log (
    at                timestamptz NOT NULL,
    id                bigint      NOT NULL DEFAULT nextval('ddd.audit_log_id_seq'),
    xid               xid8        NOT NULL,
    system_identifier bigint      NOT NULL,
    user_id           bigint,
    login_role        text        NOT NULL,
    acting_role       text,
    table_name        text        NOT NULL,
    action            text        NOT NULL,
    row_count         bigint,
    row_ids           bigint[],
    columns           text[],
    CONSTRAINT audit_log_pkey PRIMARY KEY (at, id),
    CONSTRAINT audit_log_times_finite CHECK (isfinite(at)),
    CONSTRAINT audit_log_action_known
        CHECK (action IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ENABLE', 'DISABLE'))
);
ALTER SEQUENCE ddd.audit_log_id_seq OWNED BY ddd.audit_log.id;
CREATE INDEX ix_audit_log_xid ON ddd.audit_log (system_identifier, xid, at, id);
COMMENT ON TABLE ddd.audit_log IS
'Who changed what: a row for each statement and table while ddd.enable_audit() is in force. No contents of rows.';
COMMENT ON COLUMN ddd.audit_log.xid IS 'The transaction that made the change, of the cluster that system_identifier names.';
COMMENT ON COLUMN ddd.audit_log.user_id IS 'The user whom ddd.begin_as() or ddd.authenticate() had proved to be the caller; NULL for none.';
COMMENT ON COLUMN ddd.audit_log.login_role IS 'The role that had logged in.';
COMMENT ON COLUMN ddd.audit_log.acting_role IS 'The role that SET ROLE had chosen; NULL if that is login_role.';
COMMENT ON COLUMN ddd.audit_log.row_count IS 'How many rows the statement changed; NULL for TRUNCATE.';
COMMENT ON COLUMN ddd.audit_log.row_ids IS 'Ids of the first 1000 of these rows; of post_tags, post_id.';
COMMENT ON COLUMN ddd.audit_log.columns IS 'Names of the columns that an UPDATE changed in some row.';
SELECT ddd.unstash('0.6.0', 'audit_log');
SELECT setval('ddd.audit_log_id_seq', max(id)) FROM ddd.audit_log HAVING max(id) IS NOT NULL;

CREATE TABLE ddd.audit_seals (
    number            bigint      NOT NULL,
    system_identifier bigint      NOT NULL,
    from_xid          xid8        NOT NULL,
    to_xid            xid8        NOT NULL,
    row_count         bigint      NOT NULL,
    first_at          timestamptz NOT NULL,
    sealed_at         timestamptz NOT NULL,
    rows_digest       bytea       NOT NULL,
    previous_digest   bytea       NOT NULL,
    digest            bytea       NOT NULL,
    CONSTRAINT audit_seals_pkey PRIMARY KEY (number),
    CONSTRAINT audit_seals_times_finite CHECK (isfinite(first_at) AND isfinite(sealed_at))
);
COMMENT ON TABLE ddd.audit_seals IS
'A chain over ddd.audit_log: each seal covers the rows of the transactions from from_xid to before to_xid, and the seal before it.';
COMMENT ON COLUMN ddd.audit_seals.first_at IS 'The earliest time of the rows: without rows that are as old, the seal cannot be verified.';
COMMENT ON COLUMN ddd.audit_seals.rows_digest IS 'SHA-256 of the rows.';
COMMENT ON COLUMN ddd.audit_seals.digest IS 'SHA-256 of the other columns; previous_digest is that of the seal before, all zeros of the first.';
SELECT ddd.unstash('0.6.0', 'audit_seals');
$migration$);
