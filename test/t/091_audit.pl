# What a statement leaves in ddd.audit_log while the audit is on: one row for it
# and each table, with who and which rows, whatever kind of statement it is; and
# nothing while the audit is off.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'max_prepared_transactions = 2');
my $db = new_database($node, 'audited', 'CREATE ROLE app LOGIN', 'CREATE ROLE clerk', 'GRANT clerk TO app', 'CREATE EXTENSION ddd');
my $as_installed = fingerprint($node, $db);
my $columns = q{concat_ws(' ', action, table_name, coalesce(row_count::text, '-'), row_ids, columns)};
my $log = "SELECT $columns FROM ddd.audit_log ORDER BY id";

# Runs a script in a transaction and returns what it leaves in the log.
sub logged
{
	my ($script) = @_;

	return sql($node, $db, "BEGIN; DELETE FROM ddd.audit_log; $script; \\echo logged\n$log; ROLLBACK;") =~ s/^.*^logged\n?//msr;
}

sub is_logged
{
	my ($script, $expected, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(logged($script), $expected, $name);
}

# ---- off, on, off ----------------------------------------------------------
sql($node, $db, q{
	SELECT ddd.create_user(n || '@example.org', 'User ' || n) FROM generate_series(1, 5) n;
	SELECT ddd.create_post(n, 'Post ' || n, '', '{rust,web}') FROM generate_series(1, 3) n;
	SELECT ddd.add_comment(1, n, 'Comment') FROM generate_series(1, 5) n});
is(sql($node, $db, $log), '', 'nothing is logged before the audit is enabled');
is(sql($node, $db, 'SELECT ddd.disable_audit()'), 'f', 'there is nothing to disable');
sql($node, $db, q{CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER posts_audit_insert AFTER INSERT ON ddd.posts EXECUTE FUNCTION own()});
is_refused($node, $db, 'SELECT ddd.enable_audit()', '42710', qr/posts_audit_insert/, 'a trigger of somebody else is not replaced');
is(sql($node, $db, q{DROP TRIGGER posts_audit_insert ON ddd.posts; SELECT count(*) FROM ddd.audit_log}), '0', '... and nothing is enabled');
is(sql($node, $db, 'SELECT ddd.enable_audit(), ddd.enable_audit()'), 't|f', 'enabling it twice is enabling it once');
is(sql($node, $db, $log), 'ENABLE audit_log -', 'that it was enabled is logged');
is(sql($node, $db, 'SELECT count(*) FROM ddd.check_schema() WHERE is_fault'), '0', 'which is no fault of the schema');
is(sql($node, $db, 'SELECT ddd.install()'), 'nothing to do', 'install() leaves it as it is');
is(sql($node, $db, 'DROP TRIGGER posts_audit_insert ON ddd.posts; ALTER TABLE ddd.users DISABLE TRIGGER users_audit_update; SELECT finding, expected, found FROM ddd.audit_verify()'),
	'the audit was enabled, and triggers are not in force|20|18', 'triggers that are missing or disabled are found');
is(sql($node, $db, 'SELECT ddd.enable_audit(); SELECT count(*) FROM ddd.audit_verify()'), "t\n0", '... and brought back');

# ---- which rows, and what of them --------------------------------------------
is_logged(q{INSERT INTO ddd.users (id, email, full_name) SELECT n, n || '@example.org', 'User' FROM generate_series(101, 103) n},
	'INSERT users 3 {101,102,103}', 'a statement of three rows leaves one');
is_logged('DELETE FROM ddd.comments WHERE id > 3', 'DELETE comments 2 {4,5}', 'a deletion has the ids of what is gone');
is_logged(q{DELETE FROM ddd.comments WHERE id = 99; UPDATE ddd.users SET bio = 'x' WHERE id = 99; INSERT INTO ddd.tags (name) SELECT 'x' WHERE false}, '', 'a statement that touches no row leaves none');
is_logged(q{UPDATE ddd.users SET hashed_password = '!' || id, bio = CASE id WHEN 2 THEN 'new' END WHERE id < 4},
	'UPDATE users 3 {1,2,3} {hashed_password,bio,updated_at}', 'columns that differ in some row are named, their values are not');
is_logged(q{UPDATE ddd.users SET bio = bio}, 'UPDATE users 5 {1,2,3,4,5} {}', 'an update that changes nothing is one of no columns');
is_logged(q{UPDATE ddd.posts SET content = repeat(md5(id::text), 200); DELETE FROM ddd.audit_log; ALTER TABLE ddd.posts ALTER content SET STORAGE EXTERNAL;
	UPDATE ddd.posts SET content = content || repeat('-', 9000); DELETE FROM ddd.audit_log; UPDATE ddd.posts SET title = 'New'},
	'UPDATE posts 3 {1,2,3} {title,updated_at}', 'a long value that stays is none that changed');
is_logged(q{INSERT INTO ddd.comments (id, content, post_id, author_id) SELECT n, 'Comment', 1, 1 FROM generate_series(1001, 3000) n;
	UPDATE ddd.audit_log SET row_ids = ARRAY[cardinality(row_ids), row_ids[1], row_ids[1000]]}, 'INSERT comments 2000 {1000,1001,2000}', 'of many rows there are the first thousand ids, and their number');
is_logged(q{SELECT ddd.tag_post(2, '{new,other}')}, "INSERT tags 2 {3,4}\nINSERT post_tags 2 {2}", 'a link is logged by its post');
unlike(sql($node, $db, q{BEGIN; UPDATE ddd.users SET hashed_password = 'secret', bio = 'secret', full_name = 'secret', email = id || '@secret';
	SELECT ddd.create_post(1, 'secret', 'secret', '{secret}'); SELECT ddd.add_comment(1, 1, 'secret'); SELECT 'log', l FROM ddd.audit_log l; ROLLBACK}) =~ s/^.*?^log/log/msr,
	qr/secret/, 'no content gets into the log');

# ---- kinds of statements -----------------------------------------------------
is_logged(q{COPY ddd.tags (id, name) FROM PROGRAM 'printf "51\tone\n52\ttwo\n"'}, 'INSERT tags 2 {51,52}', 'COPY');
is_logged(q{INSERT INTO ddd.tags (id, name) VALUES (61, 'Rust'), (62, 'go') ON CONFLICT (key) DO UPDATE SET name = excluded.name},
	"UPDATE tags 1 {1} {name,updated_at}\nINSERT tags 1 {62}", 'ON CONFLICT DO UPDATE: what was inserted, and what updated');
is_logged(q{INSERT INTO ddd.tags (name) VALUES ('rust') ON CONFLICT DO NOTHING}, '', 'ON CONFLICT DO NOTHING');
is_logged(q{MERGE INTO ddd.users u USING (VALUES (1), (5), (200)) AS v (id) ON u.id = v.id WHEN MATCHED AND v.id = 5 AND false THEN DELETE
	WHEN MATCHED AND v.id = 1 THEN UPDATE SET bio = 'merged' WHEN NOT MATCHED THEN INSERT (id, email, full_name) VALUES (v.id, 'm@example.org', 'M')},
	"UPDATE users 1 {1} {bio,updated_at}\nINSERT users 1 {200}", 'MERGE');
is_logged('SELECT ddd.delete_post(1)', "DELETE posts 1 {1}\nDELETE comments 5 {1,2,3,4,5}\nDELETE post_tags 2 {1}", 'rows that go with another row');
is_logged('TRUNCATE ddd.posts CASCADE', "TRUNCATE posts -\nTRUNCATE comments -\nTRUNCATE post_tags -", 'TRUNCATE, of which nobody knows the rows');
is_logged(q{SAVEPOINT a; DELETE FROM ddd.comments WHERE id = 1; ROLLBACK TO a; DELETE FROM ddd.comments WHERE id = 2}, 'DELETE comments 1 {2}', 'a savepoint takes back what was logged after it');
is_logged(q{CREATE FUNCTION pg_temp.follow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE ddd.users SET bio = ''followed'' WHERE id = 2; RETURN NULL; END';
	CREATE TRIGGER a_follow AFTER INSERT ON ddd.comments FOR EACH ROW EXECUTE FUNCTION pg_temp.follow(); SELECT ddd.add_comment(1, 1, 'Comment')} =~ s/Comment'/Comment', NULL/r,
	qq{UPDATE users 1 {2} {bio,updated_at}\nINSERT comments 1 {@{[1 + sql($node, $db, 'SELECT last_value FROM ddd.comments_id_seq')]}}}, "what a user's trigger changes");
is_logged('ALTER TABLE ddd.users ADD nick text, ADD gone int; ALTER TABLE ddd.users DROP gone; UPDATE ddd.users SET nick = full_name WHERE id = 1', 'UPDATE users 1 {1} {updated_at,nick}', 'a column that was added, after one that was dropped');
is_logged(q{ALTER TABLE ddd.audit_log ADD application text DEFAULT 'mine'; DELETE FROM ddd.comments WHERE id = 1; UPDATE ddd.audit_log SET table_name = table_name || ' ' || application},
	'DELETE comments mine 1 {1}', "a column of the log's own gets its default");
is(sql($node, $db, q{DELETE FROM ddd.audit_log; BEGIN; DELETE FROM ddd.comments WHERE id = 1; PREPARE TRANSACTION 'p'; SELECT count(*) FROM ddd.audit_log; COMMIT PREPARED 'p'} . ";$log"),
	"0\nDELETE comments 1 {1}", 'PREPARE TRANSACTION: logged once it is committed');

# ---- who ---------------------------------------------------------------------
sql($node, $db, $_) foreach 'GRANT USAGE ON SCHEMA ddd TO app, clerk', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app, clerk', 'DELETE FROM ddd.audit_log';
my $token = sql($node, $db, q{SELECT ddd.issue_token(2)});
is(sql($node, $db, qq{SET SESSION AUTHORIZATION app; SELECT count(*) FROM ddd.update_user(1, '{"bio": "a"}');
	SET ROLE clerk; SELECT count(*) FROM ddd.update_user(1, '{"bio": "b"}');
	BEGIN; SELECT count(*) FROM ddd.begin_as('$token'); SELECT count(*) FROM ddd.update_user(1, '{"bio": "c"}'); COMMIT; SELECT count(*) FROM ddd.update_user(1, '{"bio": "d"}');
	RESET SESSION AUTHORIZATION; SELECT concat_ws(' ', login_role, coalesce(acting_role, '-'), coalesce(user_id::text, '-')) FROM ddd.audit_log ORDER BY id}) =~ s/^1\n//mgr,
	"app - -\napp clerk -\napp clerk 2\napp clerk -", 'the role that logged in, the role it acts as, and the user proved in this transaction');
is(sql($node, $db, q{SELECT count(DISTINCT xid), bool_and(system_identifier = (SELECT system_identifier FROM pg_control_system())), bool_and(at BETWEEN now() - interval '1 hour' AND now()) FROM ddd.audit_log}),
	'4|t|t', 'and the transaction, cluster and time');
sql($node, $db, q{SELECT ddd.set_password(3, 'correct horse'); DELETE FROM ddd.audit_log});
is(sql($node, $db, q{BEGIN; SELECT count(*) FROM ddd.authenticate('3@example.org', 'correct horse'); SELECT count(*) FROM ddd.update_user(3, '{"bio": "e"}'); COMMIT;
	SELECT concat_ws(' ', user_id, columns) FROM ddd.audit_log}) =~ s/^1\n//mgr, '3 {bio,updated_at}', 'or the user proved by a password');
is_refused($node, $db, "SET ROLE app; SELECT ddd.$_\_audit()", '42501', qr/permission denied for ddd\.$_\_audit/, "a role with EXECUTE is no owner: $_\_audit()") foreach 'enable', 'disable';
is_refused($node, $db, "BEGIN READ ONLY; SELECT ddd.$_\_audit()", '25006', undef, "$_\_audit() in a read-only transaction") foreach 'enable', 'disable';
is_refused($node, $db, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT ddd.$_\_audit()", '25001', undef, "$_\_audit() under an old snapshot") foreach 'enable', 'disable';
is_refused($node, $db, 'SET ROLE app; SELECT FROM ddd.audit_log', '42501', undef, 'nor may it read the log');
sql($node, $db, 'CREATE SCHEMA app AUTHORIZATION app; SET ROLE app; CREATE TABLE app.forged (id bigint)');
is_refused($node, $db, q{SET ROLE app; CREATE TRIGGER forged AFTER INSERT ON app.forged REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows('id'); INSERT INTO app.forged VALUES (1)},
	'42501', qr/does not belong to the owner/, 'nor write into it by a trigger on its own table');
foreach my $wrong (
	[ q{AFTER INSERT ON ddd.tags FOR EACH ROW EXECUTE FUNCTION ddd.audit_rows('id')}, '39P01', 'a row trigger' ],
	[ q{AFTER INSERT ON ddd.tags FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows('id')}, '39P01', 'a trigger without a transition table' ],
	[ q{AFTER INSERT ON ddd.tags REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows()}, '22023', 'a trigger without the column' ],
	[ q{AFTER INSERT ON ddd.tags REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows('no')}, '42703', 'a column that is not there' ],
	[ q{AFTER INSERT ON ddd.tags REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ddd.audit_rows('name')}, '42804', 'a column that is no id' ])
{
	my ($trigger, $state, $name) = @$wrong;
	is_refused($node, $db, "BEGIN; CREATE TRIGGER wrong $trigger; INSERT INTO ddd.tags (name) VALUES ('wrong')", $state, undef, $name);
}

# ---- rows of a dump -----------------------------------------------------------
my $restore = 'SET row_security = off; SET check_function_bodies = off';
is_logged("$restore; DELETE FROM ddd.comments WHERE id = 2", '', 'rows that the owner loads from a dump are not logged');
sql($node, $db, 'GRANT ALL ON ALL TABLES IN SCHEMA ddd TO app');
is_logged("SET ROLE app; $restore; DELETE FROM ddd.comments WHERE id = 2; RESET ROLE", 'DELETE comments 1 {2}', '... what looks like it by another role is');

# ---- off again -----------------------------------------------------------------
sql($node, $db, 'REVOKE ALL ON ALL TABLES IN SCHEMA ddd FROM app; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ddd FROM app, clerk; REVOKE ALL ON SCHEMA ddd FROM app, clerk');
is(sql($node, $db, 'SELECT ddd.disable_audit(), ddd.disable_audit()'), 't|f', 'disabling it twice is disabling it once');
is_same_text(fingerprint($node, $db), $as_installed, 'disabled, all is as installed');
is(sql($node, $db, "SELECT count(*) FROM ddd.audit_verify(); DELETE FROM ddd.comments; SELECT action FROM ddd.audit_log ORDER BY id DESC LIMIT 1"), "0\nDISABLE", 'that it was disabled is logged, and nothing after');
sql($node, $db, $_) foreach 'SELECT ddd.enable_audit()', 'DROP EXTENSION ddd CASCADE', 'CREATE EXTENSION ddd';
is(sql($node, $db, 'SELECT finding, expected, found FROM ddd.audit_verify()'), 'the audit was enabled, and triggers are not in force|20|0', 'DROP EXTENSION CASCADE: audit_verify() tells that the audit is off');
is(sql($node, $db, 'SELECT ddd.enable_audit(); SELECT count(*) FROM ddd.audit_verify()'), "t\n0", '... until it is enabled again');

$node->stop;
done_testing();
