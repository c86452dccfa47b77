-- Helpers of the loaders: fill tables without their indexes and foreign keys,
-- and put those back as they were. Reads no data, knows no table.
\set ON_ERROR_STOP on
\set QUIET on

CREATE SCHEMA bench;

CREATE TABLE bench.stripped (schema text, step int, nth oid, command text);

-- Drops every index and foreign key of a schema's tables and remembers them.
CREATE FUNCTION bench.strip(of_schema text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid, c.conrelid::regclass AS of_table, c.conname, c.contype,
               pg_get_constraintdef(c.oid) AS definition
          FROM pg_constraint c
         WHERE c.connamespace = of_schema::regnamespace AND c.contype IN ('f', 'p', 'u')
         ORDER BY c.contype <> 'f', c.oid
    LOOP
        INSERT INTO bench.stripped VALUES (
            of_schema, CASE found.contype WHEN 'f' THEN 3 ELSE 1 END, found.oid,
            format('ALTER TABLE %s ADD CONSTRAINT %I %s', found.of_table, found.conname, found.definition));
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.of_table, found.conname);
    END LOOP;
    FOR found IN
        SELECT i.indexrelid AS oid, i.indexrelid::regclass AS name,
               pg_get_indexdef(i.indexrelid) AS definition
          FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
         WHERE t.relnamespace = of_schema::regnamespace AND t.relkind = 'r'
    LOOP
        INSERT INTO bench.stripped VALUES (of_schema, 2, found.oid, found.definition);
        EXECUTE format('DROP INDEX %s', found.name);
    END LOOP;
END
$$;

-- What bench.strip dropped, as commands in the order in which they were made:
-- triggers of foreign keys fire in that order.
CREATE FUNCTION bench.unstrip(of_schema text) RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT command FROM bench.stripped WHERE schema = of_schema ORDER BY step, nth
$$;

-- The distribution function of Zipf's law with exponent 1 over n ranks: the
-- r-th number is H(r) / H(n), where H(k) = 1 + 1/2 + ... + 1/k. A uniform random
-- number's place among them is a rank (inversion by search in a table: Devroye,
-- Non-Uniform Random Variate Generation, 1986, chapter III.2).
CREATE FUNCTION bench.zipf(n bigint) RETURNS float8[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(h / max ORDER BY k)
      FROM (SELECT k, h, max(h) OVER () FROM (SELECT k, sum(1::float8 / k) OVER (ORDER BY k) AS h
                                                FROM generate_series(1, n) k) s) d
$$;

-- The k-th of n things (k from 0) in an order that has nothing to do with k:
-- multiplication by a prime that does not divide n permutes 0 .. n - 1.
CREATE FUNCTION bench.shuffle(k bigint, n bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT 1 + (k * 2654435761) % n
$$;
