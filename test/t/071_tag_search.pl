# posts_by_tags() gives what set algebra says of random queries, in every kind
# of text that a database may have, and while posts are tagged meanwhile.
# DDD_SEARCHES says how many queries there are in all.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $searches = $ENV{DDD_SEARCHES} || 100_000;
my $node = PostgreSQL::Test::Cluster->new('search');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nddd.fold_threshold = 0\n");
$node->start;

my %database = (
	utf8 => "ENCODING 'UTF8' LOCALE 'C'",
	latin1 => "ENCODING 'LATIN1' LOCALE 'C'",
	sql_ascii => "ENCODING 'SQL_ASCII' LOCALE 'C'");
my $each = int(($searches + 4 * keys(%database) - 1) / 4 / keys %database);
my ($run, $asked, $different) = (0, 0, 0);

foreach my $name (sort keys %database)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 $database{$name}");
	$node->safe_psql($name, "CREATE EXTENSION ddd; SET searches.seed = 0.3; SET searches.posts = 700;\n"
		  . slurp_file("$FindBin::RealBin/../common/searches.sql"));
	foreach my $when ('pending', 'folded', 'vacuumed', 'analyzed')
	{
		$node->safe_psql($name, 'SELECT ddd.fold_counters()') if $when eq 'folded';
		$node->safe_psql($name, 'VACUUM ddd.posts, ddd.post_tags, ddd.tags') if $when eq 'vacuumed';
		$node->safe_psql($name, 'ANALYZE') if $when eq 'analyzed';
		# each asks others
		my $seed = 0.01 * ++$run;
		my ($pages, $rows, $distinct, $wrong) = split /\|/,
		  $node->safe_psql($name, "SELECT setseed($seed) IS NULL; SELECT pages, rows, different, wrong FROM public.ask($each)") =~ s/^.*\n//r, 4;

		is($wrong, '', "$name, $when: $each queries are answered rightly");
		$asked += $each;
		$different += $distinct;
		cmp_ok($pages, '>', 1.3 * $each, "$name, $when: by $pages pages of $rows posts");
	}
}

cmp_ok($asked, '>=', $searches, "$asked queries were asked");
cmp_ok($different, '>', $asked / 2, "in each run different ones, $different in all");

# Pages of a walk while tags and posts change: none is seen twice, none that had
# the tags all the time is missed, and none that never had them is there.
$node->safe_psql('utf8', q{
	SELECT setval('ddd.posts_id_seq', 1000000);
	-- one post in three changes
	CREATE TABLE public.same AS SELECT id, id % 3 = 0 AS changes FROM ddd.posts;
	CREATE TABLE public.walked AS
	SELECT q.query, ARRAY(SELECT s.id FROM ddd.posts_by_tags(q.query, 1000) s JOIN public.same USING (id) WHERE NOT changes ORDER BY 1) AS posts
	  FROM unnest(ARRAY['btag1', 'btag1 & ctag2', 'btag1 & !dtag3', '(dtag3 | ctag2) & b*', '!ctag2', 'c* | d*', '{btag1}', 'btag1 & ctag2 & !(dtag3 | d*)']::ddd.tag_query[]) q (query);
	CREATE PROCEDURE public.walks(walks int) LANGUAGE plpgsql AS $$
	DECLARE
		seen bigint[];
		walk public.walked;
		page record;
		after text;
	BEGIN
		FOR i IN 1 .. walks LOOP
			seen := '{}';
			after := NULL;
			SELECT * INTO walk FROM public.walked ORDER BY random() LIMIT 1;
			LOOP
				SELECT array_agg(s.id) AS ids, (array_agg(s.cursor))[count(*)] AS cursor INTO page FROM ddd.posts_by_tags(walk.query, 23, after) s;
				EXIT WHEN page.ids IS NULL;
				seen := seen || page.ids;
				after := page.cursor;
				COMMIT;
			END LOOP;
			IF cardinality(seen) <> (SELECT count(DISTINCT s) FROM unnest(seen) s) THEN RAISE 'a post is seen twice'; END IF;
			IF EXISTS (SELECT unnest(walk.posts) EXCEPT SELECT unnest(seen)) THEN RAISE '%: a post is missed', walk.query; END IF;
			IF EXISTS (SELECT id FROM public.same WHERE NOT changes AND id = ANY (seen) AND id <> ALL (walk.posts)) THEN RAISE '%: a post does not belong there', walk.query; END IF;
		END LOOP;
	END $$});
# of the others one is tagged and one not any longer, one is made and one deleted,
# which nobody is about to tag
my $other = q{SELECT id FROM ddd.posts WHERE id NOT IN (SELECT id FROM public.same WHERE NOT changes)};
my $change = qq{
	SELECT ($other AND id % 2 = 1 ORDER BY random() LIMIT 1) AS post, ($other AND id % 2 = 0 ORDER BY random() LIMIT 1) AS gone \\gset
	SELECT CASE WHEN random() < 0.5 THEN ddd.tag_post(:post, '{btag1,ctag2}') ELSE ddd.untag_post(:post, '{btag1}') END;
	SELECT ddd.create_post(-1, 'new', '', '{btag1,dtag3}');
	SELECT ddd.delete_post(:gone) WHERE random() < 0.1;
};
$node->safe_psql('utf8', $change) foreach 1 .. 5;
$node->pgbench('--no-vacuum --client=4 --jobs=2 --transactions=300', 0, [qr{number of failed transactions: 0 }], [],
	'walks while posts are tagged', {
		'walk@1' => 'CALL public.walks(3);',
		'change@6' => $change,
		'fold@1' => 'SELECT ddd.fold_counters();',
		# a tag's name changes between spellings, and another synonym means it
		'vocabulary@1' => q{SELECT ddd.rename_tag('btag1', CASE WHEN random() < 0.5 THEN 'BTag1' ELSE 'bTAG1' END); SELECT ddd.drop_tag_synonym('zsyn'); SELECT ddd.add_tag_synonym('btag1', 'zsyn');},
	},
	'utf8');
cmp_ok($node->safe_psql('utf8', 'SELECT count(*) FROM ddd.posts'), '>', 1000, 'posts were made meanwhile');

# ---- the bound of related_tags(): the newest 10,000 posts of a tag
$node->safe_psql('utf8', q{
	INSERT INTO ddd.tags (id, name) VALUES (2000000, 'many'), (2000001, 'of the oldest'), (2000002, 'of the newest');
	INSERT INTO ddd.posts (id, title, content, author_id, created_at)
	SELECT 2000000 + n, 'p', '', -1, timestamptz '2000-01-01' + n * interval '1 minute' FROM generate_series(1, 10050) n;
	INSERT INTO ddd.post_tags (post_id, tag_id)
	SELECT 2000000 + n, 2000000 FROM generate_series(1, 10050) n
	 UNION ALL SELECT 2000000 + n, 2000001 FROM generate_series(1, 61) n
	 UNION ALL SELECT 2000000 + n, 2000002 FROM generate_series(10001, 10050) n});
is($node->safe_psql('utf8', q{SELECT string_agg(concat_ws(' ', name, post_count, shared), ', ') FROM ddd.related_tags('many')}),
	'of the newest 50 50, of the oldest 61 11', 'related_tags() looks at the newest 10,000 posts of a tag');

$node->stop;
done_testing();
