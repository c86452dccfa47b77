-- argument: each argument of each function of ddd.api that is called for itself.
CREATE TEMPORARY TABLE argument AS
    SELECT p.oid::regprocedure::text AS function, a.nth, p.proargnames[a.nth] AS name, format_type(a.type, NULL) AS type
      FROM ddd.api f
      JOIN pg_proc p ON p.pronamespace = 'ddd'::regnamespace AND p.proname = f.function
                    AND pg_get_function_arguments(p.oid) = f.arguments
     CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, nth)
     WHERE f.context <> 'migrations' AND NOT p.proisstrict;

-- call(function, name, value): a call of one of them, with arguments that
-- succeed, but "value", an SQL expression, for the argument "name". Wants user
-- -1, post -1 and comment -1.
CREATE FUNCTION pg_temp.value_of(function text, name text, type text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE
        WHEN type = 'bigint' THEN CASE WHEN name = 'reassign_to' THEN 'NULL' ELSE '-1' END
        WHEN type = 'bigint[]' THEN '''{-1}'''
        WHEN type = 'integer' THEN CASE WHEN name = 'skip' THEN '0' ELSE '5' END
        WHEN type = 'boolean' THEN 'true'
        WHEN type = 'bytea' THEN 'NULL'
        WHEN type = 'ddd.tag_query' THEN '''a & !b'''
        WHEN type = 'text[]' THEN '''{a,b}'''
        WHEN type = 'timestamp with time zone' OR name IN ('after', 'hashed_password') THEN 'NULL'
        WHEN function ~ 'create_users' AND name = 'data' THEN '''[{"email": "new@calls", "full_name": "New"}]'''
        WHEN name = 'data' THEN '''{"email": "new@calls", "full_name": "New"}'''
        WHEN function ~ 'update_user' AND name = 'patch' THEN '''{"bio": "changed"}'''
        WHEN name = 'patch' THEN '''{"content": "changed"}'''
        WHEN name = 'email' THEN '''new@calls'''
        WHEN name = 'password' THEN '''correct horse'''
        WHEN name = 'hash' THEN '''!'''
        WHEN name = 'on_conflict' THEN '''error'''
        WHEN name = 'mode' THEN '''cascade'''
        WHEN type = 'interval' AND name = 'ttl' THEN '''1 hour'''
        WHEN name = 'token' THEN '''ddd_'' || repeat(''A'', 43)'
        WHEN type = 'text' THEN '''some text'''
    END
$$;
CREATE FUNCTION pg_temp.call(function text, name text DEFAULT '', value text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT * FROM %s(%s)', split_part($1, '(', 1), string_agg(
               CASE WHEN a.name = $2 THEN $3 ELSE pg_temp.value_of($1, a.name, a.type) END || '::' || a.type, ', ' ORDER BY nth))
      FROM argument a WHERE a.function = $1
$$;

-- state(): a checksum of every row of every table, without the deltas that
-- other tests have left.
DO $$ BEGIN PERFORM ddd.fold_counters(); END $$;
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE plpgsql AS $$
DECLARE relation regclass; rows text; all_rows text := '';
BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
        EXECUTE format('SELECT string_agg(t::text, E''\n'' ORDER BY t::text) FROM %s t', relation) INTO rows;
        all_rows := all_rows || relation || coalesce(rows, '');
    END LOOP;
    RETURN md5(all_rows);
END $$;

-- tried(statement): its SQLSTATE (00000 for none) and message, and whether it
-- changed a row; then all of it is undone.
CREATE FUNCTION pg_temp.tried(statement text, OUT state text, OUT message text, OUT changed boolean) LANGUAGE plpgsql AS $$
DECLARE before text := pg_temp.state();
BEGIN
    BEGIN
        EXECUTE statement;
        changed := pg_temp.state() <> before;
        RAISE EXCEPTION USING ERRCODE = 'ZZ999';
    EXCEPTION WHEN OTHERS THEN
        state := CASE SQLSTATE WHEN 'ZZ999' THEN '00000' ELSE SQLSTATE END;
        message := CASE SQLSTATE WHEN 'ZZ999' THEN '' ELSE SQLERRM END;
    END;
    IF pg_temp.state() <> before THEN
        RAISE 'not undone: %', statement;
    END IF;
END $$;
