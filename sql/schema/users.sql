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

