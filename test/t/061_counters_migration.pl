# The migration to 0.3.0 counts the rows that are there, the one back drops
# nothing but what can be counted again, and both lead to the same objects as a
# fresh install. They are steps on the way from and to the newest version, whose
# functions can be called.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
sql($node, 'postgres', 'CREATE ROLE app');
my $from = '0.2.0';
my $to = current_version();
my $up = "ALTER EXTENSION ddd UPDATE TO '$to'";
my $down = "ALTER EXTENSION ddd UPDATE TO '$from'";
my @kept = qw(stash users posts comments tags post_tags);

# Returns how many counts are not those of the rows: comments of posts, posts of tags.
sub deviations
{
	my ($database) = @_;

	return sql(
		$node, $database, q{
		SELECT count(*) FROM (
			SELECT 1 AS counter, post_id AS subject_id, count(*) AS n FROM ddd.comments GROUP BY post_id
			 UNION ALL SELECT 2, tag_id, count(*) FROM ddd.post_tags GROUP BY tag_id) r
		  FULL JOIN (
			SELECT counter, subject_id, sum(n) AS n
			  FROM (SELECT counter, subject_id, value AS n FROM ddd.counters
			         UNION ALL SELECT counter, subject_id, delta FROM ddd.counter_ledger) p
			 GROUP BY counter, subject_id HAVING sum(n) <> 0) c USING (counter, subject_id)
		 WHERE r.n IS DISTINCT FROM c.n}) . '|' . sql(
		$node, $database, q{
		SELECT count(*) FROM ddd.posts p WHERE ddd.comment_count(p.id) <> (SELECT count(*) FROM ddd.comments c WHERE c.post_id = p.id)});
}

my $fill = q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 20) n;
	INSERT INTO ddd.posts (title, content, author_id, created_at)
	SELECT 'Post ' || n, '', 1 + n % 20, now() - n % 9 * interval '1 day' FROM generate_series(1, 500) n;
	INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', 1 + (n % 400) * (n % 400) / 400, 1 + n % 20 FROM generate_series(1, 5000) n;
	INSERT INTO ddd.tags (name) SELECT 't' || n FROM generate_series(1, 30) n;
	INSERT INTO ddd.post_tags (post_id, tag_id) SELECT DISTINCT 1 + n % 500, 1 + n * n % 29 FROM generate_series(1, 3000) n;
	UPDATE ddd.users SET bio = 'kept'};
my $write = q{
	DELETE FROM ddd.comments WHERE post_id % 3 = 0;
	DELETE FROM ddd.posts WHERE id % 7 = 0;
	UPDATE ddd.comments SET post_id = 2 WHERE id % 11 = 0;
	INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', 1, 1 FROM generate_series(1, 40);
	DELETE FROM ddd.post_tags WHERE tag_id % 4 = 0};

new_database($node, 'trip', "CREATE EXTENSION ddd VERSION '$from'", $fill);
my $rows = row_checksums($node, 'trip', @kept);
sql($node, 'trip', $up);
is(version_of($node, 'trip'), "$to $to", 'up: code and tables are at the new version');
is(row_checksums($node, 'trip', @kept), $rows, 'up: every row is as it was');
is(deviations('trip'), '0|0', 'up: every count is there');
cmp_ok(sql($node, 'trip', 'SELECT count(*) FROM ddd.counters'), '>', 200, 'up: and they are counted, not pending');
is(sql($node, 'trip', 'SELECT ddd.rebuild_counters()'), '0', 'up: a recount finds nothing to correct');
sql($node, 'trip', $write);
is(deviations('trip'), '0|0', 'after writes they are exact');

$rows = row_checksums($node, 'trip', @kept);
sql($node, 'trip', $down);
is(version_of($node, 'trip'), "$from $from", 'down: code and tables are at the old version');
is(row_checksums($node, 'trip', @kept), $rows, 'down: no row is lost, with deltas pending');
sql($node, 'trip', $write);
sql($node, 'trip', $up);
is(deviations('trip'), '0|0', 'up again: writes in between are counted');

# ---- every way to a version leads to the same objects ------------------------
new_database($node, 'fresh_to', "CREATE EXTENSION ddd VERSION '$to'");
new_database($node, 'fresh_from', "CREATE EXTENSION ddd VERSION '$from'");
new_database($node, 'down', "CREATE EXTENSION ddd VERSION '$to'", $fill, $down);
new_database($node, 'owned', "CREATE EXTENSION ddd VERSION '$from'");
new_database($node, 'late', 'SET ddd.create_tables = off', "CREATE EXTENSION ddd VERSION '$from'", $up, 'SELECT ddd.install()');
is_same_text(fingerprint($node, 'trip'), fingerprint($node, 'fresh_to'), 'up(down(up)) = fresh');
is_same_text(fingerprint($node, 'down'), fingerprint($node, 'fresh_from'), 'down = fresh');
is_same_text(fingerprint($node, 'late'), fingerprint($node, 'fresh_to'), 'migrated without tables, then ddd.install() = fresh');

give_tables_to($node, 'owned', 'app');
foreach my $step ($up, $down, $up)
{
	sql($node, 'owned', $step);
	is( sql(
			$node, 'owned', q{
			SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class
			 WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'S', 'i')}),
		'app', "tables of another owner stay his: $step");
}
sql($node, 'owned', $fill);
is(deviations('owned'), '0|0', 'and are counted');

# ---- popular_posts() changes its arguments: what was granted on it stays -------
my %popular_posts = ($from => 'ddd.popular_posts(integer, text, integer)', $to => 'ddd.popular_posts(integer, text, integer, interval)');
sql($node, 'postgres', 'CREATE ROLE "Other role"');
new_database($node, 'granted', "CREATE EXTENSION ddd VERSION '$from'",
	"GRANT EXECUTE ON FUNCTION $popular_posts{$from} TO app WITH GRANT OPTION",
	"GRANT USAGE ON SCHEMA ddd TO app",
	qq{SET ROLE app; GRANT EXECUTE ON FUNCTION $popular_posts{$from} TO "Other role"});
foreach my $step ([ $up, $to ], [ $down, $from ], [ $up, $to ])
{
	my ($statement, $version) = @$step;
	my $function = quotemeta $popular_posts{$version} =~ s/\(.*//r;

	sql($node, 'granted', $statement);
	is( sql(
			$node, 'granted', qq{
			SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || a.is_grantable, ',' ORDER BY a.grantee)
			  FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid = '$popular_posts{$version}'::regprocedure AND a.grantee <> p.proowner}),
		'apptrue,Other rolefalse', "its grants are there, and no others: $statement");
	my ($dump) = run_command([ 'pg_dump', '--schema-only', $node->connstr('granted') ]);
	like($dump, qr/^GRANT ALL ON FUNCTION $function\(.*\) TO app WITH GRANT OPTION;$/m, '... and in a dump');
	like($dump, qr/^GRANT ALL ON FUNCTION $function\(.*\) TO "Other role";$/m, '... all of them');
}
new_database($node, 'ungranted', "CREATE EXTENSION ddd VERSION '$from'", $up);
is_refused($node, 'ungranted', "SELECT ddd.pass_grants('$popular_posts{$to}', 'ddd.get_user(bigint)')", '55000', undef,
	'pass_grants() is refused outside a script');

# ---- what stands on it stops the migration, and nothing is lost ------------------
new_database($node, 'viewed', "CREATE EXTENSION ddd VERSION '$from'", $fill,
	'CREATE VIEW public.top AS SELECT id, comment_count FROM ddd.popular_posts(3)');
my $before = fingerprint($node, 'viewed');
is_refused($node, 'viewed', $up, '2BP01', qr/view public\.top depends on function/, 'a view of popular_posts() must be dropped first');
is_same_text(fingerprint($node, 'viewed'), $before, '... and all is as it was');
sql($node, 'viewed', 'DROP VIEW public.top');
sql($node, 'viewed', $up);
is(deviations('viewed'), '0|0', '... then it runs');

# ---- what was written while there was no extension is counted --------------------
new_database($node, 'recreated', 'CREATE EXTENSION ddd', $fill, 'SELECT ddd.fold_counters()', 'DROP EXTENSION ddd CASCADE', $write);
sql($node, 'recreated', 'CREATE EXTENSION ddd');
is(sql($node, 'recreated', 'SELECT count(*) > 300, count(*) FILTER (WHERE told <> counted) FROM ddd.verify_counters()'), 't|0',
	'dropped, written to and created again: every count is exact');
sql($node, 'recreated', "SELECT ddd.fold_counters(); $write");
is(deviations('recreated'), '0|0', '... after a fold as well');
new_database($node, 'emptied', 'CREATE EXTENSION ddd', $fill, 'SELECT ddd.fold_counters()', 'DROP EXTENSION ddd CASCADE',
	'DELETE FROM ddd.post_tags; DELETE FROM ddd.comments', 'CREATE EXTENSION ddd');
is(sql($node, 'emptied', 'SELECT count(*) FROM ddd.popular_posts()'), '0', 'emptied meanwhile: nothing is counted');

# ---- a snapshot from before its locks would count too little ---------------------
foreach my $level ('repeatable read', 'serializable')
{
	is_refused($node, 'fresh_from', "BEGIN ISOLATION LEVEL $level; $up", '25001', undef, "the migration is refused under $level");
}

# ---- writers wait for the migration, and are counted --------------------------
new_database($node, 'busy', "CREATE EXTENSION ddd VERSION '$from'", $fill);
my $migrating = $node->background_psql('busy');
my $writing = $node->background_psql('busy', on_error_stop => 0);
$migrating->query_safe('BEGIN');
$migrating->query_safe($up);
$writing->query_until(qr/begun/, "\\echo begun\nINSERT INTO ddd.comments (content, post_id, author_id) VALUES ('c', 1, 1);\n");
$node->poll_query_until('busy', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^INSERT'})
  or die 'the writer does not wait';
$migrating->query_safe('COMMIT');
$migrating->quit;
$writing->query_safe('SELECT 1');
$writing->quit;
is(deviations('busy'), '0|0', 'a comment that waited for the migration is counted');

$node->stop;
done_testing();
