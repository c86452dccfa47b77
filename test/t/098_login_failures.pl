# Where failed log-ins are counted: in shared memory that no preloading asked
# for, in more of it where the library is preloaded, and by each session for
# itself where none is left. Nowhere does a log-in fail for it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $module = PostgreSQL::Test::Utils::tempdir() . '/shmem.so';
my ($major) = `postgres --version` =~ /(\d+)/;
my $headers = `/usr/lib/postgresql/$major/bin/pg_config --includedir-server`;
chomp $headers;
system_or_bail('gcc', '-shared', '-fPIC', "-I$headers", '-o', $module, "$FindBin::RealBin/shmem.c");

my @settings = ('fsync = off', 'ddd.auth_forget_interval = 86400', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
my $structure = q{SELECT coalesce(sum(allocated_size), 0) FROM pg_shmem_allocations WHERE name = 'ddd failed log-ins'};
my $failures = q{SELECT ddd.authenticate(name, 'wrong horse') IS NULL FROM (SELECT 'ann@example.org' AS name FROM generate_series(1, 8)) x};

# Milliseconds of a log-in with the right password, after what came before it in the session.
sub login_time
{
	my ($node, $before) = @_;
	return sql($node, 'failures', ($before // '') . q{;
		SET ddd.auth_max_delay = 3000;
		DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
			PERFORM 1 / (NOT (ddd.authenticate('ann@example.org', 'correct horse') IS NULL))::int;
			PERFORM set_config('x.ms', (extract(epoch FROM clock_timestamp() - t) * 1000)::text, false);
		END $$;
		SELECT current_setting('x.ms')}) =~ s/.*\n//sr;
}

sub server
{
	my ($name, @more) = @_;
	my $node = new_node($name, @settings, @more);
	new_database($node, 'failures', 'CREATE EXTENSION ddd', q{SELECT ddd.create_user('ann@example.org', 'Ann', 'correct horse')},
		"CREATE FUNCTION leave_no_shared_memory() RETURNS bigint LANGUAGE c AS '$module'");
	return $node;
}

# ---- not preloaded ------------------------------------------------------------
my $node = server('plain');
is(sql($node, 'failures', $structure), '0', 'no memory is taken before somebody fails');
sql($node, 'failures', $failures);
cmp_ok(sql($node, 'failures', $structure), '<', 40_000, 'then a little is, without preloading');
cmp_ok(sql($node, 'failures', $structure), '>', 20_000, '... enough for a thousand names');
cmp_ok(login_time($node), '>=', 2000, '... which all sessions share');
new_database($node, 'other', 'CREATE EXTENSION ddd', $failures);
cmp_ok(login_time($node), '<', 1500, 'the same address in another database is another account');

# more names than there is room for: the smallest counts go, the large one stays
sql($node, 'failures', $failures);
sql($node, 'failures', q{SELECT count(ddd.authenticate('u' || i, 'x')) FROM generate_series(1, 3000) i});
cmp_ok(login_time($node), '>=', 2000, 'names that failed once do not crowd out one that failed often');
$node->stop('immediate');
$node->start;
cmp_ok(login_time($node), '<', 1500, 'a restart forgets');
$node->stop;

# ---- preloaded ----------------------------------------------------------------
$node = server('preloaded', q{shared_preload_libraries = 'ddd'});
cmp_ok(sql($node, 'failures', $structure), '>', 1_000_000, 'a library that is preloaded has room for more');
cmp_ok(sql($node, 'failures', 'SELECT leave_no_shared_memory()'), '>', 0, '... which it has asked for: where others take all,');
sql($node, 'failures', $failures);
cmp_ok(login_time($node), '>=', 2000, '... failures are counted all the same');
$node->stop;

# ---- nothing left ---------------------------------------------------------------
$node = server('full');
cmp_ok(sql($node, 'failures', 'SELECT leave_no_shared_memory()'), '>', 0, 'where no shared memory is left,');
cmp_ok(login_time($node, $failures), '>=', 2000, '... a session counts for itself');
cmp_ok(login_time($node), '<', 1500, '... and others do not know');
is(sql($node, 'failures', $structure), '0', '... without the structure');
is(sql($node, 'failures', "BEGIN; $failures; ROLLBACK; SELECT 1") =~ s/.*\n//sr, '1', '... and goes on');
$node->stop;

done_testing();
