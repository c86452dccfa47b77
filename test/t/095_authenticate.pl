# A log-in that fails says nothing but that it failed: whatever the reason, one
# answer in one time. Failures are counted whatever becomes of the transaction,
# and slow down what comes next, for accounts that do not exist as well. A weak
# hash is replaced on the way, never a strong one, and nothing is lost if it
# cannot be.
#
# The times of 40 log-ins of each kind are compared; LOGINS=1000 takes as many.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'time';

my $logins = $ENV{LOGINS} // 40;
my $largest_difference = 2;    # milliseconds between medians

my $node = new_node('authenticate', 'fsync = off', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1', 'track_commit_timestamp = on');
my $db = new_database($node, 'authenticate', 'CREATE EXTENSION ddd');

# bcrypt and Argon2id of "correct horse"; the cost of neither is the policy's
chomp(my $bcrypt = `/usr/bin/python3 -c "import bcrypt; print(bcrypt.hashpw(b'correct horse', bcrypt.gensalt(8)).decode())"`);
sql($node, $db, qq{
	SELECT ddd.create_user('new\@example.org', 'New', 'correct horse');
	SELECT ddd.create_user('legacy\@example.org', 'Legacy', hashed_password => '$bcrypt');
	SELECT ddd.create_user('inactive\@example.org', 'Inactive', 'correct horse', is_active => false);
	SELECT ddd.create_user('none\@example.org', 'No password');
	INSERT INTO ddd.users (email, full_name, hashed_password) VALUES ('odd\@example.org', 'Odd', '\$1\$abc'), ('dear\@example.org', 'Dear', '\$2b\$31\$' || repeat('a', 53))});

sub answer
{
	my ($email, $password, @more) = @_;
	return sql($node, $db, "SELECT coalesce(ddd.authenticate('$email', '$password')::text, 'NULL')");
}

# ---- one answer --------------------------------------------------------------
my %wrong = (
	'unknown' => [ 'nobody@example.org', 'correct horse' ],
	'no address' => [ 'x', 'correct horse' ],
	'empty' => [ '', 'correct horse' ],
	'inactive, right password' => [ 'inactive@example.org', 'correct horse' ],
	'inactive, wrong password' => [ 'inactive@example.org', 'wrong horse' ],
	'wrong password' => [ 'new@example.org', 'wrong horse' ],
	'empty password' => [ 'new@example.org', '' ],
	'wrong password, legacy hash' => [ 'legacy@example.org', 'wrong horse' ],
	'no password' => [ 'none@example.org', '!' ],
	'unsupported hash' => [ 'odd@example.org', 'correct horse' ],
	'hash over the limits' => [ 'dear@example.org', 'correct horse' ]);
is(answer(@{ $wrong{$_} }), 'NULL', "$_: NULL") foreach sort keys %wrong;
foreach my $email ('new@example.org', 'nobody@example.org')
{
	is_refused($node, $db, "SELECT ddd.authenticate('$email', repeat('x', 1025))", '22023', qr/at most 1024 bytes/, "$email: a password that is too long is an error");
	is_refused($node, $db, "SELECT ddd.authenticate('$email', NULL)", '22004', undef, "$email: none is, too");
}
like(answer('new@example.org', 'correct horse'), qr/^\(\d+,new\@example[.]org,New,t,f,/, 'the right one is answered with the user');
like(answer(' NEW@Example.ORG ', 'correct horse'), qr/new\@example/, '... by any spelling of the address');
is(sql($node, $db, q{BEGIN; SELECT ddd.authenticate('new@example.org', 'correct horse'); SELECT ddd.current_user_id(), ddd.current_scope()}) =~ s/.*\n//sr,
	'1|*', 'who logged in is the caller of the transaction');
is(sql($node, $db, q{BEGIN; SELECT ddd.authenticate('new@example.org', 'wrong horse'); SELECT ddd.current_user_id()}) =~ s/.*\n//sr, '', 'and who failed is not');

# ---- in one time ---------------------------------------------------------------
# In each round one of each kind, so that what else the machine does meets all.
my $floor = 150;
my @kinds = ('unknown', 'inactive, right password', 'wrong password', 'wrong password, legacy hash', 'no password', 'unsupported hash');
my %times;
my $rounds = join "\n", map {
	my $kind = $_;
	"FOR i IN 1..1 LOOP t := clock_timestamp(); PERFORM ddd.authenticate('$wrong{$kind}[0]', '$wrong{$kind}[1]');"
	  . " INSERT INTO times VALUES ('$kind', extract(epoch FROM clock_timestamp() - t) * 1000); END LOOP;"
} @kinds;
sql($node, $db, 'CREATE TABLE times (kind text, ms float8)');
my @medians;
# what else the machine does disturbs a measurement, but hardly three in a row
foreach my $try (1 .. 3)
{
	sql($node, $db, qq{
		TRUNCATE times;
		SET ddd.auth_min_duration = $floor;
		DO \$\$ DECLARE t timestamptz; BEGIN FOR round IN 1..$logins LOOP $rounds END LOOP; END \$\$});
	@medians = map { [ split /\|/ ] } split /\n/, sql($node, $db, q{SELECT kind, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 3) FROM times GROUP BY kind ORDER BY 2});
	note "median of $logins: $_->[0] $_->[1] ms" foreach @medians;
	last if $medians[-1][1] - $medians[0][1] < $largest_difference;
}
cmp_ok($medians[-1][1] - $medians[0][1], '<', $largest_difference, "medians of all kinds lie within $largest_difference ms");
cmp_ok($medians[0][1], '>=', $floor, '... and none answers earlier than ddd.auth_min_duration');
sql($node, $db, qq{
	TRUNCATE times;
	DO \$\$ DECLARE t timestamptz; BEGIN FOR round IN 1..9 LOOP $rounds END LOOP; END \$\$});
cmp_ok(
	sql($node, $db, q{SELECT max(m) - min(m) FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS m FROM times GROUP BY kind) x}),
	'>', $largest_difference, 'without it the time tells which it is');

# ---- failures are counted --------------------------------------------------------
# Returns how long the log-in of a fresh session takes, in milliseconds.
sub login_time
{
	my ($email, $password, $source) = @_;
	my $of = $source ? ", '$source'" : '';
	return sql($node, $db, qq{
		SET ddd.auth_max_delay = 3000;
		DO \$\$ DECLARE t timestamptz := clock_timestamp(); BEGIN
			PERFORM ddd.authenticate('$email', '$password'$of);
			PERFORM set_config('x.ms', (extract(epoch FROM clock_timestamp() - t) * 1000)::text, false);
		END \$\$;
		SELECT current_setting('x.ms')});
}

sub fail_logins
{
	my ($email, $times, $source) = @_;
	my $of = $source ? ", '$source'" : '';
	sql($node, $db, "BEGIN; SELECT ddd.authenticate('$email', 'wrong horse'$of) FROM generate_series(1, $times); ROLLBACK");
}

sql($node, $db, q{SELECT ddd.create_user('u' || i || '@example.org', 'User', 'correct horse') FROM generate_series(1, 9) i});
fail_logins('later@example.org', 9);
foreach my $who ('u1@example.org', 'nobody1@example.org')
{
	fail_logins($who, 8);
	cmp_ok(login_time($who, 'wrong horse'), '>=', 2000, "$who: after the allowance the answer takes longer, though all was rolled back");
	cmp_ok(login_time($who, 'wrong horse'), '>=', 3000, '... and the next one longer still, up to the limit');
}
cmp_ok(login_time('U1@example.org', 'correct horse'), '>=', 3000, 'the right password is answered as late');
cmp_ok(login_time('u1@example.org', 'correct horse'), '<', 1500, '... and its failures are forgotten then');
cmp_ok(login_time('u2@example.org', 'wrong horse'), '<', 1500, 'another account is not slowed down');
fail_logins("u$_\@example.org", 11, '192.0.2.1') foreach 3 .. 7;
cmp_ok(login_time('u8@example.org', 'correct horse', '192.0.2.1'), '>=', 2000, 'one source that fails with many accounts is slowed down');
cmp_ok(login_time('u8@example.org', 'correct horse', '192.0.2.1'), '>=', 2000, '... and a log-in of its own does not help');
cmp_ok(login_time('u8@example.org', 'correct horse', '192.0.2.2'), '<', 1500, '... and others are not');

# an attempt that is cancelled counts as well
my ($code, $out, $err) = $node->psql($db, q{
	SET ddd.auth_min_duration = '10 s'; SET statement_timeout = '100 ms';
	SELECT ddd.authenticate('u9@example.org', 'wrong horse');} x 9, on_error_stop => 0);
my @cancelled = $err =~ /statement timeout/g;
is(scalar @cancelled, 9, 'waiting can be cancelled');
cmp_ok(login_time('u9@example.org', 'wrong horse'), '>=', 2000, '... and whoever gives up early is counted');
# what has been waited for since then is more than nine seconds
cmp_ok(sql($node, $db, q{SET ddd.auth_max_delay = 3000; SET ddd.auth_forget_interval = 1;
	DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
		PERFORM ddd.authenticate('later@example.org', 'x');
		PERFORM set_config('x.ms', (extract(epoch FROM clock_timestamp() - t) * 1000)::text, false);
	END $$; SELECT current_setting('x.ms')}) =~ s/.*\n//sr, '<', 1500, 'failures are forgotten, one in each ddd.auth_forget_interval');

# ---- a weak hash is replaced ---------------------------------------------------
sub hash_of { return sql($node, $db, "SELECT hashed_password FROM ddd.users WHERE email = '$_[0]'"); }
my $token = sql($node, $db, q{SELECT ddd.issue_token(id) FROM ddd.get_user_by_email('legacy@example.org')});
my ($reset) = split /\n/, sql($node, $db, q{SELECT ddd.request_password_reset('legacy@example.org'); SELECT token FROM ddd.take_outbox()}) =~ s/^\n//r;
my $row = q{SELECT updated_at FROM ddd.users WHERE email = 'legacy@example.org'};
my $updated_at = sql($node, $db, $row);

answer('legacy@example.org', 'wrong horse');
is(hash_of('legacy@example.org'), $bcrypt, 'a wrong password replaces nothing');
sql($node, $db, q{BEGIN READ ONLY; SELECT 1 / (NOT (ddd.authenticate('legacy@example.org', 'correct horse') IS NULL))::int});
is(hash_of('legacy@example.org'), $bcrypt, 'a read-only transaction logs in, and replaces nothing');
my $other = $node->background_psql($db);
$other->query(q{BEGIN; UPDATE ddd.users SET bio = 'x' WHERE email = 'legacy@example.org'});
like(sql($node, $db, q{SET lock_timeout = '10 s'; SELECT ddd.authenticate('legacy@example.org', 'correct horse')}), qr/legacy/, 'whoever writes the row keeps nobody from logging in');
$other->query('ROLLBACK');
$other->quit;
is(hash_of('legacy@example.org'), $bcrypt, '... it is replaced next time');
sql($node, $db, q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON ddd.users FOR EACH ROW EXECUTE FUNCTION refuse()});
like(answer('legacy@example.org', 'correct horse'), qr/legacy/, 'a trigger that refuses it keeps nobody from logging in');
is(hash_of('legacy@example.org'), $bcrypt, '... and the hash stays');
sql($node, $db, 'DROP TRIGGER refuse ON ddd.users');
like(answer('legacy@example.org', 'correct horse'), qr/legacy/, 'a log-in with a legacy hash succeeds');
like(hash_of('legacy@example.org'), qr/^\$argon2id\$v=19\$m=8192,t=1,/, '... and makes it one of the policy');
is(sql($node, $db, $row), $updated_at, '... which is no change of the user');
like(sql($node, $db, "SELECT ddd.begin_as('$token')"), qr/^\d+$/, '... whose tokens go on');
is(sql($node, $db, "SELECT ddd.reset_password('$reset', 'correct horse')"), 't', '... those of messages, too');
like(answer('legacy@example.org', 'correct horse'), qr/legacy/, '... as does the password');
my $strong = hash_of('legacy@example.org');
answer('legacy@example.org', 'correct horse');
is(hash_of('legacy@example.org'), $strong, 'a hash of the policy stays');
sql($node, $db, q{SET ddd.argon2_memory_kib = 16384; SELECT ddd.set_password(1, 'correct horse')});
$strong = hash_of('new@example.org');
answer('new@example.org', 'correct horse');
is(hash_of('new@example.org'), $strong, '... and so does a stronger one');
my $rr = sql($node, $db, "UPDATE ddd.users SET hashed_password = '$bcrypt' WHERE id = 1; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; "
	  . q{SELECT (ddd.authenticate('new@example.org', 'correct horse')).email; COMMIT});
like($rr, qr/new\@/, 'REPEATABLE READ logs in');
my $old = $node->background_psql($db, on_error_stop => 0);
$old->query("\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
my $unseen = sql($node, $db, "UPDATE ddd.users SET hashed_password = '$bcrypt' WHERE id = 1; SELECT ddd.issue_token(1)");
is(session_result($old, q{SELECT (ddd.authenticate('new@example.org', 'correct horse')).email}), 'new@example.org', '... also where its snapshot is older than the hash');
$old->query('COMMIT');
is(sql($node, $db, "SELECT ddd.begin_as('$unseen')"), '1', '... and a token that it does not see goes on');
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
sql($node, $db, q{SELECT ddd.authenticate('new@example.org', 'correct horse')});
like(session_result($old, q{SELECT ddd.change_password(1, 'correct horse', 'correct horse')}), qr/^40001 /, '... but change_password cannot write what it does not see');
$old->query('ROLLBACK');
$old->quit;

# ---- what happens while an answer waits -------------------------------------------
# Returns what a call answers that is stopped in its wait, with its hash
# verified, while the statements run; and the locks that it has then.
sub meanwhile
{
	my ($call, @statements) = @_;
	my $session = $node->background_psql($db, on_error_stop => 0);
	my ($pid) = $session->query('SELECT pg_backend_pid()');
	my $activity = "FROM pg_stat_activity WHERE pid = $pid";

	$session->query(q{SET ddd.auth_min_duration = '5 s'});
	$session->query_until(qr/sent/, "\\echo sent\nSELECT coalesce($call, 'NULL');\n");
	$node->poll_query_until($db, "SELECT wait_event = 'Extension' $activity") or die 'does not wait';
	kill 'STOP', $pid or die "could not stop $pid: $!";
	my $locks = sql($node, $db, "SELECT string_agg(DISTINCT mode || coalesce(' ' || relation::regclass, ''), ', ') FROM pg_locks"
		  . " WHERE pid = $pid AND locktype <> 'virtualxid' AND (relation IS NULL OR relation IN (SELECT oid FROM pg_class WHERE relkind = 'r'))");
	sql($node, $db, $_) foreach @statements;
	kill 'CONT', $pid or die "could not continue $pid: $!";
	my ($answer) = $session->query(q{SELECT ''});
	$session->quit;
	return ($answer =~ s/^sent\n|\n$//gr, $locks);
}

sub weak_hash { return "UPDATE ddd.users SET hashed_password = '$bcrypt' WHERE id = 1"; }
my $log_in = q{(ddd.authenticate('new@example.org', 'correct horse')).email};
sql($node, $db, weak_hash());
my ($who, $locks) = meanwhile($log_in, 'UPDATE ddd.users SET bio = $$changed$$ WHERE id = 1', "SELECT $log_in");
is($who, 'new@example.org', 'a log-in goes on where another one has replaced the hash');
is($locks, 'AccessShareLock ddd.schema_version, AccessShareLock ddd.users', '... and waits with no lock that keeps anybody from writing');
like(hash_of('new@example.org'), qr/^\$argon2id\$v=19\$m=8192,t=1,/, '... which is of the policy then');
is(sql($node, $db, "SELECT $log_in"), 'new@example.org', '... of the same password');
sql($node, $db, weak_hash());
($who) = meanwhile($log_in, q{SELECT ddd.set_password(1, 'new horse 1')});
is($who, 'NULL', 'not where the password has changed');
is(sql($node, $db, q{SELECT (ddd.authenticate('new@example.org', 'new horse 1')).email}), 'new@example.org', '... whose hash stays');
sql($node, $db, weak_hash());
($who) = meanwhile($log_in, 'UPDATE ddd.users SET is_active = false WHERE id = 1');
is($who, 'NULL', '... nor where the account is out of use');
sql($node, $db, 'UPDATE ddd.users SET is_active = true WHERE id = 1');
sql($node, $db, weak_hash());
($who) = meanwhile(q{ddd.change_password(1, 'correct horse', 'changed horse')::text}, "SELECT $log_in");
is($who, 'true', 'change_password goes on where a log-in has replaced the hash');
is(sql($node, $db, q{SELECT (ddd.authenticate('new@example.org', 'changed horse')).email}), 'new@example.org', '... and the new password is right');
sql($node, $db, weak_hash());
($who) = meanwhile(q{ddd.change_password(1, 'correct horse', 'changed horse')::text}, q{SELECT ddd.set_password(1, 'new horse 2')});
is($who, 'false', '... not where the password has changed');

# its failures are counted, apart from those of addresses
sub change_time
{
	return sql($node, $db, q{SET ddd.auth_max_delay = 3000;
		DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
			PERFORM ddd.change_password(2, 'wrong horse', 'other horse');
			PERFORM set_config('x.ms', (extract(epoch FROM clock_timestamp() - t) * 1000)::text, false);
		END $$; SELECT current_setting('x.ms')});
}
fail_logins('2', 9);
fail_logins('user 2', 9);
cmp_ok(change_time(), '<', 1500, 'nobody slows down change_password by log-ins');
sql($node, $db, q{SELECT ddd.change_password(2, 'wrong horse', 'other horse') FROM generate_series(1, 9)});
cmp_ok(change_time(), '>=', 2000, '... failures of its own do');

# ---- change_password -------------------------------------------------------------
sql($node, $db, q{SELECT ddd.set_password(1, 'correct horse')});
my $changed = sub { return sql($node, $db, "SELECT ddd.change_password($_[0], '$_[1]', '$_[2]')"); };
is($changed->(1, 'wrong horse', 'another horse'), 'f', 'a wrong password changes nothing');
is($changed->(999, 'wrong horse', 'another horse'), 'f', '... nor does one of nobody');
is($changed->(3, 'correct horse', 'another horse'), 'f', '... nor one of an account out of use');
is($changed->(1, 'correct horse', 'another horse'), 't', 'the right one does');
is(answer('new@example.org', 'correct horse'), 'NULL', '... so the old one is none');
like(answer('new@example.org', 'another horse'), qr/new/, '... and the new one is');
is_refused($node, $db, q{SELECT ddd.change_password(1, 'wrong horse', 'short')}, '23514', qr/at least 8 bytes/, 'a new one is looked at first');

# ---- a standby -------------------------------------------------------------------
my $primary = new_node('primary', 'fsync = off', 'wal_level = replica', 'max_wal_senders = 4', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
new_database($primary, $db, 'CREATE EXTENSION ddd', "SELECT ddd.create_user('legacy\@example.org', 'Legacy', hashed_password => '$bcrypt')");
my $primary_token = sql($primary, $db, 'SELECT ddd.issue_token(1)');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
like(sql($standby, $db, q{SELECT ddd.authenticate('legacy@example.org', 'correct horse')}), qr/legacy/, 'a standby logs in, with a legacy hash');
is(sql($standby, $db, q{SELECT ddd.authenticate('legacy@example.org', 'wrong horse') IS NULL FROM generate_series(1, 8)}) =~ s/\n//gr, 't' x 8, '... or not');
cmp_ok(
	sql($standby, $db, q{SET ddd.auth_max_delay = 3000; DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
		PERFORM ddd.authenticate('legacy@example.org', 'wrong horse');
		PERFORM set_config('x.ms', (extract(epoch FROM clock_timestamp() - t) * 1000)::text, false); END $$; SELECT current_setting('x.ms')}),
	'>=', 2000, '... and counts failures');
is(sql($standby, $db, "BEGIN; SELECT ddd.begin_as('$primary_token'); SELECT ddd.current_user_id()") =~ s/.*\n//sr, '1', '... and takes tokens');
is_refused($standby, $db, q{SELECT ddd.request_password_reset('legacy@example.org')}, '25006', undef, '... but no requests for messages');
$_->stop foreach $standby, $primary, $node;
done_testing();
