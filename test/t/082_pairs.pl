# Every pair of versions: all ways between the two lead to the same objects, and
# no row is lost, whatever is written on the way; and the newest library works
# beside the SQL of every version. See Pairs.pm for the claims.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use Pairs;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('pairs');
my @versions = versions($node);
my ($pairs, $claims) = (0, 0);
my $claim = sub {
	my ($name, $got, $expected) = @_;

	is_same_text($got, $expected, $name);
	$claims++;
};

foreach my $i (0 .. $#versions)
{
	foreach my $j ($i + 1 .. $#versions)
	{
		claim_pair($node, \@versions, $versions[$i], $versions[$j], $claim);
		$pairs++;
	}
}
claim_library($node, $_, $claim) foreach @versions;
is($pairs, sql($node, 'postgres', q{SELECT count(*) / 2 FROM pg_extension_update_paths('ddd') WHERE path IS NOT NULL}),
	"every pair between which there are scripts, up and down: $claims claims");

$node->stop;
done_testing();
