# Many sessions create the same tags in every order at once: no deadlock, no
# duplicate, no link lost.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 8;
my $calls = 150;

my $node = PostgreSQL::Test::Cluster->new('tags');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ndeadlock_timeout = 1ms\nlog_lock_waits = on\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION ddd;
	SELECT ddd.create_user('tags@race', 'T');
	INSERT INTO ddd.posts (id, title, content, author_id) SELECT n, 'P', '', 1 FROM generate_series(1, 1200) n;
	CREATE SEQUENCE public.turn;
});

# Each call tags a post of its own with 6 of 12 names, which are the same for
# the eight calls of one round, in random order and random case.
$node->pgbench(
	"--no-vacuum --client=$clients --transactions=$calls",
	0,
	[qr{actually processed: @{[ $clients * $calls ]}/@{[ $clients * $calls ]}}],
	[qr{^$}],
	'racing tag_post calls all succeed',
	{
		'race' => q{
			SELECT nextval('public.turn') AS turn \gset
			BEGIN;
			SELECT ddd.tag_post(:turn, ARRAY(
				SELECT CASE WHEN random() < 0.5 THEN upper(name) ELSE name END
				  FROM (SELECT 'tag' || (:turn / 8) || chr(97 + n) AS name FROM generate_series(0, 11) n ORDER BY random() LIMIT 6) t
				 ORDER BY random()));
			SELECT count(*) FROM generate_series(1, 20000);
			COMMIT;
		}
	});

is($node->safe_psql('postgres', 'SELECT count(*) FROM ddd.tags t JOIN ddd.tags u ON lower(t.name) = lower(u.name) AND t.id <> u.id'),
	'0', 'no tag exists twice');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT post_id) FROM ddd.post_tags'),
	6 * $clients * $calls . '|' . $clients * $calls, 'every call linked its six tags');
is($node->safe_psql('postgres', q{SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'}),
	'0', 'no deadlock was resolved');
like(slurp_file($node->logfile), qr/still waiting for/, 'the calls did meet');

$node->stop;
done_testing();
