# Messages to users: a request leaves a row, whoever takes it makes the token, and
# a token proves an address or resets a password once. No request tells whether
# there is such an account, and none fills a mailbox.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('outbox', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
my $db = new_database($node, 'outbox', 'CREATE EXTENSION ddd',
	q{SELECT ddd.create_user('ann@example.org', 'Ann', 'correct horse'), ddd.create_user('bob@example.org', 'Bob', 'correct horse'), ddd.create_user('out@example.org', 'Out', is_active => false)});

sub ask { return sql($node, $db, join '; ', map { my ($kind, $email) = @$_; "SELECT ddd.request_$kind('$email')" } @_); }
sub pending { return sql($node, $db, 'SELECT user_id, kind FROM ddd.outbox ORDER BY requested_at') =~ s/\n/ /gr; }

# Returns the token of the one message that there is.
sub take
{
	my @messages = split /\n/, sql($node, $db, 'SELECT token FROM ddd.take_outbox()');
	die 'not one message: ' . scalar @messages if @messages != 1;
	return $messages[0];
}

# ---- requests -----------------------------------------------------------------
is(ask([ password_reset => ' ANN@example.org ' ]), '', 'a request answers nothing');
is(pending(), '1|reset_password', '... and leaves a row');
is(ask([ password_reset => 'nobody@example.org' ], [ password_reset => 'out@example.org' ], [ password_reset => 'x' ]), "\n\n", 'so it answers for an account that is not there');
is(pending(), '1|reset_password', '... which leaves none');
ask([ password_reset => 'ann@example.org' ], [ email_verification => 'ann@example.org' ]);
is(pending(), '1|reset_password 1|verify_email', 'there is one message of a kind to a user');
my $before = sql($node, $db, 'SELECT pg_current_wal_insert_lsn()');
ask([ password_reset => 'nobody@example.org' ]);
my $nobody = sql($node, $db, "SELECT pg_current_wal_insert_lsn() - '$before'");
cmp_ok($nobody, '>', 100, 'a request for nobody has something to commit as well');

# Another request that was committed after the snapshot is no error, which would tell.
foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	sql($node, $db, 'DELETE FROM ddd.outbox');
	my $late = $node->background_psql($db, on_error_stop => 0);
	$late->query("\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL $level; SELECT 1");
	ask([ password_reset => 'ann@example.org' ]);
	is(session_result($late, q{SELECT ddd.request_password_reset('ann@example.org'); COMMIT}), '', "a request under $level sees what others have asked for");
	$late->quit;
	is(pending(), '1|reset_password', '... and is none more');
}
ask([ email_verification => 'ann@example.org' ]);

# ---- taking -------------------------------------------------------------------
is(sql($node, $db, 'SELECT kind, user_id, email, full_name, token ~ \'^ddd_[A-Za-z0-9_-]{43}$\', expires_at - now() BETWEEN interval \'59 min\' AND interval \'25 h\' FROM ddd.take_outbox()'),
	"reset_password|1|ann\@example.org|Ann|t|t\nverify_email|1|ann\@example.org|Ann|t|t", 'messages are taken, the oldest first');
is(pending(), '', '... and are gone');
ask([ password_reset => 'ann@example.org' ]);
is(pending(), '', 'the next one has to wait a minute');
my $later = q{UPDATE ddd.tokens SET created_at = created_at - interval '2 minutes'};
sql($node, $db, $later);
ask([ password_reset => 'ann@example.org' ]);
my $lost = sql($node, $db, 'BEGIN; SELECT token FROM ddd.take_outbox(); ROLLBACK');
is(pending(), '1|reset_password', 'a message whose taking is rolled back is there again');
is(sql($node, $db, "SELECT ddd.reset_password('$lost', 'another horse')"), 'f', '... and its token does not count');
is(sql($node, $db, 'SELECT count(*) FROM ddd.take_outbox(0)'), '0', 'none is taken where none is asked for');
is(sql($node, $db, q{BEGIN; CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER a_swallow BEFORE INSERT ON ddd.tokens FOR EACH ROW EXECUTE FUNCTION swallow();
	SELECT count(*) FROM ddd.take_outbox(); ROLLBACK}), '0', 'a message whose token a trigger swallows is not given out');
my $first = $node->background_psql($db);
$first->query('BEGIN; SELECT count(*) FROM ddd.take_outbox()');
is(sql($node, $db, 'SELECT count(*) FROM ddd.take_outbox()'), '0', 'two who take do not take the same, nor wait');
is(ask([ password_reset => 'ann@example.org' ]), '', 'a request does not wait for who is sending the message');
$first->query('ROLLBACK');
is(pending(), '1|reset_password', '... which is not lost');
$first->quit;

# ---- a password is reset --------------------------------------------------------
my $access = sql($node, $db, 'SELECT ddd.issue_token(1)');
my $token = take();
is_refused($node, $db, "SELECT ddd.reset_password('$token', 'short')", '23514', undef, 'a password that is too short uses no token up');
is(sql($node, $db, "SELECT ddd.verify_email('$token')"), 'f', 'a token is for what it was sent for');
is_refused($node, $db, "SELECT ddd.begin_as('$token')", '28000', undef, '... and no access token');
is(sql($node, $db, "SELECT ddd.reset_password('$token', 'another horse')"), 't', 'a token resets the password');
like(sql($node, $db, q{SELECT ddd.authenticate('ann@example.org', 'another horse')}), qr/Ann/, '... to the new one');
is(sql($node, $db, "SELECT ddd.reset_password('$token', 'third horse')"), 'f', '... once');
is_refused($node, $db, "SELECT ddd.begin_as('$access')", '28000', undef, '... and ends all access tokens');
foreach my $case (
	[ 'another password', q{SELECT ddd.set_password(1, 'fourth horse')} ],
	[ 'another address', q{SELECT ddd.update_user(1, '{"email": "ann2@example.org"}')} ],
	[ 'an account out of use', q{SELECT ddd.update_user(1, '{"is_active": false}')}, q{SELECT ddd.update_user(1, '{"is_active": true}')} ],
	[ 'time', q{UPDATE ddd.tokens SET expires_at = now() - interval '1 second'} ])
{
	my ($what, $statement, $undo) = @$case;
	sql($node, $db, $later);
	ask([ password_reset => sql($node, $db, 'SELECT email FROM ddd.get_user(1)') ]);
	$token = take();
	sql($node, $db, $statement);
	is(sql($node, $db, "SELECT ddd.reset_password('$token', 'fifth horse')"), 'f', "$what ends a token");
	sql($node, $db, $undo) if $undo;
}

# tokens count for as long as the settings say
sql($node, $db, $later);
ask([ password_reset => sql($node, $db, 'SELECT email FROM ddd.get_user(1)') ], [ email_verification => 'bob@example.org' ]);
my %short = map { split /\|/ } split /\n/, sql($node, $db, q{SET ddd.reset_token_ttl = '1 s'; SET ddd.verify_token_ttl = '2 s'; SELECT kind, token FROM ddd.take_outbox()});
is(sql($node, $db, q{SELECT string_agg(extract(epoch FROM expires_at - created_at)::int::text, ' ' ORDER BY purpose) FROM ddd.tokens WHERE created_at = (SELECT max(created_at) FROM ddd.tokens)}),
	'1 2', 'each kind has its time');
$node->poll_query_until($db, q{SELECT clock_timestamp() > max(expires_at) FROM ddd.tokens WHERE created_at = (SELECT max(created_at) FROM ddd.tokens)}) or die 'no time passes';
is(sql($node, $db, "SELECT ddd.reset_password('$short{reset_password}', 'sixth horse'), ddd.verify_email('$short{verify_email}')"), 'f|f', '... after which they are void');
sql($node, $db, $later);

# ---- an address is proved ---------------------------------------------------------
sub verified { return sql($node, $db, 'SELECT ddd.email_verified(2)'); }
is(verified(), 'f', 'an address is not proved at first');
ask([ email_verification => 'bob@example.org' ]);
$token = take();
is(sql($node, $db, "SELECT ddd.reset_password('$token', 'another horse')"), 'f', 'a token for that resets no password');
is(sql($node, $db, "SELECT ddd.verify_email('$token')") . verified(), 'tt', 'its token proves it');
is(sql($node, $db, "SELECT ddd.verify_email('$token')") . verified(), 'ft', '... once');
sql($node, $db, $later);
ask([ email_verification => 'bob@example.org' ]);
is(pending(), '', 'an address that is proved gets no message');
sql($node, $db, q{SELECT ddd.update_user(2, '{"email": "bob2@example.org"}')});
is(verified(), 'f', 'another address is not proved');
ask([ email_verification => 'bob2@example.org' ]);
$token = take();
sql($node, $db, q{SELECT ddd.update_user(2, '{"email": "bob@example.org"}')});
is(sql($node, $db, "SELECT ddd.verify_email('$token')") . verified(), 'ft', 'a token proves the address that it was sent to only');
is(sql($node, $db, 'SELECT ddd.email_verified(999) IS NULL'), 't', 'of nobody nothing is known');
is(sql($node, $db, 'SELECT ddd.issue_token(2) IS NOT NULL; SELECT ddd.delete_user(2)'), "t\nt", 'a user who is deleted');
is(sql($node, $db, 'SELECT (SELECT count(*) FROM ddd.tokens WHERE user_id = 2), (SELECT count(*) FROM ddd.verified_emails)'), '0|0', '... takes tokens and proofs along');

$node->stop;
done_testing();
