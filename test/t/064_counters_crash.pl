# Counters are exact after every crash: of a backend, of the fold worker, of the
# postmaster, and after a stop without a checkpoint, in the middle of the mix of
# Mix.pm and with fsync on. CRASH_CYCLES says how many.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start finish);
use Mix;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $cycles = $ENV{CRASH_CYCLES} || 20;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', mix_settings() . <<'END');
fsync = on
log_min_messages = log
restart_after_crash = on
checkpoint_timeout = 30s
max_wal_size = 64MB
END
$node->start;
mix_prepare($node);
my @files = mix_files(grep { !/^rebuild/ } keys %mix_script);
my @files_without_folds = mix_files(grep { !/^(?:rebuild|fold)/ } keys %mix_script);

# Returns a number from the server, or undef where it does not answer.
sub answer
{
	my ($query) = @_;
	my ($code, $out) = $node->psql('postgres', $query);

	return $code == 0 && $out ne '' ? $out : undef;
}

sub crashes { return scalar(() = slurp_file($node->logfile) =~ /was not properly shut down/g); }

# Kills the process whose id the server gives; tells whether that was a crash. A
# process that has just ended by itself can be sent a signal, too, until the
# server has taken note of it.
sub kill_one
{
	my ($pid) = @_;
	my $logged = -s $node->logfile;
	local $PostgreSQL::Test::Utils::timeout_default = 5;

	return defined $pid && kill('KILL', $pid)
	  && eval { $node->wait_for_log(qr/was terminated by signal 9/, $logged); 1 };
}

sub kill_client
{
	foreach my $try (1 .. 20)
	{
		return 1 if kill_one(answer(q{SELECT pid FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state = 'active' ORDER BY random() LIMIT 1}));
	}
	return 0;
}

# A fold worker lives for milliseconds: one is held at the table that only folds
# write, let go and killed.
sub kill_worker
{
	my $worker = q{FROM pg_stat_activity WHERE backend_type = 'ddd fold worker' AND wait_event_type = 'Lock'};

	foreach my $try (1 .. 20)
	{
		my $holder = $node->background_psql('postgres');

		$holder->query('BEGIN; LOCK TABLE ddd.counters IN SHARE MODE');
		$node->poll_query_until('postgres', "SELECT count(*) > 0 $worker") or die 'no worker folds';
		my $pid = answer("SELECT pid $worker");
		$holder->query('COMMIT');
		my $is_killed = kill_one($pid);
		eval { $holder->quit };
		return 1 if $is_killed;
	}
	return 0;
}

my %crash = (
	'a backend' => \&kill_client,
	'the fold worker' => \&kill_worker,
	'the postmaster' => sub { $node->kill9; return 1; },
	'a stop without a checkpoint' => sub { $node->stop('immediate'); return 1; },
);
my @kinds = sort keys %crash;
my ($exact, $progress, $killed) = (0, 0, 0);
my %failed;

foreach my $cycle (1 .. $cycles)
{
	my $kind = $kinds[ $cycle % @kinds ];
	my $before = answer('SELECT last_value FROM public.compared');
	my $crashes = crashes();
	my $logged = -s $node->logfile;
	my ($out, $err, $attempts) = ('', '', 0);
	my $mix = start(
		[
			'pgbench', '--no-vacuum', '--client=8', '--jobs=2', '--time=600', '--max-tries=1000', $kind eq 'the fold worker' ? @files_without_folds : @files,
			'--host', $node->host, '--port', $node->port, 'postgres'
		],
		'>', \$out, '2>', \$err);

	# some way into the mix
	$node->poll_query_until('postgres', "SELECT last_value > $before + 200 FROM public.compared") or die 'the mix does not run';
	$progress++;
	$killed++ if $crash{$kind}->();
	if ($kind eq 'the postmaster' || $kind =~ /stop/)
	{
		# children of a killed postmaster may hold on for a moment, in which nothing can start
		while (!$node->start(fail_ok => 1))
		{
			die 'the server does not start' if ++$attempts > 100;
			$node->{_pid} = undef;
		}
	}
	eval { finish $mix };
	$node->wait_for_log(qr/database system is ready to accept connections/, $logged);
	$failed{$kind}++ if crashes() == $crashes;
	$node->safe_psql('postgres', "ROLLBACK PREPARED '$_'")
	  foreach split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	my $deviations = $node->safe_psql('postgres', 'SELECT public.deviations(); SELECT ddd.fold_counters() >= 0; SELECT public.deviations()');
	if ($deviations eq "0\nt\n0") { $exact++; }
	else { diag "cycle $cycle, after a crash of $kind: $deviations"; }
}

is($progress, $cycles, "$cycles times the mix was under way");
is($killed, $cycles, 'something was killed each time');
is_deeply(\%failed, {}, 'and the server recovered from it');
is($exact, $cycles, 'every count was exact each time, before a fold and after it');
is($node->safe_psql('postgres', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.different'), '0', 'and in every snapshot in between');
is($node->safe_psql('postgres', 'SELECT ddd.rebuild_counters()'), '0', 'a recount finds nothing to correct');
$node->safe_psql('postgres', 'CREATE EXTENSION amcheck');
$node->command_ok([ 'pg_amcheck', '--heapallindexed', '--parent-check', '--schema', 'ddd', $node->connstr('postgres') ],
	'pg_amcheck finds tables and indexes in order');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal (?!9)/, 'nothing crashed by itself');

$node->stop;
done_testing();
