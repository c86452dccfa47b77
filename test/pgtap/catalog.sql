-- The shape of the catalog: names, types, indexes, privileges, comments.
BEGIN;
SELECT no_plan();

-- tables and columns
SELECT tables_are('ddd', ARRAY['schema_version', 'stash', 'users', 'posts', 'comments', 'tags', 'post_tags',
    'counter_ledger', 'counters', 'counter_state', 'migration_log', 'backfills', 'tokens', 'outbox', 'verified_emails',
    'audit_log', 'audit_seals']);
SELECT columns_are('ddd', 'users', ARRAY['id', 'email', 'full_name', 'hashed_password', 'is_active', 'is_superuser', 'bio', 'created_at', 'updated_at']);
SELECT columns_are('ddd', 'posts', ARRAY['id', 'title', 'content', 'author_id', 'created_at', 'updated_at']);
SELECT columns_are('ddd', 'comments', ARRAY['id', 'content', 'post_id', 'author_id', 'parent_id', 'created_at', 'updated_at']);
SELECT columns_are('ddd', 'tags', ARRAY['id', 'name', 'created_at', 'updated_at', 'key', 'synonym_of']);
SELECT columns_are('ddd', 'post_tags', ARRAY['post_id', 'tag_id', 'post_created_at']);
SELECT col_type_is('ddd', t, c, k, t || '.' || c || ' is ' || k) FROM (VALUES
    ('users', 'id', 'bigint'), ('users', 'email', 'character varying(255)'), ('users', 'full_name', 'character varying(255)'),
    ('users', 'hashed_password', 'character varying(255)'), ('users', 'is_active', 'boolean'), ('users', 'is_superuser', 'boolean'), ('users', 'bio', 'text'),
    ('users', 'created_at', 'timestamp with time zone'), ('users', 'updated_at', 'timestamp with time zone'),
    ('posts', 'title', 'character varying(255)'), ('posts', 'content', 'text'), ('posts', 'author_id', 'bigint'),
    ('comments', 'content', 'text'), ('comments', 'parent_id', 'bigint'), ('tags', 'name', 'character varying(100)'),
    ('post_tags', 'post_created_at', 'timestamp with time zone')) AS v (t, c, k);
SELECT col_default_is('ddd', 'users', 'is_active', 'true', 'users are active by default');
SELECT col_default_is('ddd', 'users', 'is_superuser', 'false', 'users are no superusers by default');
SELECT col_is_pk('ddd', t, 'id', t || '.id is the primary key') FROM unnest(ARRAY['users', 'posts', 'comments', 'tags']) AS t;
SELECT col_is_pk('ddd', 'post_tags', ARRAY['post_id', 'tag_id'], 'post_tags has the two-column key');
SELECT col_not_null('ddd', t, c, t || '.' || c || ' is not null') FROM (VALUES ('users', 'email'), ('users', 'full_name'), ('users', 'hashed_password'),
    ('posts', 'author_id'), ('comments', 'post_id'), ('comments', 'author_id'), ('post_tags', 'post_created_at')) AS v (t, c);
SELECT col_is_null('ddd', 'users', 'bio', 'bio may be null');

-- built-in types only, so that dropping the extension cannot drop a column
SELECT is_empty($$
    SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
     WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND t.typnamespace <> 'pg_catalog'::regnamespace$$,
    'columns have built-in types only');
SELECT is_empty($$
    SELECT d.objid::regclass FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'ddd'
     WHERE d.deptype = 'e' AND d.classid IN ('pg_class'::regclass, 'pg_namespace'::regclass)
       AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind IN ('v', 'c'))$$,
    'no table, sequence or schema is a member of the extension');
SELECT is_empty($$
    SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
     WHERE d.refclassid = 'pg_proc'::regclass AND i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'ddd'::regnamespace)$$,
    'no index depends on a function of the extension');

-- indexes: stable names, every foreign key indexed by its leading columns, none twice
SELECT has_index('ddd', t, i, i || ' exists') FROM (VALUES ('users', 'ix_users_email'), ('users', 'ix_user_name_email'), ('users', 'ix_users_created_at'),
    ('posts', 'ix_posts_created_at'), ('posts', 'ix_posts_author_id'), ('comments', 'ix_comments_post_id'), ('comments', 'ix_comments_author_id'),
    ('comments', 'ix_comments_parent_id'), ('tags', 'ix_tags_name'), ('post_tags', 'ix_post_tags_tag_id')) AS v (t, i);
SELECT index_is_unique('ddd', 'users', 'ix_users_email', 'e-mail addresses are unique');
SELECT is_empty($$
    SELECT c.conname FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'ddd'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = c.conrelid
           AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)$$, 'every foreign key is indexed');
SELECT is_empty($$
    SELECT a.indexrelid::regclass, b.indexrelid::regclass FROM pg_index a JOIN pg_index b ON a.indrelid = b.indrelid AND a.indexrelid < b.indexrelid
     WHERE a.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'ddd'::regnamespace) AND a.indkey = b.indkey AND a.indoption = b.indoption
       AND coalesce(pg_get_expr(a.indexprs, a.indrelid), '') = coalesce(pg_get_expr(b.indexprs, b.indrelid), '')$$, 'no index exists twice');
SELECT is_empty($$
    SELECT conname FROM pg_constraint WHERE connamespace = 'ddd'::regnamespace AND conname !~ ('^' || (SELECT relname FROM pg_class WHERE oid = conrelid) || '_')$$,
    'constraints are named for their table');

-- lint: one way to name and to type things
CREATE TEMPORARY VIEW table_column AS
    SELECT c.oid, c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS default_value
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'r';
SELECT cmp_ok(count(*), '>', 30::bigint, 'there are columns to lint') FROM table_column;
SELECT is_empty($$SELECT relname, attname FROM table_column WHERE attname ~ '_at$' AND (type, attnotnull) <> ('timestamp with time zone', true)$$, 'times are timestamptz and not null');
SELECT is_empty($$SELECT relname, attname FROM table_column WHERE attname ~ '^(created|updated)_at$' AND default_value <> 'now()'$$, 'created_at and updated_at default to now()');
SELECT is_empty($$SELECT relname, attname FROM table_column WHERE attname ~ '(^|_)id$' AND type <> 'bigint'$$, 'ids are bigint');
SELECT is_empty($$SELECT relname FROM table_column WHERE attname = 'id' AND default_value IS DISTINCT FROM format('nextval(''ddd.%s_id_seq''::regclass)', relname)$$, 'ids come from the sequence named for the table');
SELECT is_empty($$SELECT relname, attname FROM table_column WHERE attname ~ '^is_' AND (type, attnotnull) <> ('boolean', true)$$, 'flags are boolean and not null');
SELECT is_empty($$SELECT relname, attname FROM table_column WHERE relname !~ '^[a-z_]+$' OR attname !~ '^[a-z_]+$'$$, 'tables and columns are in lower case');
SELECT is_empty($$SELECT relname, attname FROM table_column t WHERE attname ~ '_id$|^synonym_of$' AND attname <> 'subject_id' AND relname <> 'audit_log' AND NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'f' AND t.attnum = ANY (k.conkey))$$, 'every column that names another row is a foreign key, but a counter''s subject and the log''s user, who may be gone');
SELECT is_empty($$SELECT DISTINCT relname FROM table_column WHERE relname NOT IN ('schema_version', 'counter_ledger') EXCEPT SELECT relname FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'$$,
    'every table but the one-row schema_version and the ledger has a primary key');
SELECT is_empty($$SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'ddd'::regnamespace
     AND c.relname !~ '^ix_' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.conname = c.relname)$$, 'indexes are named ix_ or for their constraint');
SELECT is_empty($$SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'id'
     WHERE i.indrelid IN (SELECT oid FROM table_column) AND i.indkey[0] = a.attnum AND NOT i.indisprimary$$, 'no second index begins with the id');

-- functions
CREATE TEMPORARY VIEW member AS
    SELECT p.* FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'ddd';
SELECT cmp_ok(count(*), '>', 40::bigint, 'the extension has its functions') FROM member;
SELECT is_empty('SELECT oid::regprocedure FROM member WHERE obj_description(oid, ''pg_proc'') IS NULL', 'every function has a comment');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'ddd'::regnamespace EXCEPT SELECT oid::regprocedure FROM member$$,
    'schema ddd has no function but the extension''s');

-- ddd.api: every function that is not internal, each in a context
CREATE TEMPORARY VIEW member_line AS
    SELECT m.oid, l.line, l.nth, max(l.nth) OVER (PARTITION BY m.oid) AS last, l.line ~ '^Context: \w+ [(]internal[)][.]$' AS internal
      FROM member m, regexp_split_to_table(obj_description(m.oid, 'pg_proc'), '\n') WITH ORDINALITY AS l (line, nth);
SELECT is_empty($$SELECT oid::regprocedure, line FROM member_line WHERE nth = last
     AND line !~ '^Context: (core|counters|users|blog|popularity|tags|audit|privileges|migrations)( [(]internal[)])?[.]$'$$, 'every function is in a context');
SELECT bag_eq('SELECT function, arguments, result FROM ddd.api',
    $$SELECT p.proname::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
        FROM member p JOIN member_line l ON l.oid = p.oid AND l.nth = l.last WHERE NOT l.internal$$,
    'ddd.api has every function that is not internal, and no other');
SELECT is_empty($$SELECT a.function, a.context, a.summary FROM ddd.api a WHERE NOT EXISTS (
        SELECT FROM member p JOIN member_line f ON f.oid = p.oid AND f.nth = 1 JOIN member_line c ON c.oid = p.oid AND c.nth = c.last
         WHERE p.proname = a.function AND pg_get_function_arguments(p.oid) = a.arguments
           AND f.line = a.summary AND c.line = 'Context: ' || a.context || '.')$$, 'ddd.api has context and summary of each comment');
SELECT cmp_ok(count(*), '>', 35::bigint, 'ddd.api has its functions') FROM ddd.api;
SELECT set_eq('SELECT DISTINCT context FROM ddd.api', ARRAY['users', 'counters', 'blog', 'popularity', 'tags', 'audit', 'privileges', 'migrations'], 'the contexts are these');
SELECT is_empty($$SELECT p.oid::regprocedure FROM member p JOIN member_line l ON l.oid = p.oid AND l.nth = l.last
     WHERE l.internal <> (p.prorettype = 'trigger'::regtype OR p.proname IN ('owns_type', 'tables_wanted', 'migrate', 'stash_rows', 'stash_columns', 'unstash', 'pass_grants', 'rls_user', 'rls_superuser', 'create_tables', 'attach_triggers', 'grant_to_owner')
           OR p.oid IN (SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend]) FROM pg_type WHERE typnamespace = 'ddd'::regnamespace)
           OR p.oid IN (SELECT amproc FROM pg_amproc) OR p.oid IN (SELECT unnest(ARRAY[oprrest, oprjoin]) FROM pg_operator)
           OR p.oid IN (SELECT unnest(ARRAY[o.oprcode, n.oprcode]) FROM pg_operator o JOIN pg_amop a ON a.amopopr = o.oid AND o.oprleft = o.oprright
                        LEFT JOIN pg_operator n ON n.oid = o.oprnegate))$$,
    'internal are the trigger functions, what scripts and install() call, and what types, operators and indexes are made of');
SELECT is_empty($$SELECT p.oid::regprocedure, d.names, p.proargnames FROM member p JOIN member_line c ON c.oid = p.oid AND c.nth = c.last AND NOT c.internal
      CROSS JOIN LATERAL (SELECT coalesce(array_agg(substring(line, '^\w+') ORDER BY nth), '{}') AS names
                            FROM member_line l WHERE l.oid = p.oid AND line ~ '^[a-z]\w*: ') d
     WHERE d.names IS DISTINCT FROM coalesce(p.proargnames, '{}')$$, 'a comment describes every argument, in order');
SELECT is_empty($$SELECT oid::regprocedure FROM member_line GROUP BY oid HAVING NOT bool_or(internal)
     AND (count(*) FILTER (WHERE line ~ '^Returns: .') <> 1 OR count(*) FILTER (WHERE line ~ '^Errors:( none[.])?$') <> 1)$$,
    'a comment says what is returned and which errors are raised');
SELECT is(obj_description('ddd.api'::regclass, 'pg_class') IS NOT NULL AND bool_and(col_description(attrelid, attnum) IS NOT NULL), true, 'ddd.api and its columns have comments')
  FROM pg_attribute WHERE attrelid = 'ddd.api'::regclass AND attnum > 0;
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'ddd' AND c.relkind IN ('v', 'm') AND NOT EXISTS (
        SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ddd'
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')$$, 'every view is a member of the extension');
SELECT is_empty('SELECT oid::regprocedure FROM member WHERE pronamespace <> ''ddd''::regnamespace', 'every function is in schema ddd');
SELECT is_empty($$SELECT oid::regprocedure FROM member WHERE prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c') AND proname NOT IN ('create_tables', 'attach_triggers', 'grant_to_owner')$$,
    'every function is in C, but the three that scripts and install() share');
SELECT is_empty($$SELECT oid::regprocedure FROM member WHERE prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c') AND NOT coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false)$$,
    'a function that is not in C pins its search_path');
SELECT is_empty('SELECT oid::regprocedure FROM member WHERE prosecdef', 'no function is security definer');
SELECT is_empty($$SELECT oid::regprocedure FROM member WHERE provolatile = 'v' AND proname ~ '^(get|list|search|popular|posts|post_comments|is_|repr|to_dict|version)'$$, 'readers are stable');
SELECT is_empty($$SELECT oid::regprocedure FROM member WHERE provolatile <> 'v' AND proname ~ '^(create|update|delete|add|set|tag_post|untag|install|stamp)'$$, 'writers are volatile');
SELECT is_empty($$SELECT oid::regprocedure FROM member WHERE provolatile = 'v' AND proparallel = 's'$$, 'writers are not parallel safe');
SELECT set_eq($$SELECT proname FROM member WHERE procost = 100000 AND proparallel = 'r'$$, ARRAY['hash_password', 'verify_password'], 'hashing stays out of parallel workers, which share a slot');

-- privileges: nothing for PUBLIC
SELECT is_empty($$SELECT oid::regprocedure FROM member, aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0$$, 'PUBLIC may execute nothing');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'ddd'::regnamespace AND a.grantee = 0$$, 'PUBLIC has no privilege on a relation');
SELECT is_empty($$SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'ddd' AND a.grantee = 0$$, 'PUBLIC has no privilege on the schema');
-- (a view's row type is one of its members from PostgreSQL 17 on; pg_dump cannot have a privilege taken from it)
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ddd', aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) a WHERE a.grantee = 0 AND t.typelem = 0
     AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'v')$$, 'PUBLIC has no privilege on a type');

-- results: never the hash
SELECT is_empty($$
    SELECT t.oid::regtype FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
     WHERE t.typnamespace = 'ddd'::regnamespace AND a.attname ~ 'password|hash'$$, 'no type of the API has the password hash');

-- settings, once the library is loaded
SELECT isnt(library, NULL, 'the library is loaded') FROM ddd.version();
SELECT set_eq($$SELECT name FROM pg_settings WHERE name ~ '^ddd[.]'$$, ARRAY['ddd.access_path', 'ddd.allow_data_loss', 'ddd.argon2_memory_kib', 'ddd.argon2_time', 'ddd.auth_account_allowance', 'ddd.auth_forget_interval',
    'ddd.auth_max_delay', 'ddd.auth_min_duration', 'ddd.auth_source_allowance', 'ddd.create_tables', 'ddd.enforce_identity', 'ddd.fold_threshold', 'ddd.hash_slot_timeout', 'ddd.hash_slots', 'ddd.literal_password', 'ddd.max_comment_depth', 'ddd.max_page_size', 'ddd.max_skip', 'ddd.max_tags_per_post',
    'ddd.reset_token_ttl', 'ddd.verify_token_ttl'], 'the settings are these');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name ~ '^ddd[.]' AND (short_desc = '' OR short_desc !~ '[.]$')$$, 'every setting is described');
SELECT is(unit, 'kB', 'argon2_memory_kib has a unit') FROM pg_settings WHERE name = 'ddd.argon2_memory_kib';
SELECT throws_ok('SET ddd.max_pagesize = 3', '42602', NULL, 'a mistyped setting is refused');
SELECT throws_ok('SET ddd.max_page_size = 0', '22023', NULL, 'a setting out of range is refused');

SELECT * FROM finish();
ROLLBACK;
