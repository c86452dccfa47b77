# A seal covers every row of the transactions that have ended, each once, however
# late they commit; whatever is changed in log or seals afterwards is found, at
# the seal where it was; and nothing is found where nothing was changed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'max_prepared_transactions = 2', 'fsync = on');
my $db = new_database($node, 'sealed', 'CREATE EXTENSION ddd', q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 20) n;
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'Post ' || n, '', n FROM generate_series(1, 20) n});
my $findings = q{SELECT concat_ws('|', coalesce(seal::text, '-'), finding, expected, found) FROM ddd.audit_verify()};
my $seals = 'SELECT number, row_count FROM ddd.audit_seals ORDER BY number';
my $comment = 'SELECT count(*) FROM ddd.add_comment(1, 1, \'Comment\')';

# ---- what is covered ---------------------------------------------------------
is(sql($node, $db, 'SELECT ddd.audit_seal()'), '', 'nothing to seal');
is(sql($node, $db, 'SELECT ddd.enable_audit(); SELECT length(ddd.audit_seal())'), "t\n32", 'the first seal has a digest');
my $first = sql($node, $db, 'SELECT ddd.audit_seal()');
is(sql($node, $db, $seals), '1|1', 'nothing new, no new seal');
is($first, sql($node, $db, 'SELECT digest FROM ddd.audit_seals'), 'what is returned is the digest of the last one');
is(sql($node, $db, "BEGIN; $comment; SELECT ddd.audit_seal() = '$first'; COMMIT; SELECT ddd.audit_seal() <> '$first'; $seals"), "1\nt\nt\n1|1\n2|1",
	'what this transaction has written is left for the next');

my $early = $node->background_psql($db);
$early->query_safe("BEGIN; $comment; SAVEPOINT a; $comment");
sql($node, $db, "$comment; BEGIN; $comment; PREPARE TRANSACTION 'late'");
is(sql($node, $db, "SELECT length(ddd.audit_seal()); $seals"), "32\n1|1\n2|1", 'what was written after a transaction began that is still running is left, too');
$early->query_safe('COMMIT');
is(sql($node, $db, "SELECT length(ddd.audit_seal()); $seals"), "32\n1|1\n2|1\n3|3", 'once it commits, all of it is covered; what is prepared is not');
sql($node, $db, $comment);
is(sql($node, $db, "SELECT length(ddd.audit_seal()); SELECT sum(row_count) FROM ddd.audit_seals"), "32\n5", 'nor what is behind it');
sql($node, $db, "COMMIT PREPARED 'late'");
is(sql($node, $db, "SELECT length(ddd.audit_seal()); SELECT sum(row_count), (SELECT count(*) FROM ddd.audit_log) FROM ddd.audit_seals; $findings"), "32\n7|7", '... until it is committed');
is(sql($node, $db, 'SELECT bool_and((from_xid = before) IS NOT FALSE) FROM (SELECT from_xid, lag(to_xid) OVER (ORDER BY number) AS before FROM ddd.audit_seals) s'), 't', 'ranges follow one another');

is_refused($node, $db, "BEGIN ISOLATION LEVEL $_; SELECT ddd.audit_seal()", '25001', undef, "$_ is refused") foreach 'REPEATABLE READ', 'SERIALIZABLE';
is_refused($node, $db, 'BEGIN READ ONLY; SELECT ddd.audit_seal()', '25006', undef, 'a read-only transaction is refused');
is(sql($node, $db, "BEGIN READ ONLY; $findings; COMMIT"), '', '... in which the log can be verified');

# one at a time, and the second goes on from the first
$early->query_safe("$comment; BEGIN; SELECT ddd.audit_seal()");
my $second = $node->background_psql($db);
$second->query_until(qr/sealing/, "\\echo sealing\n$comment;\nSELECT ddd.audit_seal();\n");
ok($node->poll_query_until($db, q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'ddd.audit_seals'::regclass}), 'a second seal waits for the first');
is(sql($node, $db, "SET lock_timeout = '1s'; $comment; $findings"), '1', 'who writes and who verifies does not');
$early->query_safe('COMMIT');
$second->query_safe('SELECT 1');
is(sql($node, $db, "$findings; SELECT count(*) = max(number) FROM ddd.audit_seals"), 't', 'both seals are good, one after the other');
$second->quit;

# ---- what was changed -----------------------------------------------------------
foreach (1 .. 3)
{
	sql($node, $db, "$comment; $comment; $comment");
	sql($node, $db, 'SELECT ddd.audit_seal()');
}
my ($n, $digest) = split /\|/, sql($node, $db, 'SELECT number - 1, digest FROM ddd.audit_seals WHERE number > 2 ORDER BY number DESC LIMIT 1');
my $x = "(SELECT s FROM ddd.audit_seals s WHERE number = $n)";
my $one = "(SELECT min(id) FROM ddd.audit_log, ddd.audit_seals s WHERE number = $n AND xid >= from_xid AND xid < to_xid)";
my $hash = '\\\\x[0-9a-f]{64}';
my $changed = qr/^$n\|rows were changed\|$hash\|$hash$/;
is(sql($node, $db, "SELECT row_count FROM ddd.audit_seals WHERE number = $n; SELECT count(*) FROM ddd.audit_verify('$digest')"), "3\n0", 'a seal of three rows; the chain has the last digest');
foreach my $case (
	(map { [ "$_ changed", "UPDATE ddd.audit_log SET $_ WHERE id = $one", $changed ] }
		q{at = at - interval '1 us'}, 'user_id = 7', q{login_role = 'other'}, q{acting_role = 'other'}, q{table_name = 'tags'}, q{action = 'DELETE'},
		'row_count = 2', 'row_count = NULL', q{row_ids = '{7}'}, q{row_ids = '{}'}, 'row_ids = ARRAY[row_ids]', q{columns = '{}'}, q{columns = '{"a,b"}'}),
	[ 'ids of two rows exchanged', "UPDATE ddd.audit_log SET id = 2 * $one + 1 - id WHERE id IN ($one, $one + 1)", $changed ],
	[ 'a row deleted', "DELETE FROM ddd.audit_log WHERE id = $one", "$n|rows are missing|3|2" ],
	[ 'all deleted', 'TRUNCATE ddd.audit_log', qr/^1\|rows are missing\|1\|0$(.|\n)*^$n\|rows are missing\|3\|0$/m ],
	[ 'a row added', "INSERT INTO ddd.audit_log (at, xid, system_identifier, login_role, table_name, action) SELECT now(), from_xid, system_identifier, 'x', 'users', 'INSERT' FROM ddd.audit_seals WHERE number = $n", "$n|rows were added|3|4" ],
	[ 'a row moved to the seal before', "UPDATE ddd.audit_log SET xid = (SELECT from_xid FROM ddd.audit_seals WHERE number = $n - 1) WHERE id = $one", $n - 1 . "|rows were added|3|4\n$n|rows are missing|3|2" ],
	[ 'a row of another cluster', "UPDATE ddd.audit_log SET system_identifier = 1 WHERE id = $one", "$n|rows are missing|3|2" ],
	[ 'a row and what the seal says of the rows', "DELETE FROM ddd.audit_log WHERE id = $one; UPDATE ddd.audit_seals SET row_count = 2 WHERE number = $n", qr/^$n\|the seal was changed\|$hash\|$hash\n$n\|rows were changed\|$hash\|$hash$/ ],
	[ 'a digest changed', "UPDATE ddd.audit_seals SET digest = sha256(digest) WHERE number = $n", qr/^$n\|the seal was changed\|$hash\|$hash\n@{[$n + 1]}\|it does not follow the seal before it\|$hash\|$hash$/ ],
	[ 'a digest of no length', "UPDATE ddd.audit_seals SET digest = '' WHERE number = $n", qr/^$n\|the seal was changed\|\\x\|$hash\n@{[$n + 1]}\|it does not follow the seal before it\|$hash\|\\x$/ ],
	(map { [ "a seal with $_", "UPDATE ddd.audit_seals SET $_ WHERE number = $n", qr/^$n\|the seal was changed\|$hash\|$hash$/ ] } q{sealed_at = sealed_at + interval '1 us'}, q{first_at = first_at + interval '1 us'}),
	[ 'a wider range', "UPDATE ddd.audit_seals SET from_xid = '0' WHERE number = $n", qr/^$n\|the seal was changed\|$hash\|$hash\n$n\|rows were added\|3\|\d+$/ ],
	[ 'a seal deleted', "DELETE FROM ddd.audit_seals WHERE number = $n", qr/^@{[$n + 1]}\|the seal before it is missing\|$n\|@{[$n - 1]}\n@{[$n + 1]}\|it does not follow the seal before it\|$hash\|$hash$/ ],
	[ 'two seals exchanged', "UPDATE ddd.audit_seals SET number = -number WHERE number >= $n; UPDATE ddd.audit_seals SET number = 2 * $n + 1 + number WHERE number < 0", qr/^$n\|it does not follow .*\n$n\|the seal was changed\|.*\n@{[$n + 1]}\|it does not follow .*\n@{[$n + 1]}\|the seal was changed\|/ ],
	[ 'the last seals deleted, with their rows', "DELETE FROM ddd.audit_log l USING ddd.audit_seals s WHERE l.xid >= s.from_xid AND s.number = $n; DELETE FROM ddd.audit_seals WHERE number >= $n", '' ])
{
	my ($name, $change, $expected) = @$case;
	my $found = sql($node, $db, "BEGIN; $change; $findings; ROLLBACK");

	if (ref $expected) { like($found, $expected, $name); }
	else { is($found, $expected, $name); }
}
is(sql($node, $db, "BEGIN; DELETE FROM ddd.audit_seals WHERE number > $n; SELECT finding, expected, found IS NULL FROM ddd.audit_verify('$digest'); ROLLBACK"),
	"no seal has the expected digest|$digest|t", 'that shows where the digest was kept elsewhere');
is(sql($node, $db, $findings), '', 'and that was all');
is(sql($node, $db, "SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET bytea_output = 'escape'; SET search_path = ''; $findings"), '', 'whatever the settings');
sql($node, 'postgres', 'CREATE ROLE app');
new_database($node, 'owned', 'CREATE EXTENSION ddd');
give_tables_to($node, 'owned', 'app');
sql($node, 'owned', 'SELECT ddd.install()');
is(sql($node, 'owned', "SET ROLE app; SELECT ddd.enable_audit(); INSERT INTO ddd.tags (name) VALUES ('mine'); SELECT length(ddd.audit_seal()); $findings; SELECT ddd.disable_audit()"), "t\n32\nt", 'an owner who is no superuser may do all of it');
is_refused($node, 'owned', "BEGIN; ALTER TABLE ddd.audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; SELECT ddd.$_()", '42501', qr/row-level security/, "$_: rows that a policy hides are an error") foreach 'audit_seal', 'audit_verify';

# ---- many writers at a time -------------------------------------------------------
my $writers = "$PostgreSQL::Test::Utils::tmp_check/writers.sql";
append_to_file($writers, q{\set id random(1, 20)
\set end random(1, 3)
BEGIN;
SELECT ddd.add_comment(:id, :id, 'Comment');
SAVEPOINT a;
UPDATE ddd.comments SET content = content || '.' WHERE id = (SELECT max(id) FROM ddd.comments WHERE author_id = :id);
\if :end = 1
ROLLBACK TO a;
\endif
SELECT ddd.tag_post(:id, ARRAY['tag' || :id]);
COMMIT;
});
append_to_file("$writers.seal", "SELECT ddd.audit_seal();\n");
append_to_file("$writers.verify", "SELECT 1 / (count(*) = 0)::int FROM ddd.audit_verify();\n");
$node->command_ok([ 'pgbench', '-n', '-c', '8', '-t', '300', '-f', "$writers\@20", '-f', "$writers.seal\@2", '-f', "$writers.verify\@1", $node->connstr($db) ],
	'writers, seals and verifications at a time: nothing is found meanwhile');
is(sql($node, $db, "SELECT length(ddd.audit_seal()); $findings; SELECT sum(row_count) > 3000, sum(row_count) = (SELECT count(*) FROM ddd.audit_log), count(*) > 20, count(*) = max(number) FROM ddd.audit_seals"),
	"32\nt|t|t|t", 'nor afterwards; every row is in one seal');

# ---- a crash -----------------------------------------------------------------------
sql($node, $db, "SET synchronous_commit = off; $comment; SELECT ddd.audit_seal(); $comment");
$early->query_safe("BEGIN; $comment; SELECT ddd.audit_seal()");
$node->stop('immediate');
$node->start;
is(sql($node, $db, "$findings; SELECT length(ddd.audit_seal()); $findings; SELECT sum(row_count) = (SELECT count(*) FROM ddd.audit_log) FROM ddd.audit_seals"), "32\nt", 'after a crash, all is well');

# ---- purged ------------------------------------------------------------------------
my $until = sql($node, $db, 'SELECT first_at FROM ddd.audit_seals ORDER BY number OFFSET 10 LIMIT 1');
sql($node, $db, "DELETE FROM ddd.audit_log WHERE at < '$until'");
isnt(sql($node, $db, $findings), '', 'rows that go without their seals are missed');
sql($node, $db, "DELETE FROM ddd.audit_seals WHERE number <= (SELECT max(number) FROM ddd.audit_seals WHERE first_at < '$until')");
is(sql($node, $db, "$findings; $comment; SELECT length(ddd.audit_seal()); $findings"), "1\n32", 'old rows go with their seals, and what is kept is verified');
is(sql($node, $db, qq{BEGIN; DELETE FROM ddd.audit_log WHERE id = (SELECT max(id) FROM ddd.audit_log); SELECT finding FROM ddd.audit_verify(); ROLLBACK}), 'rows are missing', '... as before');

$node->stop;
done_testing();
