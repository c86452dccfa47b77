# Counters are exact on a hot standby while the primary runs the mix of Mix.pm,
# after the standby is promoted, and after recovery to points within the mix.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start finish);
use Mix;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $points = 3;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(has_archiving => 1, allows_streaming => 1);
$primary->append_conf('postgresql.conf', mix_settings() . "fsync = off\n");
$primary->start;
mix_prepare($primary);
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = -1\nhot_standby_feedback = on\narchive_mode = off\n");
$standby->start;

my @mix = mix_files(grep { !/^rebuild/ } keys %mix_script);

# Starts a mix that runs until it is stopped.
sub start_mix
{
	my ($node, $output) = @_;

	return start(
		[
			'pgbench', '--no-vacuum', '--client=8', '--jobs=2', '--time=300', '--max-tries=1000', @mix,
			'--host', $node->host, '--port', $node->port, 'postgres'
		],
		'>', $output, '2>', $output);
}

sub stop_mix
{
	my ($mix, $node) = @_;

	$mix->signal('TERM');
	eval { finish $mix };
	# sessions may wait for what one of them has prepared and nobody else ends
	$node->safe_psql('postgres', q{
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
	$node->poll_query_until('postgres', q{
		SELECT count(*) = 0 FROM pg_stat_activity
		 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()}) or die 'the mix does not end';
}

sub compared { return $_[0]->safe_psql('postgres', 'SELECT last_value FROM public.compared'); }

# ---- a standby, while the primary is written to --------------------------------
my $output = '';
my $mix = start_mix($primary, \$output);
my $before = compared($primary);

# a client that meets a deviation aborts
append_to_file("$PostgreSQL::Test::Utils::tmp_check/check.sql", "SELECT 1 / (public.deviations() = 0)::int;\n");
my $check = "$PostgreSQL::Test::Utils::tmp_check/check.sql";
$standby->command_checks_all(
	[ 'pgbench', '--no-vacuum', '--client=4', '--time=10', '--file', $check, '--host', $standby->host, '--port', $standby->port, 'postgres' ],
	0, [qr/number of failed transactions: 0 /, qr/number of transactions actually processed: [1-9]\d\d/], [qr/^$/], 'standby: every count is exact in every snapshot');
cmp_ok(compared($primary) - $before, '>', 200, '... while the primary runs the mix');

# ---- points to recover to, within the mix ---------------------------------------
foreach my $point (1 .. $points)
{
	my $now = compared($primary);

	$primary->poll_query_until('postgres', "SELECT last_value > $now + 50 FROM public.compared") or die 'the mix does not run';
	$primary->safe_psql('postgres', "SELECT pg_create_restore_point('point$point')");
}
stop_mix($mix, $primary);
is($primary->safe_psql('postgres', 'SELECT public.deviations()'), '0', 'primary: every count is exact');

# ---- the standby takes over ------------------------------------------------------
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT public.deviations()'), '0', 'standby: every count is exact once it has caught up');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$primary->safe_psql('postgres', 'SELECT ddd.fold_counters()');
$primary->command_ok([ 'pg_dump', '--file', $dump, '--dbname', $primary->connstr('postgres') ], 'the primary is dumped');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');
$primary->stop;
$standby->promote;

# Claims: every count is exact, a mix runs, and they still are.
sub is_exact
{
	my ($node, $name) = @_;

	$node->safe_psql('postgres', "ROLLBACK PREPARED '$_'")
	  foreach split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	is($node->safe_psql('postgres', 'SELECT public.deviations()'), '0', "$name: every count is exact");
	my $mix = start_mix($node, \my $output);
	my $now = compared($node);
	$node->poll_query_until('postgres', "SELECT last_value > $now + 200 FROM public.compared") or die "the mix does not run: $output";
	stop_mix($mix, $node);
	is($node->safe_psql('postgres', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.different'), '0', "$name: so it is in every snapshot of a mix");
	is($node->safe_psql('postgres', 'SELECT ddd.fold_counters() >= 0; SELECT public.deviations(); SELECT ddd.rebuild_counters()'), "t\n0\n0",
		"$name: and a recount finds nothing to correct");
}

is_exact($standby, 'promoted');
$standby->stop;

# ---- recovery to a point -----------------------------------------------------------
foreach my $point (1 .. $points)
{
	my $node = PostgreSQL::Test::Cluster->new("point$point");

	$node->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "recovery_target_name = 'point$point'\nrecovery_target_action = 'promote'\n"
		. "recovery_target_timeline = 'current'\narchive_mode = off\nlog_min_messages = log\n");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'recovery does not end';
	like(slurp_file($node->logfile), qr/recovery stopping at restore point "point$point"/, "point $point: recovered to it");
	is_exact($node, "point $point");

	# the copy has the identifier of the primary, and younger transaction ids
	$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ],
		"point $point: a dump of the primary is restored into the copy");
	$node->safe_psql('restored', q{SELECT public.change('insert') FROM generate_series(1, 20)});
	is($node->safe_psql('restored', 'SELECT public.deviations(); SELECT ddd.fold_counters() >= 0; SELECT public.deviations()'), "0\nt\n0",
		"point $point: and every count of it is exact");
	$node->stop;
}

done_testing();
