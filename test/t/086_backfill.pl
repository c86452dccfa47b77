# ddd.backfill(): rows are written in batches that are committed, each once,
# wherever it was stopped and by however many sessions, and it is no edit.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('backfill');
sql($node, 'postgres', 'CREATE ROLE app LOGIN; CREATE ROLE keeper LOGIN; CREATE ROLE deputy LOGIN IN ROLE keeper');

my $rows = 1234;
new_database($node, 'b', 'CREATE EXTENSION ddd', qq{
	INSERT INTO ddd.users (email, full_name) VALUES ('a\@example.org', 'A');
	INSERT INTO ddd.posts (title, content, author_id, created_at, updated_at) SELECT 'Post ' || n, '', 1, '2020-01-01', '2020-01-02' FROM generate_series(1, $rows) n;
	INSERT INTO ddd.tags (name) SELECT 'Tag ' || n FROM generate_series(1, 7) n;
	INSERT INTO ddd.post_tags (post_id, tag_id) SELECT p, t FROM generate_series(1, 100) p, generate_series(1, 7) t;
	ALTER TABLE ddd.posts ADD COLUMN n integer NOT NULL DEFAULT 0, ADD COLUMN "key 1" text, ADD COLUMN writer xid8;
	ALTER TABLE ddd.post_tags ADD COLUMN n integer NOT NULL DEFAULT 0});

# Returns what a call prints, and its error's SQLSTATE.
sub call
{
	my ($statement, %options) = @_;
	my ($code, $out, $err) = $node->psql('b', "\\set VERBOSITY verbose\n" . ($options{before} // '') . "CALL ddd.backfill($statement)");

	return $err;
}

sub spread { return sql($node, 'b', q{SELECT string_agg(concat_ws(' ', n, count), ',' ORDER BY n) FROM (SELECT n, count(*) FROM ddd.posts GROUP BY n) t}) }

# ---- every row once, in batches ----------------------------------------------
like(call(q{'posts', 'n = n + 1, writer = pg_current_xact_id()', batch_size => 100}), qr/NOTICE:  00000: $rows of $rows rows of ddd\.posts were written$/m, 'a notice says how many');
is(spread(), "1 $rows", 'every row is written once');
is(sql($node, 'b', 'SELECT count(DISTINCT writer), max(count), bool_and(upper - lower = count - 1) FROM (SELECT writer, count(*), min(id) AS lower, max(id) AS upper FROM ddd.posts GROUP BY writer) t'),
	'13|100|t', 'a transaction for each batch, in the order of the key');
is(sql($node, 'b', q{SELECT count(*) FROM ddd.posts WHERE updated_at <> '2020-01-02' OR created_at <> '2020-01-01'}), '0', 'it is no edit: updated_at stays');
is(sql($node, 'b', q{UPDATE ddd.posts SET "key 1" = 'x' WHERE id = 1; SELECT updated_at > '2026-01-01' FROM ddd.posts WHERE id = 1}), 't', '... and moves with the next edit');
is(sql($node, 'b', 'SELECT count(*) FROM ddd.backfills'), '0', 'nothing is left of it');
like(call(q{'posts', 'n = posts.n + 1', 'posts.id % 2 = 0 AND n = 1 OR "key 1" = ''none''', 10}), qr/617 of $rows rows/, 'a condition, with names of the table');
is(spread(), '1 617,2 617', 'rows that meet it');
like(call(q{'post_tags', 'n = n + 1', 'tag_id > 2', batch_size => 33}), qr/500 of 700 rows/, 'a key of two columns');
is(sql($node, 'b', 'SELECT string_agg(DISTINCT n::text, $$ $$) FROM ddd.post_tags WHERE tag_id > 2'), '1', '... each once');
like(call(q{'stash', 'content = content'}), qr/0 of 0 rows/, 'no rows');
like(call(qq{'posts', 'n = 0', batch_size => $rows}), qr/$rows of $rows rows/, 'a batch of all');
is(spread(), "0 $rows", 'all are written');
like(call(q{'posts', 'n = n + 1', batch_size => 1, condition => 'id <= 3', pause => '1 millisecond'}), qr/3 of $rows/, 'with a pause, a row at a time');

# ---- keys of every kind ------------------------------------------------------
sql($node, 'b', q{
	CREATE DOMAIN public.filled AS text NOT NULL;
	CREATE TYPE public.mood AS ENUM ('z', 'a', 'm');
	CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	CREATE TABLE ddd.odd (gone int, "B b" bpchar(5), a text COLLATE public.blind, "c,'d" jsonb, mood public.mood, at timestamptz, f float8, n int NOT NULL DEFAULT 0, needed public.filled,
		CONSTRAINT odd_pkey PRIMARY KEY (mood, "B b", f, at, "c,'d", a));
	ALTER TABLE ddd.odd DROP COLUMN gone;
	INSERT INTO ddd.odd SELECT chr(97 + i % 3), chr(97 + i % 4) || '''"\', jsonb_build_object('k', i % 5), ('{z,a,m}'::public.mood[])[1 + i % 3], timestamptz '2020-01-01 00:00:00.000001' + i * interval '1 s', CASE i % 7 WHEN 0 THEN 'NaN' ELSE 0.1 * i END, 0, ''
	  FROM generate_series(1, 200) i});
like(call(q{'odd', 'n = n + 1', batch_size => 7}, before => q{SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kathmandu'; SET extra_float_digits = 0;} . "\n"), qr/200 of 200 rows/, 'a key of six odd columns');
is(sql($node, 'b', 'SELECT min(n), max(n) FROM ddd.odd'), '1|1', '... each once');
sql($node, 'b', 'CREATE TABLE ddd.far (a int, b int, n int DEFAULT 0, CONSTRAINT far_pkey PRIMARY KEY (b, a)); INSERT INTO ddd.far SELECT i % 10, i FROM generate_series(1, 100) i;
	CREATE TABLE public.child () INHERITS (ddd.far); INSERT INTO public.child SELECT 1, i FROM generate_series(1, 50) i');
like(call(q{'far', 'n = n + 1', batch_size => 9}), qr/100 of 100 rows/, 'a key in another order than the columns, and not the rows of who inherits');
is(sql($node, 'b', 'SELECT tableoid = $$ddd.far$$::regclass, min(n), max(n) FROM ddd.far GROUP BY 1 ORDER BY 1'), "f|0|0\nt|1|1", '... each once');

# ---- stopped, it goes on -----------------------------------------------------
my $job = q{'posts', 'n = 7 / (600 - id) * 0 + n + 1', batch_size => 100};
sql($node, 'b', 'UPDATE ddd.posts SET n = 0');
like(call($job), qr/ERROR:  22012: division by zero/m, 'an error stops it');
is(spread(), '0 734,1 500', '... what was committed stays');
is(sql($node, 'b', 'SELECT table_name, last_key, rows_read, rows_changed, started_by = session_user FROM ddd.backfills'), 'posts|{"id": "500"}|500|500|t', 'ddd.backfills says how far it is');
sql($node, 'b', 'UPDATE ddd.posts SET n = 100 WHERE id = 600; DELETE FROM ddd.posts WHERE id = 600');
my $before_down = sql($node, 'b', 'SELECT b FROM ddd.backfills b');
sql($node, 'b', "SELECT ddd.downgrade('0.4.0')");
is(sql($node, 'b', q{SELECT to_regclass('ddd.backfills') IS NULL AND to_regproc('ddd.backfill') IS NULL}), 't', 'an older version has none');
sql($node, 'b', 'ALTER EXTENSION ddd UPDATE');
is(sql($node, 'b', 'SELECT b FROM ddd.backfills b'), $before_down, '... and a newer one is as far as before');
my $resumed = call($job);
like($resumed, qr/NOTICE:  00000: the backfill of ddd\.posts goes on after the 500 rows that were read before\n.*HINT:  To begin anew, delete/s, 'called again, it says that it goes on');
like($resumed, qr/1233 of 1233 rows/, '... and tells of all rows');
is(spread(), '1 1233', '... each was written once');
sql($node, 'b', q{INSERT INTO ddd.backfills VALUES ('posts', 'n = 9', 'true', '{"ident": "5"}', 5, 5, now(), 'me')});
like(call(q{'posts', 'n = 9'}), qr/ERROR:  55000: the primary key of ddd\.posts is another/, 'a key that is another than when it was stopped');
sql($node, 'b', 'DELETE FROM ddd.backfills');

# ---- several sessions, and others who write meanwhile ------------------------
sql($node, 'b', 'UPDATE ddd.posts SET n = 0');
my $holder = $node->background_psql('b');
$holder->query_safe('BEGIN');
$holder->query_safe('UPDATE ddd.posts SET "key 1" = \'not this one\' WHERE id = 250');
$job = q{'posts', 'n = n + 1, writer = pg_current_xact_id()', '"key 1" IS DISTINCT FROM ''not this one''', batch_size => 10};
my @sessions = map { $node->background_psql('b', on_error_stop => 0) } 1 .. 3;
$_->query_until(qr/started/, "\\echo started\nCALL ddd.backfill($job);\n") foreach @sessions;
ok($node->poll_query_until('b', q{SELECT count(*) = 3 FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event_type = 'Lock'}), 'three sessions have come to a row that another has locked');
is(sql($node, 'b', 'SELECT count(*) FROM ddd.posts WHERE n = 1'), '240', '... what is before it is committed');
$holder->query_safe('COMMIT');
$holder->quit;
$_->quit foreach @sessions;
is(spread(), '0 1,1 1232', 'three sessions together write each row once');
is(sql($node, 'b', 'SELECT id FROM ddd.posts WHERE n = 0'), '250', '... but the one that did not meet the condition when it was free');
is(sql($node, 'b', 'SELECT count(*) FROM ddd.backfills'), '0', '... and end together');

# few rows: no session begins anew what another is at
$holder = $node->background_psql('b');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT FROM ddd.tags FOR UPDATE');
@sessions = map { $node->background_psql('b', on_error_stop => 0) } 1 .. 3;
$_->query_until(qr/started/, "\\echo started\nCALL ddd.backfill('tags', 'name = name || ''x''');\n") foreach @sessions;
ok($node->poll_query_until('b', q{SELECT count(*) = 3 FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event_type = 'Lock'}), 'three sessions with a single batch');
$holder->query_safe('COMMIT');
$holder->quit;
$_->quit foreach @sessions;
is(sql($node, 'b', q{SELECT string_agg(name, ',' ORDER BY id) FROM ddd.tags}), join(',', map { "Tag ${_}x" } 1 .. 7), '... write it once');

# versions and owner are looked at in every batch: what changes between two stops the next
foreach my $change (
	[ '55000', q{SELECT ddd.downgrade('0.4.0')}, 'ALTER EXTENSION ddd UPDATE' ],
	[ '42501', join('; ', map { "ALTER TABLE ddd.$_ OWNER TO app" } qw(schema_version posts backfills)), join('; ', map { "ALTER TABLE ddd.$_ OWNER TO keeper" } qw(schema_version posts backfills)) ])
{
	my ($state, $statement, $back) = @$change;
	my $written = 'SELECT count(*) FROM ddd.posts WHERE n = 1';
	my $err = '';

	give_tables_to($node, 'b', 'keeper') if $state eq '42501';
	sql($node, 'b', 'SELECT ddd.install(); UPDATE ddd.posts SET n = 0; DELETE FROM ddd.backfills; GRANT USAGE ON SCHEMA ddd TO keeper, app; GRANT ALL ON ALL TABLES IN SCHEMA ddd TO keeper, app');
	my $session = IPC::Run::start([ 'psql', '-Xq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('b'), $state eq '42501' ? ('-c', 'SET ROLE keeper') : (),
		'-c', "CALL ddd.backfill('posts', 'n = 1', batch_size => 10, pause => '2 s')" ], '<', '/dev/null', '>', '/dev/null', '2>', \$err);
	ok($node->poll_query_until('b', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event = 'PgSleep'}), "$state: it waits between batches");
	sql($node, 'b', $statement);
	my $before = sql($node, 'b', $written);
	$session->finish;
	like($err, $state eq '42501' ? qr/ERROR:  42501: permission denied for procedure/ : qr/ERROR:  55000: /, "$state: ... and is refused when it goes on");
	is(sql($node, 'b', $written), $before, "$state: ... before it writes a row more");
	sql($node, 'b', "$back; DELETE FROM ddd.backfills");
}

# ---- canceled ----------------------------------------------------------------
$holder = $node->background_psql('b', on_error_stop => 0);
$holder->query_until(qr/started/, "\\echo started\nCALL ddd.backfill('posts', 'n = 5', batch_size => 1000, pause => '1 hour');\n");
ok($node->poll_query_until('b', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event = 'PgSleep'}), 'it waits between batches');
is(sql($node, 'b', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event = 'PgSleep'}), 't', 'it is canceled meanwhile');
$holder->query('SELECT 1');
$holder->quit;
is(sql($node, 'b', 'SELECT rows_read FROM ddd.backfills'), '1000', '... and a batch is done');
like(call(q{'posts', 'n = 5', batch_size => 1000}), qr/1233 of 1233/, '... and the rest with the next call');

# the memory that it has at each row
sql($node, 'b', 'ALTER TABLE ddd.posts ADD COLUMN memory bigint; GRANT pg_read_all_stats TO keeper');
like(call(q{'posts', 'memory = (SELECT sum(total_bytes) FROM pg_backend_memory_contexts)', batch_size => 1}), qr/1233 of 1233 rows/, 'a batch a row');
cmp_ok(sql($node, 'b', 'SELECT (SELECT memory FROM ddd.posts WHERE id = 1200) - (SELECT memory FROM ddd.posts WHERE id = 200)'), '<=', 65536, 'a thousand batches need no more memory than one');

# ---- counters ----------------------------------------------------------------
sql($node, 'b', q{INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'c', 1 + n % 9, 1 FROM generate_series(1, 50) n});
call(q{'comments', 'post_id = 10', batch_size => 7});
is(sql($node, 'b', 'SELECT comment_count FROM (SELECT ddd.comment_count(10)) t (comment_count)'), '50', 'what counts rows sees them');
is(sql($node, 'b', 'SELECT count(*) FROM ddd.verify()'), '0', '... exactly');

# ---- what it refuses ---------------------------------------------------------
sql($node, 'b', 'CREATE TABLE ddd.keyless (id int)');
foreach my $case (
	[ '22004', q{NULL, 'n = 1'} ], [ '22004', q{'posts', NULL} ], [ '22004', q{'posts', 'n = 1', NULL} ], [ '22004', q{'posts', 'n = 1', batch_size => NULL} ],
	[ '22004', q{'posts', 'n = 1', pause => NULL} ],
	[ '22023', q{'posts', 'n = 1', batch_size => 0} ], [ '22023', q{'posts', 'n = 1', batch_size => -2147483648} ],
	[ '42P01', q{'nothing', 'n = 1'} ], [ '42P01', q{'', 'n = 1'} ], [ '42P01', q{'posts_pkey', 'n = 1'} ], [ '42P01', q{'api', 'n = 1'} ], [ '42P01', q{'Posts', 'n = 1'} ],
	[ '55000', q{'keyless', 'id = 1'} ], [ '42601', q{'posts', 'n = 1', 'true) --'} ],
	[ '42601', q{'posts', ''} ], [ '42601', q{'posts', 'n'} ], [ '42601', q{'posts', 'n = 1', ''} ], [ '42601', q{'posts', 'n = 1', 'true; SELECT 1'} ],
	[ '42601', q{'posts', 'n = 1 FROM chosen RETURNING 1) SELECT 1; SELECT 1, 1, 1 --'} ],
	[ '42601', q{'posts', 'n = 1 FROM chosen RETURNING 1) SELECT 1 --'} ],
	[ '42703', q{'posts', 'nothing = 1'} ], [ '42703', q{'posts', 'n = 1', 'nothing'} ], [ '42883', q{'posts', 'n = nothing()'} ],
	[ '22023', q{'far', 'a = a + 100'} ], [ '42P02', q{'posts', 'n = $2'} ],
	[ '23514', q{'posts', 'title = '' '''} ], [ '23505', q{'tags', 'name = ''same'''} ], [ '54000', "'posts', 'n = 1', '" . join(' AND ', map { "id <> $_" } map { $_ * 7919 % 1000003 } 1 .. 5000) . "'" ],
	[ '2D000', q{'posts', 'n = 1'}, 'BEGIN; ' ],
	[ '25006', q{'posts', 'n = 1'}, 'SET default_transaction_read_only = on; ' ],
	[ '42501', q{'posts', 'n = 1'}, 'GRANT USAGE ON SCHEMA ddd TO app; SET ROLE app; ' ],
	[ '42501', q{'posts', 'n = 1'}, 'GRANT EXECUTE ON PROCEDURE ddd.backfill(text, text, text, integer, interval) TO app; GRANT ALL ON ALL TABLES IN SCHEMA ddd TO app; SET ROLE app; ' ])
{
	my ($state, $statement, $before) = @$case;

	like(call($statement, before => $before), qr/ERROR:  $state: /m, ($before // '') . "backfill(" . substr($statement, 0, 60) . ") is refused: $state");
}
is_refused($node, 'b', q{CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL ddd.backfill($$posts$$, $$n = 1$$); END'; SELECT public.f()}, '2D000', undef, 'in a function it is refused');
is(sql($node, 'b', q{SELECT string_agg(assignments, ', ' ORDER BY assignments COLLATE "C") FROM ddd.backfills}), q{a = a + 100, name = 'same', title = ' '},
	'what was refused has not begun, but for what rows refused');
sql($node, 'b', 'DELETE FROM ddd.backfills');
sql($node, 'b', q{DO $$ BEGIN CALL ddd.backfill('posts', 'n = 3', batch_size => 500); END $$});
is(spread(), '3 1233', 'from a DO block that may commit');

# ---- by the owner of the tables, who is no superuser -------------------------
give_tables_to($node, 'b', 'keeper');
sql($node, 'b', 'SELECT ddd.install()');
like(call(q{'posts', 'n = 4'}, before => 'SET ROLE keeper; '), qr/1233 of 1233/, 'the owner of the tables may call it');
sql($node, 'b', 'GRANT EXECUTE ON PROCEDURE ddd.backfill(text, text, text, integer, interval) TO deputy');
like(call(q{'posts', 'n = 5'}, before => 'SET ROLE deputy; '), qr/1233 of 1233/, '... and who is a member of that role');
sql($node, 'b', q{CREATE FUNCTION public.planted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE $$SET ROLE postgres$$; RETURN NEW; END';
	CREATE TRIGGER planted BEFORE UPDATE ON ddd.posts FOR EACH ROW EXECUTE FUNCTION public.planted()});
like(call(q{'posts', 'n = 6'}), qr/ERROR:  42501: cannot set parameter "role" within security-/m, 'a trigger that the owner planted has no more than his rights, when a superuser calls it');
sql($node, 'b', 'DROP TRIGGER planted ON ddd.posts');
sql($node, 'b', 'ALTER TABLE ddd.posts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
like(call(q{'posts', 'n = 7'}), qr/ERROR:  42501: query would be affected by row-level security policy/m, 'a policy that would hide rows');

$node->stop;
done_testing();
