# The caller of a transaction is proved by a token or a password, and by nothing
# else: no setting makes one, savepoints take it back, and it ends with the
# transaction, however that ends. Behind a pooler that hands one server
# connection from client to client, nobody meets another's.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 8;
my $transactions = 10_000;

my $node = new_node('identity', 'fsync = off', 'max_prepared_transactions = 5',
	'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
my $db = new_database($node, 'identity', 'CREATE EXTENSION ddd',
	q{SELECT ddd.create_user('ann@example.org', 'Ann', 'correct horse'), ddd.create_user('bob@example.org', 'Bob', 'correct horse')},
	'CREATE TABLE notes AS SELECT i FROM generate_series(1, 10000) i',
	'ANALYZE notes');
my $me = 'SELECT coalesce(ddd.current_user_id()::text, \'nobody\')';
my ($ann, $bob) = map { sql($node, $db, "SELECT ddd.issue_token($_)") } 1, 2;

# One claim: a script's last row.
sub ends_with
{
	my ($script, $expected, $name) = @_;
	my @rows = split /\n/, sql($node, $db, $script);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($rows[-1] // '', $expected, $name);
}

# ---- a transaction and its savepoints ---------------------------------------
my $begin = "BEGIN; SELECT ddd.begin_as('$ann');";

ends_with($me, 'nobody', 'nobody is the caller of a transaction that proved none');
ends_with("$begin $me", '1', 'a token makes its user the caller');
ends_with("$begin SELECT ddd.current_scope()", '*', '... with its scope');
ends_with("$begin COMMIT; $me", 'nobody', 'COMMIT ends it');
ends_with("$begin ROLLBACK; $me", 'nobody', 'ROLLBACK ends it');
ends_with("$begin PREPARE TRANSACTION 'p'; $me; COMMIT PREPARED 'p'; $me", 'nobody', 'PREPARE TRANSACTION ends it');
ends_with("$begin COMMIT AND CHAIN; $me", 'nobody', 'COMMIT AND CHAIN ends it');
ends_with("SELECT ddd.begin_as('$ann'); DISCARD ALL; $me", 'nobody', 'and so does a statement of its own, before DISCARD ALL');
ends_with("$begin SAVEPOINT s; $me", '1', 'a savepoint keeps it');
ends_with("BEGIN; SAVEPOINT s; SELECT ddd.begin_as('$ann'); RELEASE s; $me", '1', 'RELEASE keeps what came after the savepoint');
ends_with("BEGIN; SAVEPOINT s; SELECT ddd.begin_as('$ann'); ROLLBACK TO s; $me", 'nobody', 'ROLLBACK TO takes it back');
ends_with("$begin SAVEPOINT s; SELECT ddd.begin_as('$bob'); $me", '2', 'the next one takes its place');
ends_with("$begin SAVEPOINT s; SELECT ddd.begin_as('$bob'); ROLLBACK TO s; $me", '1', '... until ROLLBACK TO');
ends_with("$begin SAVEPOINT s; SELECT ddd.begin_as('$bob'); RELEASE s; $me", '2', '... and stays after RELEASE');
ends_with("$begin SAVEPOINT s; SAVEPOINT t; SELECT ddd.begin_as('$bob'); RELEASE t; ROLLBACK TO s; $me", '1', '... and goes with an outer savepoint');
ends_with("$begin SAVEPOINT s; SAVEPOINT t; SELECT ddd.begin_as('$bob'); SAVEPOINT u; SELECT ddd.begin_as('$ann'); RELEASE u; SELECT ddd.begin_as('$bob'); ROLLBACK TO t; $me",
	'1', '... through any depth');
ends_with("$begin DO \$\$ BEGIN PERFORM ddd.begin_as('$bob'); RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END \$\$; $me", '1',
	'a block that failed takes back what it proved');
ends_with("DO \$\$ BEGIN PERFORM ddd.begin_as('$ann'); COMMIT; IF ddd.current_user_id() IS NOT NULL THEN RAISE 'still somebody'; END IF; END \$\$; $me",
	'nobody', 'a COMMIT within a block ends it');
ends_with(qq{
	$begin DECLARE c CURSOR WITH HOLD FOR SELECT ddd.current_user_id() FROM generate_series(1, 3); FETCH c; COMMIT; FETCH c; CLOSE c; $me},
	'nobody', 'a cursor that is held keeps its rows, and nobody is the caller');
is_refused($node, $db, 'SELECT ddd.require_user()', '28000', qr/begin_as/, 'require_user() insists on a caller');
ends_with("$begin SELECT ddd.require_user()", '1', '... and returns it');

# ---- nothing else makes one --------------------------------------------------
foreach my $forgery (
	q{SET ddd.user_id = 2}, q{SET ddd.current_user_id = 2},
	q{SELECT set_config('ddd.current_user_id', '2', true)},
	q{SET LOCAL ddd.identity = '2'},
	q{SELECT set_config('request.jwt.claims', '{"sub": 2}', true)},
	q{SET LOCAL role = 'postgres'},
	q{INSERT INTO ddd.tokens SELECT sha256('x'), 2, 'access', '*', sha256('x'), now(), now() + '1 day'})
{
	my ($code, $out) = $node->psql($db, "BEGIN; $forgery; SAVEPOINT s; $me", on_error_stop => 0);
	unlike($out, qr/^[12]\z/m, "$forgery makes nobody a caller");
}
is(sql($node, $db, q{SELECT count(*) FROM pg_settings WHERE name ~ '^ddd[.].*(user|identity|token)' AND context = 'user'}),
	'0', 'no setting about it is everybody\'s');
sql($node, $db, 'CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; GRANT USAGE ON SCHEMA ddd TO app, other;'
	  . ' GRANT EXECUTE ON FUNCTION ddd.begin_as(text), ddd.current_user_id() TO app, other');
ends_with("SET SESSION AUTHORIZATION app; $begin SET LOCAL ROLE NONE; $me", '1', 'it counts for the role that has logged in');
ends_with("$begin SET SESSION AUTHORIZATION other; $me", 'nobody', '... and for no other that the session becomes');
# one error, with one text, whatever the reason
my $invalid = qr/28000: invalid token\nDETAIL:  It is malformed, expired, revoked or of an account that is not in use[.]$/m;
foreach my $token ('', 'x', "$ann ", substr($ann, 0, -1), substr($ann, 0, -1) . 'A', "ddd_" . 'A' x 43, uc $ann)
{
	is_refused($node, $db, "SELECT ddd.begin_as('$token')", '28000', $invalid, "\"" . substr($token, 0, 5) . '..." is no token');
}

# ---- it ends when the token does --------------------------------------------
my $session = $node->background_psql($db);
is($session->query(q{BEGIN; SELECT ddd.begin_as(ddd.issue_token(1, '1 s'))}), '1', 'a token of a second makes a caller');
my $tries = 10 * $PostgreSQL::Test::Utils::timeout_default;
while ($session->query($me) eq '1' && $tries-- > 0) { select undef, undef, undef, 0.1; }
is($session->query($me), 'nobody', 'and its user is no caller any more when it has expired, in the same transaction');
$session->quit;
my $short = sql($node, $db, q{SELECT ddd.issue_token(1, '1 microsecond')});
is_refused($node, $db, "SELECT ddd.begin_as('$short')", '28000', $invalid, 'a token that has expired makes none');
is_refused($node, $db, "SELECT ddd.rotate_token('$short')", '28000', $invalid, '... and is not rotated');

# what ends a token, whoever does it and however
sub ended_by
{
	my ($statement, $name, $again) = @_;
	my $token = sql($node, $db, 'SELECT ddd.issue_token(2)');
	sql($node, $db, $statement =~ s/TOKEN/'$token'/r);
	is_refused($node, $db, "SELECT ddd.begin_as('$token')", '28000', $invalid, $name);
	sql($node, $db, $again) if $again;
}
ended_by('SELECT ddd.revoke_token(TOKEN)', 'revoke_token() ends a token');
ended_by('SELECT ddd.rotate_token(TOKEN)', 'rotate_token() ends a token');
ended_by('SELECT ddd.revoke_tokens(2)', 'revoke_tokens() ends all of a user');
ended_by(q{SELECT ddd.set_password(2, 'another horse')}, 'a new password ends them');
ended_by(q{UPDATE ddd.users SET hashed_password = '!' WHERE id = 2}, '... also one that is written directly');
ended_by(q{SET session_replication_role = replica; UPDATE ddd.users SET hashed_password = 'x' WHERE id = 2}, '... without triggers');
ended_by('UPDATE ddd.users SET is_active = false WHERE id = 2', 'an account out of use has none', 'UPDATE ddd.users SET is_active = true WHERE id = 2');
is(sql($node, $db, "SELECT ddd.current_user_id() IS NULL FROM ddd.begin_as('$ann')"), 'f', 'the other user\'s counts all the while');
my $ending = sql($node, $db, 'SELECT ddd.issue_token(2)');
ends_with("BEGIN; SELECT ddd.begin_as('$ending'); SELECT ddd.revoke_token('$ending'); $me; COMMIT", '2', 'who is the caller stays it until the transaction ends, also without the token');
is_refused($node, $db, "SELECT ddd.begin_as('$ending')", '28000', $invalid, '... and is none in the next');
my $rotated = sql($node, $db, "SELECT ddd.rotate_token(ddd.issue_token(1, '1 day', 'read'))");
ends_with("BEGIN; SELECT ddd.begin_as('$rotated'); SELECT ddd.current_scope()", 'read', 'rotation keeps the scope');
is(sql($node, $db, q{SELECT count(*) FROM ddd.tokens WHERE encode(digest, 'escape') LIKE '%' || } . "'" . substr($ann, 4) . "'" . q{ || '%'}),
	'0', 'no token is stored');
is(sql($node, $db, "SELECT count(*) FROM ddd.tokens WHERE digest = sha256(decode(translate('" . substr($ann, 4) . "', '-_', '+/') || '=', 'base64'))"),
	'1', '... but the SHA-256 of its bytes');
is(sql($node, $db, q{SELECT ddd.issue_token(999) IS NULL}), 't', 'nobody has none');
sql($node, $db, q{INSERT INTO ddd.tokens SELECT sha256(i::text::bytea), 1, 'access', '*', '', now() - interval '2 days', now() - interval '1 day' FROM generate_series(1, 3) i});
is(sql($node, $db, q{SELECT ddd.issue_token(2) IS NOT NULL, count(*) FROM ddd.tokens WHERE expires_at < now()}), 't|3', 'expired ones of others stay');
is(sql($node, $db, q{SELECT ddd.prune_tokens() >= 3}) . sql($node, $db, q{SELECT count(*) FROM ddd.tokens WHERE expires_at < now()}), 't0', '... until prune_tokens()');

# ---- parallel plans -----------------------------------------------------------
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
my $asks = 'SELECT count(*) FROM notes WHERE i % 2 = (SELECT ddd.current_user_id()) AND i > 0';
ends_with("$parallel $begin $asks", '5000', 'a parallel plan has the caller where it is asked once');
like(sql($node, $db, "$parallel EXPLAIN (COSTS OFF) $asks"), qr/Workers Planned/, '... and is parallel');
ends_with("$parallel $begin SELECT count(*) FROM notes WHERE i = ddd.current_user_id()", '1', '... and where it is asked for each row');
my ($force) = sql($node, $db, q{SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});
ends_with("SET $force = on; $begin $me", '1', "$force changes nothing");

# ---- a pooler ----------------------------------------------------------------
# Clients of two users and of none take turns on two server connections.
my $dir = PostgreSQL::Test::Utils::tempdir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $role = getpwuid $>;
append_to_file("$dir/users", qq{"$role" ""\n});
append_to_file("$dir/ini", "[databases]\n$db = host=" . $node->host . ' port=' . $node->port . qq{ user=$role
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = any
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 2
logfile = $dir/log
});
$ENV{PATH} .= ':/usr/sbin';
my $pooler = IPC::Run::start([ 'pgbouncer', '-q', "$dir/ini" ], '<', '/dev/null', '>', "$dir/out", '2>&1');
my $socket = "$dir/.s.PGSQL.$port";
foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	last if -S $socket || !$pooler->pumpable;
	select undef, undef, undef, 0.1;
}
ok(-S $socket, 'the pooler runs') or diag slurp_file("$dir/out");

# Runs a pgbench script through the pooler; returns exit code and output.
sub pooled
{
	my ($script, $per_client) = @_;
	append_to_file("$dir/script", '');
	open my $out, '>', "$dir/script" or die $!;
	print $out $script;
	close $out;
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run(
		[ 'pgbench', '-n', '-h', $dir, '-p', $port, '-U', $role, '-c', $clients, '-t', $per_client, '-f', "$dir/script", $db ],
		'>', \$stdout, '2>', \$stderr);
	return ($ok, "$stdout$stderr");
}

# an assertion fails with a division by zero, which ends pgbench's client
my ($ok, $output) = pooled(q{\set u random(1, 1000000)
SELECT 1 / (coalesce(current_setting('app.u', true), '') = '')::int;
SELECT set_config('app.u', :u::text, false);
}, 20);
ok(!$ok && $output =~ /division by zero/, 'clients share connections: a setting of one session is seen by another') or diag $output;
sql($node, $db, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = \'client backend\'');

($ok, $output) = pooled(qq{\\set u random(0, 2)
\\set end random(1, 3)
SELECT 1 / (ddd.current_user_id() IS NULL)::int;
BEGIN;
SELECT 1 / (ddd.current_user_id() IS NULL)::int;
\\if :u = 1
SELECT ddd.begin_as('$ann');
\\elif :u = 2
SAVEPOINT s;
SELECT ddd.begin_as('BOB');
RELEASE s;
\\endif
SELECT 1 / (coalesce(ddd.current_user_id(), 0) = :u)::int;
\\if :end = 1
COMMIT;
\\elif :end = 2
ROLLBACK;
\\else
SAVEPOINT t;
SELECT ddd.begin_as('$ann');
ROLLBACK TO t;
SELECT 1 / (coalesce(ddd.current_user_id(), 0) = :u)::int;
COMMIT;
\\endif
SELECT 1 / (ddd.current_user_id() IS NULL)::int;
} =~ s/BOB/sql($node, $db, 'SELECT ddd.issue_token(2)')/er, $transactions / $clients);
ok($ok, "$transactions transactions of $clients clients on two connections: none met another's caller") or diag $output;
like($output, qr{transactions actually processed: $transactions/$transactions}, '... and all of them ran');
cmp_ok(sql($node, $db, q{SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()}),
	'<=', 2, '... on no more than two');
$pooler->kill_kill;

# ---- old snapshots -------------------------------------------------------------------
is_refused($node, $db, "BEGIN ISOLATION LEVEL $_; SELECT ddd.revoke_tokens(1)", '25001', undef, "revoke_tokens() under $_, which would miss some") foreach 'REPEATABLE READ', 'SERIALIZABLE';

# ---- behind PostgREST -------------------------------------------------------------
# The recipe as docs/security.md has it, and what PostgREST does with it: each
# request is a transaction in which it switches the role, gives the headers and calls.
my ($recipe) = slurp_file("$FindBin::RealBin/../../docs/security.md") =~ /^## Behind PostgREST\n.*?^```sql\n(.*?)^```$/ms
  or die 'no recipe';
new_database($node, 'app', 'CREATE EXTENSION ddd', q{SELECT ddd.create_user('ann@example.org', 'Ann', 'correct horse')}, $recipe);
sub request
{
	my ($headers, $call) = @_;
	my ($code, $out, $err) = $node->psql('app', qq{
		BEGIN;
		SELECT FROM set_config('role', 'web_user', true) AS role, set_config('request.headers', '$headers', true) AS headers;
		SELECT FROM web.who_calls();
		SELECT $call;
		COMMIT;}, on_error_stop => 1, extra_params => [ '-U', 'authenticator', '-v', 'VERBOSITY=sqlstate' ]);

	return $code == 0 ? $out =~ s/^\s+|\s+$//gr : $err =~ /ERROR:  (\w+)/ ? $1 : $err;
}
is(request('{}', q{web.authenticate('ann@example.org', 'wrong horse') IS NULL}), 't', 'PostgREST: a wrong password gets no token');
my $web_token = request('{}', q{web.authenticate('ann@example.org', 'correct horse')});
like($web_token, qr/^ddd_/, '... the right one does');
is(request(qq({"x-ddd-token": "$web_token"}), q{(ddd.create_post(ddd.require_user(), 'Title', 'Text')).author_id}), '1', '... and is the caller by it');
is(request('{}', q{ddd.create_post(1, 'Title', 'Text')}), '28000', '... without it nobody is');
is(request('{"x-ddd-token": "ddd_x"}', '1'), '28000', '... nor by another');

# ---- a downgrade revives no token ---------------------------------------------------
new_database($node, 'down', 'CREATE EXTENSION ddd', q{SELECT ddd.create_user('u' || i || '@example.org', 'User', 'correct horse') FROM generate_series(1, 2) i});
my @kept = map { sql($node, 'down', "SELECT ddd.issue_token($_)") } 1, 2;
sql($node, 'down', q{ALTER EXTENSION ddd UPDATE TO '0.5.0'});
sql($node, 'down', q{UPDATE ddd.users SET hashed_password = '!' WHERE id = 1});
sql($node, 'down', 'ALTER EXTENSION ddd UPDATE');
is_refused($node, 'down', "SELECT ddd.begin_as('$kept[0]')", '28000', undef, 'a password that changed below ends the token');
is(sql($node, 'down', "SELECT ddd.begin_as('$kept[1]')"), '2', '... another token is as before');

$node->stop;
done_testing();
