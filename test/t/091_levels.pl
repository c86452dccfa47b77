# What a role may call: the levels of grant_api() are those of docs/security.md,
# each function in exactly one; grants are the owner's, so that dumps have them;
# revoke_api() leaves nothing.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $db = new_database($node, 'levels', 'CREATE EXTENSION ddd');
my @levels = qw(reader writer admin);

sql($node, $db, "CREATE ROLE $_ LOGIN") foreach 'table_owner', 'odd', @levels;
give_tables_to($node, $db, 'table_owner');
sql($node, $db, 'SELECT ddd.install()');

# ---- the documented list ---------------------------------------------------
my %documented;
foreach (split /\n/, slurp_file("$FindBin::RealBin/../../docs/security.md"))
{
	my ($level, $functions) = /^\| (reader|writer|admin) \| (.*) \|$/ or next;

	$documented{$level} = [ sort $functions =~ /`(\w+)`/g ];
}

# Functions by the lowest level that may call them, by name; internal ones too if asked.
sub callable
{
	my ($role, $internal) = @_;

	return split /\n/, sql($node, $db, qq{
		SELECT DISTINCT p.proname FROM pg_proc p, aclexplode(p.proacl) a
		 WHERE p.pronamespace = 'ddd'::regnamespace AND a.grantee = '$role'::regrole AND a.privilege_type = 'EXECUTE'
		   AND (obj_description(p.oid, 'pg_proc') ~ 'Context: \\w+ [(]internal[)][.]\$') = $internal ORDER BY 1});
}

my (%granted, %at_level, @below);
foreach my $level (@levels)
{
	$granted{$level} = sql($node, $db, "SET SESSION AUTHORIZATION table_owner; SELECT * FROM ddd.grant_api('$level', '$level')");
	my %below = map { $_ => 1 } @below;
	my @callable = callable($level, 'false');
	my %callable = map { $_ => 1 } @callable;

	is_deeply([ grep { !$callable{$_} } @below ], [], "$level: has what the level below has");
	is_deeply([ grep { !$below{$_} } @callable ], $documented{$level}, "$level: calls what docs/security.md says");
	is(join(' ', callable($level, 'true')), join(' ', map { "tag_query_$_" } qw(eq ge gt in le lt ne out)), "$level: and what operators and casts are made of");
	@below = @callable;
}
is_deeply([@below], [ split /\n/, sql($node, $db, 'SELECT DISTINCT function FROM ddd.api ORDER BY 1') ], 'admins call every function of the API');
is(sql($node, $db, q{SELECT string_agg(DISTINCT concat(c.relkind, ' ', a.privilege_type), ',') FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relnamespace = 'ddd'::regnamespace AND a.grantee = ANY (ARRAY['reader', 'writer', 'admin']::regrole[])}), 'v SELECT', 'no level has a privilege on a table');
like($granted{reader}, qr/^EXECUTE ON FUNCTION ddd\.get_user\(bigint\)\n.*^USAGE ON SCHEMA ddd\n.*^SELECT ON TABLE ddd\.api\n.*^USAGE ON TYPE ddd\.tag_query$/ms, 'what is granted is said');
like($granted{admin}, qr/^EXECUTE ON PROCEDURE ddd\.backfill\(/m, '... of a procedure too');
is(sql($node, $db, "SELECT count(*) FROM ddd.grant_api('admin', 'reader')"), '0', 'nothing is granted twice, nor taken');
is(sql($node, $db, q{SELECT DISTINCT a.grantor::regrole FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'ddd'::regnamespace AND a.grantee = 'reader'::regrole}),
	'postgres', 'who grants is the owner of the functions');

# ---- what the levels can do ------------------------------------------------
sql($node, $db, q{SELECT ddd.create_user('ann@example.org', 'Ann'), ddd.create_post(1, 'Post', 'text', '{rust}')});
my $token = sql($node, $db, 'SELECT ddd.issue_token(1)');
my %may = (
	reader => [
		"SELECT ddd.begin_as('$token'), ddd.current_user_id(), ddd.require_user(), ddd.current_scope()",
		'SELECT ddd.get_user(1), ddd.list_users(), ddd.posts_with_comments(), ddd.popular_posts(), ddd.list_tags()',
		q{SELECT ddd.posts_by_tags('rust & !x'), 'a & b'::ddd.tag_query OPERATOR(ddd.=) 'a | b', 'a'::text::ddd.tag_query, 'a'::ddd.tag_query::text, '{a}'::text[] OPERATOR(ddd.@@) 'a'},
		q{SELECT 'a'::ddd.tag_query OPERATOR(ddd.&&) 'b', 'a'::ddd.tag_query OPERATOR(ddd.<) 'b' AS q ORDER BY 'a'::ddd.tag_query},
		'CREATE TEMPORARY TABLE saved (query ddd.tag_query); INSERT INTO saved SELECT DISTINCT (repeat(\'a\', n))::ddd.tag_query FROM generate_series(1, 3) n; CREATE INDEX ON saved (query)',
		'CREATE TEMPORARY TABLE page AS SELECT * FROM ddd.list_users()',
		'DO $$ DECLARE u ddd.user_info; q ddd.tag_query; BEGIN u := ddd.get_user(1); q := \'a & b\'; PERFORM ddd.to_dict(u), ddd.repr(u); END $$',
		'PREPARE p (ddd.user_info) AS SELECT ddd.is_authenticated($1); EXECUTE p (NULL)',
		'SELECT function FROM ddd.api' ],
	writer => [
		q{SELECT ddd.create_user('bob@example.org', 'Bob'), ddd.create_post(1, 'x', 'y', '{a}'), ddd.add_comment(1, 1, 'x'), ddd.update_user(1, '{"bio": "x"}'), ddd.delete_post(1)},
		'SELECT ddd.revoke_tokens(1), ddd.issue_token(1)', q{SELECT ddd.rename_tag('rust', 'Rust')} ],
	admin => [ q{SELECT ddd.set_password(1, 'correct horse')}, 'SELECT ddd.fold_counters(), ddd.prune_tokens()', 'SELECT * FROM ddd.version(), ddd.verify()' ]);
foreach my $i (0 .. $#levels)
{
	my $role = $levels[$i];

	foreach my $j (0 .. $#levels)
	{
		foreach my $statements (@{ $may{ $levels[$j] } })
		{
			my $error = failure($node, $db, "BEGIN; SET ROLE $role; $statements");

			is($error->{state}, $j <= $i ? '' : '42501', "$role: $statements") or diag $error->{text};
		}
	}
	is(failure($node, $db, "SET ROLE $role; SELECT ddd.grant_api('odd', 'reader')")->{state}, '42501', "$role: cannot grant");
	is(failure($node, $db, "SET ROLE $role; SELECT count(*) FROM ddd.users")->{state}, '42501', "$role: reads no table");
}
is_refused($node, $db, "SELECT ddd.grant_api('odd', '$_')", '22023', qr/reader, writer or admin/, "level '$_'") foreach 'Reader', '', 'owner', 'reader ';
is_refused($node, $db, q{SELECT ddd.grant_api('odd', NULL)}, '22004', qr/level/, 'level null');

# ---- names -----------------------------------------------------------------
foreach my $name ('Odd "name"; DROP SCHEMA ddd CASCADE; --', q{o'dd}, 'PUBLIC', 'select', 'u&"')
{
	my $quoted = '"' . $name =~ s/"/""/gr . '"';
	my $literal = "'" . $name =~ s/'/''/gr . "'";

	sql($node, $db, "CREATE ROLE $quoted");
	is(sql($node, $db, "SELECT count(*) > 40 FROM ddd.grant_api($literal, 'reader')"), 't', "a role named $name");
	is(sql($node, $db, "SELECT has_function_privilege($literal, 'ddd.get_user(bigint)', 'EXECUTE') AND NOT has_function_privilege('odd', 'ddd.get_user(bigint)', 'EXECUTE')"), 't', '... has it, and no other');
	is(sql($node, $db, "SELECT count(*) > 40 FROM ddd.revoke_api($literal)"), 't', '... until it is revoked');
	sql($node, $db, "DROP ROLE $quoted");
}
is_refused($node, $db, q{SELECT ddd.grant_api(repeat('é', 100000), 'reader')}, '42704', qr/"(?:é){31}"/, 'a name longer than names are');

# ---- dumps, updates --------------------------------------------------------
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr($db) ], 'pg_dump');
new_database($node, 'restored');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is_same_text(fingerprint($node, 'restored'), fingerprint($node, $db), 'a dump has the grants');

new_database($node, 'updated', q{CREATE EXTENSION ddd VERSION '0.5.0'}, 'GRANT USAGE ON SCHEMA ddd TO odd', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO odd', 'ALTER EXTENSION ddd UPDATE');
my $new = sql($node, 'updated', q{SELECT * FROM ddd.grant_api('odd', 'admin')});
like($new, qr/ddd\.begin_as\(text\)\n.*ddd\.grant_api\(/ms, 'after an update, what is new is granted');
unlike($new, qr/ddd\.get_user\(/, '... and what was there is there still');

# ---- revoke ----------------------------------------------------------------
sql($node, $db, q{GRANT SELECT (email) ON ddd.users TO writer; GRANT SELECT ON ddd.posts TO writer; GRANT USAGE ON SEQUENCE ddd.posts_id_seq TO writer; GRANT EXECUTE ON FUNCTION ddd.create_tables() TO writer;
	GRANT EXECUTE ON FUNCTION ddd.get_post(bigint) TO admin WITH GRANT OPTION; SET ROLE admin; GRANT EXECUTE ON FUNCTION ddd.get_post(bigint) TO odd});
like(sql($node, $db, q{SET SESSION AUTHORIZATION table_owner; SELECT * FROM ddd.revoke_api('writer')}), qr/^FUNCTION ddd\.create_tables\(\)\n.*^SCHEMA ddd\n.*^TABLE ddd\.users$/ms, 'what is revoked is said');
is(sql($node, $db, q{SELECT count(*) FROM ddd.fingerprint() WHERE fact = 'privileges of writer'}), '0', 'nothing is left of it');
is(sql($node, $db, q{SELECT * FROM ddd.revoke_api('writer')}), '', 'revoked twice, nothing is there');
is_refused($node, $db, q{SELECT ddd.revoke_api('admin')}, '2BP01', undef, 'what a role has passed on stands in the way');
is(sql($node, $db, q{SELECT * FROM ddd.revoke_api('odd')}), 'FUNCTION ddd.get_post(bigint)', 'what another role has granted is taken');
sql($node, $db, "SELECT ddd.revoke_api('$_')") foreach qw(reader admin);
new_database($node, 'plain', 'CREATE EXTENSION ddd');
give_tables_to($node, 'plain', 'table_owner');
sql($node, 'plain', 'SELECT ddd.install()');
is_same_text(fingerprint($node, $db), fingerprint($node, 'plain'), 'all is as installed');

# what PostgreSQL does not take away is told
sql($node, $db, q{CREATE ROLE passes_on; GRANT USAGE ON SCHEMA ddd TO passes_on; GRANT SELECT ON ddd.posts TO passes_on WITH GRANT OPTION; SET ROLE passes_on; GRANT SELECT ON ddd.posts TO odd;
	RESET ROLE; ALTER ROLE passes_on SUPERUSER});
is_refused($node, $db, q{SELECT ddd.revoke_api('odd')}, '0LP01', qr/DETAIL:  .*TABLE ddd\.posts/, 'a privilege that stays is an error');
sql($node, $db, q{ALTER ROLE passes_on NOSUPERUSER; SELECT ddd.revoke_api('odd'), ddd.revoke_api('passes_on'); DROP ROLE passes_on});
is_refused($node, $db, "BEGIN ISOLATION LEVEL $_; SELECT 1; SELECT ddd.grant_api('odd', 'reader')", '25001', undef, "under $_ nothing is granted") foreach 'REPEATABLE READ', 'SERIALIZABLE';

# ---- two at once -----------------------------------------------------------
my $session = $node->background_psql($db);
$session->query_safe(q{BEGIN; SELECT ddd.grant_api('reader', 'admin')});
is_refused($node, $db, q{SET lock_timeout = '100ms'; SELECT ddd.grant_api('writer', 'admin')}, '55P03', undef, 'two calls at a time wait for each other');
is(sql($node, $db, 'SELECT (ddd.get_user(1)).email'), 'ann@example.org', '... and nobody else does');
$session->query_safe('COMMIT');
$session->quit;

$node->stop;
done_testing();
