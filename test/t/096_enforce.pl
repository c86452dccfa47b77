# With ddd.enforce_identity nobody writes what is not his: every volatile
# function of the API, as the catalog lists them, by nobody, by a user whose
# token lets only read, by another user, by the owner and by a superuser of the
# application. What everybody may call is named here, with the reason.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('enforce', 'fsync = off', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
my $db = new_database($node, 'enforce', 'CREATE EXTENSION ddd',
	q{SELECT ddd.create_user('ann@example.org', 'Ann', 'correct horse'), ddd.create_user('bob@example.org', 'Bob'), ddd.create_user('root@example.org', 'Root', is_superuser => true)},
	q{SELECT ddd.create_post(1, 'T', 'C', '{a,b}'), ddd.add_comment(1, 1, 'C'), ddd.add_tag_synonym('a', 's'), ddd.create_post(2, 'T', 'C')});

# Calls about what is user 1's, by the rule they are under.
my %calls = (
	owner => [
		q{update_user(1, '{"bio": "x"}')}, q{delete_user(1, 'cascade')}, q{change_password(1, 'correct horse', 'another horse')},
		q{issue_token(1, scope => 'read write')}, q{revoke_tokens(1)}, q{create_post(1, 'T', 'C')}, q{update_post(1, '{"title": "x"}')}, q{delete_post(1)},
		q{add_comment(2, 1, 'C')}, q{update_comment(1, '{"content": "x"}')}, q{delete_comment(1)},
		q{tag_post(1, '{c}')}, q{untag_post(1, '{a}')}, q{set_post_tags(1, '{c}')} ],
	superuser => [
		q{create_user('n@x', 'N', hashed_password => '!')},
		q{create_user('n@x', 'N', is_superuser => true)}, q{create_user('{"email": "n@x", "full_name": "N", "is_superuser": true}')},
		q{create_users('[{"email": "n@x", "full_name": "N"}]')}, q{set_password(1, 'another horse')},
		q{update_user(1, '{"is_superuser": true}')}, q{update_user(1, '{"is_active": false}')}, q{delete_user(1, 'reassign', 2)},
		q{prune_tokens()}, q{take_outbox()},
		q{rename_tag('a', 'x')}, q{merge_tags('{a}', 'b')}, q{add_tag_synonym('a', 'x')}, q{drop_tag_synonym('s')},
		q{delete_tag('b', true)}, q{prune_tags()} ],
	everybody => [
		# sign-up, log-in and what a token proves come before anybody is known
		q{create_user('n@x', 'N')}, q{create_user('{"email": "n@x", "full_name": "N"}')},
		q{authenticate('ann@example.org', 'x')}, q{begin_as('TOKEN')}, q{rotate_token('TOKEN')}, q{revoke_token('TOKEN')},
		q{request_password_reset('ann@example.org')}, q{request_email_verification('ann@example.org')}, q{reset_password('x', 'another horse')}, q{verify_email('x')},
		# writes nothing
		q{hash_password('correct horse')} ]);
my $token = sql($node, $db, 'SELECT ddd.issue_token(1)');

# Who calls, and what each may do.
my %callers = (
	nobody => '',
	'a reader' => sql($node, $db, q{SELECT ddd.issue_token(1, scope => 'read')}),
	another => sql($node, $db, 'SELECT ddd.issue_token(2)'),
	'the owner' => sql($node, $db, q{SELECT ddd.issue_token(1, scope => 'read write')}),
	'a superuser' => sql($node, $db, 'SELECT ddd.issue_token(3)'),
	'a superuser who reads' => sql($node, $db, q{SELECT ddd.issue_token(3, scope => 'read')}));

sub wanted
{
	my ($rule, $caller) = @_;
	return '00000' if $rule eq 'everybody';
	return '28000' if $caller eq 'nobody';
	return '42501' if $caller =~ /read/;
	return '00000' if $caller eq 'a superuser' || $rule eq 'owner' && $caller eq 'the owner';
	return '42501';
}

# Returns the SQLSTATE of a call of the caller's, undone.
sub state_of
{
	my ($setting, $caller, $call) = @_;
	my $as = $callers{$caller} ? "SELECT ddd.begin_as('$callers{$caller}');" : '';
	return failure($node, $db, "SET ddd.enforce_identity = $setting; BEGIN; $as SELECT ddd." . $call =~ s/TOKEN/$token/r . '; ROLLBACK')->{state} || '00000';
}

foreach my $rule (sort keys %calls)
{
	foreach my $call (@{ $calls{$rule} })
	{
		is(join(', ', map { "$_ " . state_of('on', $_, $call) } sort keys %callers),
			join(', ', map { "$_ " . wanted($rule, $_) } sort keys %callers), "$rule: $call");
	}
}
is(join(' ', map { state_of('off', 'nobody', $_) } map { @$_ } values %calls),
	join(' ', ('00000') x map { @$_ } values %calls), 'without the setting everybody may do everything');

# ---- every function is among them ------------------------------------------
my %named = map { /^(\w+)/ ? ($1 => 1) : () } map { @$_ } values %calls;
my @writers = split /\n/, sql($node, $db, q{
	SELECT DISTINCT p.proname FROM ddd.api a
	  JOIN pg_proc p ON p.pronamespace = 'ddd'::regnamespace AND p.proname = a.function AND p.provolatile = 'v'
	 WHERE a.context IN ('users', 'blog', 'tags', 'popularity') ORDER BY 1});
is_deeply([ grep { !$named{$_} } @writers ], [], 'every writing function of the domain was called');
cmp_ok(scalar @writers, '>', 30, '... which are many');

# ---- edges --------------------------------------------------------------------
my $as_ann = "SET ddd.enforce_identity = on; BEGIN; SELECT ddd.begin_as('$callers{'the owner'}');";
is(sql($node, $db, "$as_ann SELECT ddd.update_post(999, '{\"title\": \"x\"}') IS NULL") =~ s/.*\n//sr, 't', 'what is not there is nobody\'s: NULL');
is(sql($node, $db, "$as_ann SELECT ddd.delete_comment(999)") =~ s/.*\n//sr, 'f', '... or false');
is_refused($node, $db, "$as_ann SELECT ddd.issue_token(1, scope => '*')", '42501', qr/scope "\*"/, 'a token gives no more scope than its bearer has');
is_refused($node, $db, "$as_ann SELECT ddd.issue_token(1, scope => 'read admin')", '42501', qr/scope "admin"/, '... of any word');
like(sql($node, $db, "$as_ann SELECT ddd.issue_token(1, scope => 'write')"), qr/ddd_/, '... but as much');
is(sql($node, $db, q{SET ddd.enforce_identity = on; SELECT ddd.issue_token(u.id) IS NOT NULL FROM ddd.authenticate('ann@example.org', 'correct horse') u}), 't',
	'logging in and issuing a token is one statement');
sql($node, $db, 'CREATE ROLE app');
is_refused($node, $db, 'SELECT ddd.current_user_id(); SET ROLE app; SET ddd.enforce_identity = off', '42501', undef, 'an application\'s role cannot turn it off');
sql($node, $db, "ALTER DATABASE $db SET ddd.enforce_identity = on");
is_refused($node, $db, q{SELECT ddd.create_post(1, 'T', 'C')}, '28000', undef, 'it holds from the first statement of a session');
sql($node, $db, 'GRANT USAGE ON SCHEMA ddd TO app; GRANT EXECUTE ON FUNCTION ddd.create_post TO app');
sql($node, $db, 'ALTER ROLE app LOGIN');
{
	# options of the connection come before what the database says
	local $ENV{PGOPTIONS} = '-c ddd.enforce_identity=off';
	my ($code, $out, $err) = $node->psql($db, q{SELECT ddd.create_post(1, 'T', 'C')}, extra_params => [ '-U', 'app' ]);
	like($err, qr/no user is authenticated/, '... whatever a role says when it connects');
	$ENV{PGOPTIONS} = '-c DDD.Enforce_Identity=off';
	($code, $out, $err) = $node->psql($db, q{SELECT ddd.create_post(1, 'T', 'C')}, extra_params => [ '-U', 'app' ]);
	like($err, qr/no user is authenticated/, '... in whatever case');
	foreach my $value ('off', 'on')
	{
		($code, $out, $err) = $node->psql($db, qq{SET ddd.enforce_identity = $value; SELECT ddd.create_post(1, 'T', 'C')}, extra_params => [ '-U', 'app' ]);
		like($err, qr/no user is authenticated/, "... and sets then ($value)");
	}
}
my ($code, $out, $err) = $node->psql($db, q{SET SESSION AUTHORIZATION app; SET ddd.enforce_identity = off; SELECT ddd.create_post(1, 'T', 'C')}, on_error_stop => 0);
like($err, qr/no user is authenticated/, '... whatever was set before the library was loaded');
sql($node, $db, "ALTER DATABASE $db RESET ddd.enforce_identity");

# what is not there yet is nobody's, and does not become somebody's on the way
my $next = sql($node, $db, q{SELECT nextval('ddd.posts_id_seq') + 1});
my $creator = $node->background_psql($db);
my $guesser = $node->background_psql($db, on_error_stop => 0);
$guesser->query($as_ann);
$guesser->query_until(qr/sent/, qq{\\echo sent
	DO \$\$ BEGIN FOR i IN 1 .. 60000 LOOP
		BEGIN PERFORM ddd.delete_post($next + i % 30); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	END LOOP; END \$\$;
	COMMIT;
});
$creator->query(q{SELECT ddd.create_post(2, 'Bob''s', 'C')}) foreach 1 .. 30;
$guesser->quit;
is(sql($node, $db, "SELECT count(*) FROM ddd.posts WHERE id >= $next"), '30', 'guessing the ids of posts to come gets none of them');
$creator->quit;

# a row that becomes another's meanwhile is written by nobody else
my $session = $node->background_psql($db, on_error_stop => 0);
$session->query('BEGIN; UPDATE ddd.posts SET author_id = 2 WHERE id = 1');
my $waiting = $node->background_psql($db, on_error_stop => 0);
$waiting->query("\\set VERBOSITY verbose\n$as_ann");
$waiting->query_until(qr/sent/, "\\echo sent\nSELECT ddd.update_post(1, '{\"title\": \"mine\"}');\n");
$node->poll_query_until($db, q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%update_post%'}) or die 'nobody waits';
$session->query('COMMIT');
like(session_result($waiting, 'SELECT 1'), qr/42501/, 'a post that is given away meanwhile is not written by its former author');
$_->quit foreach $session, $waiting;
is(sql($node, $db, 'SELECT title FROM ddd.posts WHERE id = 1'), 'T', '... and stays as it was');

$node->stop;
done_testing();
