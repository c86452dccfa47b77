# A dump brings back every row, in every format and with any number of jobs,
# together with what a user has added to the tables; and an old dump onto
# newer code says how to go on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'max_connections = 40', 'max_wal_size = 2GB',
	'autovacuum = off');
sql($node, 'postgres', 'CREATE ROLE app LOGIN');
my $version = current_version();

my $dumps = "$PostgreSQL::Test::Utils::tmp_check/dumps";
mkdir $dumps or die "$dumps: $!";

# What a user adds: a column, an index, a trigger, a policy, a constraint.
my $additions = q{
	CREATE SCHEMA own;
	CREATE FUNCTION own.fill_nickname() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		new.nickname := coalesce(new.nickname, 'nick of ' || new.full_name);
		RETURN new;
	END $$;
	ALTER TABLE ddd.users ADD COLUMN nickname text, ADD COLUMN "Odd ""column" integer[] DEFAULT '{1,2}';
	ALTER TABLE ddd.users ADD CONSTRAINT nickname_length CHECK (length(nickname) < 1000);
	CREATE INDEX own_nickname ON ddd.users (nickname) WHERE nickname <> '';
	CREATE TRIGGER fill_nickname BEFORE INSERT OR UPDATE ON ddd.users
		FOR EACH ROW EXECUTE FUNCTION own.fill_nickname();
	ALTER TABLE ddd.comments ADD COLUMN mood text DEFAULT 'calm';
	CREATE INDEX own_mood ON ddd.comments (mood, id);
	ALTER TABLE ddd.posts ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own_posts ON ddd.posts TO app USING (author_id = 1)};
my $added_rows = q{
	SELECT md5(string_agg(ROW(id, nickname, "Odd ""column")::text, ',' ORDER BY id)) FROM ddd.users
	UNION ALL
	SELECT md5(string_agg(ROW(id, mood)::text, ',' ORDER BY id)) FROM ddd.comments};

# ---- the database that is dumped -------------------------------------------
my $seed = q{
	SELECT count(ddd.create_user('user' || n || '@example.org', E'Üser "' || n || E'"\\\\ \t' || n, bio => nullif('bio' || n % 5, 'bio0')))
	  FROM generate_series(1, 3000) n;
	SELECT count(ddd.create_post(1 + n % 3000, 'Post ' || n, repeat('text ', n % 50) || n,
	             ARRAY['tag' || n % 40, 'Tag' || n % 7, 'all']))
	  FROM generate_series(1, 5000) n;
	SELECT count(ddd.add_comment(1 + (n * n) % 5000, 1 + n % 3000, 'comment ' || n))
	  FROM generate_series(1, 18000) n;
	-- from here on what is counted stays in the ledger
	SELECT ddd.fold_counters() > 0;
	-- replies, and replies to replies
	SELECT count(ddd.add_comment(post_id, author_id, 'reply to ' || id, id)) FROM ddd.comments WHERE id <= 1500;
	SELECT count(ddd.add_comment(post_id, author_id, 'second reply to ' || id, id)) FROM ddd.comments WHERE id BETWEEN 18001 AND 18500;
	-- an updated parent lies behind its replies, in the table and in the dump
	UPDATE ddd.comments SET content = content || ' (edited)' WHERE id IN (1, 2, 18001);
	DELETE FROM ddd.comments WHERE id = 3;
	SELECT ddd.delete_post(17), ddd.delete_user(5, 'cascade');
	SELECT ddd.untag_post(1, '{all}');
	UPDATE ddd.users SET nickname = 'changed' WHERE id % 10 = 0;
	INSERT INTO ddd.stash VALUES
		('0.1.0', 'users', '1', '{"first_name": null, "last_name": "é\\"\\\\", "full_name": "x"}'),
		('0.1.0', 'users', '2', '{"first_name": "a\tb"}'),
		('9.9.9', 'future', 'any key', '[1, 2]')};

new_database($node, 'source', 'CREATE EXTENSION ddd');
sql($node, 'source', $additions);
sql($node, 'source', $seed);
is( sql(
		$node, 'source', q{
		SELECT count(*) FROM ddd.comments c JOIN ddd.comments p ON p.id = c.parent_id AND p.ctid > c.ctid}),
	'2', 'some replies lie before their parents');
cmp_ok(sql($node, 'source', 'SELECT count(*) FROM ddd.comments'), '>', 19900, 'the source has 20 k comments');
is( sql(
		$node, 'source', q{
		SELECT (SELECT count(*) FROM ddd.counters) > 300, (SELECT count(*) FROM ddd.counter_ledger) BETWEEN 2000 AND 4000,
		       (SELECT string_agg(stale::text, ' ') FROM ddd.counter_state)}),
	't|t|false false', 'and counters, a part of them still in the ledger');

# What a restored database is compared with.
my $answers = q{
	SELECT md5(string_agg(p::text, E'\n')) FROM ddd.popular_posts(100) p;
	SELECT md5(string_agg(p::text, E'\n')) FROM ddd.posts_by_tag('TAG3', 100) p;
	SELECT md5(string_agg(p::text, E'\n')) FROM ddd.posts_with_comments(50) p;
	SELECT md5(string_agg(u::text, E'\n')) FROM ddd.search_users('999') u};
my $next_ids = q{
	SELECT string_agg(format('%s=%s', sequencename, last_value), ' ' ORDER BY sequencename)
	  FROM pg_sequences WHERE schemaname = 'ddd'};
my %expected = (
	source => {
		rows => all_row_checksums($node, 'source'),
		added => sql($node, 'source', $added_rows),
		objects => fingerprint($node, 'source'),
		answers => sql($node, 'source', $answers),
		ids => sql($node, 'source', $next_ids),
	});

# Returns how many counts are not those of the rows, by the API and by the tables.
sub deviations
{
	my ($database) = @_;

	return sql(
		$node, $database, q{
		SELECT (SELECT count(*) FROM ddd.posts p WHERE ddd.comment_count(p.id) <> (SELECT count(*) FROM ddd.comments c WHERE c.post_id = p.id)),
		       (SELECT count(*) FROM ddd.popular_posts(1000) t
		          FULL JOIN (SELECT p.id, count(*) AS n FROM ddd.posts p JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id
		                      ORDER BY n DESC, p.created_at DESC, p.id DESC LIMIT 1000) w USING (id)
		         WHERE t.comment_count IS DISTINCT FROM w.n)});
}

# Claims about one restored database. What changes rows comes last.
sub is_restored
{
	my ($database, $source, $name) = @_;
	my $expected = $expected{$source};

	is(all_row_checksums($node, $database), $expected->{rows}, "$name: every row of every table");
	is(sql($node, $database, $added_rows), $expected->{added}, "$name: the user's own columns");
	is_same_text(fingerprint($node, $database), $expected->{objects},
		"$name: every object, the user's own index, trigger, constraint and policy among them");
	works($database, $source, $name);
}

sub works
{
	my ($database, $source, $name) = @_;
	my $expected = $expected{$source};

	is(version_of($node, $database), "$version $version", "$name: the versions agree");
	is(deviations($database), '0|0', "$name: every count is exact");
	sql($node, $database, 'SELECT ddd.fold_counters()');
	is(deviations($database), '0|0', "$name: after a fold as well");
	is(sql($node, $database, 'SELECT ddd.rebuild_counters()'), '0', "$name: and a recount corrects nothing");
	is(sql($node, $database, $answers), $expected->{answers}, "$name: the API gives the same answers");
	is(sql($node, $database, $next_ids), $expected->{ids}, "$name: the sequences stand where they stood");
	is_refused($node, $database, 'DROP EXTENSION ddd', '2BP01', undef, "$name: DROP EXTENSION is refused");
	is( sql(
			$node, $database, q{
			UPDATE ddd.posts SET title = 'touched', created_at = 'epoch', updated_at = 'epoch' WHERE id = 2
			RETURNING updated_at > now() - interval '1 hour' AND created_at > 'epoch'}),
		't', "$name: updated_at moves and created_at stays");
	is_refused($node, $database, q{INSERT INTO ddd.comments (content, post_id, author_id) VALUES (U&'\200B', 2, 1)},
		'23514', undef, "$name: a blank comment is refused");
	is_refused($node, $database,
		q{INSERT INTO ddd.comments (content, post_id, author_id, parent_id) SELECT 'x', 2, 1, min(id) FROM ddd.comments WHERE post_id <> 2},
		'23514', undef, "$name: a parent on another post is refused");
	is( sql(
			$node, $database, q{
			DELETE FROM ddd.post_tags WHERE post_id = 2;
			INSERT INTO ddd.post_tags (post_id, tag_id) SELECT 2, min(id) FROM ddd.tags;
			SELECT t.post_created_at = p.created_at FROM ddd.post_tags t JOIN ddd.posts p ON p.id = t.post_id WHERE p.id = 2}),
		't', "$name: a two-column INSERT into post_tags gets post_created_at");
	is( sql(
			$node, $database, q{
			SELECT (u).id FROM ddd.create_user('new@example.org', 'New') u;
			SELECT (p).id FROM ddd.create_post(3001, 'new', 'text', '{all,new}') p;
			SELECT (c).id FROM ddd.add_comment(5001, 3001, 'new') c;
			SELECT nickname FROM ddd.users WHERE id = 3001}),
		# the two refused comments took an id each
		"3001\n5001\n20003\nnick of New", "$name: new rows get the next ids and the user's trigger");
}

# Runs a program; one claim: it succeeds without a word on standard error.
sub runs_silently
{
	my ($name, @command) = @_;
	my ($out, $err) = ('', '');
	my $ok = run(\@command, '<', \'', '>', \$out, '2>', \$err);

	is(($ok ? 'exit 0' : "exit $?") . " $err", 'exit 0 ', $name);
}

sub dump_database
{
	my ($source, $file, @options) = @_;
	my $err = '';

	# A warning about circular foreign keys is pg_dump's own affair.
	run([ 'pg_dump', @options, '--file', "$dumps/$file", '--dbname', $node->connstr($source) ], '2>', \$err)
	  or die "pg_dump: $err";
}

sub psql_restore
{
	my ($database, $file, $name, @options) = @_;

	runs_silently("$name: no error",
		'psql', '-X', '-q', @options, '-f', "$dumps/$file", '-d', $node->connstr($database));
}

sub pg_restore
{
	my ($database, $file, $name, @options) = @_;

	runs_silently("$name: no error",
		'pg_restore', @options, '--dbname', $node->connstr($database), "$dumps/$file");
}

# ---- the matrix ------------------------------------------------------------
foreach my $source ('source', 'owned')
{
	my $suffix = '';

	if ($source eq 'owned')
	{
		$node->safe_psql('postgres', 'CREATE DATABASE owned TEMPLATE source');
		give_tables_to($node, 'owned', 'app');
		sql($node, 'owned', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app');
		$expected{owned} = { %{ $expected{source} }, objects => fingerprint($node, 'owned') };
		$suffix = ', tables of another role';
	}
	dump_database($source, "$source.sql");
	dump_database($source, "$source.custom", '-Fc');
	dump_database($source, "$source.dir", '-Fd', '-j4');
	dump_database($source, "$source.data.sql", '--data-only');

	my @full = (
		[ 'plain', 'psql', sub { psql_restore($_[0], "$source.sql", $_[1]) } ],
		[ 'single', 'psql -1 -v ON_ERROR_STOP=1', sub { psql_restore($_[0], "$source.sql", $_[1], '-1', '-v', 'ON_ERROR_STOP=1') } ],
		[ 'custom', 'pg_restore of -Fc', sub { pg_restore($_[0], "$source.custom", $_[1]) } ],
		(map {
			my $jobs = $_;
			[ "dir$jobs", "pg_restore -j$jobs of -Fd", sub { pg_restore($_[0], "$source.dir", $_[1], "-j$jobs") } ]
		} 1, 4, 8));
	foreach my $mode (@full)
	{
		my ($short, $name, $restore) = @$mode;
		my $database = new_database($node, "${source}_$short");

		$name .= $suffix;
		$restore->($database, $name);
		is_restored($database, $source, $name);
		$node->safe_psql('postgres', "DROP DATABASE $database");
	}

	# Data alone, into the tables of a fresh extension.
	foreach my $mode (
		[ 'data', 'psql -1 of --data-only', sub { psql_restore($_[0], "$source.data.sql", $_[1], '-1', '-v', 'ON_ERROR_STOP=1') } ],
		[ 'data_custom', 'pg_restore --data-only --disable-triggers', sub {
			pg_restore($_[0], "$source.custom", $_[1], '--data-only', '--disable-triggers') } ])
	{
		my ($short, $name, $restore) = @$mode;
		my $database = new_database($node, "${source}_$short", 'CREATE EXTENSION ddd');

		sql($node, $database, $additions);
		if ($source eq 'owned')
		{
			give_tables_to($node, $database, 'app');
			sql($node, $database, 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app');
		}
		$name .= $suffix;
		$restore->($database, $name);
		# With its trigger disabled ddd.schema_version takes the same version twice;
		# where the triggers are on, the counters are stale.
		my @tables = qw(stash users posts comments tags post_tags);
		is(row_checksums($node, $database, @tables), row_checksums($node, $source, @tables), "$name: every row of every table");
		is(sql($node, $database, 'SELECT DISTINCT version FROM ddd.schema_version'), $version, "$name: one version");
		is(sql($node, $database, $added_rows), $expected{$source}{added}, "$name: the user's own columns");
		is_same_text(fingerprint($node, $database), $expected{$source}{objects}, "$name: every object");
		works($database, $source, $name);
		$node->safe_psql('postgres', "DROP DATABASE $database");
	}
}

$node->command_ok([ 'createdb', '-T', 'source', '--maintenance-db', $node->connstr('postgres'), 'copied' ],
	'createdb -T copies the database');
is_restored('copied', 'source', 'createdb -T');

# A restored database dumps and restores again.
new_database($node, 'once');
psql_restore('once', 'source.sql', 'restored once');
dump_database('once', 'once.sql');
new_database($node, 'twice');
psql_restore('twice', 'once.sql', 'restored twice', '-1', '-v', 'ON_ERROR_STOP=1');
is_restored('twice', 'source', 'the dump of a restored database');

# ---- an old dump onto newer code -------------------------------------------
new_database($node, 'old', q{CREATE EXTENSION ddd VERSION '0.1.0'});
sql(
	$node, 'old', q{
	INSERT INTO ddd.users (email, first_name, last_name, bio, updated_at)
	SELECT n || '@example.org', CASE WHEN n % 5 > 0 THEN 'Anna ' || n END, CASE WHEN n % 5 <> 1 THEN ' Le  ' || n || ' ' END,
	       'bio', timestamptz '2020-01-01' + n * interval '1 minute'
	  FROM generate_series(1, 1000) n;
	ALTER TABLE ddd.users ADD COLUMN nickname text DEFAULT 'old'});
dump_database('old', 'old.sql');
dump_database('old', 'old.dir', '-Fd');
my $old_rows = row_checksums($node, 'old', 'users', 'stash', 'schema_version');
sql($node, 'old', 'ALTER EXTENSION ddd UPDATE');
my $upgraded_rows = all_row_checksums($node, 'old');
my $upgraded_objects = fingerprint($node, 'old');

foreach my $mode (
	[ 'old_plain', 'an old dump by psql -1', sub { psql_restore($_[0], 'old.sql', $_[1], '-1', '-v', 'ON_ERROR_STOP=1') } ],
	[ 'old_dir', 'an old dump by pg_restore -j4', sub { pg_restore($_[0], 'old.dir', $_[1], '-j4') } ])
{
	my ($database, $name, $restore) = @$mode;

	new_database($node, $database);
	$restore->($database, $name);
	is(row_checksums($node, $database, 'users', 'stash', 'schema_version'), $old_rows, "$name: every row is there");
	is(version_of($node, $database), "$version 0.1.0", "$name: version() shows the two versions");
	my $error = failure($node, $database, q{SELECT ddd.create_user('x@example.org', 'X')});
	is($error->{state}, '55000', "$name: the API refuses");
	is(hinted_commands($error), "SELECT ddd.stamp('0.1.0');\nALTER EXTENSION ddd UPDATE TO '$version';\n",
		"$name: the hint is two commands");
	is($node->psql($database, hinted_commands($error), on_error_stop => 1), 0, "$name: the commands of the hint run");
	is(all_row_checksums($node, $database), $upgraded_rows, "$name: then every row is as after an upgrade in place");
	is_same_text(fingerprint($node, $database), $upgraded_objects,
		"$name: then every object is as after an upgrade in place");
	is(sql($node, $database, q{SELECT (u).id FROM ddd.create_user('x@example.org', 'X') u}),
		'1001', "$name: then the API works");
	is(sql($node, $database, q{ALTER EXTENSION ddd UPDATE TO '0.1.0'; DELETE FROM ddd.users WHERE id = 1001})
		. row_checksums($node, $database, 'users', 'schema_version'),
		join("\n", map { ($old_rows =~ /^($_ .*)$/m)[0] } qw(users schema_version)),
		"$name: then it can be downgraded without losing a name");
}

# An update gives the owner the functions that came with it; the dump says so.
new_database($node, 'updated', "CREATE EXTENSION ddd VERSION '0.1.0'");
give_tables_to($node, 'updated', 'app');
sql($node, 'updated', 'ALTER EXTENSION ddd UPDATE');
my $may_call = q{SELECT count(*) > 40 AND bool_and(has_function_privilege('app', oid, 'EXECUTE')) FROM pg_proc WHERE pronamespace = 'ddd'::regnamespace};
is(sql($node, 'updated', $may_call), 't', 'after an update the owner may execute every function');
dump_database('updated', 'updated.sql');
new_database($node, 'updated_restored');
psql_restore('updated_restored', 'updated.sql', 'the updated database by psql -1', '-1', '-v', 'ON_ERROR_STOP=1');
is(sql($node, 'updated_restored', $may_call), 't', 'after a restore he still may');

$node->stop;
done_testing();
