# Row-level security takes no index from anybody: the statements of the API have
# the plans that they have without, and so have a role's own statements, lists,
# searches and tag pages among them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use Plans;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'autovacuum = off', 'jit = off');
my $db = new_database($node, 'plans', 'CREATE EXTENSION ddd');

$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'posts=10000', '-d', $node->connstr($db), '-f', "$FindBin::RealBin/../common/scale.sql" ],
	'ten thousand posts with all that belongs to them');
sql($node, $db, 'CREATE ROLE table_owner LOGIN; CREATE ROLE app LOGIN');
give_tables_to($node, $db, 'table_owner');
sql($node, $db, $_) foreach 'SELECT ddd.install()', 'CREATE EXTENSION pg_trgm',
  'CREATE INDEX ix_posts_title_trgm ON ddd.posts USING gin (title gin_trgm_ops)', 'VACUUM ANALYZE';

# ---- the API ---------------------------------------------------------------
my %arguments = (
	posts_by_tag => q{'tag1'}, posts_by_tags => q{'tag1 & !tag2'}, search_users => q{'given1'}, related_tags => q{'tag1'}, suggest_tags => q{'tag1'},
	post_comments => '1', user_comments => '1', user_posts => '1', posts_detail => q{'{1,2,3}'});
my @listings = split /\n/, sql($node, $db, q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'ddd'::regnamespace
	AND ('first' = ANY (proargnames) OR proname = 'posts_detail') ORDER BY 1});
my $calls = "SET ROLE app;\n" . join '', map { my $call = "ddd.$_(" . ($arguments{$_} // '') . ')'; reported_call($_, $call, '0') x 2 } @listings;

# Returns the plans of each listing, by name.
sub api_plans
{
	my %plans;

	push @{ $plans{ $_->{label} } }, map { plan_text($_->{root}) } @{ $_->{plans} } foreach run_calls($node, $db, $calls);
	return \%plans;
}

sql($node, $db, q{SELECT ddd.grant_api('app', 'admin')});
my $without = api_plans();
sql($node, $db, q{SELECT ddd.enable_rls(), ddd.grant_tables('app', 'writer')});
my $with = api_plans();
ok(keys %$without > 15, 'plans were seen: of ' . keys %$without);
# those without plans read indexes directly
is_deeply($with->{$_}, $without->{$_}, "$_ has its plans") foreach @listings;

sql($node, $db, 'ALTER TABLE ddd.tags FORCE ROW LEVEL SECURITY');
isnt(join(' ', @{ api_plans()->{posts_by_tag} // [] }), join(' ', @{ $without->{posts_by_tag} // [] }), 'a table whose owner is subject to policies is not read directly: that would have been seen');
sql($node, $db, 'ALTER TABLE ddd.tags NO FORCE ROW LEVEL SECURITY');

# ---- a role's own statements -----------------------------------------------
# Each with what it must use.
my @statements = (
	[ 'the newest posts', 'SELECT * FROM ddd.posts ORDER BY created_at DESC, id DESC LIMIT 10', qr/Index Scan using ix_posts_created_at/ ],
	[ 'the next page', q{SELECT * FROM ddd.posts WHERE (created_at, id) < ('2021-02-01Z', 5) ORDER BY created_at DESC, id DESC LIMIT 10}, qr/Index Scan using ix_posts_created_at/ ],
	[ 'a post', 'SELECT * FROM ddd.posts WHERE id = 17', qr/Index Scan using posts_pkey/ ],
	[ 'posts of a user', 'SELECT * FROM ddd.posts WHERE author_id = 17 ORDER BY created_at DESC, id DESC LIMIT 10', qr/Index Scan (?:using|on) ix_posts_author_id/ ],
	[ 'comments of a post', 'SELECT * FROM ddd.comments WHERE post_id = 17 ORDER BY created_at, id LIMIT 50', qr/Index Scan (?:using|on) ix_comments_post_id/ ],
	[ 'a page of a tag', 'SELECT p.* FROM ddd.post_tags l JOIN ddd.posts p ON p.id = l.post_id WHERE l.tag_id = 17 ORDER BY l.post_created_at DESC, l.post_id DESC LIMIT 20', qr/using ix_post_tags_tag_id.*using posts_pkey/s ],
	[ 'a user by address', q{SELECT id, email FROM ddd.users WHERE lower(email COLLATE "C") = 'user17@mail17.example'}, qr/ix_users_email/ ],
	[ 'users by the beginning of a name', q{SELECT id, email FROM ddd.users WHERE lower(full_name) LIKE 'given17%'}, qr/ix_users_full_name_prefix/ ],
	[ 'posts that contain a text', q{SELECT id FROM ddd.posts WHERE title ILIKE '%post 1234%'}, qr/ix_posts_title_trgm/ ],
	[ 'tags by name', q{SELECT id FROM ddd.tags WHERE key = ddd.tag_key('tag17')}, qr/ix_tags_name/ ]);

foreach my $statement (@statements)
{
	my ($name, $sql, $uses) = @$statement;
	my $plan = sql($node, $db, "SET ROLE app; EXPLAIN (COSTS off) $sql");

	like($plan, $uses, "$name: by an index");
	is($plan, sql($node, $db, "SET ROLE table_owner; EXPLAIN (COSTS off) $sql"), "$name: as for the owner");
	is(sql($node, $db, "SET ROLE app; SET plan_cache_mode = force_generic_plan; PREPARE s AS $sql; EXPLAIN (COSTS off) EXECUTE s"), $plan, "$name: prepared, too");
}
my $large = q{SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; EXPLAIN (COSTS off) SELECT count(*) FROM ddd.comments WHERE content ~ 'x'};
like(sql($node, $db, "SET ROLE app; $large"), qr/Gather.*Parallel Seq Scan on comments/s, 'a scan of a whole table is parallel');

# ---- writing ---------------------------------------------------------------
my $token = sql($node, $db, 'SELECT ddd.issue_token(17)');
my $as_user = "\\o /dev/null\nBEGIN;\nSELECT ddd.begin_as('$token');\n\\o\nSET LOCAL ROLE app;";
foreach my $statement (
	[ 'a post is changed', q{UPDATE ddd.posts SET title = 'x' WHERE id = 17}, qr/Index Scan using posts_pkey/ ],
	[ 'a comment is deleted', 'DELETE FROM ddd.comments WHERE id = 17', qr/Index Scan using comments_pkey/ ],
	[ 'a tag is unlinked', 'DELETE FROM ddd.post_tags WHERE post_id = 17 AND tag_id = 3', qr/Index Scan using post_tags_pkey/ ],
	[ 'a user is changed', q{UPDATE ddd.users SET bio = 'x' WHERE id = 17}, qr/Index Scan using users_pkey/ ])
{
	my ($name, $sql, $uses) = @$statement;
	my $plan = sql($node, $db, "$as_user\nEXPLAIN (COSTS off) $sql");

	like($plan, $uses, "$name by an index");
	like($plan, qr/InitPlan/, '... and who the caller is is asked once');
}
my $mine = sql($node, $db, "$as_user\nEXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) UPDATE ddd.comments SET content = 'x' WHERE post_id < 500");
unlike($mine, qr/InitPlan[^\n]*\n\s+->\s+Result \(actual rows=1 loops=(?!1\))/, 'for many rows, too');

$node->stop;
done_testing();
