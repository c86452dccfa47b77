# Every version can be reached from every other, up and down, in one
# transaction: what ends in an error or in ROLLBACK has changed nothing.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('paths');
my @versions = split /\n/, sql($node, 'postgres',
	q{SELECT version FROM pg_available_extension_versions WHERE name = 'ddd' ORDER BY string_to_array(version, '.')::int[]});
cmp_ok(scalar(@versions), '>=', 2, 'there are versions to go between: ' . join ', ', @versions);
is($versions[-1], current_version(), 'the newest of them is what CREATE EXTENSION installs');

# ---- a path each way -------------------------------------------------------
is( sql($node, 'postgres', q{SELECT source, target FROM pg_extension_update_paths('ddd') WHERE path IS NULL}),
	'', 'pg_extension_update_paths: no pair of versions without a path');
is(sql($node, 'postgres', q{SELECT count(*) FROM pg_extension_update_paths('ddd')}),
	@versions * (@versions - 1), 'pg_extension_update_paths: every pair, both ways');

# ---- each is gone, and undone ----------------------------------------------
foreach my $from (@versions)
{
	foreach my $to (grep { $_ ne $from } @versions)
	{
		my $database = 'from_' . ($from =~ tr/./_/r) . '_to_' . ($to =~ tr/./_/r);
		my $update = "ALTER EXTENSION ddd UPDATE TO '$to'";

		new_database($node, $database, "CREATE EXTENSION ddd VERSION '$from'",
			q{INSERT INTO ddd.users (email, } . ($from eq '0.1.0' ? 'first_name' : 'full_name') . q{) VALUES ('ann@example.org', 'Ann')});
		my $objects = fingerprint($node, $database);
		my $rows = all_row_checksums_of($database);

		sql($node, $database, "BEGIN; $update; ROLLBACK");
		is_same_text(fingerprint($node, $database), $objects, "$from to $to, rolled back: no object has changed");
		is(all_row_checksums_of($database), $rows, "$from to $to, rolled back: no row has changed");
		is_refused($node, $database, "BEGIN; $update; SELECT 1 / 0", '22012', undef, "$from to $to, then an error");
		is_same_text(fingerprint($node, $database), $objects, "$from to $to, then an error: no object has changed");
		sql($node, $database, "BEGIN; SAVEPOINT s; $update; ROLLBACK TO s; COMMIT");
		is_same_text(fingerprint($node, $database), $objects, "$from to $to, back to a savepoint: no object has changed");

		sql($node, $database, "BEGIN; $update; COMMIT");
		is(version_of($node, $database), "$to $to", "$from to $to");
		is(sql($node, $database, 'SELECT email FROM ddd.users'), 'ann@example.org', "$from to $to: the user is there");
	}
}

# Returns the rows of the tables that there are, whole.
sub all_row_checksums_of
{
	my ($database) = @_;

	return sql(
		$node, $database, q{
		SELECT string_agg(relname || ' ' || md5(query_to_xml(format('SELECT * FROM ddd.%I ORDER BY 1', relname), true, true, '')::text), ' ' ORDER BY relname)
		  FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r'});
}

$node->stop;
done_testing();
