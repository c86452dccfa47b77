# Whatever runs long can be cancelled: each call below is interrupted while it
# runs, ends with 57014 within two seconds, and leaves every row as it was.
#
# A session prepares its argument, says by its application_name that it calls,
# and is cancelled half a second later; a call that ends before that is too
# short to show anything and fails its test. Each works for seconds in one
# place: a loop of ddd's own over a text, an array or a JSON document, over rows,
# or a statement. One hashing call of a library is not among them: no cancel
# request reaches it, and its cost is bounded instead. Neither is a JSON object
# of a million keys: the first unknown one ends the call.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $users = 300_000;
my $seconds_to_run = 0.5;
my $seconds_to_end = 2;

my $node = new_node('cancel', 'fsync = off', 'max_wal_size = 4GB', 'autovacuum = off',
	'ddd.max_page_size = 1000000');
my $database = new_database($node, 'cancel', 'CREATE EXTENSION ddd');

# Without triggers and foreign keys, for speed: the rows are sound.
sql($node, $database, qq{
	SET session_replication_role = replica;
	INSERT INTO ddd.users (email, full_name, hashed_password)
	SELECT 'u' || i || '\@example.org', 'User ' || i, '!' FROM generate_series(1, $users) i;
	INSERT INTO ddd.posts (author_id, title, content)
	SELECT 1, 'Post ' || i, 'Content' FROM generate_series(1, $users) i;
	INSERT INTO ddd.comments (post_id, author_id, content)
	SELECT i, 2, 'Comment' FROM generate_series(1, $users) i;
	INSERT INTO ddd.tags (name, key) VALUES ('all', 'all');
	INSERT INTO ddd.post_tags (post_id, tag_id, post_created_at)
	SELECT p.id, t.id, p.created_at FROM ddd.posts p, ddd.tags t;
	VACUUM ANALYZE});
my $rows = all_row_checksums($node, $database);
my $objects = fingerprint($node, $database);

# Runs the call with "v" as the given value of the given type and cancels it:
# two claims.
sub is_cancelled
{
	my ($in, $name, $call, $type, $value) = @_;
	my $session = $node->background_psql($in, on_error_stop => 0);
	my $declared = $type ? "v $type := $value;" : '';
	my ($error, $took);

	# a plan of its own for each value would copy it, and be what is cancelled
	$session->query("\\set VERBOSITY verbose\nSET plan_cache_mode = force_generic_plan");
	my ($pid) = $session->query('SELECT pg_backend_pid()');
	my $of_session = "FROM pg_stat_activity WHERE pid = $pid";

	$session->query_until(qr/^sent$/m, qq{\\echo sent
		DO \$call\$
		DECLARE
			$declared
		BEGIN
			PERFORM set_config('application_name', 'calls', false);
			$call;
		END
		\$call\$;\n});
	$node->poll_query_until('postgres', "SELECT application_name = 'calls' $of_session")
	  or die "$name: did not start";

	my $since = sql($node, 'postgres', 'SELECT clock_timestamp()');
	$node->poll_query_until('postgres',
		"SELECT clock_timestamp() > timestamptz '$since' + interval '$seconds_to_run s'")
	  or die "$name: no clock";
	my ($state, $cancelled_at) = split /\|/, sql($node, 'postgres',
		"SELECT state, clock_timestamp(), pg_cancel_backend(pid) $of_session");
	$node->poll_query_until('postgres', "SELECT state <> 'active' $of_session")
	  or die "$name: never ended";
	$took = sql($node, 'postgres',
		"SELECT greatest(0, extract(epoch FROM state_change - timestamptz '$cancelled_at')) $of_session");

	$error = session_result($session, q{SELECT 'still here'});
	$session->quit;
	$error = 'ended by itself' if $state ne 'active';
	like($error, qr/^57014 /, "$name is cancelled");
	cmp_ok($took, '<', $seconds_to_end, "... and ends in time");
	note "$took seconds";
}

# ---- loops over a text -----------------------------------------------------
# U+3000 is blank, e with acute is a letter; both are more than a byte
my $blanks = q{repeat(chr(12288), 200000000)};
my $letters = q{repeat(chr(233), 200000000)};

is_cancelled($database, 'a comment of blanks', q{PERFORM ddd.add_comment(1, 1, v)}, 'text', $blanks);
is_cancelled($database, 'an e-mail address', q{PERFORM ddd.create_user(v, 'A')}, 'text', $letters);
is_cancelled($database, 'the length of a name', q{PERFORM ddd.create_user('a@x', v)}, 'text', $letters);
is_cancelled($database, 'repr',
	q{PERFORM ddd.repr(ROW(1, v, 'A', true, false, NULL, now(), now())::ddd.user_info)},
	'text', q{repeat(chr(1), 150000000)});

# ---- over an array, over JSON ----------------------------------------------
my $names = q{(SELECT array_agg('t' || i) FROM generate_series(1, 10000000) i)};

is_cancelled($database, 'tagging with ten million names', q{PERFORM ddd.tag_post(1, v)}, 'text[]', $names);
is_cancelled($database, 'taking ten million tags away', q{LOOP PERFORM ddd.untag_post(1, v); END LOOP}, 'text[]', $names);
is_cancelled($database, 'merging ten million tags', q{LOOP PERFORM ddd.merge_tags(v, 'all'); END LOOP}, 'text[]', $names);
is_cancelled($database, 'asking an array of ten million tags', q{LOOP PERFORM ddd.tags_match(v, 'a & b'); END LOOP}, 'text[]', $names);
is_cancelled($database, 'the details of a million posts', q{PERFORM ddd.posts_detail(v)}, 'bigint[]',
	qq{(SELECT array_agg(1 + i % $users) FROM generate_series(1, 1000000) i)});
is_cancelled($database, 'a million sign-ups', q{PERFORM ddd.create_users(v)}, 'jsonb',
	q{(SELECT jsonb_agg(jsonb_build_object('email', 'n' || i || '@x', 'full_name', 'N'))
		FROM generate_series(1, 1000000) i)});
is_cancelled($database, 'a thousand sign-ups with passwords', q{PERFORM ddd.create_users(v)}, 'jsonb',
	q{(SELECT jsonb_agg(jsonb_build_object('email', 'n' || i || '@x', 'full_name', 'N', 'password', 'password'))
		FROM generate_series(1, 1000) i)});

# ---- over rows -------------------------------------------------------------
# a page is bounded and may be done sooner, so again and again
is_cancelled($database, "$_ in a loop", "LOOP PERFORM ddd.$_; END LOOP")
  foreach (
	'list_users(1000000)',
	'posts_with_comments(1000000)',
	'users_with_posts(1000000)',
	'popular_posts(1000000)',
	q{popular_posts(1000000, since => '1 day')},
	'hot_posts(1000000)',
	q{posts_by_tag('all', 1000000)},
	q{posts_by_tags('all', 1000000)},
	q{posts_by_tags('!(all & a*) & !{}')},
	q{related_tags('all')},
	q{search_users('ser', 1000000)});
is_cancelled($database, 'deleting a user of many posts', q{PERFORM ddd.delete_user(1, 'cascade')});
is_cancelled($database, 'giving many posts to another user', q{PERFORM ddd.delete_user(1, 'reassign', 3)});

# ---- in a hash -------------------------------------------------------------
is_cancelled($database, 'verifying two million rounds of PBKDF2 in a loop',
	q{LOOP PERFORM ddd.verify_password('password', v); END LOOP},
	'text', q{'$pbkdf2-sha256$2000000$c2FsdA$' || repeat('A', 43)});

# ---- over the text of the statement ------------------------------------------
is_cancelled($database, 'looking for a password in a long statement',
	q{PERFORM set_config('ddd.literal_password', 'warn', false); LOOP PERFORM ddd.verify_password(v, '!'); END LOOP /* } . '$' x 1_000_000 . ' */',
	'text', q{repeat('$', 4000) || 'x'});

# ---- in a migration --------------------------------------------------------
my $older = new_database(
	$node, 'older',
	q{CREATE EXTENSION ddd VERSION '0.1.0'},
	qq{INSERT INTO ddd.users (email, first_name, last_name, hashed_password)
		SELECT 'u' || i || '\@example.org', 'User', i, '!' FROM generate_series(1, $users) i});
my @older = (fingerprint($node, $older), row_checksums($node, $older, 'users', 'schema_version'));

is_cancelled($older, 'a migration up', 'ALTER EXTENSION ddd UPDATE');
is_cancelled($database, 'a migration down',
	q{SET ddd.allow_data_loss = on; ALTER EXTENSION ddd UPDATE TO '0.1.0'});

# ---- and nothing came of any -----------------------------------------------
is(all_row_checksums($node, $database), $rows, 'every row is as it was');
is(fingerprint($node, $database), $objects, 'the catalog is as it was');
is_deeply([ fingerprint($node, $older), row_checksums($node, $older, 'users', 'schema_version') ],
	\@older, 'so is the database that was to be migrated up');

$node->stop;
done_testing();
