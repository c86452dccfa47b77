CREATE SEQUENCE ddd.audit_log_id_seq;
-- No other unique key and no foreign key: it may be replaced by one that is partitioned by "at".
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
