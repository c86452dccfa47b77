# The background worker folds when enough is pending, whatever the database's
# defaults; where none can be started, on a standby and at a threshold of 0
# nothing breaks; and it does not keep a database from being dropped.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "fsync = off\nddd.fold_threshold = 100\nautovacuum = off\n");
$node->start;

my $fill = q{
	CREATE EXTENSION ddd;
	INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A');
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'P' || n, '', 1 FROM generate_series(1, 1000) n};
my $comments = q{INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', n, 1 FROM generate_series(1, 1000) n};
my $pending = 'SELECT count(*) FROM ddd.counter_ledger';
my $exact = q{
	SELECT bool_and(told = counted), count(*) FROM ddd.verify_counters(1000);
	SELECT count(*) FROM ddd.popular_posts(1000)};

# A writer of more rows than the threshold asks for sure, before it commits;
# the worker may look before the commit is visible, so somebody asks again.
sub folded
{
	my ($server, $database) = @_;

	return $server->poll_query_until($database, 'SELECT count(*) = 0 FROM ddd.counter_ledger, ddd.popular_posts(1) p WHERE p.id > 0')
	  && $server->safe_psql($database, $pending) eq '0';
}

# ---- it folds ----------------------------------------------------------------
new_database($node, 'main', $fill);
sql($node, 'main', $comments);
ok(folded($node, 'main'), 'what writers add is folded');
is(sql($node, 'main', 'SELECT count(*), sum(value) FROM ddd.counters'), '1000|1000', 'into the numbers');
is(sql($node, 'main', $exact), "t|1000\n1000", 'every count is exact');
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ddd fold worker'}),
	'and the worker has ended');

# many small writers, none of which reaches the threshold
sql($node, 'main', q{
	DO $$ BEGIN
		FOR n IN 1 .. 3000 LOOP
			INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('c', n % 1000 + 1, 1);
			COMMIT;
		END LOOP;
	END $$});
cmp_ok(sql($node, 'main', $pending), '<', 3000, 'so is what comes one by one');
is(sql($node, 'main', $exact), "t|1000\n1000", 'every count is exact');

foreach my $default (
	q{ALTER DATABASE strict SET default_transaction_isolation = 'serializable'},
	q{ALTER DATABASE strict SET default_transaction_read_only = on},
	q{ALTER DATABASE strict SET search_path = nowhere},
	q{ALTER DATABASE strict SET row_security = off})
{
	new_database($node, 'strict', $fill);
	sql($node, 'postgres', $default);
	sql($node, 'strict', "SET default_transaction_read_only = off; $comments");
	ok(folded($node, 'strict'), "with $default");
	is(sql($node, 'strict', $exact), "t|1000\n1000", '... every count is exact');
	$node->safe_psql('postgres', 'DROP DATABASE strict');
}

# ---- a stale counter is counted anew -------------------------------------------
sql($node, 'main', "TRUNCATE ddd.comments; INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('c', 7, 1)");
ok($node->poll_query_until('main', 'SELECT NOT bool_or(s.stale) FROM ddd.counter_state s, ddd.popular_posts(1) p'), 'what TRUNCATE left is counted anew');
is(sql($node, 'main', 'SELECT id, comment_count FROM ddd.popular_posts()'), '7|1', '... and right');

# ---- it waits for nobody ---------------------------------------------------------
my $locker = $node->background_psql('main');
# a worker that counted between TRUNCATE and INSERT has left the comment pending
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ddd fold worker'}),
	'the worker has ended again');
sql($node, 'main', 'SELECT ddd.fold_counters()');
sql($node, 'main', "SET ddd.fold_threshold = 0; $comments");
$locker->query_safe('BEGIN');
$locker->query_safe('LOCK TABLE ddd.comments IN ACCESS EXCLUSIVE MODE');
sql($node, 'main', 'SELECT count(*) FROM ddd.popular_posts(1)') foreach 1 .. 5;
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ddd fold worker'}),
	'no worker waits for a lock on a table');
is(sql($node, 'main', $pending), '1000', 'so nothing is folded');
$locker->query_safe('COMMIT');
$locker->quit;
ok(folded($node, 'main'), 'until the lock is given back');

# ---- it does not, and nothing breaks -------------------------------------------
new_database($node, 'off', $fill);
sql($node, 'off', "SET ddd.fold_threshold = 0; $comments; SELECT count(*) FROM ddd.popular_posts(1)");
sql($node, 'off', "BEGIN; $comments; ROLLBACK");
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ddd fold worker' AND datname = 'off'};
is(sql($node, 'off', $workers), '0', 'a threshold of 0 and a transaction that is rolled back start no worker');
is(sql($node, 'off', $pending), '1000', 'so everything is pending');
is(sql($node, 'off', "SET ddd.fold_threshold = 0; $exact"), "t|1000\n1000", 'and every count is exact');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is(sql($standby, 'off', $exact), "t|1000\n1000", 'standby: every count is exact, with deltas pending');
is(sql($standby, 'main', $exact), sql($node, 'main', $exact), 'standby: and folded');
is(failure($standby, 'off', 'SELECT ddd.fold_counters()')->{state}, '25006', 'standby: a fold is refused');
is(sql($standby, 'off', $pending), '1000', 'standby: readers have folded nothing');
$standby->stop;

$node->append_conf('postgresql.conf', "max_worker_processes = 0\nmax_logical_replication_workers = 0\n");
$node->restart;
new_database($node, 'none', $fill);
sql($node, 'none', "$comments; $exact");
is(sql($node, 'none', $pending), '1000', 'without a slot for a worker everything stays pending');
is(sql($node, 'none', $exact), "t|1000\n1000", 'and every count is exact');
is(sql($node, 'none', 'SELECT ddd.fold_counters()'), '1000', 'ddd.fold_counters() folds');
$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
$node->restart;

# ---- it is in nobody's way -----------------------------------------------------
my $dropped = 0;
foreach my $nth (1 .. 5)
{
	new_database($node, "dropped$nth", $fill);
	sql($node, "dropped$nth", $comments);
	$dropped++ if $node->psql('postgres', "DROP DATABASE dropped$nth") == 0;
}
is($dropped, 5, 'a database is dropped right after a worker was asked for');
# many batches of a transaction each; what takes a fold longer than DROP DATABASE waits
new_database($node, 'folding', $fill);
sql($node, 'folding', q{
	SET ddd.fold_threshold = 0;
	CREATE FUNCTION public.batch() RETURNS void LANGUAGE sql AS $$
		INSERT INTO ddd.counter_ledger (xid, subject_id, delta, counter)
		SELECT pg_current_xact_id(), n, 1, 1 FROM generate_series(1, 100000) n $$;
	} . 'SELECT public.batch();' x 25);
sql($node, 'folding', 'SELECT count(*) FROM ddd.popular_posts(1)');
ok($node->poll_query_until('postgres', q{
	SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'folding' AND backend_type = 'ddd fold worker' AND state = 'active'}),
	'a worker is folding');
is($node->psql('postgres', 'DROP DATABASE folding'), 0, 'a database is dropped while it is folded');

new_database($node, 'uninstalled', $fill);
sql($node, 'uninstalled', "$comments; DROP EXTENSION ddd CASCADE");
is(sql($node, 'uninstalled', 'SELECT count(*) FROM ddd.comments'), '1000', 'so is the extension');
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ddd fold worker'}),
	'no worker is left');
unlike(slurp_file($node->logfile), qr/ERROR: .*fold|PANIC|terminated by signal|TRAP/, 'no worker has failed');

$node->stop;
done_testing();
