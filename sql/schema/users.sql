CREATE SEQUENCE ddd.users_id_seq;
CREATE TABLE ddd.users (
    id              bigint       NOT NULL DEFAULT nextval('ddd.users_id_seq'),
    email           varchar(255) NOT NULL,
    hashed_password varchar(255) NOT NULL DEFAULT '!',
    is_active       boolean      NOT NULL DEFAULT true,
    is_superuser    boolean      NOT NULL DEFAULT false,
    bio             text,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    full_name       varchar(255) NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_valid
        CHECK (email COLLATE "C" ~ E'^[^@\\x01-\\x20\\x7f]+@[^@\\x01-\\x20\\x7f]+$'),
    CONSTRAINT users_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT users_full_name_not_blank
        CHECK (btrim(full_name, E' \t\n\r\f\x0b') <> '')
);
ALTER SEQUENCE ddd.users_id_seq OWNED BY ddd.users.id;
-- lower() under collation "C" folds ASCII letters and nothing else.
CREATE UNIQUE INDEX ix_users_email ON ddd.users (lower(email COLLATE "C"));
CREATE INDEX ix_users_created_at ON ddd.users (created_at DESC, id DESC);
CREATE INDEX ix_user_name_email ON ddd.users (full_name, email);
CREATE INDEX ix_users_full_name_prefix ON ddd.users (lower(full_name) text_pattern_ops);
CREATE INDEX ix_users_is_active ON ddd.users (is_active, created_at DESC, id DESC);
COMMENT ON TABLE ddd.users IS 'Users. E-mail addresses are unique without regard to the case of ASCII letters.';
COMMENT ON COLUMN ddd.users.hashed_password IS 'A password hash in its own text format, or ! for a user who has no password.';


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

CREATE TABLE ddd.verified_emails (
    user_id     bigint       NOT NULL,
    email       varchar(255) NOT NULL,
    verified_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT verified_emails_pkey PRIMARY KEY (user_id),
    CONSTRAINT verified_emails_user_id_fkey FOREIGN KEY (user_id) REFERENCES ddd.users (id) ON DELETE CASCADE,
    CONSTRAINT verified_emails_times_finite CHECK (isfinite(verified_at))
);
COMMENT ON TABLE ddd.verified_emails IS 'The address that a user has proved to receive mail at. It counts while it is the user''s address.';
