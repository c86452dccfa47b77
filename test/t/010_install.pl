# CREATE EXTENSION creates the tables and lets go of them; ddd.install() does
# it later; DROP EXTENSION takes no row away; and code and tables of different
# versions do not work together but say what to do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
sql($node, 'postgres', 'CREATE ROLE app LOGIN');
my $version = current_version();

my $members = q{
	FROM pg_depend d
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')};
my $tables = q{SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
	WHERE relnamespace = to_regnamespace('ddd') AND relkind = 'r'};
my $all_tables = 'audit_log,audit_seals,backfills,comments,counter_ledger,counter_state,counters,migration_log,outbox,post_tags,posts,schema_version,stash,tags,tokens,users,verified_emails';
my $triggers = q{SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'ddd'::regnamespace AND NOT t.tgisinternal};

# ---- CREATE EXTENSION creates and detaches ---------------------------------
my $db = new_database($node, 'plain', 'CREATE EXTENSION ddd');
is(sql($node, $db, $tables), $all_tables, 'CREATE EXTENSION creates the tables');
is( sql(
		$node, $db,
		"SELECT string_agg(DISTINCT d.classid::regclass::text, ',' ORDER BY d.classid::regclass::text) $members"
	),
	'pg_cast,pg_class,pg_opclass,pg_operator,pg_opfamily,pg_proc,pg_type',
	'members are functions, types with what belongs to them, and relations: no index, trigger or schema');
is(sql($node, $db, "SELECT string_agg(d.objid::regclass::text, ',') $members AND d.classid = 'pg_class'::regclass"),
	'ddd.api', 'the one relation among them is the view: no table or sequence');
is(sql($node, $db, "SET search_path = ''; SELECT result, arguments FROM ddd.api WHERE function = 'get_post'"),
	'ddd.post_info|post_id bigint', 'the view shows the functions');
is( sql(
		$node, $db, q{
		SELECT count(*) FROM pg_depend d
		  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
		 WHERE d.refclassid = 'pg_extension'::regclass
		   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
		   AND (d.classid = 'pg_namespace'::regclass OR c.relkind IN ('r', 'S', 'i'))}),
	'0', 'no table, sequence or schema depends on the extension in any other way');
is( sql(
		$node, $db, q{
		SELECT count(*) FROM pg_attribute a
		  JOIN pg_class c ON c.oid = a.attrelid
		  JOIN pg_type t ON t.oid = a.atttypid
		 WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
		   AND t.typnamespace <> 'pg_catalog'::regnamespace}),
	'0', 'columns of the tables have built-in types only');
is(sql($node, $db, $triggers), '21', 'the tables have their triggers');
is(sql($node, $db, 'SELECT * FROM ddd.version()'), "$version|$version|$version",
	'library, code and tables are at one version');

$node->command_like(
	[ 'bash', '-c', 'pg_dump --schema-only "$1" 2>&1 >/dev/null; echo done', 'bash', $node->connstr($db) ],
	qr/\Adone\n\z/, 'pg_dump warns of nothing');

is(sql($node, $db, 'SELECT ddd.install()'), 'nothing to do', 'install() has nothing to do then');
my $complete = fingerprint($node, $db);
foreach my $drop (
	'DROP TRIGGER users_check ON ddd.users',
	'DROP TRIGGER post_tags_fill ON ddd.post_tags; DROP TRIGGER posts_touch ON ddd.posts')
{
	my $count = () = $drop =~ /DROP/g;

	sql($node, $db, $drop);
	isnt(fingerprint($node, $db), $complete, "$drop: something is missing");
	is(sql($node, $db, 'SELECT ddd.install()'),
		"attached triggers: $count", "$drop: install() says what it did");
	is_same_text(fingerprint($node, $db), $complete, "$drop: install() brings it back");
}

new_database($node, 'empty_schema', 'CREATE SCHEMA ddd', 'CREATE EXTENSION ddd');
is(sql($node, 'empty_schema', $tables), $all_tables,
	'an empty schema of the installer is taken');

# ---- ddd.create_tables = off -----------------------------------------------
$db = new_database($node, 'without', 'SET ddd.create_tables = off', 'CREATE EXTENSION ddd');
is(sql($node, $db, $tables), '', 'ddd.create_tables = off leaves the tables out');
is(sql($node, $db, 'SELECT code, tables IS NULL FROM ddd.version()'),
	"$version|t", 'version() works without tables');

# A call of every API function, with arguments that are valid.
my %no_tables_needed = map { $_ => 1 } qw(
  version current heads history plan upgrade downgrade fingerprint check_schema tables_wanted install stamp migrate stash_rows stash_columns check_dependents pass_grants create_tables attach_triggers grant_to_owner owns_type
  current_user_id current_scope require_user rls_user rls_superuser
  hash_password verify_password needs_rehash identify_hash is_authenticated repr to_dict
  tag_key tags_all tags_any tags_none tags_exact tags_match tags_match_selectivity);
my %value = (
	bigint => '1', integer => '1', boolean => 'true', text => "'user\@example.org'",
	'text[]' => "'{rust}'", 'bigint[]' => "'{1}'", 'timestamp with time zone' => 'now()', interval => "'1 day'",
	'double precision' => '1.5', 'ddd.tag_query' => "'rust'", jsonb => q{'{"email": "user@example.org", "full_name": "User"}'});
my %json_of = (
	create_users => q{'[{"email": "user@example.org", "full_name": "User"}]'},
	update_comment => q{'{"content": "Content"}'},
	update_post => q{'{"title": "Title"}'});
my @functions = map { [ split /\|/ ] } split /\n/, sql(
	$node, $db, qq{
	SELECT CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, p.proname, array_to_string(ARRAY(
	           SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)
	            WHERE n <= p.pronargs - p.pronargdefaults ORDER BY n), ',')
	  FROM pg_proc p
	 WHERE p.oid IN (SELECT d.objid $members AND d.classid = 'pg_proc'::regclass)
	   AND p.prorettype <> 'trigger'::regtype
	 ORDER BY p.oid::regprocedure::text});
my @api_calls;
foreach my $function (@functions)
{
	my ($verb, $name, $types) = @$function;

	next if $no_tables_needed{$name} || $name =~ /^(?:tag_query|gin_tags)_/;
	my @arguments = map {
		my $value = $_ eq 'jsonb' && $json_of{$name} || $value{$_}
		  || die "no value of type $_ for $name";
		"$value\::$_"
	} split /,/, $types // '';
	push @api_calls, "$verb ddd.$name(" . join(', ', @arguments) . ')';
}
cmp_ok(scalar(@api_calls), '>=', 23, 'API functions found in the catalog');
foreach my $call (@api_calls)
{
	is_refused($node, $db, $call, '55000',
		qr/HINT:\s+Run SELECT ddd\.install\(\)/,
		"without tables $call fails with the hint to run install()");
}
is_refused($node, $db, qq{SELECT ddd.stamp('$version')},
	'22023', qr/ddd\.install\(\)/, 'without tables there is nothing to stamp');

my $error = failure($node, $db, 'SELECT ddd.get_user(1)');
is(hinted_commands($error), "SELECT ddd.install();\n", 'the hint is one command');
is(sql($node, $db, hinted_commands($error)), 'created the tables', 'install() creates the tables');
is(sql($node, $db, 'SELECT ddd.install()'), 'nothing to do', 'a second install() does nothing');
is_same_text(fingerprint($node, $db), $complete,
	'install() leads to the same objects as CREATE EXTENSION');
is(sql($node, $db, q{SELECT (u).id FROM ddd.create_user('a@example.org', 'A') u}),
	'1', 'and the API works');

# ---- what looks like a restore ---------------------------------------------
my %wanted = (
	'SET row_security = off' => $all_tables,
	'SET check_function_bodies = off' => $all_tables,
	'SET row_security = off; SET check_function_bodies = off' => '',
	'BEGIN; SET LOCAL row_security = off; SET LOCAL check_function_bodies = off' => '',
	'SET row_security = off; SET check_function_bodies = off; SET ddd.create_tables = on' => $all_tables,
	'SET row_security = off; SET check_function_bodies = off; RESET row_security' => $all_tables,
	'SET row_security = off; SET check_function_bodies = off; RESET check_function_bodies' => $all_tables,
);
my $number = 0;
foreach my $settings (sort keys %wanted)
{
	my $database = new_database($node, 'restore' . $number++);

	sql($node, $database,
		"$settings; CREATE EXTENSION ddd; @{[$settings =~ /^BEGIN/ ? 'COMMIT' : '']}");
	is(sql($node, $database, $tables), $wanted{$settings},
		"$settings: CREATE EXTENSION " . ($wanted{$settings} ? 'creates tables' : 'leaves them to the dump'));
}

# ---- a Citus worker --------------------------------------------------------
# What ddd looks at: an extension of that name, and the node's group.
foreach my $case (
	[ 'worker', 'a worker', "UPDATE pg_extension SET extname = 'citus' WHERE extname = 'plpgsql'", 3, '' ],
	[ 'coordinator', 'the coordinator', "UPDATE pg_extension SET extname = 'citus' WHERE extname = 'plpgsql'", 0, $all_tables ],
	[ 'no_citus', 'a node without citus', 'SELECT 1', 3, $all_tables ])
{
	my ($database, $what, $rename, $group, $expected) = @$case;

	new_database($node, $database, 'SET allow_system_table_mods = on',
		'CREATE TABLE pg_catalog.pg_dist_local_group (groupid int)',
		"INSERT INTO pg_catalog.pg_dist_local_group VALUES ($group)", $rename);
	sql($node, $database, 'CREATE EXTENSION ddd');
	is(sql($node, $database, $tables), $expected,
		"$what: CREATE EXTENSION " . ($expected ? 'creates tables' : 'creates none'));
}

# ---- DROP EXTENSION --------------------------------------------------------
$db = new_database($node, 'dropped', 'CREATE EXTENSION ddd');
sql(
	$node, $db, q{
	SELECT ddd.create_user('user' || n || '@example.org', 'User ' || n) FROM generate_series(1, 20) n;
	SELECT ddd.create_post(n, 'Post ' || n, 'text', ARRAY['tag' || n % 3, 'all']) FROM generate_series(1, 10) n;
	SELECT ddd.add_comment(1 + n % 10, 1 + n % 20, 'comment ' || n) FROM generate_series(1, 50) n;
	SELECT ddd.add_comment(2, 1, 'reply', 1);
	INSERT INTO ddd.stash VALUES ('0.1.0', 'users', '1', '{"first_name": "set aside"}')});
my $rows = all_row_checksums($node, $db);
my $objects = fingerprint($node, $db);

is_refused($node, $db, 'DROP EXTENSION ddd', '2BP01', undef,
	'DROP EXTENSION is refused while there are tables');
is_same_text(fingerprint($node, $db), $objects, 'DROP EXTENSION refused changes nothing');
sql($node, $db, 'DROP EXTENSION ddd CASCADE');
is(all_row_checksums($node, $db), $rows, 'DROP EXTENSION CASCADE keeps every row');
is_refused($node, $db,
	q{INSERT INTO ddd.users (email, full_name) VALUES ('USER1@example.org', 'twice')},
	'23505', qr/ix_users_email/, 'without the extension e-mail addresses are unique still');
is_refused($node, $db,
	q{INSERT INTO ddd.users (email, full_name) VALUES ('blank@example.org', '  ')},
	'23514', qr/users_full_name_not_blank/, 'without the extension names are not blank still');
is_refused($node, $db, 'DELETE FROM ddd.users WHERE id = 1',
	'23503', undef, 'without the extension foreign keys hold still');
my $next = sql($node, $db, q{INSERT INTO ddd.posts (title, content, author_id) VALUES ('direct', 'text', 1) RETURNING id});
$next =~ s/\n.*//s;
is($next, '11', 'without the extension ids go on');

sql($node, $db, 'CREATE EXTENSION ddd');
is_same_text(fingerprint($node, $db), $objects,
	'CREATE EXTENSION attaches the triggers and everything else again');
is(sql($node, $db, 'DELETE FROM ddd.posts WHERE id = 11; SELECT ddd.version()'),
	"($version,$version,$version)", 'attached again: the versions agree');
is(row_checksums($node, $db, qw(schema_version stash users comments tags post_tags posts)),
	join("\n", map { ($rows =~ /^($_ .*)$/m)[0] } qw(schema_version stash users comments tags post_tags posts)),
	'attached again: every row is there');
is( sql(
		$node, $db, q{
		SELECT (p).id FROM ddd.create_post(1, 'after', 'text', '{all}') p;
		SELECT (u).id FROM ddd.create_user('after@example.org', 'After') u;
		SELECT (c).id FROM ddd.add_comment(12, 1, 'after') c}),
	# the refused inserts took two ids
	"12\n23\n52", 'attached again: the API works and ids go on');
is_refused($node, $db, q{UPDATE ddd.posts SET title = U&'\200B' WHERE id = 1},
	'23514', undef, 'attached again: the triggers work');

# ---- the tables are at another version than the code to be created ---------
$db = new_database($node, 'older', q{CREATE EXTENSION ddd VERSION '0.1.0'},
	q{INSERT INTO ddd.users (email, first_name, last_name) VALUES ('a@example.org', 'Ann', 'Bee')},
	'DROP EXTENSION ddd CASCADE');
$error = failure($node, $db, 'CREATE EXTENSION ddd');
is($error->{state}, '55000', 'CREATE EXTENSION over older tables is refused');
like($error->{text}, qr/0\.1\.0.*\Q$version\E/s, 'over older tables: the error names both versions');
is($node->psql($db, hinted_commands($error), on_error_stop => 1),
	0, 'over older tables: the commands of the hint run as they stand')
  or diag $error->{text};
is( sql(
		$node, $db, q{
		SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'ddd'), 'none'),
		       (SELECT version FROM ddd.schema_version), (SELECT to_jsonb(u) ->> 'full_name' FROM ddd.users u)}),
	"$version|$version|Ann Bee", 'over older tables: the commands of the hint bring tables and code to the new version');

$db = new_database($node, 'newer', 'CREATE EXTENSION ddd', q{SELECT ddd.create_user('a@example.org', 'Ann Bee')},
	'DROP EXTENSION ddd CASCADE');
$error = failure($node, $db, q{CREATE EXTENSION ddd VERSION '0.1.0'});
is($error->{state}, '55000', 'CREATE EXTENSION of an older version than the tables is refused');
is($node->psql($db, hinted_commands($error), on_error_stop => 1),
	0, 'over newer tables: the commands of the hint run as they stand')
  or diag $error->{text};
is( sql(
		$node, $db, q{
		SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'ddd'), 'none'),
		       (SELECT version FROM ddd.schema_version), (SELECT full_name FROM ddd.users)}),
	"$version|$version|Ann Bee", 'over newer tables: the commands of the hint bring the code of the tables');

# ---- another session is warm already ---------------------------------------
$db = new_database($node, 'guarded', 'CREATE EXTENSION ddd', q{SELECT ddd.create_user('a@example.org', 'A')});
my $warm = $node->background_psql($db, on_error_stop => 0);
my $call = q{SELECT email FROM ddd.get_user(1)};

$warm->query_safe('\set VERBOSITY verbose');
is(session_result($warm, $call), 'a@example.org', 'a warm session calls the API');
foreach my $case (
	[ '0.1.0', qr/^55000 .*Run SELECT ddd\.stamp\('0\.1\.0'\); ALTER EXTENSION ddd UPDATE TO '\Q$version\E';/s ],
	[ '0.99.0', qr/^55000 .*VERSION '0\.99\.0'/s ])
{
	my ($other, $pattern) = @$case;

	sql($node, $db, "UPDATE ddd.schema_version SET version = '$other'");
	like(session_result($warm, $call), $pattern,
		"tables at $other: the warm session's calls fail with the commands to run");
	like(session_result($warm, q{SELECT ddd.create_user('b@example.org', 'B')}), qr/^55000 /,
		"tables at $other: so do writers");
	is(session_result($warm, 'SELECT * FROM ddd.version()'),
		"$version|$version|$other", "tables at $other: version() works");
	is_refused($node, $db, $call, '55000', qr/HINT/,
		"tables at $other: so does a session that starts now");
	is_refused($node, $db, 'SELECT ddd.install()', '55000', qr/HINT/,
		"tables at $other: install() is refused");
	sql($node, $db, qq{UPDATE ddd.schema_version SET version = '$version'});
	is(session_result($warm, $call), 'a@example.org',
		"tables back from $other: the warm session works again");
}
is( session_result($warm, "BEGIN; UPDATE ddd.schema_version SET version = '0.1.0'; SAVEPOINT s; $call") =~ s/\n.*//sr,
	"55000 the tables of ddd are at version 0.1.0, its code is at version $version",
	'the guard sees a change of its own transaction');
is(session_result($warm, "ROLLBACK; $call"), 'a@example.org', '... and that it was rolled back');

sql($node, $db, q{DELETE FROM ddd.schema_version});
like(session_result($warm, $call), qr/^55000 /, 'without a row in ddd.schema_version calls fail');
is(session_result($warm, q{SELECT code, library FROM ddd.version()}),
	"$version|$version", 'without a row in ddd.schema_version version() works');
sql($node, $db, qq{INSERT INTO ddd.schema_version VALUES ('$version')});
is(session_result($warm, $call), 'a@example.org', 'with the row back calls work');
is_refused($node, $db, q{INSERT INTO ddd.schema_version VALUES ('0.1.0')},
	'55000', undef, 'ddd.schema_version takes no second version');
sql($node, $db, qq{INSERT INTO ddd.schema_version VALUES ('$version')});
is(sql($node, $db, 'SELECT count(*) FROM ddd.schema_version'),
	'1', 'ddd.schema_version takes the same version without a second row');

sql($node, $db, 'TRUNCATE ddd.schema_version');
like(session_result($warm, $call), qr/^55000 /, 'TRUNCATE of ddd.schema_version is seen');
sql($node, $db, qq{INSERT INTO ddd.schema_version VALUES ('$version')});
sql($node, $db, 'ALTER TABLE ddd.schema_version RENAME TO hidden');
like(session_result($warm, $call), qr/^55000 /, 'a renamed ddd.schema_version is seen');
sql($node, $db, 'ALTER TABLE ddd.hidden RENAME TO schema_version');
is(session_result($warm, $call), 'a@example.org', 'and its name back');

sql($node, $db, q{ALTER EXTENSION ddd UPDATE TO '0.1.0'});
like(session_result($warm, $call), qr/^42883 /, 'a downgrade takes the function from the warm session');
is(session_result($warm, 'SELECT code, tables FROM ddd.version()'),
	'0.1.0|0.1.0', 'after a downgrade version() works in the warm session');
sql($node, $db, qq{ALTER EXTENSION ddd UPDATE TO '$version'});
is(session_result($warm, $call), 'a@example.org', 'after the upgrade the warm session works again');
sql($node, $db, 'DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd');
is(session_result($warm, $call), 'a@example.org', 'after dropping and creating the extension, too');
$warm->quit;

# ---- stamp -----------------------------------------------------------------
$db = new_database($node, 'stamped', 'CREATE EXTENSION ddd');
is(sql($node, $db, qq{SELECT ddd.stamp('$version')}), $version, 'stamp() of the version that stands is allowed');
is_refused($node, $db, 'SELECT ddd.stamp(NULL)', '22004', undef, 'stamp() needs a version');
is_refused($node, $db, qq{SELECT ddd.stamp('$_')}, '22023', qr/\Q$version\E/, "stamp('$_') is refused while the tables are at $version")
  foreach ('0.1.0', '', 'x');
sql($node, $db, q{UPDATE ddd.schema_version SET version = '0.99.0'});
is_refused($node, $db, q{SELECT ddd.stamp('0.99.0')},
	'22023', qr/VERSION '0\.99\.0'/, 'stamp() of a version newer than the code is refused');
is(sql($node, $db, qq{SELECT ddd.stamp('$version')}), $version, 'stamp() of what the tables look like is allowed, whatever is said of them');
is(version_of($node, $db), "$version $version", '... and corrects it');
is_refused($node, $db, q{SELECT ddd.stamp('0.1.0')}, '22023', qr/do not look like version "0\.1\.0".*DETAIL:.* is added.* and \d+ more.*force/s, 'stamp() of what they do not look like is refused');
# as after restoring the schema alone
sql($node, $db, 'DELETE FROM ddd.schema_version');
is_refused($node, $db, "SELECT * FROM ddd.list_users()", '55000', qr/schema_version.*HINT:.*ddd\.stamp/s, 'no version in ddd.schema_version: the hint is to stamp');
is_refused($node, $db, 'SELECT ddd.install()', '55000', qr/schema_version.*HINT:.*ddd\.stamp/s, '... of install(), too');
is_refused($node, $db, q{SELECT ddd.stamp('0.1.0')}, '22023', qr/do not look like version "0\.1\.0"/, 'stamp() then compares the tables');
is(sql($node, $db, qq{SELECT ddd.stamp('$version')}), $version, 'and says what they are at');
is(version_of($node, $db), "$version $version", '... again');
is(sql($node, $db, 'SELECT count(*) FROM ddd.schema_version'), '1', '... once');
$db = new_database($node, 'stamped_old', q{CREATE EXTENSION ddd VERSION '0.1.0'}, 'ALTER TABLE ddd.users ADD COLUMN mine int',
	'DROP EXTENSION ddd CASCADE; SET ddd.create_tables = off; CREATE EXTENSION ddd');
is(sql($node, $db, q{SELECT ddd.stamp('0.1.0')}), '0.1.0', 'stamp() of the older version of the tables is allowed');
is(version_of($node, $db), '0.1.0 0.1.0', 'stamp() brings the code to it');
sql($node, $db, 'ALTER TABLE ddd.users DROP COLUMN mine');
is_same_text(fingerprint($node, $db), fingerprint($node, new_database($node, 'fresh_old', q{CREATE EXTENSION ddd VERSION '0.1.0'})),
	'... and every object is that of a fresh installation of it');
sql($node, $db, q{SET ddd.create_tables = off; ALTER TABLE ddd.users DROP COLUMN bio; DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd});
is_refused($node, $db, q{SELECT ddd.stamp('0.1.0')}, '22023', qr/column ddd\.users\.bio is missing/, 'stamp() names what is wrong');
is(sql($node, $db, q{SELECT ddd.stamp('0.1.0', force => true)}), '0.1.0', 'stamp() may be forced');
is(version_of($node, $db), '0.1.0 0.1.0', '... and does it');

# ---- who may ---------------------------------------------------------------
$db = new_database($node, 'roles', 'CREATE EXTENSION ddd',
	'GRANT USAGE ON SCHEMA ddd TO app', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app');
is_refused($node, $db, "SET SESSION AUTHORIZATION app; SELECT $_",
	'42501', undef, "$_ is refused for a role that is no superuser")
  foreach ('ddd.install()', qq{ddd.stamp('$version')}, q{ddd.stamp('0.1.0')});
new_database($node, 'apps', 'GRANT CREATE ON DATABASE apps TO app');
is_refused($node, 'apps', 'SET SESSION AUTHORIZATION app; CREATE EXTENSION ddd',
	'42501', undef, 'CREATE EXTENSION is refused for a role that is no superuser');

# Tables of one role, the extension installed by another.
give_tables_to($node, 'roles', 'app');
sql($node, 'roles', 'DROP EXTENSION ddd CASCADE');
$error = failure($node, 'roles', 'CREATE EXTENSION ddd');
is($error->{state}, '42501', 'a schema of another role is not taken up unasked');
my $remedy = 'SET ddd.create_tables = off; CREATE EXTENSION ddd; SELECT ddd.install()';
like($error->{hint}, qr/@{[join '.*', map { quotemeta } split '; ', $remedy]}/,
	'... but by the commands that the hint names');
sql($node, 'roles', $remedy);
is(sql($node, 'roles', $triggers), '21', '... which attach the triggers');
is( sql($node, 'roles', "SET SESSION AUTHORIZATION app; SELECT (u).id FROM ddd.create_user('a\@example.org', 'A') u"),
	'1', '... and let that role use the API');

$node->stop;
done_testing();
