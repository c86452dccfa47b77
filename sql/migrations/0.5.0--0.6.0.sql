-- 0.5.0 -> 0.6.0: tokens, messages to users, verified addresses.
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
$migration$);
