# A database with ddd is a template: createdb -T gives a test run a database
# of its own with everything in it, and neither knows of the other.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('template', 'autovacuum = off');
sql($node, 'postgres', 'CREATE ROLE app LOGIN');

new_database($node, 'prepared', 'CREATE EXTENSION ddd',
	q{SELECT ddd.create_post((ddd.create_user('ann@example.org', 'Ann')).id, 'First', 'text', '{rust}')},
	'SELECT ddd.add_comment(1, 1, \'comment\')',
	'GRANT USAGE ON SCHEMA ddd TO app',
	'GRANT EXECUTE ON FUNCTION ddd.get_user(bigint), ddd.create_user(jsonb) TO app',
	'CREATE INDEX ix_own ON ddd.posts (title)');
my $rows = all_row_checksums($node, 'prepared');
my $objects = fingerprint($node, 'prepared');

$node->command_ok([ 'createdb', '-h', $node->host, '-p', $node->port, '-T', 'prepared', "run$_" ],
	"createdb -T prepared run$_")
  foreach (1, 2);
foreach my $copy ('run1', 'run2')
{
	is_same_text(fingerprint($node, $copy), $objects, "$copy has every object and grant of the template");
	is(all_row_checksums($node, $copy), $rows, "$copy has every row");
}

# ---- a run writes, and nobody else sees it ---------------------------------
is( sql(
		$node, 'run1', q{
		SET ROLE app;
		SELECT (ddd.get_user(1)).email;
		SELECT (u).id FROM ddd.create_user('{"email": "bob@example.org", "full_name": "Bob"}') u}),
	"ann\@example.org\n2", 'a role of the template uses the API in the copy, where ids go on');
is(sql($node, 'run1', 'SELECT title, comment_count FROM ddd.popular_posts()'), 'First|1', 'the copy answers');
is_refused($node, 'run1', q{UPDATE ddd.users SET full_name = U&'\200B' WHERE id = 1},
	'23514', undef, 'the triggers of the copy work');
sql($node, 'run1', q{SELECT ddd.delete_user(1, 'cascade')});
is(all_row_checksums($node, 'prepared'), $rows, 'the template has kept its rows');
is(all_row_checksums($node, 'run2'), $rows, 'and so has the other copy');

# ---- the copy is a database like any other ---------------------------------
is(sql($node, 'run2', 'SELECT ddd.install()'), 'nothing to do', 'nothing is missing in a copy');
sql($node, 'run2', q{SET ddd.allow_data_loss = on; ALTER EXTENSION ddd UPDATE TO '0.1.0'; ALTER EXTENSION ddd UPDATE});
is(sql($node, 'run2', 'SELECT email, full_name FROM ddd.get_user(1)'), 'ann@example.org|Ann', 'a copy migrates down and up');
is_same_text(fingerprint($node, 'prepared'), $objects, 'the template has kept its objects');

$node->stop;
done_testing();
