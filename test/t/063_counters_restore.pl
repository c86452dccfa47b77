# A dump with deltas pending is restored into clusters whose transaction ids are
# smaller and larger than those in it: whole, data alone, one table alone, with
# triggers and without. Every count is exact, or verify_counters() says which is
# not and rebuild_counters() corrects it.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $counted = slurp_file("$FindBin::RealBin/../common/counted.sql");
my $dumps = PostgreSQL::Test::Utils::tempdir();

# Returns a started cluster whose transaction ids begin at an epoch.
sub cluster
{
	my ($name, $epoch) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\nddd.fold_threshold = 0\nfsync = off");
	run_log([ 'pg_resetwal', '-e', $epoch, '-D', $node->data_dir ]) or die 'pg_resetwal';
	$node->start;
	return $node;
}

my $fill = q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 20) n;
	INSERT INTO ddd.posts (title, content, author_id, created_at)
	SELECT 'Post ' || n, '', 1 + n % 20, now() - n * interval '1 day' FROM generate_series(1, 300) n;
	INSERT INTO ddd.tags (name) SELECT 't' || n FROM generate_series(1, 30) n};
my $change = q{
	INSERT INTO ddd.comments (content, post_id, author_id, created_at)
	SELECT 'c', p.id, 1 + n % 20, now() - n * interval '1 hour'
	  FROM generate_series(1, 1500) n JOIN ddd.posts p ON p.id = 1 + n * 7 % 299;
	DELETE FROM ddd.comments WHERE id % 5 = 0;
	UPDATE ddd.comments SET post_id = (SELECT min(id) FROM ddd.posts) WHERE id % 11 = 0;
	DELETE FROM ddd.posts WHERE id IN (SELECT id FROM ddd.posts ORDER BY id DESC LIMIT 9);
	INSERT INTO ddd.post_tags (post_id, tag_id)
	SELECT DISTINCT p.id, 1 + n % 29 FROM generate_series(1, 900) n JOIN ddd.posts p ON p.id = 1 + n % 299 ON CONFLICT DO NOTHING;
	DELETE FROM ddd.post_tags WHERE (post_id + tag_id) % 7 = 0};

# Returns "exact", or which listings are not; how many counts there are and how many are wrong.
sub state_of
{
	my ($node, $database) = @_;

	return sql($node, $database, $counted . q{
		SELECT pg_temp.ranked() || ' ' || (SELECT count(*) > 250 FROM ddd.verify_counters())
		       || ' ' || (SELECT count(*) FROM ddd.verify_counters() WHERE told <> counted)});
}

# Claims: it is exact, and stays so.
sub is_exact
{
	my ($node, $database, $name) = @_;
	my @states = (state_of($node, $database));

	foreach my $step ($change, 'SELECT ddd.fold_counters()', $change, 'SELECT ddd.fold_counters()')
	{
		sql($node, $database, $step);
		push @states, state_of($node, $database);
	}
	is(join(', ', @states), join(', ', ('exact true 0') x 5), "$name: exact, after writes and folds too");
	is(sql($node, $database, 'SELECT ddd.rebuild_counters()'), '0', "$name: a recount finds nothing to correct");
}

sub restore
{
	my ($node, $database, $name, @options) = @_;
	my $file = "$dumps/" . ("@options" =~ /^--data-only(?! --table)/ ? 'data' : 'source');

	$node->command_ok([ 'pg_restore', '--exit-on-error', @options, '--dbname', $node->connstr($database), $file ],
		"$name: restored");
}

my $source = cluster('source', 5);
new_database($source, 'source', 'CREATE EXTENSION ddd', $fill, $change, 'SELECT ddd.fold_counters()', $change);
is(state_of($source, 'source'), 'exact true 0', 'the source is exact');
cmp_ok(sql($source, 'source', 'SELECT count(*) FROM ddd.counter_ledger'), '>', 500, 'with many deltas pending');
$source->command_ok([ 'pg_dump', '-Fc', '--file', "$dumps/source", '--dbname', $source->connstr('source') ], 'it is dumped');
# a dump of data alone has the tables in the order of their foreign keys
$source->command_ok([ 'pg_dump', '-Fc', '--data-only', '--file', "$dumps/data", '--dbname', $source->connstr('source') ],
	'and its data alone');
my $high = sql($source, 'source', 'SELECT max(xid) FROM ddd.counter_ledger');

foreach my $target ([ 'smaller', 0 ], [ 'larger', 9 ])
{
	my ($kind, $epoch) = @$target;
	my $node = cluster($kind, $epoch);
	my $in = "$kind transaction ids";

	is(sql($node, 'postgres', "SELECT pg_current_xact_id() < '$high'::xid8"), $kind eq 'smaller' ? 't' : 'f', "a cluster of $in");

	# ---- all of it
	new_database($node, 'whole');
	restore($node, 'whole', "$in, whole", '--single-transaction');
	is(sql($node, 'whole', 'SELECT bool_or(stale) FROM ddd.counter_state'), 'f', "$in, whole: nothing has to be counted anew");
	is_exact($node, 'whole', "$in, whole");
	new_database($node, 'parallel');
	restore($node, 'parallel', "$in, by four jobs", '--jobs=4');
	is_exact($node, 'parallel', "$in, by four jobs");

	# ---- data alone, into tables that are there
	foreach my $triggers ('', '--disable-triggers')
	{
		my $name = "$in, data alone" . ($triggers && ', triggers disabled');

		new_database($node, 'data', 'CREATE EXTENSION ddd');
		restore($node, 'data', $name, '--data-only', $triggers || ());
		is_exact($node, 'data', $name);
		$node->safe_psql('postgres', 'DROP DATABASE data');
	}

	new_database($node, 'data', 'CREATE EXTENSION ddd');
	restore($node, 'data', "$in, data alone, with row security", '--data-only', '--enable-row-security');
	is_exact($node, 'data', "$in, data alone, with row security");

	# ---- one table alone, after its rows were lost
	foreach my $table ('comments', 'post_tags')
	{
		foreach my $lost ("DELETE FROM ddd.$table", "TRUNCATE ddd.$table")
		{
			foreach my $triggers ('', '--disable-triggers')
			{
				my $name = "$in, $table alone after $lost" . ($triggers && ', triggers disabled');

				new_database($node, 'one');
				restore($node, 'one', $name);
				sql($node, 'one', $lost);
				restore($node, 'one', "$name, again", '--data-only', '--table', $table, $triggers || ());
				if ($triggers && $lost =~ /^DELETE/)
				{
					cmp_ok(sql($node, 'one', 'SELECT count(*) FROM ddd.verify_counters() WHERE told <> counted'),
						'>', 20, "$name: verify_counters() finds the counts that no trigger has seen");
					sql($node, 'one', 'SELECT ddd.rebuild_counters()');
				}
				is_exact($node, 'one', $name);
				$node->safe_psql('postgres', 'DROP DATABASE one');
			}
		}
	}

	# ---- the counters alone
	new_database($node, 'counters');
	restore($node, 'counters', "$in, counters alone");
	sql($node, 'counters', 'SELECT ddd.fold_counters(); TRUNCATE ddd.counters, ddd.counter_ledger, ddd.counter_state');
	restore($node, 'counters', "$in, counters alone, again", '--data-only', map { ('--table', $_) } qw(counters counter_ledger counter_state));
	is_exact($node, 'counters', "$in, counters alone");
	$node->stop;
}

$source->stop;
done_testing();
