# The random mix of what changes, folds and reads counters, for pgbench: sessions
# insert, delete, move, cascade, use ids again, roll back savepoints and whole
# transactions, prepare them and fold, while readers at three isolation levels
# compare with count(*) in the same snapshot.

package Mix;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(mix_settings mix_prepare %mix_script mix_files);

my $some = join ' ', map { "SELECT public.change('$_');" } qw(insert delete move);
my $name = q{\set name :client_id + 1000 * random(1, 1000000000)} . "\n";

# A script by its name, behind which is its weight.
our %mix_script = (
	'insert@6' => q{SELECT public.change('insert');},
	'delete@3' => q{SELECT public.change('delete');},
	'move@2' => q{SELECT public.change('move');},
	'recreate@1' => q{SELECT public.change('recreate');},
	'tag@2' => q{SELECT public.change('tag');},
	'several@3' => "BEGIN; $some SAVEPOINT s; $some ROLLBACK TO s; SELECT public.change('insert'); SELECT public.compare(); COMMIT;",
	'rolled_back@1' => "BEGIN; $some SELECT public.compare(); ROLLBACK;",
	'prepared@1' => $name . "BEGIN; $some PREPARE TRANSACTION ':name'; SELECT public.compare(); COMMIT PREPARED ':name';",
	'not_prepared@1' => $name . "BEGIN; $some PREPARE TRANSACTION ':name'; SELECT public.compare(); ROLLBACK PREPARED ':name';",
	'fold@1' => 'SELECT ddd.fold_counters();',
	'fold_with_others@1' => "BEGIN; $some SELECT ddd.fold_counters(); SELECT public.change('insert'); SELECT public.compare(); COMMIT;",
	'fold_undone@1' => 'BEGIN; SELECT ddd.fold_counters(); SELECT public.compare(); ROLLBACK;',
	'rebuild@1' => 'SELECT ddd.rebuild_counters();',
	'read_committed@3' => 'SELECT public.compare();',
	(map { ('read_' . tr/ /_/r . '@2' => "BEGIN ISOLATION LEVEL $_; SELECT public.compare(); SELECT public.compare(); SELECT public.compare(); COMMIT;") }
		'REPEATABLE READ', 'SERIALIZABLE'),
);

# Settings of a server for it.
sub mix_settings
{
	return <<'END';
max_prepared_transactions = 20
deadlock_timeout = 10ms
log_min_messages = fatal
ddd.fold_threshold = 50
END
}

# Creates the extension, few posts for many sessions, and in schema public what the scripts call.
sub mix_prepare
{
	my ($node) = @_;

	$node->safe_psql(
		'postgres', q{
	CREATE EXTENSION ddd;
	INSERT INTO ddd.users (id, email, full_name) VALUES (1, 'mix@example.org', 'M');
	INSERT INTO ddd.posts (id, title, content, author_id, created_at)
	SELECT i, 'P', '', 1, now() - (i % 7) * interval '1 day' FROM generate_series(1, 60) i;
	INSERT INTO ddd.tags (id, name) SELECT i, 't' || i FROM generate_series(1, 10) i;
	CREATE SEQUENCE public.compared;
	CREATE SEQUENCE public.different;

	-- deviations(): of everything that can be counted, in the snapshot of the statement
	CREATE FUNCTION public.deviations() RETURNS bigint STABLE LANGUAGE sql AS $$
		WITH told AS (
			SELECT 'count' AS what, id, ddd.comment_count(id) AS n FROM ddd.posts
			 UNION ALL
			SELECT 'rank ' || row_number() OVER (), id, comment_count FROM ddd.popular_posts(25, min_comments => 0)
			 UNION ALL
			SELECT 'of late ' || row_number() OVER (), id, comment_count FROM ddd.popular_posts(10, since => '3 seconds')
			 UNION ALL
			SELECT 'hot ' || row_number() OVER (), id, comment_count FROM ddd.hot_posts(10)
			 UNION ALL
			SELECT 'tag', subject_id, sum(n) FROM (
				SELECT subject_id, value AS n FROM ddd.counters WHERE counter = 2
				 UNION ALL
				SELECT subject_id, delta FROM ddd.counter_ledger WHERE counter = 2) l GROUP BY subject_id HAVING sum(n) <> 0
		), counted AS (
			SELECT p.id, p.created_at, count(c.id) AS n, count(c.id) FILTER (WHERE c.created_at >= now() - interval '3 seconds') AS late,
			       count(c.id) / power(extract(epoch FROM now() - p.created_at)::float8 / 3600 + 2, 1.8) AS score
			  FROM ddd.posts p LEFT JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id
		), wanted AS (
			SELECT 'count' AS what, id, n FROM counted
			 UNION ALL
			(SELECT 'rank ' || row_number() OVER (ORDER BY n DESC, created_at DESC, id DESC), id, n
			   FROM counted ORDER BY n DESC, created_at DESC, id DESC LIMIT 25)
			 UNION ALL
			(SELECT 'of late ' || row_number() OVER (ORDER BY late DESC, created_at DESC, id DESC), id, late
			   FROM counted WHERE late > 0 ORDER BY late DESC, created_at DESC, id DESC LIMIT 10)
			 UNION ALL
			(SELECT 'hot ' || row_number() OVER (ORDER BY score DESC, created_at DESC, id DESC), id, n
			   FROM counted WHERE n > 0 ORDER BY score DESC, created_at DESC, id DESC LIMIT 10)
			 UNION ALL
			SELECT 'tag', tag_id, count(*) FROM ddd.post_tags GROUP BY tag_id
		)
		SELECT count(*) FROM told FULL JOIN wanted USING (what, id) WHERE told.n IS DISTINCT FROM wanted.n
	$$;
	CREATE FUNCTION public.compare() RETURNS bigint VOLATILE LANGUAGE sql AS $$
		SELECT nextval('public.compared'), CASE WHEN public.deviations() > 0 THEN nextval('public.different') END;
		SELECT 1::bigint
	$$;

	CREATE FUNCTION public.post() RETURNS bigint VOLATILE LANGUAGE sql AS 'SELECT 1 + floor(60 * random() ^ 2)::bigint';
	CREATE FUNCTION public.some_comments() RETURNS SETOF bigint VOLATILE LANGUAGE sql AS $$
		SELECT id FROM ddd.comments WHERE post_id = (SELECT public.post()) ORDER BY id LIMIT 4 FOR UPDATE SKIP LOCKED
	$$;
	-- change(kind): what another session is in the way of is not done, and its subtransaction rolled back
	CREATE FUNCTION public.change(kind text) RETURNS void VOLATILE LANGUAGE plpgsql AS $$
	DECLARE
		p bigint := public.post();
	BEGIN
		CASE kind
		WHEN 'insert' THEN
			INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', p + i % 2, 1 FROM generate_series(1, 5) i;
		WHEN 'delete' THEN
			DELETE FROM ddd.comments WHERE id IN (SELECT public.some_comments());
		WHEN 'move' THEN
			UPDATE ddd.comments SET post_id = p WHERE id IN (SELECT public.some_comments());
		WHEN 'recreate' THEN
			DELETE FROM ddd.posts WHERE id = p;
			INSERT INTO ddd.posts (id, title, content, author_id, created_at)
			VALUES (p, 'again', '', 1, now() - random() * interval '9 days');
			INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', p, 1 FROM generate_series(1, (random() * 5)::int);
		WHEN 'tag' THEN
			INSERT INTO ddd.post_tags (post_id, tag_id) SELECT p, 1 + floor(10 * random())::bigint ON CONFLICT DO NOTHING;
			DELETE FROM ddd.post_tags WHERE post_id = p AND tag_id = 1 + floor(10 * random())::bigint;
		END CASE;
	EXCEPTION WHEN foreign_key_violation OR unique_violation OR deadlock_detected THEN NULL;
	END $$;});
}

# Writes the scripts and returns the options of pgbench for them.
sub mix_files
{
	my (@names) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();

	return map {
		my ($name, $weight) = split /@/;
		append_to_file("$directory/$name", $mix_script{$_});
		('--file', "$directory/$name\@$weight")
	} @names;
}

1;
