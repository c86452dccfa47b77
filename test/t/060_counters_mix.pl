# Every count is exact in every snapshot, whatever the random mix of Mix.pm does.
# SOAK_SECONDS says for how long.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Mix;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{SOAK_SECONDS} || 60;
my $clients = 12;

my $node = PostgreSQL::Test::Cluster->new('mix');
$node->init;
$node->append_conf('postgresql.conf', mix_settings() . "fsync = off\n");
$node->start;
mix_prepare($node);

# mix(SECONDS, NAME, SCRIPTS...): runs these scripts at random
my $runs = 0;
sub mix
{
	my ($seconds, $name, @names) = @_;

	$runs++;
	$node->pgbench("--no-vacuum --client=$clients --jobs=2 --time=$seconds --max-tries=1000",
		0, [qr{number of failed transactions: 0 }], [], $name, { map { ("${runs}_$_" => $mix_script{$_}) } @names });
}

# a recount would mend what another has broken
mix($seconds, "every change, for $seconds seconds", grep { !/^rebuild/ } keys %mix_script);
is($node->safe_psql('postgres', 'SELECT ddd.fold_counters() >= 0; SELECT ddd.rebuild_counters()'), "t\n0", 'a recount finds nothing to correct');
# with recounts, and with the hooks of others around every statement
$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'pg_stat_statements, auto_explain'
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_triggers = on
END
$node->restart;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
mix(5, 'recounts, pg_stat_statements and auto_explain', keys %mix_script);
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_statements WHERE NOT toplevel AND query ~ 'ddd.counter'}),
	'>', 2, 'their statements were seen');
my ($compared, $different) = split /\|/, $node->safe_psql('postgres',
	q{SELECT (SELECT last_value FROM public.compared), (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.different)});
cmp_ok($compared, '>', 10 * $seconds, "sessions compared ($compared times)");
is($different, '0', 'every count was exact in every snapshot');
is($node->safe_psql('postgres', 'SELECT public.deviations()'), '0', 'afterwards too');
is($node->safe_psql('postgres', 'SELECT ddd.fold_counters() >= 0; SELECT public.deviations(), count(*) FROM ddd.counter_ledger'),
	"t\n0|0", 'nothing is left in the ledger');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'no transaction is left prepared');

# The negative control: two statements have two snapshots, and must be seen to differ.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.torn() RETURNS void VOLATILE LANGUAGE plpgsql AS $$
	DECLARE
		told numeric;
		counted bigint;
	BEGIN
		told := (SELECT sum(ddd.comment_count(id)) FROM ddd.posts);
		counted := (SELECT count(*) FROM ddd.comments);
		IF told <> counted THEN
			PERFORM nextval('public.different');
		END IF;
	END $$;
});
$mix_script{'torn@5'} = 'SELECT public.torn();';
mix(3, 'counts of two statements', 'insert@6', 'delete@3', 'torn@5');
cmp_ok($node->safe_psql('postgres', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.different'),
	'>', 0, 'a difference is noticed where there is one');

$node->stop;
done_testing();
