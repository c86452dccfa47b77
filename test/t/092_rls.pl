# Row-level security for roles that use the tables without the API. What each
# role may do to each row, by whatever statement and as whomever, is one rule
# below; every combination is tried against it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $db = new_database($node, 'rls', 'CREATE EXTENSION ddd');

sql($node, $db, "CREATE ROLE $_ LOGIN") foreach qw(table_owner stranger reader writer);
sql($node, $db, q{
	SELECT ddd.create_user(name || '@example.org', name, is_superuser => name = 'boss') FROM (VALUES (1, 'me'), (2, 'other'), (3, 'boss')) v (n, name) ORDER BY n;
	SELECT ddd.create_post(id, 'Post', 'text', '{linked}') FROM generate_series(1, 2) id;
	SELECT ddd.add_comment(3 - id, id, 'comment') FROM generate_series(1, 2) id;
	INSERT INTO ddd.tags (name) VALUES ('free')});
give_tables_to($node, $db, 'table_owner');
sql($node, $db, 'SELECT ddd.install()');
my $fresh = fingerprint($node, $db);

# ---- who may switch it, and in which order ---------------------------------
foreach my $call (q{ddd.enable_rls()}, q{ddd.disable_rls()}, q{ddd.grant_tables('reader', 'reader')}, q{ddd.grant_api('reader', 'reader')}, q{ddd.revoke_api('reader')})
{
	my ($name) = $call =~ /(ddd\.\w+)/;
	my $grant = "GRANT USAGE ON SCHEMA ddd TO stranger; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO stranger";

	is_refused($node, $db, "BEGIN; $grant; SET ROLE stranger; SELECT $call", '42501', qr/$name/, "$call is not for everybody who may execute it");
	is_refused($node, $db, "BEGIN READ ONLY; SELECT $call", '25006', undef, "$call writes");
}
foreach my $call (q{ddd.grant_tables(%s, 'reader')}, q{ddd.grant_api(%s, 'reader')}, q{ddd.revoke_api(%s)})
{
	is_refused($node, $db, 'SELECT ' . sprintf($call, "'nobody'"), '42704', qr/"nobody"/, "$call: an unknown role");
	is_refused($node, $db, 'SELECT ' . sprintf($call, "'public'"), '22023', qr/PUBLIC/, "$call: PUBLIC");
	is_refused($node, $db, 'SELECT ' . sprintf($call, "'table_owner'"), '22023', qr/owns/, "$call: the owner");
	is_refused($node, $db, 'SELECT ' . sprintf($call, 'NULL'), '22004', qr/role/, "$call: null");
}
is_refused($node, $db, q{SELECT ddd.grant_tables('reader', 'admin')}, '22023', qr/reader or writer/, 'grant_tables knows two levels');
is_refused($node, $db, q{SELECT ddd.grant_tables('reader', 'reader')}, '55000', qr/HINT:\s+Run SELECT ddd\.enable_rls\(\)/,
	'grant_tables waits for row-level security');

sql($node, $db, 'SET ROLE table_owner; SELECT ddd.enable_rls()');
my $enabled = fingerprint($node, $db);
isnt($enabled, $fresh, 'enabled, something is different');
is(sql($node, $db, 'SELECT string_agg(object, chr(10)) FROM ddd.check_schema() WHERE is_fault'), '', '... which is no fault');
sql($node, $db, q{ALTER POLICY ddd_update ON ddd.posts USING (true); DROP POLICY ddd_insert ON ddd.comments; SELECT ddd.enable_rls()});
is_same_text(fingerprint($node, $db), $enabled, 'enabled again, its policies are as they were');
sql($node, $db, 'SELECT ddd.disable_rls()');
is_same_text(fingerprint($node, $db), $fresh, 'disabled, all is as installed');

sql($node, $db, 'SET ROLE table_owner; SELECT ddd.enable_rls()');
sql($node, $db, "SELECT ddd.grant_api('$_', 'reader'), ddd.grant_tables('$_', '$_')") foreach qw(reader writer);
my $granted = fingerprint($node, $db);
is(sql($node, $db, q{SET ROLE table_owner; SELECT count(*) FROM ddd.grant_tables('writer', 'writer')}), '0', 'granted again, nothing is missing');
sql($node, $db, q{REVOKE SELECT (bio), UPDATE (bio) ON ddd.users FROM writer});
is(sql($node, $db, q{SELECT * FROM ddd.grant_tables('writer', 'writer')}),
	"SELECT (bio) ON TABLE ddd.users\nUPDATE (bio) ON TABLE ddd.users", 'a column that is missing comes back');
is_same_text(fingerprint($node, $db), $granted, '... and nothing else');
is(sql($node, $db, q{SELECT string_agg(DISTINCT a.grantor::regrole::text, ',') FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'ddd'::regnamespace AND a.grantee = 'writer'::regrole AND c.relkind <> 'v'}),
	'table_owner', 'what a superuser grants is granted by the owner');

# ---- every role, table, statement, row and caller --------------------------
my %identity;
foreach my $case ([ user => 1, '*' ], [ 'reading user' => 1, 'read' ], [ superuser => 3, 'read write' ], [ 'reading superuser' => 3, 'read' ])
{
	my ($name, $user, $scope) = @$case;

	$identity{$name} = "SELECT ddd.begin_as('" . sql($node, $db, "SELECT ddd.issue_token($user, scope => '$scope')") . "');";
}
$identity{nobody} = '';

# Columns to read; $row is the id of the row, or of the user, or of the post that it is about.
my %columns = (
	users => 'id, email, full_name, is_active, is_superuser, bio, created_at, updated_at',
	posts => '*', comments => '*', tags => '*', post_tags => '*');
my %key = (users => 'id', posts => 'id', comments => 'id', tags => 'id', post_tags => 'post_id');
my %insert = (
	users => [ 'email, full_name', "new\@x\tNew" ],
	posts => [ 'title, content, author_id', "New\tnew\t%d" ],
	comments => [ 'content, post_id, author_id', "new\t1\t%d" ],
	tags => [ 'name', 'new' ],
	post_tags => [ 'post_id, tag_id', "%d\t2" ]);
my %set = (
	users => q{bio = 'new'}, posts => q{title = 'new'}, comments => q{content = 'new'},
	tags => q{name = 'new'}, post_tags => 'tag_id = 2');
# What would keep a row from being deleted, whoever may.
my %before_delete = (users => 'DELETE FROM ddd.posts; DELETE FROM ddd.comments;', tags => 'DELETE FROM ddd.post_tags;');

my %statement = (
	SELECT => sub { my ($table, $row) = @_; "SELECT $columns{$table} FROM ddd.$table WHERE $key{$table} = $row;" },
	INSERT => sub {
		my ($table, $row) = @_;
		my ($columns, $values) = @{ $insert{$table} };

		return "INSERT INTO ddd.$table ($columns) VALUES (" . join(', ', map { "'$_'" } split /\t/, sprintf $values, $row) . ');';
	},
	UPDATE => sub { my ($table, $row) = @_; "UPDATE ddd.$table SET $set{$table} WHERE $key{$table} = $row;" },
	DELETE => sub { my ($table, $row) = @_; "DELETE FROM ddd.$table WHERE $key{$table} = $row;" },
	TRUNCATE => sub { "TRUNCATE ddd.$_[0] CASCADE;" },
	# psql does not count what it copies
	'COPY TO' => sub {
		my ($table) = @_;

		return "\\o\nCOPY ddd.$table" . ($columns{$table} eq '*' ? '' : " ($columns{$table})") . " TO STDOUT;\n\\o /dev/null";
	},
	'COPY FROM' => sub {
		my ($table, $row) = @_;
		my ($columns, $values) = @{ $insert{$table} };

		return "COPY ddd.$table ($columns) FROM STDIN;\n" . sprintf($values, $row) . "\n\\.";
	});

# The rule. Roles have privileges on tables ...
my %rows = (users => 3, posts => 2, comments => 2, tags => 2, post_tags => 2);
my %written = (
	users => qr/^(?:UPDATE|DELETE)$/,
	posts => qr/^(?:INSERT|UPDATE|DELETE|COPY FROM)$/,
	comments => qr/^(?:INSERT|UPDATE|DELETE|COPY FROM)$/,
	tags => qr/^(?:INSERT|UPDATE|DELETE|COPY FROM)$/,
	post_tags => qr/^(?:INSERT|DELETE|COPY FROM)$/);

sub has_privilege
{
	my ($role, $table, $verb) = @_;

	return 1 if $role eq 'table_owner';
	return 0 if $role eq 'stranger';
	return 1 if $verb eq 'SELECT' || $verb eq 'COPY TO';
	return $role eq 'writer' && $verb =~ $written{$table};
}

# ... and callers may write rows: what is their own, where the scope has write;
# tags are nobody's.
sub may_write
{
	my ($identity, $table, $owner) = @_;

	return 1 if $identity eq 'superuser';
	return $identity eq 'user' && $table ne 'tags' && $owner eq 'mine';
}

# A statement answers with its number of rows, or an SQLSTATE: without the
# privilege 42501; an INSERT against the rule as well; an UPDATE or DELETE finds
# nothing there; COPY FROM is not for tables with policies (PostgreSQL's rule).
sub expected
{
	my ($role, $table, $verb, $owner, $identity) = @_;
	my $allowed = $role eq 'table_owner' || may_write($identity, $table, $owner);

	return '42501' unless has_privilege($role, $table, $verb);
	return '0 rows' if $verb eq 'TRUNCATE';
	return "$rows{$table} rows" if $verb eq 'COPY TO';
	return '1 rows' if $verb eq 'SELECT';
	return $role eq 'table_owner' ? '1 rows' : '0A000' if $verb eq 'COPY FROM';
	return $allowed ? '1 rows' : $verb eq 'INSERT' ? '42501' : '0 rows';
}

my (@cells, $script);
foreach my $role (qw(stranger reader writer table_owner))
{
	foreach my $table (sort keys %columns)
	{
		foreach my $verb (sort keys %statement)
		{
			foreach my $owner (qw(mine another's))
			{
				foreach my $identity (sort keys %identity)
				{
					push @cells, [ $role, $table, $verb, $owner, $identity ];
					$script .= join "\n", 'BEGIN;', $verb eq 'DELETE' && $before_delete{$table} || '', "$identity{$identity} SET LOCAL ROLE $role;",
					  $statement{$verb}->($table, $owner eq 'mine' ? 1 : 2),
					  '\if :ERROR', '\echo = :SQLSTATE', '\else', '\echo = :ROW_COUNT rows', '\endif', "ROLLBACK;\n";
				}
			}
		}
	}
}
my @answers;
my $copied = 0;
foreach (split /\n/, answers_of("\\o /dev/null\n$script"))
{
	if (!/^= (.*)/)
	{
		$copied++;
		next;
	}
	push @answers, $copied ? "$copied rows" : $1;
	$copied = 0;
}
is(scalar(@answers), scalar(@cells), 'every cell has an answer: ' . @cells);
foreach my $i (0 .. $#cells)
{
	my ($role, $table, $verb, $owner, $identity) = @{ $cells[$i] };

	is($answers[$i], expected(@{ $cells[$i] }), "$role: $verb $table, $owner row, as $identity");
}

sub answers_of
{
	my ($text) = @_;
	my ($code, $out) = $node->psql($db, $text, on_error_stop => 0);

	return $out;
}

my $anyone = $statement{UPDATE}->('posts', 2);
is(answers_of("\\o /dev/null\nBEGIN; ALTER POLICY ddd_update ON ddd.posts USING (true); SET LOCAL ROLE writer;\n$anyone\n\\echo :ROW_COUNT"),
	'1', 'a policy that lets everybody write would have been noticed');

# ---- what the privileges leave out -----------------------------------------
my $as_me = "BEGIN; $identity{user} SET LOCAL ROLE writer;";
my $as_boss = "BEGIN; $identity{superuser} SET LOCAL ROLE writer;";
foreach my $statement (
	'SELECT * FROM ddd.users', 'SELECT u FROM ddd.users u', 'SELECT hashed_password FROM ddd.users',
	q{SELECT id FROM ddd.users WHERE hashed_password ~ '^!'}, 'COPY ddd.users TO STDOUT',
	q{UPDATE ddd.users SET hashed_password = '!' WHERE id = 1}, 'UPDATE ddd.users SET is_superuser = true WHERE id = 1',
	'UPDATE ddd.users SET is_active = false WHERE id = 1', 'UPDATE ddd.users SET id = 9 WHERE id = 1',
	q{UPDATE ddd.users SET bio = '' WHERE id = 1 RETURNING *},
	'UPDATE ddd.posts SET author_id = 2 WHERE id = 1', 'UPDATE ddd.comments SET post_id = 1 WHERE id = 1',
	'UPDATE ddd.comments SET author_id = 2 WHERE id = 1', q{UPDATE ddd.posts SET created_at = now() WHERE id = 1},
	q{INSERT INTO ddd.posts (id, title, content, author_id) VALUES (99, 'x', 'x', 1)},
	q{INSERT INTO ddd.posts (title, content, author_id, created_at) VALUES ('x', 'x', 1, '2099-01-01')},
	q{CREATE TRIGGER t BEFORE INSERT ON ddd.posts EXECUTE FUNCTION ddd.touch_row()}, 'ALTER TABLE ddd.posts DISABLE ROW LEVEL SECURITY',
	'DROP POLICY ddd_update ON ddd.posts', 'ANALYZE VERBOSE ddd.users; SELECT * FROM ddd.tokens')
{
	is_refused($node, $db, "$_ $statement", '42501', undef, ($_ eq $as_me ? 'a user: ' : 'a superuser of the application: ') . $statement) foreach $as_me, $as_boss;
}
is(sql($node, $db, "$as_me SELECT id, email FROM ddd.users ORDER BY id LIMIT 1"), "1\n1|me\@example.org", 'columns of users by name');
is(sql($node, $db, "$as_me SET LOCAL ROLE writer; SELECT count(*) FROM pg_stats WHERE schemaname = 'ddd' AND tablename IN ('users', 'tokens')"), "1\n0", 'statistics of the tables are not to be seen');
is_refused($node, $db, "$as_me SET LOCAL row_security = off; SELECT id FROM ddd.posts", '42501', undef, 'row_security = off shows nothing more');

my @others = split /\n/, sql($node, $db, q{SELECT relname FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r'
	AND relname NOT IN ('users', 'posts', 'comments', 'tags', 'post_tags') ORDER BY 1});
foreach my $table (@others)
{
	is_refused($node, $db, "$as_boss $_ ddd.$table", '42501', undef, "$_ $table: no privilege") foreach 'SELECT FROM', 'DELETE FROM', 'TRUNCATE';
}
is(sql($node, $db, "BEGIN; GRANT SELECT ON ALL TABLES IN SCHEMA ddd TO reader; SET LOCAL ROLE reader; SELECT count(*) FROM ddd.$_"), '0', "$_: a grant alone shows no row")
  foreach qw(tokens outbox verified_emails stash);

# ---- rows that move, conflicts ---------------------------------------------
my $more = "BEGIN; GRANT INSERT, UPDATE ON ddd.posts, ddd.post_tags, ddd.users TO writer; $identity{user} SET LOCAL ROLE writer;";
is_refused($node, $db, "$more UPDATE ddd.posts SET author_id = 2 WHERE id = 1", '42501', qr/row-level security/, 'with the privilege too, a post cannot be given to another');
is_refused($node, $db, "$more UPDATE ddd.users SET id = 7 WHERE id = 1", '42501', qr/row-level security/, '... nor a user become another');
is(sql($node, $db, "$more WITH u AS (UPDATE ddd.posts SET author_id = 1 WHERE id = 2 RETURNING 1) SELECT count(*) FROM u"), "1\n0", '... nor one of another be taken');
is_refused($node, $db, "$more INSERT INTO ddd.posts (id, title, content, author_id) VALUES (2, 'x', 'x', 1) ON CONFLICT (id) DO UPDATE SET title = 'taken'",
	'42501', qr/row-level security/, 'ON CONFLICT does not reach a row of another');
is_refused($node, $db, "$more MERGE INTO ddd.posts p USING (SELECT 2 AS id) s ON p.id = s.id WHEN MATCHED THEN UPDATE SET title = 'taken'", '42501', qr/row-level security/, 'nor does MERGE');
is(sql($node, $db, "$as_me SELECT id FROM ddd.posts ORDER BY id FOR UPDATE"), "1\n1", 'FOR UPDATE locks what could be written');

# ---- foreign keys ----------------------------------------------------------
is_refused($node, $db, "$as_me INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('x', 999, 1)", '23503', undef, 'a comment on a post that is not there: the foreign key answers');
is(sql($node, $db, "$as_me INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('x', 2, 1) RETURNING post_id"), "1\n2", 'a comment on a post of another');
is_refused($node, $db, "$as_me INSERT INTO ddd.comments (content, post_id, author_id, parent_id) VALUES ('x', 2, 1, 2)", '23514', undef, 'a reply to a comment of another post');
my $hidden = 'BEGIN; CREATE POLICY hidden ON ddd.posts AS RESTRICTIVE FOR SELECT USING (id <> 2);' . $as_me =~ s/^BEGIN;//r;
is(sql($node, $db, "$hidden SELECT count(*) FROM ddd.posts; INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('x', 2, 1) RETURNING post_id"),
	"1\n1\n2", 'a post that a policy of yours hides can be commented on all the same: foreign keys see all rows');
is(sql($node, $db, "$as_me DELETE FROM ddd.posts WHERE id = 1; SELECT count(*) FROM ddd.comments WHERE post_id = 1"), "1\n0", 'with a post go comments of others');
is(sql($node, $db, "BEGIN; DELETE FROM ddd.comments; DELETE FROM ddd.posts; $identity{user} SET LOCAL ROLE writer; DELETE FROM ddd.users; RESET ROLE; SELECT count(*) FROM ddd.users; SELECT count(*) FROM ddd.tokens WHERE user_id = 1"),
	"1\n2\n0", 'with a user go the tokens');

# ---- triggers act as the owner ---------------------------------------------
is(sql($node, $db, "$as_me INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('x', 1, 1); SELECT ddd.comment_count(1)"), "1\n2", 'a comment is counted');
is(sql($node, $db, "$as_me INSERT INTO ddd.post_tags (post_id, tag_id) VALUES (1, 2); SELECT post_created_at = created_at FROM ddd.post_tags JOIN ddd.posts ON id = post_id WHERE tag_id = 2;"
		  . ' RESET ROLE; SELECT name, post_count FROM ddd.list_tags() ORDER BY name'), "1\nt\nfree|1\nlinked|2", 'a tag is linked and counted');
is(sql($node, $db, qq{$as_boss INSERT INTO ddd.tags (name) VALUES ('Stra\x{c3}\x{9f}e') RETURNING key}), "3\nstrasse", 'a tag has its key');
is_refused($node, $db, "$as_me UPDATE ddd.users SET email = 'OTHER\@example.org' WHERE id = 1", '23505', undef, 'an address of another');
is(failure($node, $db, "$as_me UPDATE ddd.users SET email = 'OTHER\@example.org' WHERE id = 1")->{detail}, '', '... is not shown');
is(failure($node, $db, "$as_me UPDATE ddd.users SET full_name = ' ' WHERE id = 1")->{detail}, '', 'nor is a row that a constraint refuses');

# ---- plans that are kept ---------------------------------------------------
my $prepared = 'PREPARE change AS UPDATE ddd.posts SET title = title || $2 WHERE id = $1;';
my $identity_of_other = $identity{user};
$identity_of_other = "SELECT ddd.begin_as('" . sql($node, $db, 'SELECT ddd.issue_token(2)') . "');";
my $twice = '\o /dev/null' . "\n" . join('', map { "EXECUTE change($_, '');\n\\echo $_ :ROW_COUNT\n" } 1, 2) . "\\o\n";
my $try = sub { my ($set) = @_; "BEGIN;\n\\o /dev/null\n$set\n\\o\nSET LOCAL ROLE writer;\n" . $twice x 4 . "ROLLBACK;\n" };
is( answers_of($prepared . join '', map { $try->($_) } $identity{user}, $identity_of_other, '', $identity{'reading user'}, $identity{superuser}),
	join("\n", map { my $answer = $_; ($answer) x 4 } "1 1\n2 0", "1 0\n2 1", "1 0\n2 0", "1 0\n2 0", "1 1\n2 1"),
	'a prepared statement asks who the caller is each time');
is( answers_of("$prepared BEGIN;\n\\o /dev/null\n$identity{user} SAVEPOINT s; $identity_of_other\n\\o\nSET LOCAL ROLE writer;\n$twice ROLLBACK TO s;\nSET LOCAL ROLE writer;\n$twice RELEASE s;\n$twice RESET ROLE;\n${twice}SET LOCAL ROLE reader;\n$twice"),
	"1 0\n2 1\n1 1\n2 0\n1 1\n2 0\n1 1\n2 1\n1 0\n2 0", '... after ROLLBACK TO a savepoint too, and which role runs it');
is(sql($node, $db, "$as_me SELECT bool_and(ddd.rls_user() = 1) AND NOT bool_or(ddd.rls_superuser()) FROM ddd.posts"), "1\nt", 'the functions of the policies');

# ---- views -----------------------------------------------------------------
sql($node, $db, q{GRANT CREATE ON SCHEMA public TO table_owner; SET ROLE table_owner;
	CREATE VIEW public.as_invoker WITH (security_invoker) AS SELECT * FROM ddd.posts; CREATE VIEW public.as_owner AS SELECT * FROM ddd.posts;
	GRANT SELECT, UPDATE ON public.as_invoker, public.as_owner TO writer});
is(sql($node, $db, "$as_me WITH u AS (UPDATE public.$$_[0] SET title = title RETURNING 1) SELECT count(*) FROM u"), "1\n$$_[1]", "a view $$_[2]")
  foreach [ as_invoker => 1, 'with security_invoker has the policies of the caller' ], [ as_owner => 2, 'of the owner has none' ];
sql($node, $db, 'DROP VIEW public.as_invoker, public.as_owner; REVOKE CREATE ON SCHEMA public FROM table_owner');

# ---- the API is not affected -----------------------------------------------
is(sql($node, $db, q{BEGIN; SELECT 1 FROM (SELECT count(*) FROM ddd.grant_api('writer', 'writer')) g; SET LOCAL ROLE writer; SELECT (ddd.update_post(2, '{"title": "changed"}')).title}), "1\nchanged",
	'the API writes as the owner, whatever the policies');
is(sql($node, $db, 'SELECT ddd.fold_counters() >= 0, count(*) FROM ddd.verify()'), 't|0', 'counters are folded and exact');

# ---- dump and restore ------------------------------------------------------
my $dump = $node->basedir . '/dump';
my $before = fingerprint($node, $db);
my $rows = all_row_checksums_of($db);
$node->command_ok([ 'pg_dump', '-Fd', '-f', $dump, '-d', $node->connstr($db) ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-n', 'ddd', '-f', "$dump.owner", '-d', $node->connstr($db) . ' user=table_owner' ], 'pg_dump as the owner of the tables');
foreach my $jobs (1, 4)
{
	new_database($node, "restored$jobs");
	$node->command_ok([ 'pg_restore', '-e', "-j$jobs", '-d', $node->connstr("restored$jobs"), $dump ], "pg_restore -j$jobs");
	is_same_text(fingerprint($node, "restored$jobs"), $before, "... with policies and grants, -j$jobs");
	is(all_row_checksums_of("restored$jobs"), $rows, "... and all rows, -j$jobs");
}
is(sql($node, 'restored4', "$as_me WITH u AS (UPDATE ddd.posts SET title = title RETURNING id) SELECT id FROM u"), "1\n1", 'restored, a user writes his own');

sub all_row_checksums_of
{
	my ($database) = @_;

	return row_checksums($node, $database, qw(users posts comments post_tags));
}

# ---- other versions --------------------------------------------------------
is_refused($node, 'restored4', q{ALTER EXTENSION ddd UPDATE TO '0.5.0'}, '55000', qr/HINT:\s+Run SELECT ddd\.disable_rls\(\)/, 'a downgrade does not take policies away');
is_refused($node, 'restored4', 'SELECT ddd.disable_rls()', '55000', qr/: writer\..*ddd\.revoke_api/s, 'nor are they while a role may write');
is(sql($node, 'restored4', q{SELECT count(*) > 20, bool_or(r = 'TABLE ddd.users') FROM ddd.revoke_api('writer') r}), 't|t', 'revoke_api takes its privileges');
is(sql($node, 'restored4', q{SELECT count(*) FROM ddd.fingerprint() WHERE fact = 'privileges of writer'}), '0', '... all of them');
sql($node, 'restored4', q{SELECT ddd.disable_rls(), ddd.revoke_api('reader'); ALTER EXTENSION ddd UPDATE TO '0.5.0'});
new_database($node, 'older', q{CREATE EXTENSION ddd VERSION '0.5.0'});
give_tables_to($node, 'older', 'table_owner');
sql($node, 'older', 'SELECT ddd.install()');
is_same_text(fingerprint($node, 'restored4'), fingerprint($node, 'older'), 'downgraded, it is as 0.5.0');
sql($node, 'restored4', 'ALTER EXTENSION ddd UPDATE');
is_same_text(fingerprint($node, 'restored4'), $fresh, 'and updated again as this version');

sql($node, 'restored1', 'DROP EXTENSION ddd CASCADE');
is(sql($node, 'restored1', q{SET ROLE writer; WITH u AS (UPDATE ddd.posts SET title = title RETURNING id) SELECT count(*) FROM u}), '0', 'without the extension nobody but the owner writes');
sql($node, 'restored1', q{SET ddd.create_tables = off; CREATE EXTENSION ddd; SELECT ddd.install(), ddd.enable_rls(), ddd.grant_api('reader', 'reader'), ddd.grant_api('writer', 'reader'), ddd.grant_tables('writer', 'writer')});
is_same_text(fingerprint($node, 'restored1'), $before, 'and with it again all is as it was');
sql($node, 'restored1', q{CREATE POLICY own ON ddd.posts USING (true); SELECT ddd.revoke_api('writer'); SELECT ddd.disable_rls()});
is(sql($node, 'restored1', q{SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relrowsecurity}),
	'posts', 'a table with a policy of yours stays under row-level security');

$node->stop;
done_testing();
