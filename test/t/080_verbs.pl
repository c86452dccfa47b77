# Alembic's verbs in SQL: what they show is true, what they do is what ALTER
# EXTENSION does, and each step is in the log, whoever made it and however.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $head = current_version();
my @versions = split /\n/, sql($node, 'postgres',
	q{SELECT version FROM pg_available_extension_versions WHERE name = 'ddd' ORDER BY string_to_array(version, '.')::int[]});
my $before_head = $versions[-2];
sql($node, 'postgres', 'CREATE ROLE admin SUPERUSER LOGIN; CREATE ROLE app LOGIN');

# Returns the log as "direction parent>version" and the like, the earliest first.
sub logged
{
	my ($database) = @_;

	return sql($node, $database, q{SELECT string_agg(concat(direction, ' ', parent, '>', version), ', ' ORDER BY applied_at) FROM ddd.history() WHERE applied_at IS NOT NULL});
}

sub ways
{
	my ($direction, @path) = @_;

	return map { "$direction $path[$_]>$path[ $_ + 1 ]" } 0 .. $#path - 1;
}

# ---- what they show ----------------------------------------------------------
new_database($node, 'shown', "CREATE EXTENSION ddd");
is(sql($node, 'shown', 'SELECT version, is_head, library, tables FROM ddd.current()'), "$head|t|$head|$head", 'current(): all at the head');
is(sql($node, 'shown', 'SELECT version, is_current FROM ddd.heads()'), "$head|t", 'heads(): one, and it is current');
is(sql($node, 'shown', q{SELECT count(*) FROM ddd.current() c, ddd.heads() h WHERE c.message = h.message AND c.message <> ''}), '1', 'current() and heads() tell what it is about');
is(logged('shown'), "install >$head", 'history(): the installation');
is(sql($node, 'shown', q{SELECT applied_by = session_user AND applied_at BETWEEN now() - interval '1 minute' AND clock_timestamp()
	AND duration BETWEEN interval '0' AND interval '1 minute' FROM ddd.history()}), 't', 'history(): by whom, when, how long');
is(sql($node, 'shown', q{SELECT count(*) FROM ddd.plan()}), '0', 'plan(): nothing to do');
is(sql($node, 'shown', qq{SELECT string_agg(concat_ws(' ', step, parent, version, direction, reversible, sql), '|' ORDER BY step) FROM ddd.plan('$versions[0]')}),
	join('|', map { my $n = $_; ($n) . " $versions[-$n] $versions[ -$n - 1 ] down t ALTER EXTENSION ddd UPDATE TO '$versions[ -$n - 1 ]'" } 1 .. $#versions),
	'plan(): every step down');
is(sql($node, 'shown', qq{SELECT count(*) FROM ddd.plan('$versions[0]') WHERE locks IS NULL OR message = '' OR (measured > '0') IS NOT TRUE}), '0', 'plan(): what each locks, for how long, and is about');
is(sql($node, 'shown', q{SELECT version FROM ddd.plan('-1')}), $before_head, 'plan(-1)');
is(sql($node, 'shown', qq{SELECT count(*) FROM ddd.plan('-$#versions')}), $#versions, "plan(-$#versions)");

# ---- targets -----------------------------------------------------------------
foreach my $target ('head ', 'HEAD', '', '1', '+', '-', '+0x1', '++1', '+99999', '-99', '+1', '0.2', 'base', '0.0.0', "$head.0", "'", 'head; SELECT 1', 'x' x 100000)
{
	my $error = is_refused($node, 'shown', 'SELECT * FROM ddd.plan($$' . $target . '$$)', '22023', undef, 'no target: ' . substr($target, 0, 20));
	like($error->{hint}, qr/Reachable are: \Q@{[join ', ', @versions[ 0 .. $#versions - 1 ]]}\E\./, '... the hint has those that are');
}
is(sql($node, 'shown', "SELECT count(*) FROM ddd.upgrade('$_') UNION ALL SELECT count(*) FROM ddd.downgrade('$_')"), "0\n0", "target $_: nothing to do")
  foreach 'head', '+0', '-0', $head;
is_refused($node, 'shown', "SELECT * FROM ddd.upgrade('$before_head')", '22023', qr/below.*ddd\.downgrade\('\Q$before_head\E'\)/s, 'upgrade() does not go down');
sql($node, 'shown', q{SELECT * FROM ddd.downgrade(dry_run => true)});
foreach my $case (
	[ '42501', 'SET ROLE app', q{ddd.upgrade()} ],
	[ '42501', 'SET ROLE app', q{ddd.downgrade()} ],
	[ '25006', 'SET default_transaction_read_only = on', q{ddd.downgrade()} ],
	[ '25001', 'SET default_transaction_isolation = serializable', q{ddd.downgrade()} ],
	[ '22004', 'SELECT', q{ddd.upgrade(NULL)} ],
	[ '22004', 'SELECT', q{ddd.upgrade('head', NULL)} ],
	[ '22004', 'SELECT', q{ddd.upgrade('head', false, NULL)} ],
	(map { [ '22023', 'SELECT', "ddd.downgrade(lock_timeout => '$_')" ] } '-1 ms', '1 year', '-178000000 years', '25 days'))
{
	my ($state, $before, $call) = @$case;

	is_refused($node, 'shown', "GRANT USAGE ON SCHEMA ddd TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app; $before; SELECT * FROM $call",
		$state, undef, "$call after $before");
}
is(version_of($node, 'shown'), "$head $head", 'nothing of it has changed the version');

# ---- up and down, by call and by hand ----------------------------------------
new_database($node, 'trip', "CREATE EXTENSION ddd VERSION '$versions[0]'", 'ALTER EXTENSION ddd UPDATE');
my @done = ("install >$versions[0]", ways('up', @versions));
is(logged('trip'), join(', ', @done), 'steps by hand are logged, of versions without a log too');
is(sql($node, 'trip', 'SELECT step, parent, version, direction FROM ddd.downgrade()'), "1|$head|$before_head|down", 'downgrade(): one step');
push @done, ways('down', $head, $before_head);
is(version_of($node, 'trip'), "$before_head $before_head", 'downgrade() has made it');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '--file', $dump, '--dbname', $node->connstr('trip') ], "dumped at $before_head");
new_database($node, 'restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname', $node->connstr('restored'), $dump ], 'and restored with newer code');
sql($node, 'restored', "SELECT ddd.stamp('$before_head')");
sql($node, $_, 'SET SESSION AUTHORIZATION admin; ALTER EXTENSION ddd UPDATE') foreach 'trip', 'restored';
is(logged('restored'), join(', ', @done, "stamp $head>$before_head", ways('up', $before_head, $head)), 'the log has survived; the stamp is in it');
push @done, ways('up', $before_head, $head);
is(logged('trip'), join(', ', @done), 'as it has where the dump is from');
is(sql($node, 'trip', 'SELECT * FROM ddd.history() OFFSET 1'), sql($node, 'restored', 'SELECT * FROM ddd.history() OFFSET 2'), 'with everything in it');
is(sql($node, 'trip', 'SELECT applied_by FROM ddd.history() LIMIT 1'), 'admin', 'and who made the last step');
is(sql($node, 'trip', "SELECT string_agg(version, ' ') FROM ddd.downgrade('$versions[0]')"), join(' ', reverse @versions[ 0 .. $#versions - 1 ]),
	'downgrade() to the first version: the call that drops its own function has an answer');
push @done, ways('down', reverse @versions);
sql($node, 'trip', "ALTER EXTENSION ddd UPDATE TO '$versions[1]'; ALTER EXTENSION ddd UPDATE TO '$head'");
push @done, ways('up', @versions);
is(logged('trip'), join(', ', @done), 'in one transaction or in several, each step is logged once');
is(sql($node, 'trip', 'SELECT count(*) FROM (SELECT DISTINCT applied_at FROM ddd.migration_log) t'), scalar(@done), 'each at a time of its own');

# ---- what did not happen is not in the log -----------------------------------
new_database($node, 'undone', 'CREATE EXTENSION ddd');
my $objects = fingerprint($node, 'undone');
my $log = logged('undone');
my %undone = (
	'rolled back' => 'BEGIN; SELECT ddd.downgrade(); ROLLBACK',
	'back to a savepoint, then install()' => "BEGIN; SAVEPOINT s; ALTER EXTENSION ddd UPDATE TO '$before_head'; ROLLBACK TO s; SELECT ddd.install(); COMMIT",
	'an error' => "BEGIN; SELECT ddd.downgrade('$versions[0]'); SELECT 1 / 0; COMMIT",
	'a dry run' => "SELECT ddd.downgrade('$versions[0]', dry_run => true)",
	'a dry run, in a transaction that goes on' => "BEGIN; CREATE TABLE public.before (); SELECT ddd.downgrade('$versions[0]', true); CREATE TABLE public.after (); COMMIT; DROP TABLE public.before, public.after");
foreach my $name (sort keys %undone)
{
	$node->psql('undone', $undone{$name});
	is_same_text(fingerprint($node, 'undone'), $objects, "$name: no object has changed");
	is(logged('undone'), $log, "$name: nothing is logged");
}
sql($node, 'undone', q{INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A'); INSERT INTO ddd.posts (title, content, author_id) VALUES ('t', '', 1)});
is_refused($node, 'undone', "SELECT * FROM ddd.downgrade('$versions[0]', dry_run => $_)", '55000', qr/rows of: posts/, "what stops a migration stops it with dry_run $_") foreach 'true', 'false';
is(version_of($node, 'undone'), "$head $head", '... with all steps before it');

# ---- locks -------------------------------------------------------------------
my $holder = $node->background_psql('undone');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT count(*) FROM ddd.tokens');
is_refused($node, 'undone', "SET lock_timeout = '1h'; SELECT * FROM ddd.downgrade(lock_timeout => '10 ms', dry_run => $_)", '55P03', undef, "a lock that is not to be had, dry_run $_") foreach 'true', 'false';
is(sql($node, 'undone', q{SET lock_timeout = '1h'; SELECT count(*) FROM ddd.plan('-1'); SHOW lock_timeout}), "1\n1h", 'a plan needs none');
my $waiting = $node->background_psql('undone');
$waiting->query_until(qr/started/, "\\echo started\nSET application_name = 'waiting'; SELECT version FROM ddd.downgrade(lock_timeout => '0');\n");
$node->poll_query_until('undone', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'waiting' AND wait_event_type = 'Lock'}) or die 'it does not wait';
$holder->query_safe('COMMIT');
$holder->quit;
$waiting->quit;
is(version_of($node, 'undone'), "$before_head $before_head", 'with lock_timeout 0 it waits until it is');
is(sql($node, 'undone', 'SET lock_timeout = 77; ALTER EXTENSION ddd UPDATE; SELECT count(*) FROM ddd.downgrade(); SHOW lock_timeout'), "1\n77ms", 'the setting of the session is as it was');

# ---- in states that are not in order -----------------------------------------
new_database($node, 'apart', 'CREATE EXTENSION ddd', "UPDATE ddd.schema_version SET version = '$before_head'");
my ($code, $out, $err) = $node->psql('apart', 'SELECT version, library, tables FROM ddd.current()');
is($out, "$head|$head|$before_head", 'tables at another version: current() shows it');
like($err, qr/WARNING:  the tables of ddd are at version \Q$before_head\E, its code is at version \Q$head\E/, '... and warns');
is_refused($node, 'apart', 'SELECT * FROM ddd.downgrade()', '55000', qr/ddd\.stamp\('\Q$before_head\E'\)/, '... nothing migrates from there');
new_database($node, 'bare', 'SET ddd.create_tables = off', 'CREATE EXTENSION ddd');
is(sql($node, 'bare', 'SELECT version, tables IS NULL FROM ddd.current()'), "$head|t", 'without tables: current()');
is(sql($node, 'bare', 'SELECT count(*) FROM ddd.history()'), '0', 'without tables: no history');
is(sql($node, 'bare', "SELECT string_agg(version, ' ') FROM ddd.downgrade()"), $before_head, 'without tables: downgrade()');
sql($node, 'bare', 'ALTER EXTENSION ddd UPDATE; SELECT ddd.install()');
is(logged('bare'), "install >$head", 'without tables there is nothing to log, until they are there');

new_database($node, 'retyped', 'CREATE EXTENSION ddd', 'ALTER TABLE ddd.migration_log ALTER COLUMN message TYPE bigint USING length(message)');
is_refused($node, 'retyped', 'SELECT * FROM ddd.history()', '42804', undef, 'a log with a column of another type');
new_database($node, 'foreign_log', "CREATE EXTENSION ddd VERSION '0.4.0'", 'CREATE TABLE ddd.migration_log (mine int)', "ALTER EXTENSION ddd UPDATE TO '0.3.0'");
is(version_of($node, 'foreign_log'), '0.3.0 0.3.0', 'a table of the user that is called like the log, before there is one');
is(sql($node, 'foreign_log', q{SELECT count(*) FROM ddd.stash WHERE table_name = 'migration_log'}), '2', '... the log is where it belongs');

# ---- what a step locks ---------------------------------------------------------
# of the tables that are there before, against what plan() says
foreach my $i (1 .. $#versions)
{
	foreach my $step ([ @versions[ $i - 1, $i ] ], [ @versions[ $i, $i - 1 ] ])
	{
		my ($from, $to) = @$step;
		my $database = new_database($node, 'locks_' . ("$from $to" =~ tr/. /__/r), "CREATE EXTENSION ddd VERSION '$from'");

		is( sql($node, $database, qq{
				CREATE TEMPORARY TABLE tables AS SELECT oid, relname FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r';
				BEGIN; ALTER EXTENSION ddd UPDATE TO '$to';
				SELECT coalesce(string_agg(names || ': ' || mode, '; ' ORDER BY mode), 'none') FROM (
					SELECT mode, string_agg(relname, ', ' ORDER BY relname) AS names FROM (
						SELECT DISTINCT ON (relname) relname, CASE l.mode WHEN 'AccessExclusiveLock' THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END AS mode
						  FROM pg_locks l JOIN tables t ON t.oid = l.relation
						 WHERE l.pid = pg_backend_pid() AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock') ORDER BY 1, 2) l
					GROUP BY mode) l;
				ROLLBACK}),
			# the library can tell it at every version
			sql($node, $database, qq{
				CREATE FUNCTION pg_temp.plan(target text, OUT step integer, OUT version text, OUT parent text, OUT direction text, OUT sql text, OUT locks text, OUT measured interval, OUT reversible boolean, OUT message text)
				RETURNS SETOF record LANGUAGE c AS '\$libdir/ddd', 'ddd_plan';
				SELECT coalesce(substring(locks FROM '^[a-z_, ]*: [A-Z ]*EXCLUSIVE'), locks) FROM pg_temp.plan('$to')}),
			"plan() tells what $from to $to locks");
	}
}

# ---- a server with more scripts ----------------------------------------------
my $next = '99.0.0';
my $newer = new_node('newer', new_installation(
	"ddd--$head--$next.sql" => "SELECT ddd.migrate('$head', '{}', 'SELECT 1'); SELECT ddd.install();\n",
	"ddd--$next--100.0.0.sql" => "SELECT ddd.migrate('$next', '{}', 'SELECT 1'); SELECT ddd.install();\n",
	"ddd--100.0.0--$next.sql" => "SELECT ddd.migrate('100.0.0', '{}', 'SELECT 1'); SELECT ddd.install();\n"));
new_database($newer, 'newer', 'CREATE EXTENSION ddd');
is(sql($newer, 'newer', q{SELECT version, reversible, locks IS NULL AND measured IS NULL, message = '' FROM ddd.plan('+2')}), "$next|f|t|t\n100.0.0|t|t|t",
	'plan() of versions that the library does not know: one way back is missing');
is(sql($newer, 'newer', q{SELECT string_agg(version, ' ') FROM ddd.upgrade('+1')}), $next, 'upgrade(+1)');
($code, $out, $err) = $newer->psql('newer', 'SELECT version, is_head, library FROM ddd.current()');
is($out, "$next|f|$head", 'above the head: current()');
like($err, qr/WARNING:  the library of ddd is version \Q$head\E, its SQL objects are version \Q$next\E/, '... warns of the library');
is_refused($newer, 'newer', q{SELECT * FROM ddd.downgrade()}, '22023', qr/cannot be reached/, 'a step without a way back');
is(sql($newer, 'newer', q{SELECT string_agg(concat(parent, '>', version, ' ', applied_at IS NULL), ',') FROM ddd.history()}), "$head>$next f,>$head f", 'history(): nothing is to come from above the head');
$newer->stop;

$node->stop;
done_testing();
