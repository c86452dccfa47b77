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
my $each = int($searches / 4 / keys %database);

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
		my ($wrong, $pages, $rows) = split /\|/, $node->safe_psql($name, "SELECT setseed(0.5) IS NULL; SELECT wrong, pages, rows FROM public.ask($each)") =~ s/^.*\n//r;

		is($wrong, '', "$name, $when: $each queries are answered rightly");
		cmp_ok($pages, '>', 1.3 * $each, "$name, $when: by $pages pages of $rows posts");
	}
}

# Pages of a walk while tags and posts change: none is seen twice, none that had
# the tags all the time is missed, and none that never had them is there.
$node->safe_psql('utf8', q{
	CREATE TABLE public.always AS SELECT s.id FROM ddd.posts_by_tags('btag1 & !dtag3', 1000) s;
	SELECT setval('ddd.posts_id_seq', 1000000);
	CREATE TABLE public.never AS SELECT s.id FROM ddd.posts_by_tags('!btag1', 1000) s;
	CREATE PROCEDURE public.walks(walks int) LANGUAGE plpgsql AS $$
	DECLARE
		seen bigint[];
		page record;
		after text;
	BEGIN
		FOR i IN 1 .. walks LOOP
			seen := '{}';
			after := NULL;
			LOOP
				SELECT array_agg(s.id) AS ids, (array_agg(s.cursor))[count(*)] AS cursor INTO page FROM ddd.posts_by_tags('btag1', 7, after) s;
				EXIT WHEN page.ids IS NULL;
				seen := seen || page.ids;
				after := page.cursor;
				COMMIT;
			END LOOP;
			IF cardinality(seen) <> (SELECT count(DISTINCT s) FROM unnest(seen) s) THEN RAISE 'a post is seen twice'; END IF;
			IF EXISTS (SELECT id FROM public.always EXCEPT SELECT unnest(seen)) THEN RAISE 'a post is missed'; END IF;
			IF EXISTS (SELECT id FROM public.never INTERSECT SELECT unnest(seen)) THEN RAISE 'a post does not belong there'; END IF;
		END LOOP;
	END $$});
# of the posts that are in neither table, one is tagged or not, deleted or made
my $change = q{
	SELECT (SELECT id FROM ddd.posts WHERE id NOT IN (SELECT id FROM public.always UNION SELECT id FROM public.never) ORDER BY random() LIMIT 1) AS post \gset
	SELECT CASE WHEN random() < 0.5 THEN ddd.tag_post(:post, '{btag1,ctag2}') ELSE ddd.untag_post(:post, '{btag1}') END;
	SELECT ddd.create_post(-1, 'new', '', '{btag1}');
};
$node->safe_psql('utf8', $change) foreach 1 .. 5;
$node->pgbench('--no-vacuum --client=4 --jobs=2 --transactions=300', 0, [qr{number of failed transactions: 0 }], [],
	'walks while posts are tagged', {
		'walk@1' => 'CALL public.walks(3);',
		'change@6' => $change,
		'fold@1' => 'SELECT ddd.fold_counters();',
	},
	'utf8');
cmp_ok($node->safe_psql('utf8', 'SELECT count(*) FROM ddd.posts'), '>', 1000, 'posts were made meanwhile');

$node->stop;
done_testing();
