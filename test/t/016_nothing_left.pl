# CREATE EXTENSION, DROP EXTENSION CASCADE and DROP SCHEMA leave a database as
# it was: no row of any system catalog more, fewer or other than before.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Autovacuum would write statistics of its own.
my $node = new_node('catalogs', 'autovacuum = off');

# Returns every row of every system catalog, those of the cluster too, but for
# statistics and what a session only counts.
sub catalogs
{
	my ($database) = @_;
	my $query = sql(
		$node, $database, q{
		SELECT string_agg(format('SELECT %L || t::text FROM %s t', relname || ' ', oid::regclass), ' UNION ALL ' ORDER BY relname)
		  FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
		   AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data')});

	return sql($node, $database, $query);
}

new_database($node, 'used', 'CREATE TABLE public.own AS SELECT 1 AS one', 'CREATE SCHEMA own');
my $before = catalogs('used');
cmp_ok(scalar(split /\n/, $before), '>', 5000, 'the catalogs are read');
like($before, qr/^pg_class .*\bown\b/m, 'and show what is in the database');

my $create = 'CREATE EXTENSION ddd';
my $drop = 'DROP EXTENSION ddd CASCADE; DROP SCHEMA ddd CASCADE';
foreach my $way (
	[ 'DROP EXTENSION CASCADE, then DROP SCHEMA', $create, $drop ],
	[ 'DROP SCHEMA CASCADE alone', $create, 'DROP SCHEMA ddd CASCADE' ],
	[ 'upgraded before', q{CREATE EXTENSION ddd VERSION '0.1.0'; ALTER EXTENSION ddd UPDATE}, $drop ],
	[ 'downgraded before', $create, "SET ddd.allow_data_loss = on; ALTER EXTENSION ddd UPDATE TO '0.1.0'; $drop" ],
	[ 'attached again before', "$create; DROP EXTENSION ddd CASCADE; $create", $drop ])
{
	my ($name, $created, $dropped) = @$way;

	sql($node, 'used', $created);
	sql(
		$node, 'used', q{
		SELECT ddd.create_post((ddd.create_user('ann@example.org', 'Ann')).id, 'First', 'text', '{rust}');
		SELECT ddd.add_comment(max(id), min(author_id), 'comment') FROM ddd.posts});
	isnt(catalogs('used'), $before, "$name: the extension is in the catalogs");
	sql($node, 'used', $dropped);
	is_same_text(catalogs('used'), $before, "$name: the catalogs are as they were");
}

# ---- nor does a rolled-back or failed CREATE EXTENSION ---------------------
sql($node, 'used', 'BEGIN; CREATE EXTENSION ddd; ROLLBACK');
is_same_text(catalogs('used'), $before, 'CREATE EXTENSION rolled back: the catalogs are as they were');
sql($node, 'used', 'CREATE SCHEMA ddd; CREATE TABLE ddd.user_info ()');
my $planted = catalogs('used');
is_refused($node, 'used', 'CREATE EXTENSION ddd', '42710', undef, 'CREATE EXTENSION fails');
is_same_text(catalogs('used'), $planted, 'CREATE EXTENSION failed: the catalogs are as they were');
sql($node, 'used', 'DROP SCHEMA ddd CASCADE');
is_same_text(catalogs('used'), $before, 'and once more without what was in its way');

# ---- without DROP SCHEMA the rows stay -------------------------------------
sql(
	$node, 'used', q{
	CREATE EXTENSION ddd;
	SELECT ddd.create_post((ddd.create_user('ann@example.org', 'Ann')).id, 'First', 'text', '{rust}')});
my $rows = all_row_checksums($node, 'used');
sql($node, 'used', 'DROP EXTENSION ddd CASCADE');
is(all_row_checksums($node, 'used'), $rows, 'DROP EXTENSION CASCADE alone keeps every row');
is( sql(
		$node, 'used', q{
		SELECT string_agg(DISTINCT classid::regclass::text, ',') FROM pg_depend
		 WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'ddd'::regnamespace AND classid <> 'pg_class'::regclass}),
	'', 'and of the schema nothing but tables, indexes and sequences');

$node->stop;
done_testing();
