# What others have planted has no effect: in the schema before CREATE
# EXTENSION, on the search_path of whoever calls, and on the tables by their
# owner. An application role uses the API and nothing else.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
sql($node, 'postgres',
	'CREATE ROLE attacker LOGIN; CREATE ROLE table_owner LOGIN; CREATE ROLE app LOGIN; CREATE ROLE other_admin SUPERUSER LOGIN'
);
my $version = current_version();

# ---- planted before CREATE EXTENSION ---------------------------------------
sub installs_refused
{
	my ($database, $planted, $pattern, $name) = @_;

	new_database($node, $database, $planted);
	is_refused($node, $database, 'CREATE EXTENSION ddd', '42501', $pattern, $name);
	is(sql($node, $database, "SELECT count(*) FROM pg_extension WHERE extname = 'ddd'"),
		'0', "$name: nothing is installed");
}

installs_refused('squatted', 'CREATE SCHEMA ddd AUTHORIZATION attacker',
	qr/attacker/, 'a schema of another role is refused');
installs_refused('admins', 'CREATE SCHEMA ddd AUTHORIZATION other_admin',
	qr/other_admin/, 'a schema of another superuser is refused');

my %planted = (
	'function' => [
		q{CREATE FUNCTION ddd.get_user(int) RETURNS int LANGUAGE sql AS 'SELECT 1'},
		qr/function ddd\.get_user\(integer\)/ ],
	'function of the same signature' => [
		q{CREATE FUNCTION ddd.version(OUT code text, OUT library text, OUT tables text) LANGUAGE sql AS $$SELECT '', '', ''$$},
		qr/function ddd\.version\(\)/ ],
	'procedure' =>
	  [ q{CREATE PROCEDURE ddd.install(int) LANGUAGE sql AS ''}, qr/ddd\.install\(integer\)/ ],
	'aggregate' => [
		q{CREATE AGGREGATE ddd.count(bigint) (SFUNC = int8pl, STYPE = bigint)},
		qr/ddd\.count\(bigint\)/ ],
	'operator' => [
		q{CREATE OPERATOR ddd.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq)},
		qr/operator ddd\.=\(text,text\)/ ],
	'composite type' => [ q{CREATE TYPE ddd.user_info AS (id bigint)}, qr/type ddd\.user_info/ ],
	'domain' => [ q{CREATE DOMAIN ddd.bigint AS int}, qr/type ddd\."?bigint/ ],
	'enum' => [ q{CREATE TYPE ddd.text AS ENUM ('a')}, qr/type ddd\.text/ ],
	'collation' => [ q{CREATE COLLATION ddd.c FROM "C"}, qr/collation ddd\.c/ ]);
my $database_number = 0;
foreach my $kind (sort keys %planted)
{
	my ($statement, $pattern) = @{ $planted{$kind} };

	installs_refused('planted' . $database_number++,
		"CREATE SCHEMA ddd; $statement",
		$pattern, "a planted $kind is refused by name");
}

# Whoever may create in the installer's schema may not bring the tables.
foreach my $table (
	"TABLE ddd.schema_version (version) AS SELECT '$version'::text",
	'TABLE ddd.users (id bigint, email text, full_name text, hashed_password text)',
	"VIEW ddd.schema_version (version) AS SELECT '$version'::text",
	'SEQUENCE ddd.users_id_seq')
{
	my $database = 'planted' . $database_number++;
	my ($kind) = $table =~ /^(\w+ [\w.]+)/;

	new_database($node, $database, 'CREATE SCHEMA ddd', 'GRANT CREATE, USAGE ON SCHEMA ddd TO attacker',
		'SET SESSION AUTHORIZATION attacker', "CREATE $table");
	my $error = failure($node, $database, 'CREATE EXTENSION ddd');
	isnt($error->{state}, '', "another role's $kind in the installer's schema is not taken up");
	is(sql($node, $database, "SELECT count(*) FROM pg_extension WHERE extname = 'ddd'"),
		'0', "another role's $kind in the installer's schema: nothing is installed");
}

# A table's row type is not ours, whatever it is called, fresh or on an upgrade.
my $row_type = 'CREATE TABLE ddd.user_info (id text, email text, full_name text, is_active boolean, '
  . 'is_superuser boolean, bio text, created_at timestamptz, updated_at timestamptz)';
new_database($node, 'planted_row_type', 'CREATE SCHEMA ddd', $row_type);
is_refused($node, 'planted_row_type', 'CREATE EXTENSION ddd', '42710', qr/"user_info"/,
	'a table with the name of a row type is refused');
new_database($node, 'planted_row_type_later', "CREATE EXTENSION ddd VERSION '0.1.0'", $row_type);
is_refused($node, 'planted_row_type_later', 'ALTER EXTENSION ddd UPDATE', '42710', qr/"user_info"/,
	'a table with the name of a row type stops an upgrade');

# Nor is a view of its name the view, fresh or on an upgrade.
my $view = 'CREATE VIEW ddd.api AS SELECT t COLLATE "C" AS context, t COLLATE "C" AS function, t AS arguments, t AS result, '
  . q{t COLLATE "C" AS summary FROM (VALUES (text 'planted')) AS v (t)};
new_database($node, 'planted_view', 'CREATE SCHEMA ddd', $view);
is_refused($node, 'planted_view', 'CREATE EXTENSION ddd', '42P07', qr/"api"/, 'a planted ddd.api is refused');
new_database($node, 'planted_view_later', "CREATE EXTENSION ddd VERSION '0.1.0'", $view);
is_refused($node, 'planted_view_later', 'ALTER EXTENSION ddd UPDATE', '55000', qr/api/, 'a planted ddd.api stops an upgrade');

# Whoever may create in the schema could plant a better match later.
new_database($node, 'planters', 'CREATE SCHEMA ddd', 'GRANT CREATE ON SCHEMA ddd TO attacker');
is_refused($node, 'planters', 'CREATE EXTENSION ddd', '42501', qr/Revoke CREATE/,
	'a schema in which others may create is refused');

new_database($node, 'planted_table', 'CREATE EXTENSION ddd', 'DROP EXTENSION ddd CASCADE',
	'GRANT USAGE ON SCHEMA ddd TO attacker');
sql(
	$node, 'planted_table', q{
	DO $$
	DECLARE
		one regclass;
	BEGIN
		FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r' LOOP
			EXECUTE format('ALTER TABLE %s OWNER TO attacker', one);
		END LOOP;
	END $$});
is_refused($node, 'planted_table', 'CREATE EXTENSION ddd', '42501', qr/attacker/,
	'tables that belong to another role than the schema are refused by name');

# ---- a hostile search_path -------------------------------------------------
# Everything of "hostile" that is reached leaves a row in the canary.
my $hostile = q{
	CREATE SCHEMA hostile;
	GRANT USAGE ON SCHEMA hostile TO PUBLIC;
	CREATE TABLE hostile.canary (caught text, who text);
	GRANT INSERT ON hostile.canary TO PUBLIC;
	CREATE FUNCTION hostile.catch(name text) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog AS
		'INSERT INTO hostile.canary VALUES (name, current_user)';
	DO $$
	DECLARE
		call record;
		one text;
	BEGIN
		-- the same name with exactly the same arguments wins by search_path
		FOR call IN
			SELECT p.oid, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments,
			       pg_get_function_result(p.oid) AS result,
			       array_to_string(ARRAY(SELECT format('$%s', n) FROM generate_series(1, p.pronargs) n), ', ') AS pass
			  FROM pg_proc p
			 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset
			   AND p.provariadic = 0 AND p.proargnames IS NULL
			   AND p.prorettype <> 'internal'::regtype AND 'internal'::regtype <> ALL (p.proargtypes::oid[])
			   AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) t JOIN pg_type y ON y.oid = t
			                    WHERE y.typtype = 'p' AND t NOT IN ('void'::regtype))
			   AND p.proname IN ('lower', 'upper', 'btrim', 'ltrim', 'length', 'char_length', 'octet_length', 'strpos',
			       'substr', 'substring', 'split_part', 'replace', 'position', 'texteq', 'textlike', 'isfinite',
			       'to_regclass', 'to_regtype', 'to_regnamespace', 'current_setting', 'set_config', 'quote_ident',
			       'int8eq', 'int8lt', 'int4eq', 'hashtext', 'pg_describe_object', 'nextval', 'chr', 'repeat', 'md5')
		LOOP
			EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE sql VOLATILE AS %L',
				call.proname, call.arguments, call.result,
				format('SELECT hostile.catch(%L); SELECT pg_catalog.%I(%s)', call.proname, call.proname, call.pass));
		END LOOP;
		CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''now''); SELECT pg_catalog.now()';
		CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''clock_timestamp''); SELECT pg_catalog.clock_timestamp()';
		CREATE FUNCTION hostile.format(text, text) RETURNS text LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''format''); SELECT pg_catalog.format($1, $2)';
		CREATE FUNCTION hostile.count_step(bigint, anyelement) RETURNS bigint LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''count''); SELECT $1 + 1';
		CREATE AGGREGATE hostile.count(bigint) (SFUNC = hostile.count_step, STYPE = bigint, INITCOND = '0');
		CREATE FUNCTION hostile.unnest(text[]) RETURNS SETOF text LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''unnest''); SELECT pg_catalog.unnest($1)';
		CREATE FUNCTION hostile.get_user(bigint) RETURNS text LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''get_user'')::text';

		-- operators between the types of our columns
		FOR call IN
			SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
			  FROM pg_operator o
			 WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b'
			   AND o.oprname IN ('=', '<>', '<', '>', '<=', '>=', '||', '+', '-', '~', '~~', '~*', '~~*', '->', '->>', '?')
			   AND (o.oprleft, o.oprright) IN (SELECT a::regtype, b::regtype
			         FROM unnest('{text,bigint,integer,boolean,timestamptz,jsonb,oid,name,"\"char\"",varchar}'::text[]) a,
			              unnest('{text,bigint,integer,boolean,timestamptz,jsonb,oid,name,"\"char\"",varchar}'::text[]) b)
		LOOP
			one := 'op_' || md5(call.oprname || call.l || call.r);
			EXECUTE format('CREATE FUNCTION hostile.%I(%s, %s) RETURNS %s LANGUAGE sql VOLATILE AS %L',
				one, call.l, call.r, call.result,
				format('SELECT hostile.catch(%L); SELECT $1 OPERATOR(pg_catalog.%s) $2',
				       call.oprname || ' ' || call.l || ' ' || call.r, call.oprname));
			EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.%I)',
				call.oprname, call.l, call.r, one);
		END LOOP;
		-- an exact match for varchar beats pg_catalog's for text
		CREATE FUNCTION hostile.same(varchar, text) RETURNS boolean LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''= varchar text''); SELECT $1::text OPERATOR(pg_catalog.=) $2';
		CREATE OPERATOR hostile.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = hostile.same);
		CREATE FUNCTION hostile.lower(varchar) RETURNS text LANGUAGE sql VOLATILE AS
			'SELECT hostile.catch(''lower varchar''); SELECT pg_catalog.lower($1::text)';
	END $$;
	-- tables, types and a sequence named like ours and like the catalogs
	CREATE TYPE hostile.user_info AS (id int);
	CREATE DOMAIN hostile.bigint AS pg_catalog.int4;
	CREATE DOMAIN hostile.text AS pg_catalog.varchar(1);
	CREATE SEQUENCE hostile.users_id_seq;
	CREATE FUNCTION hostile.caught() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN PERFORM hostile.catch(tg_table_name); RETURN NULL; END$$;
	DO $$
	DECLARE
		table_name pg_catalog.text;
	BEGIN
		FOREACH table_name IN ARRAY '{schema_version,stash,users,posts,comments,tags,post_tags,counters,counter_ledger,counter_state}'::pg_catalog.text[] LOOP
			EXECUTE pg_catalog.format('CREATE TABLE hostile.%I (id int, version varchar)', table_name);
			EXECUTE pg_catalog.format('CREATE TRIGGER caught BEFORE INSERT OR UPDATE OR DELETE ON hostile.%I FOR EACH STATEMENT EXECUTE FUNCTION hostile.caught()', table_name);
		END LOOP;
		FOREACH table_name IN ARRAY '{pg_extension,pg_namespace,pg_class,pg_depend,pg_proc,pg_trigger,pg_type}'::pg_catalog.text[] LOOP
			EXECUTE pg_catalog.format('CREATE VIEW hostile.%I AS SELECT x.* FROM pg_catalog.%I x, LATERAL (SELECT hostile.catch(%L)) c', table_name, table_name, table_name);
		END LOOP;
	END $$;
};
my $path = 'SET search_path = hostile, pg_catalog, public';
my $caught = q{SELECT pg_catalog.string_agg(DISTINCT caught, ', ') FROM hostile.canary};

# For the owner of the tables, not for applications.
my @for_owner = (
	q{SET client_min_messages = warning; CALL ddd.backfill('posts', 'title = lower(title) || id', 'id > 0 OR title = ''x''', 2)},
	q{SELECT ddd.enable_audit(), ddd.create_user('audited@example.org', 'A'), ddd.audit_seal(), ddd.disable_audit()},
	q{SELECT ddd.enable_rls(), ddd.rls_user(), ddd.rls_superuser()},
	q{SELECT ddd.grant_api('app', 'writer'), ddd.grant_tables('app', 'writer')},
	q{SELECT ddd.revoke_api('app')},
	q{SELECT ddd.disable_rls()});

# Sign-up, writing, reading, changing and deleting: every API function once.
my @calls = (
	q{SELECT ddd.create_user('Ann@Example.org', 'Ann', 'correct horse', 'bio')},
	q{SELECT ddd.create_user('{"email": "bob@example.org", "full_name": "Bob Böll"}'::pg_catalog.jsonb)},
	q{SELECT ddd.create_users('[{"email": "c@example.org", "full_name": "C"}, {"email": "ann@example.org", "full_name": "A"}]'::pg_catalog.jsonb, 'skip')},
	q{SELECT ddd.get_user(1)},
	q{SELECT ddd.get_user_by_email('ANN@example.org')},
	q{SELECT ddd.list_users(10, NULL, 0, true)},
	q{SELECT ddd.search_users('ann')},
	q{SELECT ddd.search_users('b')},
	q{SELECT ddd.update_user(1, '{"bio": null, "full_name": "Ann B"}'::pg_catalog.jsonb)},
	q{SELECT ddd.set_password(1, 'another horse')},
	q{SELECT ddd.is_authenticated(ddd.get_user(1)), ddd.repr(ddd.get_user(1)), ddd.to_dict(ddd.get_user(1))},
	q{SELECT ddd.authenticate('ann@example.org', 'another horse', '192.0.2.1')},
	q{SELECT ddd.change_password(1, 'another horse', 'third horse')},
	q{SELECT ddd.begin_as(t), ddd.revoke_token(ddd.rotate_token(t)), ddd.current_user_id(), ddd.current_scope(), ddd.require_user() FROM ddd.issue_token(1) t},
	q{SELECT ddd.revoke_tokens(1), ddd.prune_tokens()},
	q{SELECT ddd.request_password_reset('ann@example.org'), ddd.request_email_verification('ann@example.org'), ddd.request_password_reset('none@example.org')},
	q{SELECT ddd.verify_email(token), ddd.reset_password(token, 'fourth horse') FROM ddd.take_outbox()},
	q{SELECT ddd.email_verified(1)},
	q{SELECT ddd.identify_hash(h), ddd.needs_rehash(h), ddd.verify_password('correct horse', h) FROM ddd.hash_password('correct horse') h},
	q{SELECT ddd.create_post(1, 'First', 'text', '{rust,Async}')},
	q{SELECT ddd.create_post(2, 'Second', 'text')},
	q{SELECT ddd.get_post(1)},
	q{SELECT ddd.update_post(1, '{"title": "Changed"}'::pg_catalog.jsonb)},
	q{SELECT ddd.list_posts(10), ddd.list_posts(10, NULL, 0, 1)},
	q{SELECT ddd.add_comment(1, 2, 'comment'), ddd.add_comment(1, 1, 'second')},
	q{SELECT ddd.add_comment(1, 2, 'reply', 1)},
	q{SELECT ddd.post_comments(1)},
	q{SELECT ddd.user_comments(1), ddd.user_posts(1)},
	q{SELECT ddd.users_with_posts(10, NULL, 2)},
	q{SELECT ddd.posts_detail('{1}'::pg_catalog.int8[])},
	q{SELECT ddd.update_comment(1, '{"content": "changed"}'::pg_catalog.jsonb), ddd.delete_comment(0)},
	q{SELECT ddd.posts_with_comments(10)},
	q{SELECT ddd.popular_posts(10)},
	q{SELECT ddd.popular_posts(10, NULL, 0), ddd.popular_posts(10, NULL, 0, '1 day')},
	q{SELECT ddd.hot_posts(10)},
	q{SELECT ddd.comment_count(1)},
	q{SELECT ddd.fold_counters(), ddd.rebuild_counters()},
	q{SELECT ddd.verify_counters()},
	q{SELECT ddd.audit_seal()},
	q{SELECT ddd.audit_verify('\x00')},
	q{SELECT ddd.tag_post(2, '{RUST, tokio}')},
	q{SELECT ddd.posts_by_tag('rust')},
	q{SELECT ddd.posts_by_tags('rust & !(go | r*) & !{rust}')},
	q{SELECT ddd.list_tags(prefix => 'r')},
	q{SELECT ddd.popular_tags()},
	q{SELECT ddd.suggest_tags('r')},
	q{SELECT ddd.related_tags('rust')},
	q{SELECT ddd.rename_tag('rust', 'Rust')},
	q{SELECT ddd.add_tag_synonym('rust', 'ferris')},
	q{SELECT ddd.add_tag_synonym('rust', 'oxide')},
	q{SELECT ddd.drop_tag_synonym('ferris')},
	q{SELECT ddd.merge_tags('{oxide,rust}', 'rust')},
	q{SELECT ddd.delete_tag('oxide')},
	q{SELECT ddd.prune_tags()},
	q{SELECT ddd.tag_key('Rust')},
	q{SELECT ddd.tags_all('{a}'), ddd.tags_any('{a}'), ddd.tags_none('{a}'), ddd.tags_exact('{a}')},
	q{SELECT ddd.tags_match('{a}', 'a')},
	q{SELECT ddd.tag_query_and('a', 'b'), ddd.tag_query_or('a', 'b'), ddd.tag_query_not('a')},
	q{SELECT ddd.untag_post(2, '{tokio}')},
	q{SELECT ddd.set_post_tags(2, '{beginner}')},
	q{SELECT ddd.delete_post(2)},
	q{SELECT ddd.delete_user(2, 'reassign', 1)},
	q{SELECT ddd.delete_user(3)},
	q{SELECT ddd.version()}, (map { "SELECT count(*) FROM ddd.$_()" } qw(current heads history plan fingerprint check_schema verify)));

new_database($node, 'hostile');
sql($node, 'hostile', $hostile);
sql($node, 'hostile',
	"$path; SELECT * FROM pg_class LIMIT 1; SELECT 'a' || lower('B'::pg_catalog.text), now() FROM pg_proc LIMIT 1");
isnt(sql($node, 'hostile', $caught), '', 'the hostile schema catches who trusts the search_path');

sql($node, 'hostile', 'TRUNCATE hostile.canary');
is($node->psql('hostile', "$path; CREATE EXTENSION ddd VERSION '0.1.0'"),
	0, 'CREATE EXTENSION under a hostile search_path');
is($node->psql('hostile', "$path; ALTER EXTENSION ddd UPDATE"),
	0, 'ALTER EXTENSION UPDATE under a hostile search_path');
is($node->psql('hostile', "$path; ALTER EXTENSION ddd UPDATE TO '0.1.0'"),
	0, 'ALTER EXTENSION downgrade under a hostile search_path');
is($node->psql('hostile', "$path; DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd VERSION '0.1.0'; ALTER EXTENSION ddd UPDATE"),
	0, 'attaching again under a hostile search_path');
is($node->psql('hostile', "$path; SELECT ddd.install(), ddd.stamp('$version')"),
	0, 'install() and stamp() under a hostile search_path');
is(sql($node, 'hostile', $caught), '', 'extension scripts reach nothing of the hostile schema');

foreach my $call (@calls, @for_owner)
{
	my ($name) = $call =~ /(ddd\.\w+)/;
	my ($code, $out, $err) = $node->psql('hostile', "$path; $call");

	is("$code $err " . sql($node, 'hostile', $caught),
		'0  ', "$name under a hostile search_path reaches nothing of it");
	sql($node, 'hostile', 'TRUNCATE hostile.canary');
}
is( sql(
		$node, 'hostile',
		"$path; INSERT INTO ddd.tags (name) VALUES ('direct'); INSERT INTO ddd.post_tags (post_id, tag_id) SELECT 1, id FROM ddd.tags WHERE name OPERATOR(pg_catalog.=) 'direct';"
		  . " UPDATE ddd.comments SET content = 'direct' WHERE parent_id IS NOT NULL; $caught"),
	'', 'triggers under a hostile search_path reach nothing of it');
is( sql(
		$node, 'hostile',
		"$path; INSERT INTO ddd.schema_version VALUES ('$version'); UPDATE ddd.schema_version SET version = '$version'; $caught"),
	'', 'the guard of ddd.schema_version under a hostile search_path reaches nothing of it');
is( sql(
		$node, 'hostile',
		'SELECT count(DISTINCT p.proname) FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid'
		  . " WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'"
		  . " AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd') AND p.prorettype <> 'trigger'::regtype"
		  . " AND p.proname NOT IN ('install', 'stamp', 'upgrade', 'downgrade', 'tables_wanted', 'create_tables', 'attach_triggers', 'grant_to_owner', 'owns_type', 'migrate', 'stash_rows', 'stash_columns', 'check_dependents', 'unstash', 'pass_grants')"
		  . " AND p.proname !~ '^(gin_tags_|tags_match_selectivity|tag_query_(in|out|recv|send|eq|ne|lt|le|gt|ge|cmp|hash))'"
		  . " AND p.proname NOT IN (" . join(', ', map { map { "'$_'" } /ddd\.(\w+)/g } @calls, @for_owner) . ')'),
	'0', 'every API function was among the calls');

# Whoever owns the first schema of the installer's path may drop that schema.
new_database($node, 'first_schema', 'CREATE SCHEMA first_schema AUTHORIZATION attacker',
	'SET search_path = first_schema', 'CREATE EXTENSION ddd');
$node->psql('first_schema', 'SET SESSION AUTHORIZATION attacker; DROP SCHEMA first_schema CASCADE');
is(sql($node, 'first_schema', "SELECT count(*) FROM pg_extension WHERE extname = 'ddd'"),
	'1', 'the extension does not go with the first schema of the search_path');

# ---- what the catalog must say ---------------------------------------------
my $db = new_database($node, 'clean', 'CREATE EXTENSION ddd');
my $member = q{(SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd') AND classid = '%s'::regclass)};
my $functions = sprintf $member, 'pg_proc';

cmp_ok(sql($node, $db, "SELECT count(*) FROM pg_proc WHERE oid IN $functions"),
	'>', 40, 'the extension has functions');
is( sql(
		$node, $db, qq{
		SELECT string_agg(p.oid::regprocedure::text, ', ')
		  FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		 WHERE p.oid IN $functions AND a.grantee = 0}),
	'', 'PUBLIC may execute no function of the extension');
is( sql(
		$node, $db, qq{
		SELECT string_agg(t.oid::regtype::text, ', ')
		  FROM pg_type t, aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) a
		 WHERE t.oid IN @{[sprintf $member, 'pg_type']} AND t.typelem = 0 AND a.grantee = 0
		   AND t.typrelid <> 'ddd.api'::regclass}),
	'', 'PUBLIC may use no type of the extension');
is( sql(
		$node, $db, q{
		SELECT string_agg(c.oid::regclass::text, ', ')
		  FROM pg_class c,
		       aclexplode(coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner))) a
		 WHERE c.relnamespace = 'ddd'::regnamespace AND a.grantee = 0}),
	'', 'PUBLIC has no privilege on a table or sequence');
is( sql(
		$node, $db, q{
		SELECT count(*) FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
		 WHERE n.nspname = 'ddd' AND a.grantee = 0}),
	'0', 'PUBLIC has no privilege on the schema');
is( sql(
		$node, $db, qq{
		SELECT string_agg(p.oid::regprocedure::text, ', ')
		  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		 WHERE p.oid IN $functions AND l.lanname <> 'c'
		   AND NOT coalesce(p.proconfig \@> '{"search_path=pg_catalog, pg_temp"}', false)}),
	'', 'every member function is C or pins its search_path');
is( sql($node, $db, "SELECT string_agg(proname, ', ') FROM pg_proc WHERE oid IN $functions AND prosecdef"),
	'', 'no member function is SECURITY DEFINER');

# ---- an application role: USAGE and EXECUTE, no table privilege ------------
sub grant_api
{
	my ($database) = @_;

	sql($node, $database,
		'GRANT USAGE ON SCHEMA ddd TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app');
}
my $as_app = 'SET SESSION AUTHORIZATION app';

grant_api($db);
foreach my $call (@calls)
{
	my ($name) = $call =~ /(ddd\.\w+)/;
	my ($code, $out, $err) = $node->psql($db, "$as_app; $call; SELECT current_user, session_user");

	is("$code $err", '0 ', "the application role may call $name");
	like($out, qr/^app\|app\z/m, "$name leaves the current user as it was");
}
foreach my $table (qw(schema_version stash users posts comments tags post_tags counters counter_ledger counter_state))
{
	foreach my $statement (
		"SELECT FROM ddd.$table", "DELETE FROM ddd.$table",
		"INSERT INTO ddd.$table DEFAULT VALUES", "TRUNCATE ddd.$table")
	{
		is_refused($node, $db, "$as_app; $statement", '42501', undef,
			"the application role may not $statement");
	}
}
is_refused($node, $db, "$as_app; SELECT nextval('ddd.users_id_seq')",
	'42501', undef, 'the application role may not use a sequence');
is_refused($node, $db, "$as_app; CREATE FUNCTION ddd.get_user(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
	'42501', undef, 'the application role may not create in the schema');

# All of these were granted above, by "ALL FUNCTIONS": that must not matter.
my $before = fingerprint($node, $db);
foreach my $internal (
	'ddd.install()', qq{ddd.stamp('$version')}, q{ddd.stamp('0.1.0')}, 'ddd.create_tables()')
{
	isnt(failure($node, $db, "$as_app; SELECT $internal")->{state},
		'', "the application role may not call $internal");
}
$node->psql($db, "$as_app; DROP TRIGGER users_touch ON ddd.users; SELECT ddd.attach_triggers()");
is_refused($node, $db, "$as_app; SELECT ddd.migrate('$version', '{}', 'DROP TABLE ddd.users')",
	'55000', undef, 'the application role may not call ddd.migrate()');
$node->psql($db, "$as_app; SELECT ddd.grant_to_owner()");
sql($node, $db, 'DROP TRIGGER users_touch ON ddd.users');
isnt(failure($node, $db, "$as_app; SELECT ddd.attach_triggers()")->{state},
	'', 'the application role may not attach triggers');
is(sql($node, $db, 'SELECT ddd.install()'), 'attached triggers: 1', 'the superuser may');
is_same_text(fingerprint($node, $db), $before, 'the application role has changed nothing');

# The settings of a restore are anybody's to set; the rules hold all the same.
my $as_restore = "$as_app; SET row_security = off; SET check_function_bodies = off";
sql($node, $db, q{SELECT ddd.create_post(1, 'Third', 'text')});
is_refused($node, $db, "$as_restore; SELECT ddd.add_comment(3, 1, 'reply', 1)",
	'23514', undef, 'a parent on another post is refused under the settings of a restore, too');

# ---- after an error, too ---------------------------------------------------
my ($code, $who, $err) = $node->psql(
	$db, qq{
	CREATE FUNCTION pg_temp.dummy() RETURNS int LANGUAGE sql AS 'SELECT 1';
	$as_app;
	SET search_path = "\$user", public;
	DO \$\$
	DECLARE
		call text;
		failed int := 0;
	BEGIN
		FOREACH call IN ARRAY ARRAY[
			'ddd.create_user(''ann\@example.org'', ''twice'')', 'ddd.create_user(''bad'', ''x'')',
			'ddd.create_post(-1, ''no'', ''author'')', 'ddd.add_comment(-1, 1, ''x'')',
			'ddd.tag_post(-1, ''{x}'')', 'ddd.update_user(1, ''{"id": 5}'')', 'ddd.list_posts(-1)',
			'ddd.posts_by_tag(''x'', 5, ''no cursor'')', 'ddd.delete_user(1)', 'ddd.install()']
		LOOP
			BEGIN
				EXECUTE 'SELECT ' || call;
			EXCEPTION WHEN OTHERS THEN
				failed := failed + 1;
				IF current_user <> 'app' OR session_user <> 'app' OR current_setting('search_path') <> '"\$user", public' THEN
					RAISE EXCEPTION '% left % %', call, current_user, current_setting('search_path');
				END IF;
				BEGIN
					PERFORM FROM ddd.users;
					RAISE EXCEPTION '% left a privilege', call USING ERRCODE = 'DDD01';
				EXCEPTION WHEN insufficient_privilege THEN
				END;
			END;
		END LOOP;
		RAISE NOTICE 'failed: %', failed;
	END \$\$;
	SELECT current_user, current_setting('search_path')},
	on_error_stop => 1);
is("$code $who", '0 app|"$user", public',
	'an API call that fails inside an EXCEPTION block leaves user and search_path as they were');
like($err, qr/failed: 10\b/, '... and all ten calls failed');

# ---- the owner of the tables plants what others run ------------------------
# Each attempt writes who it ran as; "superuser" must never be among them.
my $plant = q{
	CREATE TABLE trap.canary (place text, who text, is_superuser boolean, problem text);
	CREATE FUNCTION trap.spring(place text) RETURNS integer LANGUAGE plpgsql AS $$
	DECLARE
		attempt text;
		problem text;
	BEGIN
		FOREACH attempt IN ARRAY ARRAY['SELECT 1', 'SET ROLE NONE', 'RESET ROLE', 'SET ROLE postgres',
			'SET LOCAL ROLE postgres', 'SET SESSION AUTHORIZATION postgres', 'RESET SESSION AUTHORIZATION',
			'SET SESSION AUTHORIZATION DEFAULT', 'SELECT set_config(''role'', ''none'', false)',
			'SELECT set_config(''session_authorization'', ''postgres'', false)',
			'ALTER ROLE table_owner SUPERUSER', 'ALTER ROLE attacker SUPERUSER', 'CREATE TEMP TABLE left_behind ()',
			'LISTEN left_behind'] LOOP
			problem := NULL;
			BEGIN
				EXECUTE attempt;
			EXCEPTION WHEN OTHERS THEN
				problem := sqlstate;
			END;
			INSERT INTO trap.canary SELECT place || ': ' || attempt, current_user, rolsuper, problem
			  FROM pg_roles WHERE rolname = current_user;
		END LOOP;
		RETURN 1;
	END $$;
	CREATE FUNCTION trap.row() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN PERFORM trap.spring(tg_name || ' ' || tg_op); RETURN CASE WHEN tg_op = 'DELETE' THEN old ELSE new END; END$$;
	CREATE FUNCTION trap.fixed(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
		$$BEGIN PERFORM trap.spring('expression'); RETURN length($1); EXCEPTION WHEN OTHERS THEN RETURN length($1); END$$;
	CREATE TRIGGER a_trap BEFORE INSERT OR UPDATE OR DELETE ON ddd.users FOR EACH ROW EXECUTE FUNCTION trap.row();
	CREATE TRIGGER z_trap AFTER INSERT OR UPDATE OR DELETE ON ddd.users FOR EACH ROW EXECUTE FUNCTION trap.row();
	CREATE TRIGGER s_trap AFTER INSERT OR UPDATE OR DELETE ON ddd.users FOR EACH STATEMENT EXECUTE FUNCTION trap.row();
	CREATE TRIGGER v_trap BEFORE UPDATE ON ddd.schema_version FOR EACH ROW EXECUTE FUNCTION trap.row();
	ALTER TABLE ddd.users ENABLE ALWAYS TRIGGER a_trap;
	ALTER TABLE ddd.users ADD COLUMN trapped integer DEFAULT trap.spring('default');
	ALTER TABLE ddd.users ADD CONSTRAINT trapped CHECK (trap.spring('check') = 1);
	ALTER TABLE ddd.users ADD COLUMN generated integer GENERATED ALWAYS AS (trap.fixed(email)) STORED;
	CREATE INDEX trapped ON ddd.users (trap.fixed(email));
	TRUNCATE trap.canary;
};
# Logged in as the owner: a superuser's session under SET ROLE would be sprung.
my %as_owner = (extra_params => [ '-U', 'table_owner' ]);
my $sprung = q{SELECT string_agg(DISTINCT who, ',') FROM trap.canary};
my $allowed = q{
	SELECT coalesce(string_agg(DISTINCT place, '; '), '') FROM trap.canary
	 WHERE problem IS NULL AND place !~ ': SELECT 1$'};
my $escalated = q{
	SELECT coalesce(string_agg(DISTINCT place || ' as ' || who, '; '), '') ||
	       (SELECT coalesce(string_agg(rolname, ', '), '') FROM pg_roles
	         WHERE rolname IN ('attacker', 'table_owner', 'app') AND rolsuper)
	  FROM trap.canary WHERE is_superuser OR who <> 'table_owner'};

new_database($node, 'trapped', 'CREATE EXTENSION ddd');
give_tables_to($node, 'trapped', 'table_owner');
sql($node, 'trapped', 'CREATE SCHEMA trap AUTHORIZATION table_owner');
$node->safe_psql('trapped', $plant, %as_owner);
grant_api('trapped');
sql($node, 'trapped', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO table_owner');
foreach my $caller ('app', 'postgres')
{
	is( scalar $node->psql(
			'trapped',
			"SET SESSION AUTHORIZATION $caller; SELECT ddd.create_user('$caller\@example.org', 'Ann');"
			  . " SELECT ddd.update_user((ddd.get_user_by_email('$caller\@example.org')).id, '{\"full_name\": \"Ann B\"}')"),
		0,
		"with planted triggers, API calls by $caller succeed");
	is(sql($node, 'trapped', $sprung), 'table_owner',
		"what the owner planted runs as the owner when $caller calls");
	is(sql($node, 'trapped', $escalated), '', "nothing planted gets further when $caller calls");
	is(sql($node, 'trapped', $allowed), '', "nothing planted may change the session when $caller calls");
	sql($node, 'trapped', 'TRUNCATE trap.canary');
}

# A deferred trigger would run at COMMIT, as whoever commits.
my $defer = q{
	CREATE CONSTRAINT TRIGGER d_trap AFTER INSERT OR UPDATE ON ddd.users DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION trap.row();
	TRUNCATE trap.canary};
$node->safe_psql('trapped', $defer, %as_owner);
$node->psql('trapped', q{SELECT ddd.create_user('deferred@example.org', 'Ann')});
is(sql($node, 'trapped', $escalated), '', 'no deferred trigger runs as the superuser after an API call');
sql($node, 'trapped', 'ALTER ROLE attacker NOSUPERUSER; ALTER ROLE table_owner NOSUPERUSER; DROP TRIGGER d_trap ON ddd.users');

my $install_code = $node->psql('trapped', 'DROP TRIGGER users_touch ON ddd.users; SELECT ddd.install()');
is("$install_code " . sql($node, 'trapped', $escalated),
	'0 ', 'install() by a superuser runs nothing planted as superuser');

foreach my $step ([ '0.2.0', '0.1.0' ], [ '0.1.0', '0.2.0' ], [ '0.3.0', '0.2.0' ], [ '0.2.0', '0.3.0' ])
{
	my ($from, $to) = @$step;
	my $database = "trapped_${from}_$to" =~ s/\W/_/gr;
	my $names = $from eq '0.1.0' ? '(email, first_name)' : '(email, full_name)';

	new_database($node, $database, "CREATE EXTENSION ddd VERSION '$from'");
	give_tables_to($node, $database, 'table_owner');
	sql($node, $database,
		"CREATE SCHEMA trap AUTHORIZATION table_owner; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO table_owner");
	sql($node, $database, "INSERT INTO ddd.users $names VALUES ('a\@example.org', 'Ann')");
	$node->safe_psql($database, $plant, %as_owner);
	my ($status, $output, $problem) =
	  $node->psql($database, "ALTER EXTENSION ddd UPDATE TO '$to'; SELECT current_user, session_user");
	is("$status $output $problem", '0 postgres|postgres ',
		"$from to $to with planted triggers succeeds and the superuser is who he was");
	is(sql($node, $database, $sprung), 'table_owner',
		"what the owner planted runs as the owner in the migration $from to $to");
	is(sql($node, $database, $escalated), '',
		"nothing planted gets further in the migration $from to $to");
	is(sql($node, $database, $allowed), '',
		"nothing planted may change the session in the migration $from to $to");

	sql($node, $database, 'ALTER ROLE attacker NOSUPERUSER; ALTER ROLE table_owner NOSUPERUSER');
	sql($node, $database, "ALTER EXTENSION ddd UPDATE TO '$from'");
	$node->safe_psql($database, $defer, %as_owner);
	$node->psql($database, "ALTER EXTENSION ddd UPDATE TO '$to'");
	is(sql($node, $database, $escalated), '',
		"no deferred trigger runs as the superuser after the migration $from to $to");
	sql($node, $database, 'ALTER ROLE attacker NOSUPERUSER; ALTER ROLE table_owner NOSUPERUSER');
}

$node->stop;
done_testing();
