# Counters are exact on a logical subscriber of all of their tables, where
# nothing is folded: the ledger's transactions are the publisher's.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', "fsync = off\nddd.fold_threshold = 0\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', "fsync = off\nddd.fold_threshold = 100\n");
$subscriber->start;

my $tables = 'ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags, ddd.counters, ddd.counter_ledger, ddd.counter_state';
my $write = q{
	INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', 1 + n % 300, 1 FROM generate_series(1, 1000) n;
	DELETE FROM ddd.comments WHERE id % 7 = 0};
sql($publisher, 'postgres', q{
	CREATE EXTENSION ddd;
	INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A');
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'P' || n, '', 1 FROM generate_series(1, 300) n});
sql($publisher, 'postgres', "$write; SELECT ddd.fold_counters(); $write; CREATE PUBLICATION counted FOR TABLE $tables");
sql($subscriber, 'postgres', 'CREATE EXTENSION ddd');
# whatever its own transaction ids are
sql($subscriber, 'postgres', 'SELECT pg_current_xact_id()') foreach 1 .. 20;
sql($subscriber, 'postgres', sprintf "CREATE SUBSCRIPTION counted CONNECTION '%s dbname=postgres' PUBLICATION counted", $publisher->connstr =~ s/'//gr);

# Claims: the subscriber has what the publisher has, and counts it right.
sub is_exact
{
	my ($name) = @_;

	$subscriber->wait_for_subscription_sync($publisher, 'counted');
	$publisher->wait_for_catchup('counted');
	is(sql($subscriber, 'postgres', q{
		SELECT (SELECT count(*) FROM ddd.comments), (SELECT count(*) FROM ddd.verify_counters()),
		       (SELECT count(*) FROM ddd.verify_counters() WHERE told <> counted)}),
		sql($publisher, 'postgres', 'SELECT (SELECT count(*) FROM ddd.comments), (SELECT count(*) FROM ddd.verify_counters()), 0'), $name);
}

is_exact('a subscriber counts what it was copied');
sql($publisher, 'postgres', $write);
is_exact('and what is written then');
is_refused($subscriber, 'postgres', 'SELECT ddd.fold_counters()', '55000', qr/HINT:\s+Run ddd\.fold_counters\(\) there/, 'a fold is refused');
is_refused($subscriber, 'postgres', 'SELECT ddd.rebuild_counters()', '55000', undef, 'so is a recount');
my $pending = sql($subscriber, 'postgres', 'SELECT count(*) FROM ddd.counter_ledger');
cmp_ok($pending, '>', 300, 'more is pending than the threshold');
sql($subscriber, 'postgres', 'SELECT count(*) FROM ddd.popular_posts(1)') foreach 1 .. 5;
ok( $subscriber->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ddd fold worker'}),
	'workers have looked');
is(sql($subscriber, 'postgres', 'SELECT count(*) FROM ddd.counter_ledger'), $pending, 'and have folded nothing');
sql($publisher, 'postgres', "SELECT ddd.fold_counters(); $write");
is_exact('what the publisher folds is folded here');

$subscriber->stop;
$publisher->stop;
done_testing();
