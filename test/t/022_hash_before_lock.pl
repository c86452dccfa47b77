# Passwords are hashed before anything is locked: while a sign-up of several
# users computes a slow hash, another session takes the first one's address.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# a hash of seconds, of which only one is made
my $node = new_node('hash', 'fsync = off', 'ddd.argon2_memory_kib = 262144', 'ddd.argon2_time = 10');
my $database = new_database($node, 'hash', 'CREATE EXTENSION ddd');

my $session = $node->background_psql($database, on_error_stop => 0);
$session->query('\set VERBOSITY verbose');
$session->query_until(qr/^sent$/m, q{\echo sent
	DO $call$ BEGIN
		PERFORM set_config('application_name', 'calls', false);
		PERFORM ddd.create_users('[{"email": "first@x", "full_name": "F"},
			{"email": "second@x", "full_name": "S", "password": "correct horse"}]');
	END $call$;
});
$node->poll_query_until('postgres',
	q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'calls'})
  or die 'the sign-up did not start';

my ($code, $email, $error) = $node->psql($database,
	q{SET lock_timeout = '100ms'; SELECT email FROM ddd.create_user('first@x', 'Other')});
is($email, 'first@x', 'the address is free while the hash is computed') or diag $error;
is(sql($node, 'postgres', q{SELECT state FROM pg_stat_activity WHERE application_name = 'calls'}),
	'active', '... which it still is');
like(session_result($session, q{SELECT 'done'}),
	qr/^23505 Email already registered/, 'the slower one is refused');
$session->quit;
is(sql($node, $database, 'SELECT count(*) FROM ddd.users'), '1', '... as a whole');

$node->stop;
done_testing();
