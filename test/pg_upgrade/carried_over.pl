# pg_upgrade carries ddd over from an older PostgreSQL: every row, object, grant
# and count; what is pending is folded on the new server, cursors go on, and
# older versions of ddd, in the same cluster, are updated there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../t";

use Ddd;
use IPC::Run;
use Pairs;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @settings = ("shared_preload_libraries = 'ddd'", q{log_line_prefix = '%m [%p] %e %q%a '});
my $old = new_node('old', $ENV{OLDER_HOME}, @settings);
my $new = new_node('new', @settings);
my @versions = versions($old);
my $newest = current_version();

# ---- what is asked before and after --------------------------------------------
# Rows of every table of ddd and of the user, whatever is in them.
sub every_row
{
	my ($node, $database) = @_;

	return sql($node, $database, q{
		SELECT c.oid::regclass, query_to_xml(format('SELECT count(*), md5(string_agg(row, chr(10) ORDER BY row)) AS sum FROM (SELECT to_jsonb(t)::text AS row FROM %s t) r', c.oid::regclass), true, true, '')
		  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$' ORDER BY c.oid::regclass::text;
		SELECT sequencename, last_value FROM pg_sequences ORDER BY 1});
}

# What the API answers, and of counts those that the rows give.
my $answers = q{
	SELECT md5(string_agg(p::text, chr(10))) FROM ddd.popular_posts(100) p;
	SELECT md5(string_agg(p::text, chr(10))) FROM ddd.posts_by_tags('(all & !"tag 3") | "tag 4"*', 100) p;
	SELECT md5(string_agg(t::text, chr(10))) FROM ddd.list_tags() t;
	SELECT md5(string_agg(t::text, chr(10))) FROM ddd.popular_tags() t;
	SELECT md5(string_agg(u::text, chr(10))) FROM ddd.search_users('99') u;
	SELECT md5(string_agg(p::text, chr(10))) FROM ddd.posts_with_comments(50) p;
	SELECT ddd.verify_password('correct horse', hashed_password) FROM ddd.users WHERE email = 'pass@example.org';
	SELECT string_agg(name, ',' ORDER BY name) FROM public.filters, public.articles WHERE tags OPERATOR(ddd.@@) query;
	SET enable_seqscan = off;
	SELECT count(*) FROM public.articles WHERE tags OPERATOR(ddd.@@) 'all & !x1';
	RESET enable_seqscan;
	SELECT count(*) FROM public.own;
	SET ROLE app;
	SELECT email FROM ddd.get_user(1);
	SELECT count(*), sum(length(nickname)) FROM ddd.users};
my $wrong_counts = q{
	SELECT count(*) FROM ddd.posts p WHERE ddd.comment_count(p.id) <> (SELECT count(*) FROM ddd.comments c WHERE c.post_id = p.id);
	SELECT finding, object, found, example FROM ddd.verify()};
my $deviations = 'SELECT object, deviation, fact, expected, found, is_fault FROM ddd.check_schema()';
my $pending = 'SELECT count(*) FROM ddd.counter_ledger';

# ---- the older cluster -----------------------------------------------------------
my $additions = q{
	ALTER TABLE ddd.users ADD COLUMN nickname text;
	CREATE INDEX own_nickname ON ddd.users (nickname) WHERE nickname <> '';
	ALTER TABLE ddd.comments ADD COLUMN mood text DEFAULT 'calm';
	GRANT USAGE ON SCHEMA ddd TO app;
	GRANT EXECUTE ON FUNCTION ddd.get_user(bigint) TO app WITH GRANT OPTION;
	GRANT SELECT (nickname) ON ddd.users TO app;
	GRANT SELECT ON ddd.posts TO PUBLIC;
	REVOKE EXECUTE ON FUNCTION ddd.fold_counters() FROM CURRENT_USER;
	CREATE TABLE public.own (user_id bigint REFERENCES ddd.users ON DELETE CASCADE);
	CREATE TABLE public.filters (name text, query ddd.tag_query);
	CREATE UNIQUE INDEX own_query ON public.filters (query);
	CREATE TABLE public.articles (tags text[]);
	CREATE INDEX own_tags ON public.articles USING gin (tags ddd.tag_array_ops);
	CREATE VIEW public.top AS SELECT id, comment_count FROM ddd.popular_posts(5)};

sql($_, 'postgres', 'ALTER SYSTEM SET ddd.fold_threshold = 0') foreach $old, $new;
sql($old, 'postgres', 'CREATE ROLE app LOGIN');
new_database($old, 'plain', 'CREATE EXTENSION ddd');
new_database($old, 'main', 'CREATE EXTENSION ddd', "ALTER EXTENSION ddd UPDATE TO '0.3.0'", 'ALTER EXTENSION ddd UPDATE', $additions, q{
	SELECT ddd.create_user('user' || n || '@example.org', E'Üser "' || n || E'"\\\\' || n, bio => nullif('bio' || n % 5, 'bio0')) FROM generate_series(1, 500) n;
	SELECT ddd.create_user('pass@example.org', 'Pass', 'correct horse');
	SELECT ddd.create_post(1 + n % 500, 'Post ' || n, repeat('text ', n % 500), ARRAY['tag ' || n % 40, 'Tag ' || n % 7, 'all']) FROM generate_series(1, 1000) n;
	SELECT ddd.add_comment(1 + (n * n) % 1000, 1 + n % 500, 'comment ' || n) FROM generate_series(1, 3000) n;
	SELECT ddd.add_comment(post_id, author_id, 'reply to ' || id, id) FROM ddd.comments WHERE id <= 500;
	SELECT ddd.add_tag_synonym('tag 4', 'four'), ddd.add_tag_synonym('all', E'ALL\u00c9');
	INSERT INTO ddd.stash VALUES ('99.0.0', 'users', '1', '{"a": "\\"é\t"}'), ('99.0.0', 'future', 'any key', '[1, 2]');
	UPDATE ddd.users SET nickname = 'nick ' || id WHERE id % 3 = 0;
	INSERT INTO public.own SELECT id FROM ddd.users WHERE id < 50;
	INSERT INTO public.filters SELECT 'filter ' || n, format('"tag %s" & !x%s | "tag 1%s"*', n, n, n)::ddd.tag_query FROM generate_series(1, 30) n;
	INSERT INTO public.articles SELECT ARRAY['tag ' || n, 'all', 'x' || n % 9] FROM generate_series(1, 300) n});

# its worker folds a part; the rest stays in the ledger
sub fold_by_worker
{
	my ($node, $database) = @_;

	sql($node, 'postgres', 'ALTER SYSTEM SET ddd.fold_threshold = 1; SELECT pg_reload_conf()');
	$node->poll_query_until($database, q{SELECT count(*) = 0 FROM ddd.counter_ledger, ddd.popular_posts(1) p WHERE p.id > 0}) or return 0;
	sql($node, 'postgres', 'ALTER SYSTEM SET ddd.fold_threshold = 0; SELECT pg_reload_conf()');
	return $node->poll_query_until('postgres', q{
		SELECT current_setting('ddd.fold_threshold') = '0' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'ddd fold worker')});
}
ok(fold_by_worker($old, 'main'), 'the worker of the older server folds');
sql($old, 'main', q{
	SELECT ddd.add_comment(1 + n % 700, 1 + n % 500, 'later ' || n) FROM generate_series(1, 900) n;
	DELETE FROM ddd.comments WHERE id % 17 = 0;
	SELECT ddd.delete_post(17), ddd.delete_user(5, 'cascade'), ddd.untag_post(1, '{all}')});
cmp_ok(sql($old, 'main', $pending), '>', 900, 'and more is pending');
is(sql($old, 'main', $wrong_counts), '0', 'the counts are right');
my $cursor = sql($old, 'main', 'SELECT cursor FROM ddd.list_posts(100) OFFSET 99');
my $next_page = "SELECT md5(string_agg(p::text, chr(10))) FROM ddd.list_posts(100, after => '$cursor') p";
my %main = map { $_->[0] => $_->[1]->($old, 'main') }
  [ rows => \&every_row ], [ objects => \&fingerprint ], [ counts => \&Pairs::counts ],
  [ answers => sub { sql(@_, $answers) } ], [ page => sub { sql(@_, $next_page) } ], [ log => \&Pairs::logged ];
like($main{log}, qr/^>\Q$newest\E .* \S+>\Q$newest\E$/, 'the log of migrations has steps down and up');

# Each older version, and a downgraded one with synonyms in its stash, of another
# owner; each with what an update on the older server would make of it.
my %older = map { "at_$_" =~ tr/./_/r => [ $_, $_, Pairs::fixture($_) ] } grep { $_ ne $newest } @versions;
$older{downgraded} = [ $newest, '0.3.0', Pairs::fixture($newest), "ALTER EXTENSION ddd UPDATE TO '0.3.0'" ];
my %updated;
foreach my $database (sort keys %older)
{
	my ($version, undef, @statements) = @{ $older{$database} };

	new_database($old, $database, "CREATE EXTENSION ddd VERSION '$version'", @statements);
	give_tables_to($old, $database, 'app') if $database eq 'downgraded';
	$old->safe_psql('postgres', "CREATE DATABASE updated TEMPLATE $database");
	$main{$database} = every_row($old, $database) . fingerprint($old, $database);
	sql($old, 'updated', 'ALTER EXTENSION ddd UPDATE');
	$updated{$database} = what_is_in($old, 'updated');
	$old->safe_psql('postgres', 'DROP DATABASE updated');
}
cmp_ok(sql($old, 'downgraded', q{SELECT count(*) FROM ddd.stash WHERE table_name = 'tags'}), '>', 4, 'synonyms wait in the stash');

sub what_is_in
{
	my ($node, $database) = @_;

	return join "\n", Pairs::rows_of($node, $database), Pairs::objects_of($node, $database),
	  Pairs::logged($node, $database), row_checksums($node, $database, 'stash');
}

# ---- pg_upgrade --------------------------------------------------------------------
# Returns the output; dies where it ends otherwise than it should.
sub pg_upgrade
{
	my ($fails, $to, @options) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my ($out, $err) = ('', '');
	local %ENV = ($to->_get_env, LD_LIBRARY_PATH => "$ENV{OLDER_HOME}/lib");
	# the scripts that it writes are put where it runs
	my $ended = IPC::Run::run(
		[ 'pg_upgrade', '--no-sync', '-s', $to->host, '-p', $old->port, '-P', $to->port,
			'-b', "$ENV{OLDER_HOME}/bin", '-B', $to->config_data('--bindir'), '-d', $old->data_dir, '-D', $to->data_dir, @options ],
		'<', \'', '>', \$out, '2>', \$err, init => sub { chdir $directory or die "$directory: $!" });

	die "pg_upgrade: $out$err" if $fails xor !$ended;
	return ($out . $err, $directory);
}

$old->stop;
$new->stop;

# a server without ddd's library
my $without = new_installation();
unlink "$without/lib/ddd.so" or die "$without/lib/ddd.so: $!";
my $bare = PostgreSQL::Test::Cluster->new('bare', install_path => $without);
$bare->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
my ($output) = pg_upgrade(1, $bare, '--check');
like($output, qr/required libraries\s+fatal/, 'a server without ddd is refused before anything is changed');

($output) = pg_upgrade(0, $new, '--check');
like($output, qr/Clusters are compatible/, 'pg_upgrade --check finds nothing');
($output, my $scripts) = pg_upgrade(0, $new);
like($output, qr/Upgrade Complete/, 'pg_upgrade is through');

# ---- the newer cluster ---------------------------------------------------------------
$new->start;
is(every_row($new, 'main'), $main{rows}, 'every row of every table is there, and every sequence stands where it stood');
is_same_text(fingerprint($new, 'main'), $main{objects}, 'every object is as it was, grants and initial privileges too');
is_same_text(every_row($new, $_) . fingerprint($new, $_), $main{$_}, "$_: rows and objects are as they were") foreach sort keys %older;

new_database($new, 'fresh', 'CREATE EXTENSION ddd', $additions);
is_same_text(fingerprint($new, 'main'), fingerprint($new, 'fresh'), 'and as those of a fresh installation');
is(sql($new, 'main', $deviations), sql($new, 'fresh', $deviations), 'check_schema() names what the user has done, and no more');
is(sql($new, 'plain', $deviations), '', '... and nothing, where nothing was done');
is(sql($new, 'main', 'SELECT is_head, library, tables FROM ddd.current()'), "t|$newest|$newest", 'the version is told');
is(Pairs::logged($new, 'main'), $main{log}, 'the log of migrations has every step');
is(sql($new, 'main', $wrong_counts), '0', 'every count is right with deltas pending, and verify() finds nothing');
is(sql($new, 'main', $answers), $main{answers}, 'the API gives the same answers, to a role with grants too');
is(sql($new, 'main', $next_page), $main{page}, 'a cursor of the older server goes on');
is(sql($new, 'main', 'SELECT ddd.install()'), 'nothing to do', 'nothing is missing');
is_refused($new, 'main', 'SET ROLE app; SELECT * FROM ddd.list_users()', '42501', undef, 'a role without a grant is refused');

# what was pending is folded here, into the same counts
cmp_ok(sql($new, 'main', $pending), '>', 900, 'what was pending is pending');
ok(fold_by_worker($new, 'main'), 'the worker of the newer server folds it');
is(sql($new, 'main', $pending), '0', '... all of it');
is(Pairs::counts($new, 'main'), $main{counts}, '... into the same counts');
is(sql($new, 'main', $wrong_counts), '0', '... which are right');
is(sql($new, 'main', 'SELECT ddd.rebuild_counters()'), '0', '... and a recount corrects nothing');

# it goes on
my @ids = map { 1 + sql($new, 'main', "SELECT last_value FROM ddd.${_}_id_seq") } qw(users posts comments);
is( sql($new, 'main', q{
		SELECT id FROM ddd.create_user('new@example.org', 'New');
		SELECT id FROM ddd.create_post((SELECT max(id) FROM ddd.users), 'new', 'text', '{FOUR,new}');
		SELECT id FROM ddd.add_comment((SELECT max(id) FROM ddd.posts), 1, 'new')}),
	join("\n", @ids), 'new rows get the next ids');
is( sql($new, 'main', qq{
		SELECT ddd.comment_count($ids[1]), (SELECT string_agg(t.name, ',' ORDER BY t.id) FROM ddd.post_tags l JOIN ddd.tags t ON t.id = l.tag_id WHERE l.post_id = $ids[1]);
		UPDATE ddd.comments SET post_id = $ids[1] WHERE content LIKE 'later 1_';
		DELETE FROM ddd.comments WHERE id = $ids[2];
		SELECT ddd.delete_user(7, 'cascade');
		SELECT id FROM public.top WHERE false}),
	"1|tag 4,new\nt", 'they are counted, and a synonym stands for its tag');
is(sql($new, 'main', $wrong_counts), '0', 'the counts go on, while they are pending');
ok(fold_by_worker($new, 'main') && sql($new, 'main', $wrong_counts) eq '0', 'and folded');
is_refused($new, 'main', q{INSERT INTO ddd.comments (content, post_id, author_id) VALUES (U&'\200B', 2, 1)}, '23514', undef, 'triggers check rows');
is_refused($new, 'main', q{INSERT INTO ddd.users (email, full_name) VALUES ('USER9@example.org', 'X')}, '23505', undef, 'indexes check rows');

# the older versions, by the script that pg_upgrade leaves
is(version_of($new, $_), "$older{$_}[1] $older{$_}[1]", "$_: is still at its version") foreach sort keys %older;
my $error = failure($new, 'downgraded', 'SELECT * FROM ddd.get_user(1)');
is($error->{state}, '55000', 'a call before the update is refused');
like($error->{hint}, qr/ALTER EXTENSION ddd UPDATE/, '... with what to do');
$new->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $new->connstr('postgres'), '-f', "$scripts/update_extensions.sql" ],
	'the script update_extensions.sql runs');
foreach my $database (sort keys %older)
{
	is(version_of($new, $database), "$newest $newest", "$database: is at the newest version");
	is_same_text(what_is_in($new, $database), $updated{$database}, "$database: rows, objects and log are as after an update on the older server");
	is(sql($new, $database, 'SELECT * FROM ddd.check_schema() WHERE is_fault'), '', "$database: check_schema() finds no fault");
	is(sql($new, $database, $wrong_counts), '0', "$database: the counts are right, and verify() finds nothing");
	is(sql($new, $database, q{SELECT full_name FROM ddd.create_user('last@example.org', 'Last')}), 'Last', "$database: calls work");
}
$new->command_ok([ 'vacuumdb', '-q', '--all', '--analyze-in-stages' ], 'statistics are made');

# the extension comes and goes, and is migrated, as before
$new->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE main") foreach qw(without down);
my $rows = Pairs::rows_of($new, 'main');
is_refused($new, 'without', 'DROP EXTENSION ddd', '2BP01', undef, 'DROP EXTENSION is refused');
sql($new, 'without', 'SET client_min_messages = warning; DROP EXTENSION ddd CASCADE; CREATE EXTENSION ddd');
is(Pairs::rows_of($new, 'without'), $rows, 'without the extension and with it again: every row');
is(sql($new, 'without', $wrong_counts), '0', '... and every count');
sql($new, 'down', $_) foreach 'DROP TABLE public.filters, public.articles', 'DROP VIEW public.top', "ALTER EXTENSION ddd UPDATE TO '0.2.0'", 'ALTER EXTENSION ddd UPDATE';
is(Pairs::rows_of($new, 'down'), $rows, 'down to 0.2.0 and up again: every row');

$new->stop;
unlike(slurp_file($_->logfile), qr/ XX\w{3} |PANIC|terminated by signal|TRAP/, $_->name . ': no internal error in the log') foreach $old, $new;
done_testing();
