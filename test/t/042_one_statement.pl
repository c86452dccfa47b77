# No N+1: a call that lists rows runs each statement inside it once, however
# many rows it returns, and most calls run one; pg_stat_statements counts them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('statements',
	q{shared_preload_libraries = 'pg_stat_statements'}, 'pg_stat_statements.track = all', 'autovacuum = off');
my $db = new_database($node, 'listed', 'CREATE EXTENSION ddd', 'CREATE EXTENSION pg_stat_statements');
sql(
	$node, $db, q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 30) n;
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'Post ' || n, 'text', 1 + n % 3 FROM generate_series(1, 60) n;
	INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'comment ' || n, 1 + n % 7, 1 + n % 5 FROM generate_series(1, 200) n;
	SELECT ddd.tag_post(id, ARRAY['all', 'tag' || id % 8]) FROM ddd.posts;
	ANALYZE});

# A call of each listing: a page of many rows. What the catalog has and this
# has not is a test that is missing.
my %call = (
	list_users => 'ddd.list_users(25)',
	search_users => q{ddd.search_users('user', 25)},
	list_posts => 'ddd.list_posts(50)',
	user_posts => 'ddd.user_posts(1, 15)',
	posts_detail => 'ddd.posts_detail((SELECT array_agg(id) FROM ddd.posts))',
	users_with_posts => 'ddd.users_with_posts(30)',
	post_comments => 'ddd.post_comments(1, 20)',
	user_comments => 'ddd.user_comments(1, 20)',
	posts_with_comments => 'ddd.posts_with_comments(60)',
	popular_posts => 'ddd.popular_posts(7)',
	hot_posts => 'ddd.hot_posts(7)',
	verify_counters => 'ddd.verify_counters(7)',
	list_tags => 'ddd.list_tags(20)',
	popular_tags => 'ddd.popular_tags(20)',
	suggest_tags => q{ddd.suggest_tags('tag', 20)},
	related_tags => q{ddd.related_tags('all', 20)},
	posts_by_tag => q{ddd.posts_by_tag('all', 50)},
	posts_by_tags => q{ddd.posts_by_tags('all & !{}', 50)});
# Those that run more than one: a search is three lists, a tag is looked up
# first, and popular posts are ranked before their rows are read, hot ones by two lists; posts with details
# have their comments counted before. Tags have their posts counted after.
my %most = (list_tags => 4, popular_tags => 5, suggest_tags => 5, related_tags => 6, posts_by_tags => 2,
	search_users => 3, posts_detail => 3, posts_by_tag => 2, popular_posts => 3, hot_posts => 5, verify_counters => 4);
# One runs a statement for each counter.
my %often = (verify_counters => 2);
my @listings = split /\n/, sql($node, $db,
	q{SELECT function FROM ddd.api WHERE result ~ '^SETOF' AND function NOT IN ('create_users', 'take_outbox') AND context NOT IN ('audit', 'privileges', 'migrations') ORDER BY function});
is(join(' ', sort keys %call), "@listings", 'every listing of ddd.api is called');

foreach my $path ('auto', 'spi')
{
	foreach my $listing (@listings)
	{
		my $most = $most{$listing} // 1;
		my $page = $call{$listing} =~ s/\b(\d+)\)$/2)/r;
		my $counts = "SELECT count(*), coalesce(max(calls), 1), coalesce(sum(calls), 0) FROM pg_stat_statements WHERE NOT toplevel";

		# The first call of a session looks at the versions, too.
		my (undef, undef, $few, $of_few, undef, $rows, $of_many) = split /\n/, sql(
			$node, $db, qq{
			SET ddd.access_path = $path;
			SELECT count(*) > 0 FROM ddd.get_user(1);
			SELECT pg_stat_statements_reset() IS NULL;
			SELECT count(*) FROM $page;
			$counts;
			SELECT pg_stat_statements_reset() IS NULL;
			SELECT count(*) FROM $call{$listing};
			$counts});
		my ($statements, $calls) = split /\|/, $of_many;

		cmp_ok($rows, '>=', 7, "$path: $listing returns many rows: $rows");
		cmp_ok($statements, '<=', $most, "$path: $listing runs at most $most statement(s): $statements");
		my $often = $often{$listing} // 1;

		is($calls, $often, "$path: $listing runs each statement $often time(s)");
		is($of_few, $of_many, "$path: $listing runs as many for a page of $few");
	}
}

# How many posts tags have is asked once for all tags of a name or a beginning,
# and not again by the next search; counted where it takes a statement.
sql($node, $db, 'CREATE TABLE heir () INHERITS (ddd.counters)');
my $search = q{SELECT count(*) FROM ddd.posts_by_tags('all & tag*', 50)};
my $asked = q{SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE NOT toplevel AND query ~ 'JOIN ddd.counters'};
my $reset = 'SELECT pg_stat_statements_reset() IS NULL';
is(sql($node, $db, "$reset; $search; $asked; $reset; $search; $asked") =~ s/^[tf]?\n//mgr,
	"50\n2\n50\n0", 'a search asks the counters once for each of its names, the next one not at all');
sql($node, $db, 'DROP TABLE heir');

# What an ORM does without them is counted too.
is( sql(
		$node, $db, q{
		SELECT pg_stat_statements_reset() IS NULL;
		DO $$ DECLARE p record; BEGIN FOR p IN SELECT id FROM ddd.posts LOOP PERFORM content FROM ddd.comments WHERE post_id = p.id; END LOOP; END $$;
		SELECT sum(calls) FROM pg_stat_statements WHERE NOT toplevel AND query ~ 'ddd.comments'}) =~ s/^.*\n//sr,
	'60', 'a loop over posts is counted as 60 statements');

# The page's size is capped, so that one statement stays a small one.
is_refused($node, $db, "SELECT * FROM ddd.$_", '22023', qr/1000/, "$_ is above ddd.max_page_size")
  foreach ('list_posts(1001)', 'posts_with_comments(1001)');
is(sql($node, $db, 'SET ddd.max_page_size = 2000; SELECT count(*) FROM ddd.list_posts(1001)'), '60', 'which a superuser can raise');

$node->stop;
done_testing();
