# A password or token reaches no log and no statistics view, whatever is logged
# and however it is sent: each case below has a text of its own, which is then
# looked for everywhere. A server without ddd preloaded runs the same and must
# leak where docs/security.md says, and the client must see no difference.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

# ---- servers ----------------------------------------------------------------

my @logging = (
	'fsync = off', 'restart_after_crash = on', 'logging_collector = on', "log_destination = 'stderr,csvlog,jsonlog'", "log_filename = 'all.log'",
	'log_rotation_age = 0', 'log_rotation_size = 0', 'log_error_verbosity = verbose',
	'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1',
	'pg_stat_statements.track = all', 'pg_stat_statements.save = off');

# What is logged, for a session at a time: nothing of one hides what is in another.
my %off = (
	log_statement => 'none', log_duration => 'off', log_min_duration_statement => -1,
	log_min_error_statement => 'error', 'auto_explain.log_min_duration' => -1);
my %levels = (
	statements => {
		%off, log_statement => 'all', log_duration => 'on', log_parameter_max_length => -1,
		log_parameter_max_length_on_error => -1, log_min_error_statement => 'debug5', log_min_messages => 'debug2',
		debug_print_parse => 'on', debug_print_rewritten => 'on', debug_print_plan => 'on'
	},
	durations => {
		%off, log_min_duration_statement => 0, log_parameter_max_length => -1, log_parameter_max_length_on_error => -1,
		'auto_explain.log_min_duration' => 0, 'auto_explain.log_nested_statements' => 'on',
		'auto_explain.log_analyze' => 'on', 'auto_explain.log_verbose' => 'on'
	},
	errors => {%off, log_parameter_max_length_on_error => -1});

sub start
{
	my ($name, @preload) = @_;
	my $node = new_node($name, @logging, "shared_preload_libraries = '" . join(',', @preload) . "'");

	new_database(
		$node, 'secrets', 'CREATE EXTENSION ddd', 'CREATE EXTENSION pg_stat_statements',
		q{SELECT ddd.create_user('taken@x', 'Taken')},
		'CREATE TABLE public.many AS SELECT i FROM generate_series(1, 5000) i', 'ANALYZE public.many',
		q{CREATE FUNCTION public.sign_up(email text, secret text) RETURNS bigint LANGUAGE plpgsql AS
			'BEGIN RETURN (SELECT id FROM ddd.create_user($1, ''U'', $2)); END'},
		q{CREATE FUNCTION public.sign_up_and_fail(email text, secret text) RETURNS bigint LANGUAGE plpgsql AS
			'BEGIN PERFORM ddd.create_user($1, ''U'', $2); RETURN $2::bigint; END'});
	return $node;
}

my $guarded = start('guarded', qw(auto_explain pg_stat_statements ddd));
my $control = start('control', qw(auto_explain pg_stat_statements));

# Waits until what a session has logged is in all three files, and returns them.
sub log_of
{
	my ($node) = @_;
	my $end = 'end of ' . rand;
	my $directory = $node->data_dir . '/log';

	$node->psql('postgres', "DO \$\$ BEGIN RAISE LOG '$end'; END \$\$");
	my @texts = map {
		my $file = "$directory/all.$_";
		my $text = '';
		foreach (1 .. 1000)
		{
			$text = -e $file ? slurp_file($file) : '';
			last if $text =~ /\Q$end\E/;
			select undef, undef, undef, 0.02;
		}
		die "$file has no $end" if $text !~ /\Q$end\E/;
		$text;
	} qw(log csv json);
	return join "\n", @texts;
}

# ---- cases: how a secret is sent --------------------------------------------

# Each gets a connection, the secret and an address. Those with a question mark
# end before a function of ddd is called.
my @cases = (
	[ 'literal', sub { $_[0]->query("SELECT ddd.create_user('$_[2]', 'A', '$_[1]')") } ],
	[ 'parameter', sub { $_[0]->execute(q{SELECT ddd.create_user($2, 'A', $1)}, 0, $_[1], $_[2]) } ],
	[ 'parameter in binary', sub { $_[0]->execute(q{SELECT ddd.create_user($2, 'A', $1)}, 1, $_[1], $_[2]) } ],
	[ 'named argument', sub { $_[0]->query(qq{SELECT * FROM "ddd"."create_user" /* c */ ('$_[2]', 'A', password => '$_[1]')}) } ],
	[ 'in capitals', sub { $_[0]->query("SELECT DDD.CREATE_USER\n\t('$_[2]', 'A', \$q\$$_[1]\$q\$)") } ],
	[ 'object', sub { $_[0]->query(qq{SELECT ddd.create_user('{"email": "$_[2]", "full_name": "A", "password": "$_[1]"}')}) } ],
	[ 'object as parameter', sub { $_[0]->execute(q{SELECT ddd.create_user($1::jsonb)}, 0, qq({"email": "$_[2]", "full_name": "A", "password": "$_[1]"})) } ],
	[ 'objects', sub { $_[0]->query(qq{SELECT ddd.create_users('[{"email": "$_[2]", "full_name": "A", "password": "$_[1]"}]')}) } ],
	[ 'new password', sub { $_[0]->query("SELECT ddd.set_password(1, '$_[1]')") } ],
	[ 'hash', sub { $_[0]->query("SELECT ddd.hash_password('$_[1]')") } ],
	[ 'hash as parameter', sub { $_[0]->execute('SELECT ddd.hash_password($1)', 0, $_[1]) } ],
	[ 'verification', sub { $_[0]->query("SELECT ddd.verify_password('$_[1]', '!')") } ],
	[ 'stored hash', sub { $_[0]->query("SELECT ddd.needs_rehash('$_[1]')") } ],
	[ 'log-in', sub { $_[0]->query("SELECT ddd.authenticate('a\@x', '$_[1]')") } ],
	[ 'log-in as parameter', sub { $_[0]->execute(q{SELECT ddd.authenticate('a@x', $1)}, 0, $_[1]) } ],
	[ 'old password', sub { $_[0]->query("SELECT ddd.change_password(1, '$_[1]', 'other horse')") } ],
	[ 'another password', sub { $_[0]->execute(q{SELECT ddd.change_password(1, 'wrong horse', $1)}, 0, $_[1]) } ],
	[ 'token for a password', sub { $_[0]->query("SELECT ddd.reset_password('$_[1]', 'other horse')") } ],
	[ 'password for a token', sub { $_[0]->execute(q{SELECT ddd.reset_password('ddd_x', $1)}, 0, $_[1]) } ],
	[ 'token for an address', sub { $_[0]->query("SELECT ddd.verify_email('$_[1]')") } ],
	[ 'token', sub { $_[0]->query("SELECT ddd.begin_as('$_[1]')") } ],
	[ 'token as parameter', sub { $_[0]->execute('SELECT ddd.begin_as($1)', 0, $_[1]) } ],
	[ 'token to rotate', sub { $_[0]->execute('SELECT ddd.rotate_token($1)', 0, $_[1]) } ],
	[ 'token to revoke', sub { $_[0]->query("SELECT ddd.revoke_token('$_[1]')") } ],
	[ 'PREPARE', sub { $_[0]->query("PREPARE p AS SELECT ddd.hash_password('$_[1]'); EXECUTE p") } ],
	[ 'EXECUTE', sub { $_[0]->query('PREPARE "P 1"(text) AS SELECT ddd.hash_password($1)'); $_[0]->query(qq{EXECUTE "P 1"('$_[1]')}) } ],
	[ '? EXECUTE with a wrong type', sub { $_[0]->query('PREPARE p(bigint, text) AS SELECT ddd.set_password($1, $2)'); $_[0]->query("EXECUTE p('$_[1]', 'x')") } ],
	[ '? EXECUTE of nothing', sub { $_[0]->query(" EXECUTE gone(1, '$_[1]')") } ],
	[ 'DO', sub { $_[0]->query("DO \$do\$ BEGIN PERFORM ddd.create_user('$_[2]', 'A', '$_[1]'); END \$do\$") } ],
	[ 'DO that fails', sub { $_[0]->query("DO \$do\$ DECLARE p text := '$_[1]'; BEGIN PERFORM ddd.create_user('$_[2]', 'A', p); PERFORM p::bigint; END \$do\$") } ],
	[ '? DO with a syntax error inside', sub { $_[0]->query("DO \$do\$ BEGIN PERFORM ddd.create_user('$_[2]', 'A', '$_[1]' 'x'); END \$do\$") } ],
	[ 'dynamic SQL', sub { $_[0]->query("DO \$do\$ BEGIN EXECUTE 'SELECT ddd.hash_password(''$_[1]'')::int'; END \$do\$") } ],
	[ 'cursor', sub { $_[0]->query("BEGIN; DECLARE c CURSOR FOR SELECT ddd.hash_password('$_[1]'); FETCH c; COMMIT") } ],
	[ 'COPY', sub { $_[0]->query("COPY (SELECT ddd.hash_password('$_[1]')) TO STDOUT") } ],
	[ 'EXPLAIN', sub { $_[0]->query("EXPLAIN (ANALYZE, VERBOSE, COSTS off, SUMMARY off, TIMING off) SELECT ddd.verify_password('$_[1]', '!')") } ],
	[ '? function with a body', sub { $_[0]->query("CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS \$f\$ SELECT ddd.hash_password('$_[1]') \$f\$") } ],
	[ 'several statements', sub { $_[0]->query("BEGIN; SELECT 1; SELECT ddd.set_password(1, '$_[1]'); COMMIT; SELECT 1 / 0") } ],
	[ 'unique violation', sub { $_[0]->query("SELECT ddd.create_user('taken\@x', 'A', '$_[1]')") } ],
	[ 'unique violation, parameter', sub { $_[0]->execute(q{SELECT ddd.create_user('taken@x', 'A', $1)}, 0, $_[1]) } ],
	[ 'unique violation in objects', sub { $_[0]->query(qq{SELECT ddd.create_users('[{"email": "taken\@x", "full_name": "A", "password": "$_[1]"}]')}) } ],
	[ 'unknown key', sub { $_[0]->query(qq{SELECT ddd.create_user('{"email": "$_[2]", "full_name": "A", "passwd": "$_[1]", "$_[1]": 1}')}) } ],
	[ '? not JSON', sub { $_[0]->query(qq{SELECT ddd.create_user('{"email": "$_[2]", "password": $_[1]}')}) } ],
	[ '? not JSON, parameter', sub { $_[0]->execute('SELECT ddd.create_user($1::jsonb)', 0, qq({"password": $_[1]})) } ],
	[ '? syntax error', sub { $_[0]->query("SELECT ddd.set_password(1, '$_[1]' 'x')") } ],
	[ '? syntax error at it', sub { $_[0]->query("SELECT ddd.set_password(1 $_[1])") } ],
	[ '? open quote', sub { $_[0]->query("SELECT ddd.set_password(1, '$_[1])") } ],
	[ '? identifier', sub { $_[0]->query(qq{SELECT ddd.set_password(1, "$_[1]")}) } ],
	[ '? column of a table', sub { $_[0]->query(qq{SELECT ddd.set_password(i, many."$_[1]") FROM public.many}) } ],
	[ '? wrong type', sub { $_[0]->query("SELECT ddd.set_password('$_[1]', 'x')") } ],
	[ '? wrong type, quotes in it', sub { $_[0]->query(qq{SELECT ddd.set_password('a"b$_[1]"c', 'x')}) } ],
	[ '? wrong type, not ASCII', sub { $_[0]->query("SELECT ddd.set_password('\xc3\xa4$_[1]', 'x')") } ],
	[ '? wrong type, parameter', sub { $_[0]->execute(q{SELECT ddd.set_password($1, 'x')}, 0, $_[1]) } ],
	[ '? no such function', sub { $_[0]->query("SELECT ddd.set_password(true, '$_[1]')") } ],
	[ 'error after it', sub { $_[0]->query("SELECT ddd.hash_password('$_[1]')::int") } ],
	[ 'in a parallel worker', sub { $_[0]->query(
		"SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; "
		  . "SELECT count(ddd.needs_rehash('$_[1]' || i)) FROM public.many") } ],
	[ 'in a function of the user', sub { $_[0]->query("SELECT public.sign_up('$_[2]', '$_[1]')") } ],
	[ 'in one that fails', sub { $_[0]->query("SELECT public.sign_up_and_fail('$_[2]', '$_[1]')") } ]);

# What the log has of a function of the user, before it calls one of ddd.
my %of_user = map { $_ => 1 } 'in a function of the user', 'in one that fails';

my %secrets;
my $number = 100;

sub secret_of
{
	my ($level, $case) = @_;

	return $secrets{$level}{$case} ||= sprintf 'ddd_%s%03d', 'Canary-of-a-secret-in-the-log-or-a-view-', ++$number;
}

# Runs all cases, each as the first statements of a session; returns which
# are then seen in pg_stat_activity, and what the clients got.
sub run
{
	my ($node, $level) = @_;
	my (%activity, %answers);
	my $observer = Wire->new($node, 'secrets');

	foreach my $case (@cases)
	{
		my ($name, $send) = @$case;
		my $secret = secret_of($level, $name);
		my $session = Wire->new($node, 'secrets', %{ $levels{$level} });

		my $answer = $send->($session, $secret, substr($secret, -3) . "\@$level");
		delete $answer->{rows};
		s/\$argon2id[^"]*/a hash/ foreach values %{ $answer->{error} || {} };
		$answers{$name} = $answer;
		my $query = $observer->value('SELECT query FROM pg_stat_activity WHERE pid = ' . $session->backend);
		$activity{$name} = 1 if index($query, $secret) >= 0;
		$session->finish;
	}
	$observer->finish;
	return (\%activity, \%answers);
}

# Tells which secrets of a level a text has: as they are, or as the bytes that
# a tree of debug_print_* breaks into lines.
sub names_hit
{
	my ($text, $level) = @_;
	my $squeezed = $text =~ s/\s+//gr;

	return join ', ', grep {
		my $secret = $secrets{$level}{$_};
		index($text, $secret) >= 0 || index($squeezed, join '', map { ord } split //, $secret) >= 0
	} map { $_->[0] } @cases;
}

# ---- the matrix --------------------------------------------------------------

foreach my $level (sort keys %levels)
{
	my ($activity, $answers) = run($guarded, $level);
	my ($control_activity, $control_answers) = run($control, $level);
	my @all = map { $_->[0] } @cases;

	is_deeply($answers, $control_answers, "$level: clients see no difference");
	is(join(', ', grep { $activity->{$_} } @all), '', "$level: pg_stat_activity has none of " . @all . ' secrets');
	is(names_hit(log_of($guarded), $level),
		join(', ', grep { $of_user{$_} && $level eq 'statements' } @all),
		"$level: the log has none, but of functions of the user that are logged before they run");

	# the same without preloading
	my $leaks = names_hit(log_of($control), $level);
	is($leaks, join(', ', @all), 'control: with log_statement = all, every one is in the log') if $level eq 'statements';
	is($leaks, join(', ', grep { /^[?]/ && !/body/ } @all), 'control: in the log is what fails before a function is called')
	  if $level eq 'errors';
	like($leaks, qr/\? function with a body, several statements, .*\? syntax error, /,
		'control: in the log is what is logged before a function is called')
	  if $level eq 'durations';
	like(join(', ', sort keys %$control_activity), qr/^\? DO with .*\? wrong type/,
		'control: pg_stat_activity has what failed before a function was called');
}

# pg_stat_statements has read the statements, and none of their secrets
sub statements_of
{
	my ($node) = @_;

	return sql($node, 'secrets', 'SELECT query FROM pg_stat_statements');
}
my $recorded = statements_of($guarded);
is(join(', ', map { names_hit($recorded, $_) || () } sort keys %levels), '', 'pg_stat_statements has none of the secrets');
like($recorded, qr/^SELECT ddd[.]hash_password\(\$1\)$/m, '... and has the statements without constants');
like(names_hit(statements_of($control), 'statements'), qr/\bDO\b/, 'control: it has the text of DO');

# ---- what is left of the log -------------------------------------------------

my $log = log_of($guarded);
ok($log =~ m/LOG:  00000: duration: \d+\.\d+ ms  <redacted>$/m, 'the duration of a statement with a secret is logged');
ok($log =~ m/LOG:  00000: statement: <redacted>$/m, '... and that there was one');
ok($log =~ m/ERROR:  22P02: invalid input syntax for type bigint: "<redacted>"/, 'errors have severity, SQLSTATE and message');
ok($log =~ m/,ERROR,22P02,"invalid input syntax for type bigint: ""<redacted>"""/, '... as CSV');
ok($log =~ m/"error_severity":"ERROR","state_code":"22P02","message":"invalid input syntax for type bigint: \\"<redacted>\\""/, '... as JSON');
ok($log =~ m/ERROR:  23505: Email already registered$/m, '... also where ddd words it');
ok($log =~ m/ERROR:  42883: function ddd\.set_password\(boolean, unknown\) does not exist/, '... and names the function');

my $session = Wire->new($guarded, 'secrets', %{ $levels{durations} });
$session->query("SELECT ddd.set_password(1, '\xe4secret')");
ok(log_of($guarded) !~ m/0xe4/, 'bytes that are not valid in the encoding are not shown');
$session->query(q{SELECT 'other', ddd.tag_key('hash'), 1});
$session->query(q{SELECT 'other', 1 / 0 AS "hash"});
$session->execute(q{SELECT 'other', $1}, 0, 'its parameter');
$session->finish;
$log = log_of($guarded);
ok($log =~ m/duration: \d+\.\d+ ms  statement: SELECT 'other', ddd\.tag_key\('hash'\), 1$/m, 'other statements are logged with their duration');
ok($log =~ m/STATEMENT:  SELECT 'other', 1 \/ 0 AS "hash"$/m, '... with their errors');
ok($log =~ m/DETAIL:  [Pp]arameters: \$1 = 'its parameter'$/m, '... with their parameters');

my ($status, $out, $seen) = $guarded->psql('secrets',
	"SET log_statement = 'all'; SET client_min_messages = log; SELECT ddd.verify_password('seen by its client', '!')");
like($seen, qr/LOG:  statement: .*'seen by its client'/s, 'a client that asks for the log gets its own statement');
ok(log_of($guarded) !~ /seen by its client/, '... which the log does not have');

# ---- pg_stat_activity while a call waits, and a call that is cancelled --------

foreach my $node ($guarded, $control)
{
	my $name = $node->name;
	my $secret = "waiting-canary-$name";
	my $holder = Wire->new($node, 'secrets');
	$holder->rows('BEGIN; UPDATE ddd.users SET bio = bio WHERE id = 1');
	my $waiter = $node->background_psql('secrets', on_error_stop => 0);
	$waiter->query('\set VERBOSITY verbose');
	$waiter->query_until(qr/^sent$/m, "\\echo sent\nSELECT ddd.set_password(1, '$secret');\n");
	$node->poll_query_until('secrets',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'})
	  or die 'nothing waits';
	is(sql($node, 'secrets', q{SELECT query, query_id IS NOT NULL, state FROM pg_stat_activity WHERE wait_event_type = 'Lock'}),
		'SELECT ddd.set_password(<redacted>)|t|active', "$name: a call that waits shows without its secret, with the query id of what it waits in");
	sql($node, 'secrets', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
	like(session_result($waiter, q{SELECT 'done'}), qr/^57014 canceling statement/, "$name: it is cancelled");
	$waiter->quit;
	$holder->query('ROLLBACK');
	$holder->finish;
	is(log_of($node) =~ /$secret/ ? 'yes' : 'no', $node == $control ? 'yes' : 'no', "$name: whether the log has its secret");
}

# A statement that is forgotten while it waits, by a reset or for want of room, is
# recorded as it was typed: one with a secret is not recorded, one without is.
my $holder = Wire->new($guarded, 'secrets');
$holder->rows('BEGIN; UPDATE ddd.users SET bio = bio WHERE id = 1');
my $waiter = $guarded->background_psql('secrets', on_error_stop => 0);
$waiter->query_until(qr/^sent$/m, "\\echo sent\nSELECT ddd.set_password(1, 'forgotten horse');\n");
$guarded->poll_query_until('secrets', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'})
  or die 'nothing waits';
sql($guarded, 'secrets', 'SELECT pg_stat_statements_reset()');
$holder->query('ROLLBACK');
$holder->finish;
$waiter->query('PREPARE p (text) AS SELECT ddd.set_password(1, $1); EXECUTE p (NULL)');
$waiter->quit;
is(sql($guarded, 'secrets', q{SELECT count(*) FROM pg_stat_statements WHERE query ~ 'forgotten'}), '0', 'a statement that is forgotten while it runs is not recorded with its secret');
is(sql($guarded, 'secrets', q{SELECT count(*) FROM pg_stat_statements WHERE query ~ 'pg_stat_statements_reset'}), '1', '... as others are');

# ---- every function that takes one --------------------------------------------

my @functions = split /\n/, sql(
	$guarded, 'secrets', q{
	SELECT DISTINCT proname FROM pg_proc p
	 WHERE pronamespace = 'ddd'::regnamespace
	   AND (proargnames[1:pronargs] && '{password,hashed_password,old_password,new_password,token,hash}'
	        OR (proargnames @> '{data}' AND proargtypes::oid[] @> '{jsonb}'::regtype[]::oid[]
	            AND obj_description(oid, 'pg_proc') ~ 'password'))
	 ORDER BY 1});
cmp_ok(scalar @functions, '>=', 10, 'the catalog has functions that take a secret');
$guarded->psql('secrets', "SELECT ddd.$_('canary-of-$_' 'x')") foreach @functions;
$log = log_of($guarded);
is(join(', ', grep { $log =~ /canary-of-$_'/ } @functions), '', 'each of them is known to the guard of the log');

# ---- preloaded by each session -------------------------------------------------

$control->append_conf('postgresql.conf', "session_preload_libraries = 'ddd'");
$control->reload;
$levels{session} = $levels{statements};
my ($activity) = run($control, 'session');
is(join(', ', sort keys %$activity), '', 'session_preload_libraries: pg_stat_activity has no secret');
is(names_hit(log_of($control), 'session'), join(', ', grep { $of_user{$_} } map { $_->[0] } @cases),
	'session_preload_libraries: the log has none, but of functions of the user');

# ---- a crash -----------------------------------------------------------------------
# The postmaster logs what the process was running, which is in pg_stat_activity.
my $doomed = $guarded->background_psql('secrets', on_error_stop => 0);
my ($pid) = $doomed->query(q{SET ddd.auth_min_duration = '60 s'; SELECT pg_backend_pid()});
$doomed->query_until(qr/^sent$/m, "\\echo sent\nSELECT ddd.authenticate('a\@x', 'crash-canary');\n");
$guarded->poll_query_until('secrets', "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $pid") or die 'does not wait';
is(sql($guarded, 'secrets', "SELECT query FROM pg_stat_activity WHERE pid = $pid"), 'SELECT ddd.authenticate(<redacted>)', 'a log-in that waits shows without its password');
kill 'KILL', $pid;
eval { $doomed->quit };
$guarded->poll_query_until('postgres', 'SELECT true') or die 'the server is not back';
$log = log_of($guarded);
ok($log =~ m/was terminated by signal/, 'its crash is logged');
ok($log !~ m/crash-canary/, '... without the password');

$guarded->stop;
$control->stop;
done_testing();
