# What a reader of a counter reads stays the same while a snapshot is held that
# keeps the dead rows of folds from being removed, on both access paths.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $posts = 20_000;
my $folds = 5;
# A fold leaves a dead version of each post that it counted, few of them where a
# page is read, and the ledger's rows, which are hundreds of pages.
my $more = 60 * $folds;

my $node = new_node('main');
new_database($node, 'held', 'CREATE EXTENSION ddd',
	q{INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A')},
	qq{INSERT INTO ddd.posts (title, content, author_id, created_at)
		SELECT 'P' || n, '', 1, now() - n * interval '1 hour' FROM generate_series(1, $posts) n},
	qq{INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', n, 1
		FROM generate_series(1, $posts) n, generate_series(1, 1 + abs(100 - n % 200) * (n < 200)::int)},
	'ALTER DATABASE held SET ddd.fold_threshold = 0',
	'SELECT ddd.fold_counters()', 'VACUUM');

# Returns the shared buffers that a call touches in a session that has made it before.
sub buffers
{
	my ($access_path, $call) = @_;
	my $plan = sql($node, 'held', qq{
		SET ddd.access_path = $access_path;
		SELECT count(*) FROM $call;
		EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) SELECT * FROM $call});

	return $plan =~ /^\s*Buffers: shared hit=(\d+)/m ? $1 : die "no buffers in\n$plan";
}

my @calls = ('ddd.popular_posts(10)', 'ddd.comment_count(7)', q{ddd.posts_detail('{1,2,3}')}, 'ddd.hot_posts(10)');
my @read = map { my $call = $_; map { [ $_, $call, buffers($_, $call) ] } qw(auto spi) } @calls;

my $holder = $node->background_psql('held');
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ddd.users');
foreach (1 .. $folds)
{
	sql($node, 'held', qq{INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', n, 1 FROM generate_series(1, $posts) n});
	is(sql($node, 'held', 'SELECT ddd.fold_counters()'), $posts, 'what was written is folded');
}
sql($node, 'held', 'VACUUM ddd.counter_ledger');
cmp_ok(sql($node, 'held', q{SELECT pg_relation_size('ddd.counter_ledger') / 8192}), '>=', 500, 'its rows are still there');

foreach (@read)
{
	my ($access_path, $call, $before) = @$_;

	my $now = buffers($access_path, $call);

	cmp_ok($now, '<=', $before + $more, "$access_path: $call touches about the same buffers as before");
	note "$before, now $now";
}
$holder->quit;
$node->stop;
done_testing();
