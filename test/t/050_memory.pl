# No call leaks: a backend that makes a million of them is as large as before,
# and as fast.
#
# The catalog says which functions there are; each is called here or named as
# one that is not, with the reason. A function is called in a backend of its
# own from a loop in that backend: 1,000 calls to warm up, or as many as are made
# where these are fewer, then "calls" in ten batches. Two sizes are compared, both
# taken inside the loop, so that what lives as long as the transaction counts as
# well:
#  - all memory contexts, which may grow by about a byte a call (1 MiB for a
#    million), at least by a block of the smallest contexts;
#  - the process's own memory, for what libraries allocate, within 1 MiB.
# The last batch may take 1.5 times the processor time of the first, and 20 ms
# more: the kernel counts it in steps. What others do on the machine disturbs a
# measurement, but hardly three in a row, so two more may be tried.
#
# A million calls each take long for all but the cheapest, so those over 20
# microseconds make 100,000 or fewer, against a limit that shrinks with them.
# DDD_MEMORY_CALLS=1000000 is the full length for all readers; writers leave
# dead rows behind and stay at their number. A smaller value shortens all.

use strict;
use warnings;

use FindBin;
use List::Util qw(max min);
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $batches = 10;
my $million = 1_000_000;
my $smallest_block = 8 * 1024;
my $largest_growth_of_process = 1024 * 1024;
my $slowdown = 1.5;
my $step_of_time = 20_000;
my $tries = 3;

# Calls of each function: what follows PERFORM, with i the number of the call.
# "rolled_back" is a writer: each batch is undone. Users and posts 1 to 500 and
# three times as many comments are there; every post has the tag even or odd, and
# third or other.
my $user = q{ROW(1, 'a@x', 'A', true, false, NULL, now(), now())::ddd.user_info};
my $argon2 = q{'$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$' || repeat('A', 43)};
my $sha256_crypt = q{'$5$rounds=1000$salt$' || repeat('A', 43)};
my $pbkdf2 = q{'$pbkdf2-sha256$1$c2FsdA$' || repeat('A', 43)};
my $new = q{jsonb_build_object('email', 'n' || i || '@x', 'full_name', 'N')};
my $cheap = { calls => $million };
my $page = { calls => 100_000 };
my $slow = { calls => 5_000 };
my $write = { calls => 10_000, rolled_back => 1 };
my $refused = { calls => 100_000, fails => 1 };
my $refused_write = { %$write, fails => 1 };

my @calls = (
	[ 'version()', $cheap, 'ddd.version()' ],
	[ 'tables_wanted()', $cheap, 'ddd.tables_wanted()' ],
	[ 'owns_type(text)', $cheap, q{ddd.owns_type('user_info')} ],
	[ 'get_user(bigint)', $cheap, 'ddd.get_user(1 + i % 501)' ],
	[ 'get_user_by_email(text)', $cheap,
		q{ddd.get_user_by_email('U' || 1 + i % 501 || '@example.org')} ],
	[ 'get_post(bigint)', $cheap, 'ddd.get_post(1 + i % 501)' ],
	[ 'is_authenticated(ddd.user_info)', $cheap, "ddd.is_authenticated($user)" ],
	[ 'repr(ddd.user_info)', $cheap, "ddd.repr($user)" ],
	[ 'to_dict(anyelement)', $cheap, "ddd.to_dict($user)" ],
	[ 'needs_rehash(text)', $cheap, "ddd.needs_rehash($argon2)" ],
	[ 'identify_hash(text)', $cheap, "ddd.identify_hash($sha256_crypt)" ],

	# the cheapest hashes of each library; passlib's and Django's share a path
	[ 'verify_password(text, text)', $page, "ddd.verify_password('x', $argon2)" ],
	[ 'verify_password(text, text)', $page, "ddd.verify_password('x', $pbkdf2)" ],
	[ 'verify_password(text, text)', { calls => 500 }, "ddd.verify_password('x', $sha256_crypt)" ],

	[ 'list_users(integer, text, integer, boolean)', $page, 'ddd.list_users(first => 10, skip => i % 10)' ],
	[ 'search_users(text, integer, text)', $slow, q{ddd.search_users('u1', first => 10)} ],
	[ 'list_posts(integer, text, integer, bigint)', $page, 'ddd.list_posts(skip => i % 10)' ],
	[ 'list_posts(integer, text, integer, bigint)', $page, 'ddd.list_posts(author_id => 1 + i % 500)' ],
	[ 'list_posts(integer, text, integer, bigint)', $page,
		'ddd.list_posts(after => (SELECT max(cursor) FROM ddd.list_posts(1)))' ],
	[ 'user_posts(bigint, integer, text)', $page, 'ddd.user_posts(1 + i % 500)' ],
	[ 'post_comments(bigint, integer, text)', $page, 'ddd.post_comments(1 + i % 500)' ],
	[ 'user_comments(bigint, integer, text)', $page, 'ddd.user_comments(1 + i % 500)' ],
	[ 'posts_with_comments(integer, text, integer, integer)', $slow, 'ddd.posts_with_comments()' ],
	[ 'users_with_posts(integer, text, integer)', $slow, 'ddd.users_with_posts(first => 10)' ],
	[ 'posts_detail(bigint[])', $page, q{ddd.posts_detail('{1,2,3}')} ],
	[ 'popular_posts(integer, text, integer, interval)', $page, 'ddd.popular_posts()' ],
	[ 'popular_posts(integer, text, integer, interval)', $slow, 'ddd.popular_posts(min_comments => 0)' ],
	[ 'popular_posts(integer, text, integer, interval)', $slow, q{ddd.popular_posts(since => '1 day')} ],
	[ 'hot_posts(integer, text, double precision)', $slow, 'ddd.hot_posts()' ],
	[ 'comment_count(bigint)', $cheap, 'ddd.comment_count(1 + i % 501)' ],
	[ 'posts_by_tag(text, integer, text, integer)', $page, q{ddd.posts_by_tag('even')} ],
	[ 'posts_by_tags(ddd.tag_query, integer, text)', $page, q{ddd.posts_by_tags('even & !odd')} ],
	[ 'posts_by_tags(ddd.tag_query, integer, text)', $slow, q{ddd.posts_by_tags('!(e* & {odd}) | x')} ],
	[ 'list_tags(integer, text, text)', $page, 'ddd.list_tags()' ],
	[ 'popular_tags(integer)', $page, 'ddd.popular_tags()' ],
	[ 'suggest_tags(text, integer)', $slow, q{ddd.suggest_tags('E')} ],
	[ 'related_tags(text, integer)', $slow, q{ddd.related_tags('even')} ],
	[ 'tag_key(text)', $page, q{ddd.tag_key('Stra' || chr(223) || 'e' || i)} ],
	[ 'tags_all(text[])', $page, q{ddd.tags_all(ARRAY['a', 'b', i::text])} ],
	[ 'tags_any(text[])', $page, q{ddd.tags_any(ARRAY['a', 'b', i::text])} ],
	[ 'tags_none(text[])', $page, q{ddd.tags_none(ARRAY['a', 'b', i::text])} ],
	[ 'tags_exact(text[])', $page, q{ddd.tags_exact(ARRAY['a', 'b', i::text])} ],
	[ 'tags_match(text[], ddd.tag_query)', $page, q{ddd.tags_match(ARRAY['a', 'b', i::text], 'a & !(b | c*)')} ],
	(map { [ "tag_query_$_(ddd.tag_query, ddd.tag_query)", $page, qq{ddd.tag_query_$_('a & b', ('!x | y' || i % 9)::ddd.tag_query)} ] }
		  qw(and or eq ne lt le gt ge cmp)),
	(map { [ "$_()", $cheap, "ddd.$_()" ] } qw(rls_user rls_superuser)),
	[ 'current()', $slow, 'ddd.current()' ],
	[ 'heads()', $slow, 'ddd.heads()' ],
	[ 'history()', $slow, 'ddd.history()' ],
	[ 'plan(text)', { calls => 300 }, q{ddd.plan('0.1.0')} ],
	[ 'fingerprint()', { calls => 100 }, 'ddd.fingerprint()' ],
	[ 'verify()', { calls => 200 }, 'count(*) FROM ddd.verify()' ],
	[ 'check_schema()', { calls => 60 }, 'count(*) FROM ddd.check_schema()' ],
	[ 'tag_query_not(ddd.tag_query)', $page, q{ddd.tag_query_not('a & b')} ],
	[ 'tag_query_hash(ddd.tag_query)', $page, q{ddd.tag_query_hash('a & b')} ],
	[ 'tag_query_hash_extended(ddd.tag_query, bigint)', $page, q{ddd.tag_query_hash_extended('a & b', i)} ],
	[ 'tag_query_out(ddd.tag_query)', $page, q{ddd.tag_query_out('a & b')} ],
	[ 'tag_query_send(ddd.tag_query)', $page, q{ddd.tag_query_send('a & b')} ],
	[ 'gin_tags_compare(text, text)', $page, q{ddd.gin_tags_compare('a', i::text)} ],

	[ 'create_user(text, text, text, text, boolean, boolean, text)', $write,
		q{ddd.create_user('n' || i || '@x', 'N', bio => 'b', hashed_password => '!')} ],
	[ 'create_user(jsonb)', $write, "ddd.create_user($new)" ],
	[ 'create_users(jsonb, text)', $write,
		qq{ddd.create_users(jsonb_build_array($new, $new), 'skip')} ],
	[ 'update_user(bigint, jsonb, timestamp with time zone)', $write,
		q{ddd.update_user(1 + i % 500, jsonb_build_object('bio', i::text))} ],
	[ 'delete_user(bigint, text, bigint)', $write, q{ddd.delete_user(1 + i % 500, 'cascade')} ],
	[ 'create_post(bigint, text, text, text[])', $write,
		q{ddd.create_post(1 + i % 500, 't', 'c', '{even,odd}')} ],
	[ 'update_post(bigint, jsonb, timestamp with time zone)', $write,
		q{ddd.update_post(1 + i % 500, jsonb_build_object('content', i::text))} ],
	[ 'delete_post(bigint)', $write, 'ddd.delete_post(1 + i % 500)' ],
	[ 'add_comment(bigint, bigint, text, bigint)', $write,
		q{ddd.add_comment(1 + (1 + i % 500) % 500, 1, 'c', 1 + i % 500)} ],
	[ 'update_comment(bigint, jsonb, timestamp with time zone)', $write,
		q{ddd.update_comment(1 + i % 500, jsonb_build_object('content', i::text))} ],
	[ 'delete_comment(bigint)', $write, 'ddd.delete_comment(1 + i % 500)' ],
	[ 'tag_post(bigint, text[])', $write, q{ddd.tag_post(1 + i % 500, ARRAY['even', 't' || i % 7])} ],
	[ 'rename_tag(text, text)', $write, q{ddd.rename_tag('even', 'Even')} ],
	[ 'merge_tags(text[], text)', { calls => 500, rolled_back => 1 }, q{ddd.merge_tags('{even}', 'odd')} ],
	[ 'add_tag_synonym(text, text)', $write, q{ddd.add_tag_synonym('even', 's' || i)} ],
	[ 'drop_tag_synonym(text)', $write, q{ddd.drop_tag_synonym((ddd.add_tag_synonym('even', 's' || i)).name)} ],
	[ 'delete_tag(text, boolean)', $write, q{ddd.delete_tag('none')} ],
	[ 'prune_tags()', $write, 'ddd.prune_tags()' ],
	[ 'untag_post(bigint, text[])', $write, q{ddd.untag_post(1 + i % 500, '{even,odd}')} ],
	[ 'verify_counters(integer, text)', $slow, 'ddd.verify_counters(20)' ],
	[ 'fold_counters()', $slow, 'ddd.fold_counters()' ],
	[ 'audit_seal()', $slow, 'ddd.audit_seal()' ],
	[ 'audit_verify(bytea)', $slow, q{ddd.audit_verify('\\x00')} ],
	[ 'rebuild_counters()', { calls => 500, rolled_back => 1 }, 'ddd.rebuild_counters()' ],
	[ 'set_post_tags(bigint, text[])', $write, q{ddd.set_post_tags(1 + i % 500, ARRAY['t' || i % 7])} ],

	# the user "cheap" has the hash of the cheapest Argon2id, and a token of 32 zero bytes
	[ 'authenticate(text, text, text)', $page, q{ddd.authenticate('cheap@x', 'wrong horse', 'source ' || i)} ],
	# it hashes the new password at the cost of the settings
	[ 'change_password(bigint, text, text)', { calls => 2_000 }, q{ddd.change_password(-1, 'wrong horse', 'other horse')} ],
	[ 'begin_as(text)', $page, q{ddd.begin_as('ddd_' || repeat('A', 43))} ],
	[ 'current_user_id()', $cheap, 'ddd.current_user_id()' ],
	[ 'current_scope()', $cheap, 'ddd.current_scope()' ],
	[ 'require_user()', $refused, 'ddd.require_user()' ],
	[ 'issue_token(bigint, interval, text)', $write, 'ddd.issue_token(1 + i % 500)' ],
	[ 'rotate_token(text, interval)', $write, 'ddd.rotate_token(ddd.issue_token(1 + i % 500))' ],
	[ 'revoke_token(text)', $write, 'ddd.revoke_token(ddd.issue_token(1 + i % 500))' ],
	[ 'revoke_tokens(bigint)', $write, 'ddd.revoke_tokens(1 + i % 500)' ],
	[ 'prune_tokens()', $write, 'ddd.prune_tokens()' ],
	[ 'request_password_reset(text)', $write, q{ddd.request_password_reset('u' || 1 + i % 501 || '@example.org')} ],
	[ 'request_email_verification(text)', $write, q{ddd.request_email_verification('u' || 1 + i % 501 || '@example.org')} ],
	[ 'take_outbox(integer)', $write, q{count(*) FROM ddd.request_password_reset('u' || 1 + i % 501 || '@example.org'), ddd.take_outbox()} ],
	[ 'verify_email(text)', $page, q{ddd.verify_email('ddd_' || repeat('A', 43))} ],
	[ 'reset_password(text, text)', $page, q{ddd.reset_password('ddd_' || repeat('A', 43), 'other horse')} ],
	[ 'email_verified(bigint)', $cheap, 'ddd.email_verified(1 + i % 500)' ],

	# errors: before anything was done, inside SPI, and while cleaning up
	[ 'get_user(bigint)', $refused, 'ddd.get_user(NULL)' ],
	[ 'list_posts(integer, text, integer, bigint)', $refused, q{ddd.list_posts(after => 'AAAA')} ],
	[ 'create_user(jsonb)', $refused, q{ddd.create_user('{"email": "a@x", "bio": 7}')} ],
	[ 'create_users(jsonb, text)', $refused_write, "ddd.create_users(jsonb_build_array($new, $new))" ],
	[ 'add_comment(bigint, bigint, text, bigint)', $refused_write,
		q{ddd.add_comment(1, 1, 'c', 0)} ],
	[ 'verify_password(text, text)', $refused, q{ddd.verify_password('x', '$argon2id$')} ],
);

# Not called: functions that hash at a cost which is a setting, whose parts
# verify_password has, those that scripts run once, those that change privileges,
# policies or triggers, those that no statement can call, and what commits (086_backfill.pl).
my %not_called = map { $_ => 1 } (
	'tag_query_in(cstring)', 'tag_query_recv(internal)', 'tags_match_selectivity(internal, oid, internal, integer)',
	'gin_tags_compare_prefix(text, text, smallint, internal)', 'gin_tags_extract_value(text[], internal, internal)',
	'gin_tags_extract_query(ddd.tag_query, internal, smallint, internal, internal, internal, internal)',
	'gin_tags_triconsistent(internal, smallint, ddd.tag_query, integer, internal, internal, internal)',
	'hash_password(text)', 'set_password(bigint, text)',
	'grant_api(text, text)', 'revoke_api(text)', 'grant_tables(text, text)', 'enable_rls()', 'disable_rls()', 'enable_audit()', 'disable_audit()',
	'backfill(text, text, text, integer, interval)',
	'install()', 'stamp(text, boolean)', 'upgrade(text, boolean, interval)', 'downgrade(text, boolean, interval)', 'migrate(text, text[], text)', 'pass_grants(regprocedure, regprocedure)',
	'stash_rows(text, text, text)', 'stash_columns(text, text, text[], text[], text)', 'check_dependents(text, text[])', 'unstash(text, text)',
	'create_tables()', 'attach_triggers()', 'grant_to_owner()',
);

# Returns how many calls come before those that are measured.
sub warm_up { return min(1000, $_[0]); }

# Returns { contexts, process, first, last, failures, answers }: growth in bytes,
# microseconds of the first and the last batch, how many calls failed and how
# many had a row.
sub measure
{
	my ($node, $call, $calls, %option) = @_;
	my $per_batch = $calls / $batches;
	my $warm_up = warm_up($calls);
	my $statement = "PERFORM $call; answers := answers + FOUND::int;";
	my $end_of_batch = $option{rolled_back} ? 'ROLLBACK;' : '';
	my %measured;

	$statement = "BEGIN $statement EXCEPTION WHEN OTHERS THEN failures := failures + 1; END;"
	  if $option{fails};

	# one loop for all, since each statement of PL/pgSQL has a plan of its own
	@measured{qw(contexts process first last failures answers)} = split /\|/, sql(
		$node, 'memory', qq{
		SET client_min_messages = warning;
		DO \$measure\$
		DECLARE
			contexts bigint[];
			process bigint[];
			times bigint[];
			started bigint;
			answers int := 0;
			failures int := 0;
			last_call int;
			i int := 0;
		BEGIN
			FOR batch IN 0 .. $batches LOOP
				last_call := i + CASE batch WHEN 0 THEN $warm_up ELSE $per_batch END;
				started := time_spent();
				WHILE i < last_call LOOP
					i := i + 1;
					$statement
				END LOOP;
				times[batch] := time_spent() - started;
				$end_of_batch
				-- three times: the first have plans of their own to make
				CONTINUE WHEN batch NOT IN (0, $batches);
				FOR again IN 1 .. 3 LOOP
					contexts[batch] := (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
					process[batch] :=
						1024 * substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+)')::bigint;
				END LOOP;
			END LOOP;
			INSERT INTO measured SELECT contexts[$batches] - contexts[0], process[$batches] - process[0],
				times[1], times[$batches], failures, answers;
		END \$measure\$;
		DELETE FROM measured RETURNING contexts, process, first, last, failures, answers});
	return \%measured;
}

# Returns what is wrong with a measurement, or an empty string.
sub faults
{
	my ($measured, $calls, %option) = @_;
	my $limit = max($smallest_block, 1024 * 1024 * $calls / $million);
	my $failures = $option{fails} ? $calls + warm_up($calls) : 0;
	my @faults;

	push @faults, "memory contexts grew by $measured->{contexts} bytes" if $measured->{contexts} > $limit;
	push @faults, "the process grew by $measured->{process} bytes"
	  if $measured->{process} > $largest_growth_of_process;
	push @faults, "a batch took $measured->{first} us, later $measured->{last} us"
	  if $measured->{last} > $slowdown * $measured->{first} + $step_of_time;
	push @faults, "$measured->{failures} calls failed" if $measured->{failures} != $failures;
	push @faults, 'no call had a row' if !$option{fails} && $measured->{answers} == 0;
	return join '; ', @faults;
}

# Returns how often a function is called, a whole number in each batch.
sub number_of_calls
{
	my ($how) = @_;
	my $wanted = $ENV{DDD_MEMORY_CALLS} // $how->{calls};

	$wanted = min($wanted, $how->{calls}) if $how->{rolled_back} || $wanted < $how->{calls};
	return $batches * max(1, int($wanted / $batches));
}

my $node = new_node('memory', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
new_database(
	$node, 'memory',
	'CREATE EXTENSION ddd',
	q{SELECT FROM generate_series(1, 500) i, ddd.create_user('u' || i || '@example.org', 'User ' || i)},
	q{SELECT FROM generate_series(1, 500) i,
		ddd.create_post(i, 'Post ' || i, repeat('x', 200), ARRAY[CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END, CASE i % 3 WHEN 0 THEN 'third' ELSE 'other' END])},
	q{SELECT FROM generate_series(1, 1500) i, ddd.add_comment(1 + i % 500, 1 + i * 7 % 500, 'Comment ' || i)},
	q{SELECT ddd.tag_post(1, ARRAY(SELECT 't' || i FROM generate_series(0, 6) i))},
	qq{INSERT INTO ddd.users (id, email, full_name, hashed_password) VALUES (-1, 'cheap\@x', 'Cheap', $argon2)},
	q{INSERT INTO ddd.tokens (digest, user_id, purpose, scope, bound_to, expires_at)
		SELECT sha256(decode(repeat('00', 32), 'hex')), id, 'access', '*', sha256(convert_to(hashed_password, 'UTF8')), now() + '1 year'
		  FROM ddd.users WHERE id = -1},
	q{CREATE TABLE measured
		(contexts bigint, process bigint, first bigint, last bigint, failures int, answers int)},
	# microseconds that the backend ran, or what the clock says where none are counted
	q{CREATE FUNCTION time_spent() RETURNS bigint LANGUAGE sql AS $$
		SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::bigint / 1000,
			(extract(epoch FROM clock_timestamp()) * 1000000)::bigint)$$},
	'CREATE TABLE grows (i int)',
	q{CREATE FUNCTION leak(i int) RETURNS void LANGUAGE plpgsql AS
		'BEGIN IF i % 500 = 0 THEN EXECUTE ''PREPARE leak_'' || i || '' AS SELECT 1''; END IF; END'},
	q{CREATE FUNCTION leak_by_malloc(i int) RETURNS void LANGUAGE sql AS
		$$SELECT set_config('leak.name_' || i, repeat('x', 400), false)$$},
	q{CREATE FUNCTION slow_down(i int) RETURNS bigint LANGUAGE sql AS
		'INSERT INTO grows SELECT i FROM generate_series(1, 10); SELECT count(*) FROM grows'},
	# a call of popular_posts() or comment_count() then reads nothing that is pending
	'SELECT ddd.fold_counters()',
	'VACUUM ANALYZE');

# ---- what leaks is noticed -------------------------------------------------
like(
	faults(measure($node, 'leak(i)', 10_000), 10_000),
	qr/memory contexts grew/,
	'a prepared statement in five hundred calls is noticed');
like(
	faults(measure($node, 'leak_by_malloc(i)', 4_000), 4_000),
	qr/process grew/,
	'memory that a library allocates is noticed');
like(
	faults(measure($node, 'slow_down(i)', 5_000), 5_000),
	qr/a batch took/,
	'calls that become slower are noticed');

# ---- nothing of ours does --------------------------------------------------
my @functions = split /\n/, sql(
	$node, 'memory', q{
	SET search_path = pg_catalog;
	SELECT replace(regexp_replace(p.oid::regprocedure::text, '^ddd\.', ''), ',', ', ')
	  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
	 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
	   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ddd')
	   AND d.deptype = 'e' AND p.prorettype <> 'trigger'::regtype
	 ORDER BY 1});
my %called = map { $_->[0] => 1 } @calls;

is_same_text(
	join("\n", @functions),
	join("\n", sort(keys %called), keys %not_called),
	'every function is called, or named as one that is not');

foreach (@calls)
{
	my ($name, $how, $call) = @$_;
	my $calls = number_of_calls($how);
	my ($measured, $faults);

	foreach (1 .. $tries)
	{
		$measured = measure($node, $call, $calls, %$how);
		$faults = faults($measured, $calls, %$how);
		last if !$faults;
	}
	is($faults, '', "$calls calls: $call");
	note "contexts +$measured->{contexts}, process +$measured->{process}, "
	  . 10 * $measured->{last} / $calls . " us a call";
}

# ---- nor does one call about many names ---------------------------------------
foreach my $call (
	q{ddd.tags_match(array_fill(chr(233), ARRAY[200000]), 'a')},
	q{ddd.untag_post(1, array_fill(chr(233), ARRAY[200000]))},
	q{ddd.tag_post(1, array_fill(chr(233), ARRAY[200000]))},
	q{ddd.merge_tags(array_fill(chr(233), ARRAY[200000]), 'even')})
{
	my $peak = sql($node, 'memory', "DO 'BEGIN PERFORM " . $call =~ s/'/''/gr . "; END';"
		  . q{ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')});

	cmp_ok($peak / 1024, '<', 250, "$call takes less than 250 MB");
}

$node->stop;
done_testing();
