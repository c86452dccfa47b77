# Migrations lose nothing: up, down and up again give back every value, a
# migration that cannot keep a name stops before it touches anything, and an
# upgraded database is the same as a fresh one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $up = 'ALTER EXTENSION ddd UPDATE TO \'0.2.0\'';
my $down = 'ALTER EXTENSION ddd UPDATE TO \'0.1.0\'';

my $node = new_node('main');
sql($node, 'postgres', 'CREATE ROLE app');

# Returns a checksum of the given expression over the users that match.
sub users
{
	my ($database, $expression, $where) = @_;

	return sql(
		$node, $database, qq{
		SELECT count(*) || ' ' || md5(string_agg(row, E'\\n' ORDER BY row COLLATE "C"))
		  FROM (SELECT ROW($expression)::text AS row
		          FROM ddd.users WHERE @{[$where // 'true']}) AS rows});
}

# ---- 100,000 users, the first of them odd ----------------------------------
my $other = 'id, email, hashed_password, is_active, is_superuser, bio, created_at, updated_at';
my @odd = (
	"NULL, 'last only'", "'first only', NULL",
	"'', 'last and empty'", "'first and empty', ''",
	"'   ', 'last and blanks'", "'first and blanks', E'\\t \\n'",
	"'  padded ', '  Both  '", "'Several', 'spaces   in  it'",
	"'Anna Maria', 'Smith'", "'Anna', 'Maria Smith'",
	"E'Tab\\tbed', E'Na\\tme'", "E'New\\nline', 'Last'",
	"'Žofie 太郎', 'Ÿñ 🙂'", "'O''Brien \"Q\"', '\\back; DROP TABLE x --'",
	"'First', ' leading'", "'trailing ', NULL",
	"repeat('é', 255), NULL", "repeat('a', 127), repeat('b', 127)",
	"NULL, 'A single'", "'A', 'single'", "'A single', NULL", "'A single', ''",
	"'{\"first\": null}', 'NULL'", "U&'\\200B\\00A0x', 'y'",
	"'one word', '  '", "' ', 'only  this '",
	"'vera', 'Asimov'", "E'\\x0bvvv', E'\\x0b'");
my $odd = join ",\n", map { "(" . ($_ + 1) . ", $odd[$_])" } 0 .. $#odd;

new_database($node, 'trip', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
sql(
	$node, 'trip', qq{
	INSERT INTO ddd.users (email, first_name, last_name, hashed_password, is_active, is_superuser, bio,
	                       created_at, updated_at)
	SELECT 'user' || n || '\@example.org',
	       coalesce(odd.first_name, CASE WHEN odd.n IS NULL AND n % 50 <> 1 THEN 'First' || n END),
	       coalesce(odd.last_name, CASE WHEN odd.n IS NULL AND n % 50 <> 2 THEN 'Last' || n % 1000 END),
	       'hash' || n, n % 7 <> 0, n % 1000 = 0, CASE WHEN n % 3 = 0 THEN 'bio ' || n END,
	       timestamptz '2020-01-01' + n * interval '1 minute',
	       timestamptz '2021-01-01' + n * interval '1 minute'
	  FROM generate_series(1, 100000) AS n
	  LEFT JOIN (VALUES $odd) AS odd (n, first_name, last_name) USING (n)
	 ORDER BY n});
sql($node, 'trip', 'CREATE TABLE public.original AS TABLE ddd.users');

my $names = 'id, first_name, last_name';
my $original_names = users('trip', $names);
my $original_other = users('trip', $other);

sql($node, 'trip', $up);
is(version_of($node, 'trip'), '0.2.0 0.2.0', 'up: code and tables are at 0.2.0');
is(users('trip', $other), $original_other,
	'up: every other column of 100,000 users is as it was, both times included'
);
my $full_names = users('trip', 'id, full_name');
is( sql(
		$node, 'trip', q{
		SELECT count(*) FROM ddd.users u JOIN public.original o USING (id)
		 WHERE u.full_name IS DISTINCT FROM concat_ws(' ',
		           nullif(btrim(o.first_name, E' \t\n\r\f\x0b'), ''),
		           nullif(btrim(o.last_name, E' \t\n\r\f\x0b'), ''))}),
	'0',
	'up: every full_name is its two parts trimmed and joined');
is( sql(
		$node, 'trip',
		q{SELECT string_agg(full_name, '|' ORDER BY id) FROM ddd.users WHERE id IN (1, 2, 5, 7, 8, 19, 26, 27, 28)}
	),
	'last only|first only|last and blanks|padded Both|Several spaces   in  it|A single|only  this|vera Asimov|vvv',
	'up: a missing part leaves no blank, and only blanks are trimmed');
is( sql(
		$node, 'trip',
		q{SELECT DISTINCT version || ' ' || table_name FROM ddd.stash WHERE table_name <> 'migration_log'}),
	'0.1.0 users',
	'up: the stash holds parts of 0.1.0 and nothing else');
is( sql(
		$node, 'trip', q{
		SELECT string_agg(id::text, ',' ORDER BY id) FROM ddd.users
		 WHERE id BETWEEN 9 AND 20 AND id::text NOT IN (SELECT row_key FROM ddd.stash)}
	),
	'10,11,12,17,18,20',
	'up: only names that split back to their parts are left out of the stash');

sql($node, 'trip', $down);
is(version_of($node, 'trip'), '0.1.0 0.1.0', 'down: code and tables are at 0.1.0');
is(users('trip', $names), $original_names,
	'down: every first and last name is back, odd ones too');
is(users('trip', $other), $original_other,
	'down: every other column is as it was, both times included');
is(sql($node, 'trip', q{SELECT count(*) FROM ddd.stash WHERE table_name <> 'migration_log'}),
	'0', 'down: names that join back to what they were leave nothing in the stash');

sql($node, 'trip', $up);
is(users('trip', 'id, full_name'), $full_names, 'up again: every full_name is back');
is(users('trip', $other), $original_other,
	'up again: every other column is as it was');

# ---- writes in between -----------------------------------------------------
# Odd users again: what is changed at one version must win over what the stash
# remembers of the other.
sql(
	$node, 'trip', q{
	UPDATE ddd.users SET full_name = 'Grace Brewster Hopper' WHERE id IN (9, 101);
	UPDATE ddd.users SET full_name = 'Plato' WHERE id IN (1, 102);
	UPDATE ddd.users SET full_name = '  Spaced   Out ' WHERE id = 103;
	UPDATE ddd.users SET bio = 'changed at 0.2.0' WHERE id = 11;
	DELETE FROM ddd.users WHERE id IN (12, 104);
	INSERT INTO ddd.users (email, full_name) VALUES
		('new1@example.org', 'Ada King Lovelace'), ('new2@example.org', ' padded  inside ')});
my $touched = '1, 9, 11, 12, 101, 102, 103, 104';
my $written_names = users('trip', 'id, full_name');
my $written_other = users('trip', $other);

sql($node, 'trip', $down);
is( sql(
		$node, 'trip', q{
		SELECT string_agg(format('%s=%s|%s', id, first_name, coalesce(last_name, 'NULL')), ';' ORDER BY id)
		  FROM ddd.users WHERE id IN (1, 9, 101, 102)}),
	'1=Plato|NULL;9=Grace|Brewster Hopper;101=Grace|Brewster Hopper;102=Plato|NULL',
	'down after writes: changed names are split at the first space, whatever the stash says');
is( users('trip', $names, "id <= 100000 AND id NOT IN ($touched)"),
	sql(
		$node, 'trip', qq{
		SELECT count(*) || ' ' || md5(string_agg(row, E'\\n' ORDER BY row COLLATE "C"))
		  FROM (SELECT ROW($names)::text AS row FROM public.original WHERE id NOT IN ($touched)) AS rows}),
	'down after writes: the names of all others are the original ones');
is( sql(
		$node, 'trip',
		q{SELECT u.first_name = o.first_name AND u.last_name = o.last_name AND u.bio = 'changed at 0.2.0'
		    FROM ddd.users u JOIN public.original o USING (id) WHERE id = 11}),
	't',
	'down after writes: a change of another column keeps the parts of the name');
is( sql(
		$node, 'trip',
		q{SELECT first_name || '|' || last_name FROM ddd.users WHERE email = 'new1@example.org'}
	),
	'Ada|King Lovelace',
	'down after writes: a user added at 0.2.0 has two names');
is(users('trip', $other), $written_other,
	'down after writes: every other column is as it was');
is( sql(
		$node, 'trip',
		q{SELECT string_agg(version || ' ' || row_key, ',' ORDER BY row_key::int) FROM ddd.stash WHERE table_name = 'users'}),
	'0.2.0 103,0.2.0 100002',
	'down after writes: the stash holds the two names that joining would not give'
);

sql($node, 'trip', 'CREATE TABLE public.at_010 AS TABLE ddd.users');
sql($node, 'trip', $up);
is(users('trip', 'id, full_name'), $written_names,
	'up after writes: every full_name is back, odd ones too');
is(users('trip', $other), $written_other,
	'up after writes: every other column is as it was');

sql($node, 'trip', $down);
sql(
	$node, 'trip', q{
	UPDATE ddd.users SET first_name = 'Renamed' WHERE id = 103;
	UPDATE ddd.users SET last_name = 'Married' WHERE id = 105;
	DELETE FROM ddd.users WHERE id = 106;
	INSERT INTO ddd.users (email, first_name, last_name) VALUES ('new3@example.org', ' Emmy ', 'Noether')});
my $at_010 = users('trip', $names);
my $at_010_other = users('trip', $other);
sql($node, 'trip', $up);
is( sql(
		$node, 'trip', q{
		SELECT string_agg(full_name, ';' ORDER BY id) FROM ddd.users
		 WHERE id IN (103, 105) OR email IN ('new2@example.org', 'new3@example.org')}),
	'Renamed Spaced   Out;First105 Married; padded  inside ;Emmy Noether',
	'writes at 0.1.0: changed names are joined anew, an unchanged odd one comes back'
);
is(users('trip', $other), $at_010_other,
	'writes at 0.1.0: every other column is as it was after up');
sql($node, 'trip', $down);
is(users('trip', $names), $at_010, 'writes at 0.1.0: down gives exactly those parts');

is(sql($node, 'trip', "SELECT count(*) FROM ddd.stash WHERE version = '0.1.0'"),
	'0', 'at 0.1.0 the stash holds nothing of 0.1.0');
sql($node, 'trip', $up);
is(sql($node, 'trip', "SELECT count(*) FROM ddd.stash WHERE version = '0.2.0'"),
	'0', 'at 0.2.0 the stash holds nothing of 0.2.0');

# ---- names that would stay blank -------------------------------------------
new_database($node, 'blank', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
sql(
	$node, 'blank', q{
	INSERT INTO ddd.users (email, first_name, last_name) VALUES
		('1@example.org', 'fine', NULL),
		('2@example.org', NULL, NULL),
		('3@example.org', '', ' '),
		('4@example.org', U&'\200B', NULL),
		('5@example.org', NULL, U&'\00A0'),
		('6@example.org', repeat('a', 200), repeat('b', 55)),
		('7@example.org', repeat('a', 200), repeat('b', 54)),
		('8@example.org', E'\t', U&'\2003\FEFF')});
my $before = fingerprint($node, 'blank') . users('blank', "$names, $other");
my $stopped = failure($node, 'blank', $up);
is($stopped->{state}, '23514', 'blank names: the migration stops with check_violation');
is( join(',', $stopped->{detail} =~ /^(?:DETAIL: *)?user (\d+):/mg),
	'2,3,4,5,6,8',
	'blank names: DETAIL lists exactly the users whose name is blank or too long');
is($stopped->{constraint}, 'users_full_name_not_blank',
	'blank names: the error names the constraint');
like($stopped->{detail}, qr/user 6: .*\b256\b/,
	'blank names: DETAIL tells how long the joined name is');
is_same_text(fingerprint($node, 'blank') . users('blank', "$names, $other"),
	$before, 'blank names: nothing has changed');
sql(
	$node, 'blank', q{
	UPDATE ddd.users SET first_name = 'now named', last_name = NULL WHERE id IN (2, 3, 4, 5, 6, 8)});
sql($node, 'blank', $up);
is( sql($node, 'blank', q{SELECT count(*) FROM ddd.users WHERE full_name = 'now named'}),
	'6', 'blank names: named, they migrate');

new_database($node, 'many', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
sql($node, 'many',
	q{INSERT INTO ddd.users (email) SELECT n || '@example.org' FROM generate_series(1, 1000) n}
);
my $many = failure($node, 'many', $up);
is( scalar(() = $many->{detail} =~ /user \d+:/g) . " $many->{message}",
	'20 cannot build full_name for 1000 user(s)',
	'blank names: of a thousand, DETAIL lists 20 and the message counts all');
like($many->{detail}, qr/and 980 more$/, 'blank names: DETAIL tells how many it left out');

# ---- a downgrade does not drop rows unasked --------------------------------
foreach my $held ('posts', 'comments', 'tags')
{
	my $database = new_database($node, "held_$held", 'CREATE EXTENSION ddd VERSION \'0.2.0\'');

	sql($node, $database, q{INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A')});
	sql($node, $database, q{INSERT INTO ddd.posts (title, content, author_id) VALUES ('title', 'text', 1)})
	  if $held ne 'tags';
	sql($node, $database, q{INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('comment', 1, 1)})
	  if $held eq 'comments';
	sql($node, $database, q{INSERT INTO ddd.tags (name) VALUES ('rust')}) if $held eq 'tags';

	my $rows = all_row_checksums($node, $database) . fingerprint($node, $database);
	is_refused($node, $database, $down, '55000', qr/rows of: .*\b$held\b/,
		"down is refused while there are $held");
	is_same_text(all_row_checksums($node, $database) . fingerprint($node, $database),
		$rows, "down refused for $held changes nothing");
	sql($node, $database, "SET ddd.allow_data_loss = on; $down");
	is(version_of($node, $database), '0.1.0 0.1.0',
		"down drops $held when ddd.allow_data_loss is on");
	is(sql($node, $database, 'SELECT email FROM ddd.users'),
		'a@example.org', "down that drops $held keeps the users");
}

# ---- a lock makes it wait, and giving up changes nothing -------------------
new_database($node, 'locked', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
sql($node, 'locked',
	q{INSERT INTO ddd.users (email, first_name) SELECT n || '@example.org', 'n' FROM generate_series(1, 10) n}
);
foreach my $step ([ '0.1.0', $up ], [ '0.2.0', $down ])
{
	my ($from, $command) = @$step;
	my $columns = $from eq '0.1.0' ? $names : 'id, full_name';
	my $rows = users('locked', "$columns, $other") . fingerprint($node, 'locked');
	my $holder = $node->background_psql('locked');

	$holder->query_safe('BEGIN');
	$holder->query_safe('LOCK TABLE ddd.users IN ACCESS SHARE MODE');
	is_refused($node, 'locked', "SET lock_timeout = '100ms'; $command",
		'55P03', undef, "from $from: a lock on ddd.users stops the migration at lock_timeout");
	is_same_text(users('locked', "$columns, $other") . fingerprint($node, 'locked'),
		$rows, "from $from: giving up on a lock changes nothing");
	$holder->query_safe('COMMIT');
	$holder->quit;
	sql($node, 'locked', "SET lock_timeout = '10s'; $command");
	isnt(version_of($node, 'locked'), "$from $from",
		"from $from: with the lock gone the migration runs");
}

# ---- the tables are at another version than the script starts at -----------
new_database($node, 'apart', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
sql($node, 'apart', q{UPDATE ddd.schema_version SET version = '0.2.0'});
is_refused($node, 'apart', $up, '55000', qr/version 0\.2\.0.*version 0\.1\.0/,
	'a migration refuses tables of another version than it starts at');
is_refused($node, 'apart', q{SELECT ddd.migrate('0.1.0', 'DROP TABLE ddd.users')},
	'55000', undef, 'migrate() is refused outside a script');

# ---- tables of a role that is no superuser ---------------------------------
new_database($node, 'owned', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
give_tables_to($node, 'owned', 'app');
sql($node, 'owned',
	q{INSERT INTO ddd.users (email, first_name, last_name) VALUES ('a@example.org', 'A', 'B')});
foreach my $step ([ '0.2.0', $up ], [ '0.1.0', $down ], [ '0.2.0', $up ])
{
	my ($to, $command) = @$step;

	is($node->psql('owned', $command),
		0, "tables of another owner migrate to $to");
	is( sql(
			$node, 'owned', q{
			SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class
			 WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'S', 'i')}),
		'app',
		"tables, sequences and indexes belong to that owner at $to");
}
is( sql(
		$node, 'owned',
		q{SELECT coalesce(to_jsonb(u) ->> 'full_name', 'not migrated') FROM ddd.users u}),
	'A B', 'tables of another owner keep their rows');

# ---- what a user adds to a table does not make a migration lose rows -------
# All of them hide rows from an UPDATE: the migration refuses or gets them right.
my %hiding = (
	'a rule' => q{CREATE RULE even AS ON UPDATE TO ddd.users WHERE old.id % 2 = 1 DO INSTEAD NOTHING},
	'a forced policy' => q{
		ALTER TABLE ddd.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
		CREATE POLICY even ON ddd.users USING (id % 2 = 0)},
	'a trigger that skips rows' => q{
		CREATE FUNCTION public.keep_row() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN IF new.id % 2 = 0 THEN RETURN new; END IF; RETURN NULL; END';
		CREATE TRIGGER keep_row BEFORE UPDATE ON ddd.users FOR EACH ROW EXECUTE FUNCTION public.keep_row()},
	'a trigger that skips rows in every replication role' => q{
		CREATE FUNCTION public.keep_row() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN IF new.id % 2 = 0 THEN RETURN new; END IF; RETURN NULL; END';
		CREATE TRIGGER keep_row BEFORE UPDATE ON ddd.users FOR EACH ROW EXECUTE FUNCTION public.keep_row();
		ALTER TABLE ddd.users ENABLE ALWAYS TRIGGER keep_row});
foreach my $hidden (sort keys %hiding)
{
	my $database = 'hiding_' . length $hidden;

	new_database($node, $database, 'CREATE EXTENSION ddd VERSION \'0.2.0\'');
	give_tables_to($node, $database, 'app');
	sql($node, $database, 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app');
	sql($node, $database,
		"INSERT INTO ddd.users (email, full_name) SELECT n || '\@example.org', 'Both ' || n FROM generate_series(1, 4) n; $hiding{$hidden}"
	);
	$node->psql($database, $down);
	is( sql(
			$node, $database, q{
			SELECT string_agg(coalesce(to_jsonb(u) ->> 'full_name',
			           (to_jsonb(u) ->> 'first_name') || ' ' || (to_jsonb(u) ->> 'last_name'), 'LOST'), ',' ORDER BY id)
			  FROM ddd.users u}),
		'Both 1,Both 2,Both 3,Both 4',
		"down loses no name behind $hidden");
}

# ---- the fingerprint: every way to a version leads to the same objects -----
new_database($node, 'fresh2', 'CREATE EXTENSION ddd VERSION \'0.2.0\'');
new_database($node, 'fresh1', 'CREATE EXTENSION ddd VERSION \'0.1.0\'');
new_database($node, 'up', 'CREATE EXTENSION ddd VERSION \'0.1.0\'', $up);
new_database($node, 'down', 'CREATE EXTENSION ddd VERSION \'0.2.0\'', $down);
new_database($node, 'down_up', 'CREATE EXTENSION ddd VERSION \'0.2.0\'', $down, $up);
new_database($node, 'reattached', 'CREATE EXTENSION ddd VERSION \'0.2.0\'',
	'DROP EXTENSION ddd CASCADE', 'CREATE EXTENSION ddd VERSION \'0.2.0\'');
new_database($node, 'late', 'SET ddd.create_tables = off',
	'CREATE EXTENSION ddd VERSION \'0.2.0\'', 'SELECT ddd.install()');
new_database($node, 'empty_up', 'SET ddd.create_tables = off',
	'CREATE EXTENSION ddd VERSION \'0.1.0\'', $up, 'SELECT ddd.install()');

# A grant stays in the dump, whichever way the version changed since.
my $grants = 'GRANT EXECUTE ON FUNCTION ddd.version() TO app; GRANT SELECT ON ddd.schema_version TO app';
foreach my $step ('up', 'down')
{
	new_database($node, "granted_$step", "CREATE EXTENSION ddd VERSION '" . ($step eq 'up' ? '0.1.0' : '0.2.0') . "'",
		$grants, $step eq 'up' ? $up : $down);
	$node->command_like([ 'pg_dump', '--schema-only', $node->connstr("granted_$step") ],
		qr/^GRANT ALL ON FUNCTION ddd\.version\(.*\) TO app;$/m, "a grant is in the dump after $step");
}

my $fresh2 = fingerprint($node, 'fresh2');
my $fresh1 = fingerprint($node, 'fresh1');
isnt($fresh1, $fresh2, 'the fingerprints of two versions differ');
is_same_text(fingerprint($node, 'up'), $fresh2, 'up(0.1.0 -> 0.2.0) = fresh(0.2.0)');
is_same_text(fingerprint($node, 'down'), $fresh1, 'down(0.2.0 -> 0.1.0) = fresh(0.1.0)');
is_same_text(fingerprint($node, 'down_up'), $fresh2, 'up(down(0.2.0)) = fresh(0.2.0)');
is_same_text(fingerprint($node, 'trip'), $fresh2,
	'100,000 users up, down and up four times = fresh(0.2.0)');
is_same_text(fingerprint($node, 'reattached'), $fresh2,
	'attached again after DROP EXTENSION CASCADE = fresh(0.2.0)');
is_same_text(fingerprint($node, 'late'), $fresh2, 'created by ddd.install() = fresh(0.2.0)');
is_same_text(fingerprint($node, 'empty_up'), $fresh2,
	'migrated without tables, then ddd.install() = fresh(0.2.0)');

# ---- every fault shows -----------------------------------------------------
my %fault = (
	'a dropped index' => 'DROP INDEX ddd.ix_posts_author_id',
	'an index on other columns' =>
	  'DROP INDEX ddd.ix_user_name_email; CREATE INDEX ix_user_name_email ON ddd.users (email, full_name)',
	'an extra index' => 'CREATE INDEX extra ON ddd.posts (title)',
	'an extra column' => 'ALTER TABLE ddd.tags ADD COLUMN extra int',
	'a dropped column' => 'ALTER TABLE ddd.users DROP COLUMN bio',
	'a column elsewhere' =>
	  'ALTER TABLE ddd.users DROP COLUMN bio; ALTER TABLE ddd.users ADD COLUMN bio text',
	'a renamed column' => 'ALTER TABLE ddd.users RENAME COLUMN bio TO about',
	'a changed default' => 'ALTER TABLE ddd.users ALTER COLUMN is_active SET DEFAULT false',
	'a changed type' => 'ALTER TABLE ddd.tags ALTER COLUMN name TYPE varchar(101)',
	'a column made nullable' => 'ALTER TABLE ddd.posts ALTER COLUMN content DROP NOT NULL',
	'changed storage' => 'ALTER TABLE ddd.posts ALTER COLUMN content SET STORAGE EXTERNAL',
	'a changed statistics target' => 'ALTER TABLE ddd.posts ALTER COLUMN title SET STATISTICS 7',
	'a column option' => 'ALTER TABLE ddd.posts ALTER COLUMN title SET (n_distinct = 7)',
	'a renamed constraint' =>
	  'ALTER TABLE ddd.posts RENAME CONSTRAINT posts_author_id_fkey TO other_fkey',
	'a changed constraint' =>
	  'ALTER TABLE ddd.tags DROP CONSTRAINT tags_name_valid, ADD CONSTRAINT tags_name_valid CHECK (name <> \'\')',
	'a constraint not validated' =>
	  'ALTER TABLE ddd.posts DROP CONSTRAINT posts_author_id_fkey,'
	  . ' ADD CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id) NOT VALID',
	'another action on delete' =>
	  'ALTER TABLE ddd.posts DROP CONSTRAINT posts_author_id_fkey,'
	  . ' ADD CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id) ON DELETE CASCADE',
	'a dropped trigger' => 'DROP TRIGGER posts_touch ON ddd.posts',
	'a disabled trigger' => 'ALTER TABLE ddd.posts DISABLE TRIGGER posts_touch',
	'disabled foreign keys' => 'ALTER TABLE ddd.comments DISABLE TRIGGER ALL',
	'an extra trigger' =>
	  'CREATE TRIGGER extra BEFORE UPDATE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION ddd.touch_row()',
	'a trigger with other arguments' =>
	  'CREATE OR REPLACE TRIGGER posts_check BEFORE INSERT OR UPDATE ON ddd.posts'
	  . ' FOR EACH ROW EXECUTE FUNCTION ddd.check_row(\'text:content\')',
	'row security' => 'ALTER TABLE ddd.users ENABLE ROW LEVEL SECURITY',
	'a policy' => 'CREATE POLICY extra ON ddd.users USING (true)',
	'a rule' => 'CREATE RULE extra AS ON DELETE TO ddd.tags DO INSTEAD NOTHING',
	'a table option' => 'ALTER TABLE ddd.users SET (fillfactor = 50)',
	'an unlogged table' => 'ALTER TABLE ddd.stash SET UNLOGGED',
	'another owner of a table' => 'ALTER TABLE ddd.stash OWNER TO app',
	'another owner of the schema' => 'ALTER SCHEMA ddd OWNER TO app',
	'an extra GRANT on a table' => 'GRANT SELECT ON ddd.users TO app',
	'an extra GRANT on a column' => 'GRANT SELECT (email) ON ddd.users TO app',
	'an extra GRANT on a sequence' => 'GRANT USAGE ON ddd.users_id_seq TO app',
	'an extra GRANT on the schema' => 'GRANT USAGE ON SCHEMA ddd TO app',
	'an extra GRANT on a function' => 'GRANT EXECUTE ON FUNCTION ddd.get_user(bigint) TO PUBLIC',
	'an extra GRANT on a type' => 'GRANT USAGE ON TYPE ddd.user_info TO PUBLIC',
	'a revoked GRANT' => 'REVOKE EXECUTE ON FUNCTION ddd.get_user(bigint) FROM CURRENT_USER',
	'default privileges' => 'ALTER DEFAULT PRIVILEGES IN SCHEMA ddd GRANT SELECT ON TABLES TO app',
	'a changed sequence' => 'ALTER SEQUENCE ddd.users_id_seq CYCLE',
	'a sequence without its column' => 'ALTER SEQUENCE ddd.users_id_seq OWNED BY NONE',
	'changed volatility' => 'ALTER FUNCTION ddd.get_user(bigint) VOLATILE',
	'a changed parallel label' => 'ALTER FUNCTION ddd.get_user(bigint) PARALLEL UNSAFE',
	'a function of other cost' => 'ALTER FUNCTION ddd.get_user(bigint) COST 7',
	'another owner of a function' => 'ALTER FUNCTION ddd.get_user(bigint) OWNER TO app',
	'a search_path unpinned' => 'ALTER FUNCTION ddd.attach_triggers() RESET search_path',
	'a changed function body' =>
	  'CREATE OR REPLACE FUNCTION ddd.attach_triggers() RETURNS integer LANGUAGE plpgsql'
	  . ' SET search_path = pg_catalog, pg_temp AS \'BEGIN RETURN 0; END\'',
	'a planted function' => 'CREATE FUNCTION ddd.get_user(int) RETURNS int LANGUAGE sql AS \'SELECT 1\'',
	'a planted operator' =>
	  'CREATE OPERATOR ddd.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq)',
	'a type without an attribute' => 'ALTER TYPE ddd.user_info DROP ATTRIBUTE bio',
	'a type with an attribute more' => 'ALTER TYPE ddd.user_info ADD ATTRIBUTE extra int',
	'another owner of a type' => 'ALTER TYPE ddd.user_info OWNER TO app',
	'an extra table' => 'CREATE TABLE ddd.extra ()',
	'an extra view' => 'CREATE VIEW ddd.extra AS SELECT 1 AS one',
	'extended statistics' => 'CREATE STATISTICS ddd.extra ON id, email FROM ddd.users',
	'a changed comment on a table' => 'COMMENT ON TABLE ddd.users IS \'other\'',
	'a changed comment on a column' => 'COMMENT ON COLUMN ddd.users.email IS \'other\'',
	'a changed comment on a function' => 'COMMENT ON FUNCTION ddd.get_user(bigint) IS \'other\'',
	'a comment on a constraint' => 'COMMENT ON CONSTRAINT posts_pkey ON ddd.posts IS \'other\'',
	'a comment on a trigger' => 'COMMENT ON TRIGGER posts_touch ON ddd.posts IS \'other\'',
	'a comment on an index' => 'COMMENT ON INDEX ddd.ix_users_email IS \'other\'',
	'a function that left the extension' =>
	  'ALTER EXTENSION ddd DROP FUNCTION ddd.get_user(bigint)',
	'a table that joined the extension' => 'ALTER EXTENSION ddd ADD TABLE ddd.users',
);
my @faults = sort keys %fault;
my $fingerprint_sql = fingerprint_query();
my $script = join "\n", map {
	"\\echo <$_>\nBEGIN;\n$fault{$_};\n$fingerprint_sql;\nROLLBACK;"
} '', @faults;
$script =~ s/<>\nBEGIN;\n;/<nothing>\nBEGIN;/;
my @prints = split /^<(.*)>\n/m, sql($node, 'fresh2', $script);
shift @prints;
my %print = map { s/\n\z//r } @prints;

is_same_text($print{nothing}, $fresh2, 'the fingerprint without a fault is the fingerprint');
foreach my $name (@faults)
{
	ok(defined $print{$name} && $print{$name} =~ /^extension ddd: /m && $print{$name} ne $fresh2,
		"the fingerprint shows $name");
}
is_same_text(fingerprint($node, 'fresh2'), $fresh2, 'the faults were rolled back');

$node->stop;
done_testing();
