# Hashing is bounded: however many sessions verify a password, ddd.hash_slots of
# them hash at the same time, the others wait or are refused; and a slot is free
# again whatever ends the hashing.
#
# Who holds a slot is in pg_locks. A session that hashes for seconds (PBKDF2) is
# stopped by a signal where it has to hold its slot until the test has looked.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use IPC::Run qw(start);
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 100;
my $slots = 4;
my $cost_kib = 19456;

my $in_slot = q{FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND objsubid = 3};
my $slow = q{'$pbkdf2-sha256$2000000$c2FsdA$' || repeat('A', 43)};
my $quick = q{'$pbkdf2-sha256$1$c2FsdA$' || repeat('A', 43)};

my $node = PostgreSQL::Test::Cluster->new('slots');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', $_)
  foreach ('fsync = off', 'max_connections = 150', "ddd.hash_slots = $slots", "ddd.hash_slot_timeout = '10min'", 'restart_after_crash = on',
	'log_lock_waits = on', "deadlock_timeout = '10ms'", 'ddd.fold_threshold = 0');
$node->start;
my $database = new_database($node, 'slots', 'CREATE EXTENSION ddd');

# Sets the number of slots for all sessions that begin after it.
sub set_slots
{
	my ($n) = @_;

	sql($node, $database, "ALTER SYSTEM SET ddd.hash_slots = $n");
	$node->reload;
	$node->poll_query_until($database, "SELECT current_setting('ddd.hash_slots') = '$n'")
	  or die 'the setting does not arrive';
}

sub wait_until
{
	my ($condition, $name, $at) = @_;

	ok(($at // $node)->poll_query_until('postgres', "SELECT $condition"), $name);
}

sub all_free
{
	my ($name, $at) = @_;

	wait_until("NOT EXISTS (SELECT $in_slot)", "the slot is free after $name", $at);
}

# Starts a session and a statement in it that hashes; returns it and its process
# id once it has a slot, or waits for one.
sub hashing
{
	my ($statement, $granted, $at) = @_;
	my $session = ($at // $node)->background_psql($database, on_error_stop => 0);
	my ($pid) = $session->query('SELECT pg_backend_pid()');

	$session->query("\\set VERBOSITY verbose\nSET statement_timeout = 0");
	$session->query_until(qr/^sent$/m, "\\echo sent\n$statement;\n");
	wait_until("EXISTS (SELECT $in_slot AND pid = $pid AND granted = $granted)",
		$granted eq 'true' ? 'a session hashes' : 'a session waits', $at);
	return ($session, $pid);
}

# ---- a hundred at the same time --------------------------------------------
# Each is ready, its memory in use, and waits at a gate until all are.
my $gate = $node->background_psql($database);
$gate->query('SELECT pg_advisory_lock(1)');

my $hash = sql($node, $database, q{SELECT ddd.hash_password('correct horse')});
like($hash, qr/m=$cost_kib,/, 'the hash has the default cost');
my $cheap = sql($node, $database, q{LOAD 'ddd'; SET ddd.argon2_memory_kib = 8192; SET ddd.argon2_time = 1;
	SELECT ddd.hash_password('correct horse')});
my $script = "$PostgreSQL::Test::Utils::tmp_check/login.sql";
append_to_file($script, qq{
SELECT 1 / ddd.verify_password('correct horse', '$cheap')::int;
SELECT pg_advisory_lock_shared(1);
SELECT 1 / ddd.verify_password('correct horse', '$hash')::int;
});
my ($out, $err) = ('', '');
my $bench = start [ 'pgbench', '--no-vacuum', '--client', $clients, '--transactions', 1, '--file', $script,
	'--host', $node->host, '--port', $node->port, $database ], '<', \undef, '>', \$out, '2>', \$err;
wait_until("(SELECT count(*) = $clients FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND NOT granted)",
	"$clients sessions are ready");

# Returns the memory that these processes have for themselves at one moment, in
# kB: all are stopped while it is read.
sub memory_of
{
	my (@pids) = @_;
	my $sum = 0;

	kill STOP => @pids;
	foreach my $pid (@pids)
	{
		my $status;

		# one that has ended has none
		do { $status = eval { slurp_file("/proc/$pid/status") } // '' } while $status =~ /^State:\s+[RSD]/m;
		$sum += $1 if $status =~ /^RssAnon:\s+(\d+)/m;
	}
	kill CONT => @pids;
	return $sum;
}

my @pids = split /\n/, sql($node, 'postgres', q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND NOT granted});
my $before = memory_of(@pids);
my (@holders, @growth);

$gate->query('SELECT pg_advisory_unlock(1)');
while ($bench->pump_nb, $bench->pumpable)
{
	push @holders, $gate->query("SELECT count(*) $in_slot AND granted");
	push @growth, memory_of(@pids) - $before;
}
$bench->finish;
like($out, qr{actually processed: $clients/$clients$}m, 'all have their answer') or diag $err;
is(max(@holders), $slots, "at most $slots hash at the same time, and so many do");
cmp_ok(max(@growth), '<=', 1.1 * $slots * $cost_kib, 'in no more memory than the slots times the cost');
cmp_ok(max(@growth), '>=', $cost_kib, '... which was looked at while they hashed');
note scalar(@growth), " samples, at most ", max(@growth), " kB of ", $slots * $cost_kib;
all_free('a hundred logins');
$gate->quit;

# Nor does anybody have a slot while the answer waits for its time.
append_to_file("$script.wait", "SET ddd.auth_min_duration = '60 s';\nSELECT ddd.authenticate('nobody\@example.org', 'wrong horse');\n");
my $waiting = start [ 'pgbench', '--no-vacuum', '--client', $clients, '--transactions', 1, '--file', "$script.wait",
	'--host', $node->host, '--port', $node->port, $database ], '<', \undef, '>', \$out, '2>', \$err;
my $waits = q{FROM pg_stat_activity WHERE wait_event = 'Extension' AND backend_type = 'client backend'};
wait_until("(SELECT count(*) = $clients $waits)", "$clients log-ins wait for their answer");
is(sql($node, 'postgres', "SELECT count(*) $in_slot"), '0', '... without a slot');
is(sql($node, 'postgres', "SELECT count(pg_terminate_backend(pid)) $waits"), $clients, '... and can be terminated');
eval { $waiting->finish };
wait_until("NOT EXISTS (SELECT $waits)", '... at once');

# ---- no slot ---------------------------------------------------------------
set_slots(1);
my ($holder, $holder_pid) = hashing("DO \$\$ BEGIN LOOP PERFORM ddd.verify_password('password', $slow); END LOOP; END \$\$", 'true');
kill STOP => $holder_pid;
is(sql($node, 'postgres', "SELECT pid $in_slot"), $holder_pid, 'one session has the one slot');

my $login = "ddd.verify_password('canary-password', $quick)";
foreach my $timeout (0, '20ms')
{
	my $error = is_refused($node, $database, "LOAD 'ddd'; SET ddd.hash_slot_timeout = '$timeout'; SELECT $login",
		'53300', qr/ddd\.hash_slots/, "no slot within $timeout");
	unlike($error->{text}, qr/canary/, '... and nothing of the password is in the error');
}
is_refused($node, $database, "LOAD 'ddd'; SET ddd.hash_slot_timeout = 0; SELECT ddd.hash_password('correct horse')",
	'53300', undef, 'nor for a new hash');
is(sql($node, $database, q{SELECT ddd.verify_password('correct horse', '!')}), 'f', 'what is not hashed needs no slot');

# what is caught leaves the session as it was
is(sql($node, $database, qq{
	LOAD 'ddd';
	SET ddd.hash_slot_timeout = '20ms';
	SET lock_timeout = '1ms';
	DO \$\$
	BEGIN
		FOR i IN 1 .. 3 LOOP
			BEGIN
				PERFORM $login;
			EXCEPTION WHEN too_many_connections THEN
				NULL;
			END;
		END LOOP;
	END \$\$;
	SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('log_lock_waits'),
		(SELECT count(*) $in_slot AND pid = pg_backend_pid()))}),
	'1ms on 0', 'lock_timeout does not count while waiting, and both settings are as before');
is_refused($node, $database, "SET statement_timeout = '50ms'; SELECT $login", '57014', undef, 'statement_timeout does');

# whoever waits can be cancelled and terminated
my ($waiter, $waiter_pid) = hashing("SELECT $login", 'false');
sql($node, 'postgres', "SELECT pg_cancel_backend($waiter_pid)");
wait_until("NOT EXISTS (SELECT $in_slot AND pid = $waiter_pid)", 'who is cancelled does not wait any more');
like(session_result($waiter, 'SHOW lock_timeout'), qr/^57014 /, '... with the usual SQLSTATE');
is(session_result($waiter, q{SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('log_lock_waits'))}),
	'0 on', '... and has the settings as before');
$waiter->quit;

($waiter, $waiter_pid) = hashing("SELECT $login", 'false');
sql($node, 'postgres', "SELECT pg_terminate_backend($waiter_pid)");
wait_until("NOT EXISTS (SELECT $in_slot AND pid = $waiter_pid)", 'nor who is terminated');
eval { $waiter->quit };
unlike(slurp_file($node->logfile), qr/still waiting for ExclusiveLock on advisory lock \[0,/,
	'a wait, which would show the statement, is not logged');

# whoever waits is the next; three waits in one statement are three slots
($waiter, $waiter_pid) = hashing(qq{SELECT count(*) FROM ddd.create_users(
	'[{"email": "a\@x", "full_name": "A", "password": "password"}, {"email": "b\@x", "full_name": "B", "password": "password"},
	{"email": "c\@x", "full_name": "C", "password": "password"}]')}, 'false');
kill CONT => $holder_pid;
is(session_result($waiter, q{SELECT 'done'}) =~ /(\d)\ndone/ && $1, '3', 'three users are signed up by one slot, given back each time');
$waiter->quit;

# ---- every way out ---------------------------------------------------------
sql($node, 'postgres', "SELECT pg_terminate_backend($holder_pid)");
all_free('pg_terminate_backend');
eval { $holder->quit };

($holder, $holder_pid) = hashing("BEGIN; SELECT ddd.verify_password('password', $slow)", 'true');
sql($node, 'postgres', "SELECT pg_cancel_backend($holder_pid)");
all_free('a cancel, in the transaction that it aborted');
like(session_result($holder, 'SELECT 1'), qr/^57014 /, '... with the usual SQLSTATE');
is(sql($node, 'postgres', "SELECT state FROM pg_stat_activity WHERE pid = $holder_pid"),
	'idle in transaction (aborted)', '... which is not over');
$holder->quit;

is(sql($node, $database, qq{
	SET statement_timeout = '300ms';
	DO \$\$
	BEGIN
		PERFORM ddd.verify_password('password', $slow);
	EXCEPTION WHEN query_canceled THEN
		PERFORM set_config('ddd.hash_slot_timeout', '0', false);
		PERFORM set_config('slots.held', (SELECT count(*)::text $in_slot), false);
		PERFORM ddd.verify_password('password', $quick);
	END \$\$;
	SHOW slots.held}), '0', 'the slot is free after an error that PL/pgSQL handles');

my $session = $node->background_psql($database, on_error_stop => 0);
$session->query("BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = '300ms'");
$session->query("SELECT ddd.verify_password('password', $slow)");
all_free('an error in a savepoint');
$session->query('ROLLBACK TO s');
is($session->query("SELECT ddd.verify_password('password', $quick)"), 'f', '... and can be had again in the same transaction');
is($session->query("SELECT count(*) $in_slot"), '0', '... which holds none at its end');
$session->quit;

is_refused($node, $database, q{SELECT ddd.hash_password('short')}, '23514', undef, 'a short password is refused');
all_free('a refusal');

# the 100 MiB cannot be had
$session = $node->background_psql($database, on_error_stop => 0);
$session->query("\\set VERBOSITY verbose");
$session->query('LOAD \'ddd\'');
my ($limited_pid) = $session->query('SELECT pg_backend_pid()');
my ($used) = slurp_file("/proc/$limited_pid/status") =~ /^VmSize:\s+(\d+)/m;
system_or_bail('prlimit', "--pid=$limited_pid", '--as=' . 1024 * ($used + 10240));
like(session_result($session, qq{SELECT ddd.verify_password('correct horse', '$hash')}), qr/^53200 /, 'there is no memory');
all_free('an error of a library');
$session->quit;

($holder, $holder_pid) = hashing("SELECT ddd.verify_password('password', $slow)", 'true');
kill KILL => $holder_pid;
$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
all_free('a crash');
is(sql($node, $database, "SELECT ddd.verify_password('correct horse', '$hash')"), 't', '... and can be had again');
eval { $holder->quit };

# ---- where nothing may be written ------------------------------------------
is(sql($node, $database, "BEGIN READ ONLY; SELECT ddd.verify_password('correct horse', '$hash')"), 't', 'in a read-only transaction');

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
is(sql($standby, $database, qq{SELECT pg_is_in_recovery() AND ddd.verify_password('correct horse', '$hash')}), 't', 'on a standby');
($holder, $holder_pid) = hashing("SELECT ddd.verify_password('password', $slow)", 'true', $standby);
kill STOP => $holder_pid;
is_refused($standby, $database, "LOAD 'ddd'; SET ddd.hash_slot_timeout = '20ms'; SELECT $login", '53300', undef,
	'... which has slots of its own');
is(sql($node, $database, "SELECT $login"), 'f', '... and leaves those of the primary alone');
kill CONT => $holder_pid;
sql($standby, 'postgres', "SELECT pg_cancel_backend($holder_pid)");
all_free('a cancel on the standby', $standby);
$holder->quit;
$standby->stop;

$node->stop;
done_testing();
