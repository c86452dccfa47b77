# The audit log where it goes: partitions, dumps, another encoding, a downgrade
# and back, a standby, a subscriber, and a physical copy. Everywhere the log is
# the same, its seals hold, and what is written there goes on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'wal_level = logical', 'max_wal_senders = 5', 'max_replication_slots = 5');
my $findings = q{SELECT concat_ws('|', coalesce(seal::text, '-'), finding, expected, found) FROM ddd.audit_verify()};
my $comment = q{SELECT count(*) FROM ddd.add_comment(1, 1, 'Comment')};
my $goes_on = "$comment; SELECT length(ddd.audit_seal()); $findings; SELECT sum(row_count) = (SELECT count(*) FROM ddd.audit_log) FROM ddd.audit_seals";
my $well = "1\n32\nt";
my @fixture = ('CREATE EXTENSION ddd', q{
	SELECT ddd.create_user(n || '@example.org', 'User ' || n) FROM generate_series(1, 3) n}, 'SELECT ddd.enable_audit()', q{
	SELECT ddd.create_post(n, 'Post ' || n, '', '{rust,web}') FROM generate_series(1, 3) n},
	q{UPDATE ddd.users SET bio = 'known'}, 'SELECT ddd.audit_seal()', "$comment", "$comment");

# ---- partitions ------------------------------------------------------------
new_database($node, 'partitioned', @fixture);
sql($node, 'partitioned', q{
	BEGIN;
	ALTER SEQUENCE ddd.audit_log_id_seq OWNED BY NONE;
	ALTER TABLE ddd.audit_log RENAME TO old_log;
	ALTER INDEX ddd.audit_log_pkey RENAME TO old_log_pkey;
	ALTER INDEX ddd.ix_audit_log_xid RENAME TO ix_old_log_xid;
	CREATE TABLE ddd.audit_log (LIKE ddd.old_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
		CONSTRAINT audit_log_pkey PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
	CREATE INDEX ix_audit_log_xid ON ddd.audit_log (system_identifier, xid, at, id);
	ALTER SEQUENCE ddd.audit_log_id_seq OWNED BY ddd.audit_log.id;
	CREATE TABLE ddd.audit_log_before PARTITION OF ddd.audit_log FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
	CREATE TABLE ddd.audit_log_now PARTITION OF ddd.audit_log DEFAULT;
	INSERT INTO ddd.audit_log SELECT * FROM ddd.old_log;
	DROP TABLE ddd.old_log;
	COMMIT});
is(sql($node, 'partitioned', $findings), '', 'partitions: the seals hold');
is(sql($node, 'partitioned', $goes_on), $well, 'partitions: all goes on');
is(sql($node, 'partitioned', q{SELECT object, deviation, fact FROM ddd.check_schema() WHERE is_fault AND object !~ 'audit_log'}), '', 'partitions: nothing else is at fault');
unlike(sql($node, 'partitioned', q{SET enable_seqscan = off; EXPLAIN SELECT l.xid FROM ddd.audit_log l WHERE l.system_identifier = 1 AND l.xid >= '1' AND l.xid < '9' ORDER BY l.xid, l.at, l.id}),
	qr/^(?!Merge).*Sort\b(?! Key)/m, 'partitions: rows are read in the order of the index');
sql($node, 'partitioned', q{
	ALTER TABLE ddd.audit_log DETACH PARTITION ddd.audit_log_now;
	CREATE TABLE ddd.audit_log_next PARTITION OF ddd.audit_log DEFAULT}, $comment);
sql($node, 'partitioned', $comment);
sql($node, 'partitioned', 'SELECT ddd.audit_seal()');
sql($node, 'partitioned', q{DELETE FROM ddd.audit_seals WHERE number <= (SELECT max(number) FROM ddd.audit_seals WHERE first_at <= (SELECT max(at) FROM ddd.audit_log_now))});
is(sql($node, 'partitioned', "$findings; SELECT count(*) FROM ddd.audit_seals; $comment; SELECT length(ddd.audit_seal()); $findings"), "1\n1\n32", 'a partition goes with its seals');

# ---- dumps -------------------------------------------------------------------
new_database($node, 'source', @fixture);
my @tables = ('audit_log', 'audit_seals', 'users', 'posts', 'comments');
my $rows = row_checksums($node, 'source', @tables);
my $dump = "$PostgreSQL::Test::Utils::tmp_check/dump";
$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', $dump, $node->connstr('source') ], 'a dump');
my $other = new_node('other');
foreach my $to ([ $node, 'restored' ], [ $other, 'restored' ])
{
	my ($server, $database) = @$to;
	my $name = $server->name . ': restored';

	new_database($server, $database);
	$server->command_ok([ 'pg_restore', '-j4', '-e', '-d', $server->connstr($database), $dump ], $name);
	is(row_checksums($server, $database, @tables), $rows, "$name, log and seals are the same, and no row more");
	is(sql($server, $database, $findings), '', "$name, the seals hold, and the audit is on");
	is(sql($server, $database, $goes_on), $well, "$name, all goes on");
}
is(sql($other, 'restored', q{SELECT number, row_count, system_identifier = (SELECT system_identifier FROM pg_control_system()) FROM ddd.audit_seals ORDER BY number}), "1|9|f\n2|2|f\n3|1|t",
	'rows of the other cluster are sealed as such');
# rows alone, into tables that have their triggers
new_database($node, 'data', 'CREATE EXTENSION ddd', 'SELECT ddd.enable_audit()', 'DELETE FROM ddd.audit_log');
$node->command_ok([ 'bash', '-c', 'pg_dump --data-only "$1" 2>/dev/null | psql -qX1 -v ON_ERROR_STOP=1 -d "$2" >/dev/null', 'bash', $node->connstr('source'), $node->connstr('data') ], 'data only');
is(row_checksums($node, 'data', @tables), $rows, 'data only: no row more');
is(sql($node, 'data', $findings), '', 'data only: the seals hold');

# ---- another encoding -----------------------------------------------------------
sql($node, 'postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'});
sql($node, 'latin', $_) foreach @fixture, qq{SET client_encoding = 'UTF8'; CREATE ROLE "j\x{c3}\x{bc}rgen" SUPERUSER; SET ROLE "j\x{c3}\x{bc}rgen"; DELETE FROM ddd.comments}, 'SELECT ddd.audit_seal()';
is(sql($node, 'latin', q{SELECT octet_length(acting_role), char_length(acting_role) FROM ddd.audit_log WHERE acting_role IS NOT NULL}), '6|6', 'a name that takes a byte more in UTF-8');
new_database($node, 'from_latin');
$node->command_ok([ 'bash', '-c', 'pg_dump "$1" | psql -qX -v ON_ERROR_STOP=1 -d "$2" >/dev/null', 'bash', $node->connstr('latin'), $node->connstr('from_latin') ], 'restored into UTF-8');
is(sql($node, 'from_latin', $findings), '', 'the seals hold in another encoding');

# a database that does not know its encoding has names that are no UTF-8
sql($node, 'postgres', q{CREATE DATABASE bytes TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'});
sql($node, 'bytes', $_) foreach @fixture, qq{CREATE ROLE "j\x{f6}rg" SUPERUSER; SET ROLE "j\x{f6}rg"; DELETE FROM ddd.comments};
is(sql($node, 'bytes', 'SELECT length(ddd.audit_seal())') . sql($node, 'bytes', $findings), '32', 'where the encoding is not known, names are sealed as they are');

# ---- down and up ------------------------------------------------------------------
new_database($node, 'down', @fixture);
$rows = row_checksums($node, 'down', 'audit_log', 'audit_seals');
sql($node, 'down', q{ALTER EXTENSION ddd UPDATE TO '0.5.0'});
is(sql($node, 'down', q{SELECT count(*) FROM ddd.check_schema() WHERE is_fault; SELECT count(*) FROM pg_trigger WHERE tgname ~ 'audit'}), "0\n0", 'a downgrade with the audit on takes it away');
sql($node, 'down', q{INSERT INTO ddd.tags (name) VALUES ('unseen'); ALTER EXTENSION ddd UPDATE});
is(sql($node, 'down', q{SELECT nextval('ddd.audit_log_id_seq') > max(id) FROM ddd.audit_log}), 't', 'numbers go on after those that came back');
is(row_checksums($node, 'down', 'audit_log', 'audit_seals'), $rows, 'back up, log and seals are the same');
is(sql($node, 'down', $findings), '-|the audit was enabled, and triggers are not in force|20|0', 'the seals hold; that the audit is off is told');
is(sql($node, 'down', "SELECT ddd.enable_audit(); $goes_on"), "t\n$well", 'enabled again, all goes on');

# ---- a standby, which becomes the server -------------------------------------------
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
sql($node, 'source', "$comment; SELECT ddd.audit_seal()");
$node->wait_for_catchup($standby);
is(sql($standby, 'source', $findings), '', 'a standby verifies');
is_refused($standby, 'source', 'SELECT ddd.audit_seal()', '25006', undef, 'it does not seal');
$standby->promote;
is(sql($standby, 'source', $goes_on), $well, 'promoted, it goes on');

# ---- a physical copy that is ahead ---------------------------------------------------
sql($standby, 'source', $_) foreach 'DO $$ BEGIN FOR i IN 1 .. 3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$', $comment, 'SELECT ddd.audit_seal()';
new_database($node, 'ahead');
$node->command_ok([ 'bash', '-c', 'pg_dump "$1" | psql -qX -v ON_ERROR_STOP=1 -d "$2" >/dev/null', 'bash', $standby->connstr('source'), $node->connstr('ahead') ], "the copy's dump, restored at home");
is_refused($node, 'ahead', 'SELECT ddd.audit_seal()', '55000', qr/a copy of this cluster that is ahead of it/, 'it does not mix transactions that are numbered alike');

# ---- a subscriber ------------------------------------------------------------------
sql($node, 'source', 'CREATE PUBLICATION audit FOR TABLE ddd.audit_log, ddd.audit_seals');
new_database($other, 'subscriber', 'CREATE EXTENSION ddd');
sql($other, 'subscriber', "CREATE SUBSCRIPTION audit CONNECTION '" . $node->connstr('source') =~ s/'/''/gr . "' PUBLICATION audit");
$other->wait_for_subscription_sync($node, 'audit', 'subscriber');
sql($node, 'source', "$comment; SELECT ddd.audit_seal()");
$node->wait_for_catchup('audit');
is(sql($other, 'subscriber', "SELECT count(*) > 5 FROM ddd.audit_log; SELECT DISTINCT finding FROM ddd.audit_verify()"), "t\nthe audit was enabled, and triggers are not in force", 'a subscriber has the log, and its seals hold');
is_refused($other, 'subscriber', 'SELECT ddd.audit_seal()', '55000', qr/replicated from another server/, 'it does not seal');
sql($other, 'subscriber', 'DROP SUBSCRIPTION audit');

$_->stop foreach $standby, $other, $node;
done_testing();
