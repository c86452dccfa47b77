# What is proved of every pair of versions, lower and upper: every way from one
# to the other leads to the same objects and loses no row. The same checks prove
# the migrations and must catch the faults that are put into them.

package Pairs;

use strict;
use warnings;

use Exporter 'import';
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(versions claim_pair claim_library also_write at_least);

my $nth = 0;
my %fresh;
my $more = sub { return () };

# Lets statements be made for versions that only the calling test has: of a
# version and a name, which is "fixture" for those that come first.
sub also_write { ($more) = @_; return }

sub versions
{
	my ($node) = @_;

	return split /\n/, sql($node, 'postgres',
		q{SELECT version FROM pg_available_extension_versions WHERE name = 'ddd' ORDER BY string_to_array(version, '.')::int[]});
}

sub at_least
{
	my ($version, $least) = @_;

	return sprintf('%03d%03d%03d', split /\./, $version) ge sprintf('%03d%03d%03d', split /\./, $least);
}

# What stands in the tables of a version before anything is migrated; also what a user has added.
sub fixture
{
	my ($version) = @_;
	my $names = at_least($version, '0.2.0')
	  ? q{full_name) SELECT n || '@example.org', 'hash' || n, 'bio ' || n, n % 7 > 0, timestamptz '2020-01-01' + n * interval '1 hour',
			timestamptz '2021-01-01' + n * interval '1 hour', CASE n % 3 WHEN 0 THEN 'Anna ' || n WHEN 1 THEN 'A  b ' || n ELSE 'Plato' || n END}
	  : q{first_name, last_name) SELECT n || '@example.org', 'hash' || n, 'bio ' || n, n % 7 > 0, timestamptz '2020-01-01' + n * interval '1 hour',
			timestamptz '2021-01-01' + n * interval '1 hour', CASE n % 4 WHEN 0 THEN 'Anna' WHEN 1 THEN ' A ' WHEN 2 THEN 'Anna' END, CASE n % 4 WHEN 0 THEN '' WHEN 2 THEN 'Le Blanc ' || n ELSE 'B c ' || n END};

	return join ";\n",
	  "INSERT INTO ddd.users (email, hashed_password, bio, is_active, created_at, updated_at, $names FROM generate_series(1, 40) n",
	  q{ALTER TABLE ddd.users ADD COLUMN mine jsonb DEFAULT 'null'}, q{UPDATE ddd.users SET mine = to_jsonb(id) WHERE id % 2 = 0},
	  'CREATE INDEX mine ON ddd.users (mine)', 'CREATE TABLE public.mine (user_id bigint REFERENCES ddd.users)', 'INSERT INTO public.mine SELECT id FROM ddd.users WHERE id < 9',
	  at_least($version, '0.2.0') ? blog() : (), at_least($version, '0.4.0') ? synonyms('fixture') : (), at_least($version, '0.6.0') ? identity('fixture') : (), $more->($version, 'fixture');
}

sub blog
{
	return q{
		INSERT INTO ddd.posts (title, content, author_id, created_at, updated_at)
		SELECT 'Post ' || n, repeat('x', n), 1 + n % 40, timestamptz '2022-01-01' + n * interval '1 hour', timestamptz '2023-01-01' + n * interval '1 hour' FROM generate_series(1, 60) n;
		INSERT INTO ddd.comments (content, post_id, author_id, created_at) SELECT 'Comment ' || n, 1 + n % 50, 1 + n % 40, timestamptz '2023-01-01' + n * interval '1 hour' FROM generate_series(1, 200) n;
		INSERT INTO ddd.comments (content, post_id, author_id, parent_id) SELECT 'Reply', post_id, 1, id FROM ddd.comments WHERE id % 5 = 0;
		INSERT INTO ddd.tags (name, updated_at) SELECT 'Tag ' || n, '2020-01-01' FROM generate_series(1, 12) n;
		INSERT INTO ddd.post_tags (post_id, tag_id) SELECT DISTINCT 1 + n % 55, 1 + n * n % 12 FROM generate_series(1, 300) n};
}

sub synonyms
{
	my ($name) = @_;

	return qq{INSERT INTO ddd.tags (name, synonym_of) SELECT '$name ' || id, id FROM ddd.tags WHERE synonym_of IS NULL AND id < 6};
}

# Tokens, messages, addresses, and a log of what was changed.
sub identity
{
	my ($name) = @_;

	return qq{
		INSERT INTO ddd.tokens (digest, user_id, purpose, scope, bound_to, created_at, expires_at)
		SELECT sha256(convert_to('$name' || n, 'UTF8')), n, (ARRAY['access', 'reset_password', 'verify_email'])[1 + n % 3], 'read write', sha256('bound'), '2020-01-01', '2099-01-01' FROM generate_series(1, 30) n;
		INSERT INTO ddd.outbox (user_id, kind, requested_at)
		SELECT n, CASE n % 2 WHEN 0 THEN 'verify_email' ELSE 'reset_password' END, '2020-01-01' FROM generate_series(1, 9) n ON CONFLICT DO NOTHING;
		INSERT INTO ddd.verified_emails (user_id, email, verified_at) SELECT id, email, '2020-01-01' FROM ddd.users WHERE id < 9 ON CONFLICT DO NOTHING;
		INSERT INTO ddd.audit_log (at, xid, system_identifier, user_id, login_role, table_name, action, row_count, row_ids, columns)
		SELECT '2020-01-01', n::text::xid8, 7, n, '$name', 'users', 'UPDATE', 2, ARRAY[n, n + 1], '{bio}' FROM generate_series(1, 9) n;
		INSERT INTO ddd.audit_seals (number, system_identifier, from_xid, to_xid, row_count, first_at, sealed_at, rows_digest, previous_digest, digest)
		SELECT coalesce(max(number), 0) + 1, 7, '1', '10', 9, '2020-01-01', '2020-01-02', sha256('rows'), sha256('previous'), sha256('$name') FROM ddd.audit_seals};
}

# Writes at a version that is going to be left; "wide" where the other version has room for all of it.
sub writes
{
	my ($version, $name, $wide) = @_;
	my $users = at_least($version, '0.2.0') ? "full_name) VALUES ('$name\@example.org', '  $name  of nowhere ')"
	  : "first_name, last_name) VALUES ('$name\@example.org', '$name', ' X  y')";

	return join ";\n", "INSERT INTO ddd.users (email, $users",
	  q{UPDATE ddd.users SET bio = bio || '!' WHERE id IN (3, 4)}, q{DELETE FROM ddd.users WHERE email IN (SELECT email FROM ddd.users WHERE id = 39} . (at_least($version, '0.2.0') && $wide ? ' AND NOT EXISTS (SELECT FROM ddd.posts WHERE author_id = 39)' : '') . ')',
	  at_least($version, '0.2.0') && $wide
	  ? (q{INSERT INTO ddd.posts (title, content, author_id) VALUES ('written', '', 1)}, q{UPDATE ddd.comments SET content = content || '!' WHERE id < 4},
		q{DELETE FROM ddd.posts WHERE id = 2}, "INSERT INTO ddd.tags (name) VALUES ('$name')")
	  : (),
	  at_least($version, '0.4.0') && $wide ? synonyms($name) : (), at_least($version, '0.6.0') && $wide ? identity($name) : (), $wide ? $more->($version, $name) : ();
}

# A checksum of every row that the version has, with what users have added and
# what each counter tells.
sub rows_of
{
	my ($node, $database) = @_;

	return sql($node, $database, q{
		SELECT string_agg(concat_ws(' ', relname, rows), chr(10) ORDER BY relname) FROM (
			SELECT relname, query_to_xml(format('SELECT count(*), md5(string_agg(row, chr(10) ORDER BY row)) AS sum FROM (SELECT to_jsonb(t)::text AS row FROM ddd.%I t) r', relname), true, true, '')::text AS rows
			  FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r'
			   AND relname NOT IN ('stash', 'migration_log', 'counters', 'counter_ledger', 'counter_state')) t})
	  . (sql($node, $database, q{SELECT to_regclass('ddd.counters') IS NOT NULL}) eq 't' ? counts($node, $database) : '');
}

sub counts
{
	my ($node, $database) = @_;

	return sql($node, $database, q{
		SELECT string_agg(concat_ws(' ', counter, subject_id, n), ',' ORDER BY counter, subject_id) FROM (
			SELECT counter, subject_id, sum(n) AS n FROM (SELECT counter, subject_id, value AS n FROM ddd.counters
				UNION ALL SELECT counter, subject_id, delta FROM ddd.counter_ledger) c GROUP BY 1, 2 HAVING sum(n) <> 0) s});
}

# Sequences of columns that would give a value again which is there.
sub late_sequences
{
	my ($node, $database) = @_;

	return sql($node, $database, q{
		SELECT string_agg(s, ',' ORDER BY s) FROM (
			SELECT d.objid::regclass::text AS s, pg_sequence_last_value(d.objid) AS last,
			       (xpath('//m/text()', query_to_xml(format('SELECT max(%I) AS m FROM %s', a.attname, a.attrelid::regclass), true, true, '')))[1]::text::bigint AS highest
			  FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
			  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' AND c.relnamespace = 'ddd'::regnamespace
			 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) x
		 WHERE highest > coalesce(last, 0)});
}

# What is in the stash that should have come back: nothing, at the upper version.
# What a newer version cannot hold waits for an older one.
sub stashed
{
	my ($node, $database) = @_;

	return sql($node, $database, q{SELECT string_agg(concat_ws(' ', version, table_name, row_key), ',' ORDER BY 1) FROM ddd.stash WHERE table_name <> 'migration_log' AND (content ? 'row' OR content ? 'columns')
		AND (string_to_array(content ->> 'by', '.')::int[] > string_to_array(version, '.')::int[]) IS NOT TRUE});
}

sub database
{
	my ($node, $version, @statements) = @_;

	return new_database($node, 'pair_' . ++$nth, "CREATE EXTENSION ddd VERSION '$version'", @statements);
}

sub to { return map { "ALTER EXTENSION ddd UPDATE TO '$_'" } @_ }

# Every version on the way, the first left out.
sub steps
{
	my ($versions, $from, $to) = @_;
	my %at = map { $versions->[$_] => $_ } 0 .. $#$versions;

	return $at{$from} < $at{$to} ? @$versions[ $at{$from} + 1 .. $at{$to} ] : reverse @$versions[ $at{$to} .. $at{$from} - 1 ];
}

# The fingerprint of a database to which a user has added: a column that comes
# back stands behind his.
sub objects_of
{
	my ($node, $database) = @_;

	return join "\n", grep { !/^column .*: position \d+$/ } split /\n/, fingerprint($node, $database);
}

# The steps that the log has, in order: from and to.
sub logged
{
	my ($node, $database) = @_;
	my $table = sql($node, $database, q{SELECT to_regclass('ddd.migration_log') IS NOT NULL}) eq 't'
	  ? q{ddd.migration_log}
	  : q{(SELECT r.* FROM ddd.stash s, jsonb_to_record(s.content -> 'row') AS r (applied_at timestamptz, parent text, version text) WHERE s.table_name = 'migration_log') AS l};

	return sql($node, $database, "SELECT string_agg(concat(parent, '>', version), ' ' ORDER BY applied_at) FROM $table");
}

sub as_logged
{
	my @way = @_;

	return join ' ', ">$way[0]", map { "$way[$_]>$way[ $_ + 1 ]" } 0 .. $#way - 1;
}

# Claims what holds of a pair: calls claim->(name, got, expected) for each. An
# error in a script dies.
sub claim_pair
{
	my ($node, $versions, $lower, $upper, $claim) = @_;
	my $wide = at_least($lower, '0.2.0');
	my $name = "$lower and $upper";
	my @up = steps($versions, $lower, $upper);
	my @down = steps($versions, $upper, $lower);

	my ($fresh_lower, $fresh_upper) = map { $fresh{ $node->name }{$_} //= fingerprint($node, database($node, $_)) } $lower, $upper;
	$claim->("$name: up is as fresh", fingerprint($node, database($node, $lower, to($upper))), $fresh_upper);
	$claim->("$name: up in single steps is as fresh", fingerprint($node, database($node, $lower, to(@up))), $fresh_upper);
	$claim->("$name: down is as fresh", fingerprint($node, database($node, $upper, to($lower))), $fresh_lower);
	$claim->("$name: down in single steps is as fresh", fingerprint($node, database($node, $upper, to(@down))), $fresh_lower);
	$claim->("$name: up, down and up is as fresh", fingerprint($node, database($node, $lower, to($upper, $lower, $upper))), $fresh_upper);

	# rows: up, written, down, written, up
	my $db = database($node, $lower, fixture($lower));
	my $rows = rows_of($node, $db);
	my $objects = objects_of($node, $db);
	sql($node, $db, $_) foreach to($upper, $lower);
	$claim->("$name: up and down, no row has changed", rows_of($node, $db), $rows);
	$claim->("$name: up and down, no object has changed, the user's neither", objects_of($node, $db), $objects);
	sql($node, $db, $_) foreach to($upper), writes($upper, 'Above', $wide);
	$rows = rows_of($node, $db);
	$objects = objects_of($node, $db);
	sql($node, $db, to($lower));
	my $below = rows_of($node, $db);
	sql($node, $db, to($upper));
	$claim->("$name: written above, down and up, no row has changed", rows_of($node, $db), $rows);
	$claim->("$name: written above, down and up, no object has changed", objects_of($node, $db), $objects);
	$claim->("$name: written above, down and up, all is out of the stash", stashed($node, $db), '');
	$claim->("$name: written above, down and up, no sequence gives an id again", late_sequences($node, $db), '');
	my @way = ($lower, (@up, @down) x 2, @up);
	$claim->("$name: every step is in the log", logged($node, $db), as_logged(@way));
	sql($node, $db, to($lower));
	$claim->("$name: written above, down again, the same rows", rows_of($node, $db), $below);
	sql($node, $db, writes($lower, 'Below', $wide));
	$rows = rows_of($node, $db);
	sql($node, $db, $_) foreach to($upper, $lower);
	$claim->("$name: written below, up and down, no row has changed", rows_of($node, $db), $rows);
	$claim->("$name: every step is in the log, below as well", logged($node, $db), as_logged(@way, @down, @up, @down));

	# a dump of the lower version: beside its own code, and onto the newest
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
	my $source = database($node, $lower, fixture($lower), writes($lower, 'Dumped', $wide));
	my ($restored, $newest) = map { new_database($node, 'pair_' . ++$nth) } 1 .. 2;
	command($node, 'pg_dump', '--file', $dump, '--dbname', $node->connstr($source));
	restore($node, $newest, $dump);
	# as where the newest code was not installed
	my $sql = slurp_file($dump);
	$sql =~ s/^(CREATE EXTENSION IF NOT EXISTS ddd\b[^;]*);/$1 VERSION '$lower';/m or die 'no CREATE EXTENSION in the dump';
	unlink $dump;
	append_to_file($dump, $sql);
	restore($node, $restored, $dump);
	sql($node, $newest, "SELECT ddd.stamp('$lower')");
	sql($node, $_, to($upper)) foreach $source, $restored, $newest;
	$objects = objects_of($node, $source);
	$rows = rows_of($node, $source);
	$claim->("$name: restored at the lower version and migrated, the rows", rows_of($node, $restored), $rows);
	$claim->("$name: restored at the lower version and migrated, the objects", objects_of($node, $restored), $objects);
	$claim->("$name: restored onto the newest code, stamped and migrated, the rows", rows_of($node, $newest), $rows);
	$claim->("$name: restored onto the newest code, stamped and migrated, the objects", objects_of($node, $newest), $objects);
}

# Claims what holds of the newest library beside the SQL of a version.
sub claim_library
{
	my ($node, $version, $claim) = @_;
	my $db = database($node, $version, fixture($version), writes($version, 'Library', at_least($version, '0.2.0')));
	my $name = "$version with the newest library";

	$claim->("$name: the versions are told", version_of($node, $db), "$version $version");
	if (at_least($version, '0.2.0') && $version ne current_version())
	{
		my $error = failure($node, $db, 'SELECT * FROM ddd.get_user(1)');
		$claim->("$name: a call says what to do", "$error->{state} " . ($error->{hint} =~ /(ALTER EXTENSION ddd UPDATE)/ ? $1 : ''), '55000 ALTER EXTENSION ddd UPDATE');
	}
	$claim->("$name: triggers check rows", failure($node, $db, q{UPDATE ddd.users SET email = 'no address'})->{state}, '23514');
	$claim->("$name: triggers keep times", sql($node, $db, q{UPDATE ddd.users SET created_at = '2001-01-01', bio = 'x' WHERE id = 3;
		SELECT created_at, updated_at > '2022-01-01' FROM ddd.users WHERE id = 3}), '2020-01-01 03:00:00+00|t');
	$claim->("$name: install() has nothing to do", sql($node, $db, 'SELECT ddd.install()'), 'nothing to do');
}

sub restore
{
	my ($node, $database, $dump) = @_;

	command($node, 'psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, $node->connstr($database));
}

sub command
{
	my ($node, @command) = @_;

	local %ENV = $node->_get_env;
	PostgreSQL::Test::Utils::system_or_bail(@command);
}

1;
