-- pg_trgm and the index that README.md advises; the peers have one for ILIKE as well.
\set ON_ERROR_STOP on
\set QUIET on
CREATE EXTENSION pg_trgm;
CREATE INDEX ix_users_trgm ON ddd.users
    USING gin (lower(full_name) gin_trgm_ops, lower(email COLLATE "C") gin_trgm_ops);
CREATE INDEX ON tuned.users USING gin (lower(full_name) gin_trgm_ops, lower(email COLLATE "C") gin_trgm_ops);
CREATE INDEX ON tuned.users USING gin (full_name gin_trgm_ops, email gin_trgm_ops);
-- merges what the index holds in its list of pending entries
VACUUM (ANALYZE) ddd.users, tuned.users;
