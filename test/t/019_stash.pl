# What a version cannot hold waits in ddd.stash and comes back as it was: every
# type of value, rows and columns, whatever was written meanwhile. What cannot
# come back stays there, and a migration that would lose a row stops.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A version after this one, which has a column more. Going down from it, tags
# and comments are set aside as well.
my $now = current_version();
my $next = '99.0.0';
my $up = "ALTER EXTENSION ddd UPDATE TO '$next'";
my $down = "ALTER EXTENSION ddd UPDATE TO '$now'";

# Returns the script that runs the statements as a migration.
sub script
{
	my ($from, $tables, $statements) = @_;

	return "SELECT ddd.migrate('$from', '{$tables}', \$migration\$ DO \$ddd\$ BEGIN $statements END \$ddd\$; \$migration\$);\n";
}

my $node = new_node('main', new_installation(
	"ddd--$now--$next.sql" => script($now, 'users,posts,comments,tags,post_tags', qq{
		ALTER TABLE ddd.users ADD COLUMN note text DEFAULT 'none';
		PERFORM ddd.unstash('$next', 'users');
		PERFORM ddd.unstash('$next', 'tags');
		PERFORM ddd.unstash('$next', 'comments');
		PERFORM ddd.unstash('$next', 'post_tags');}),
	"ddd--$next--$now.sql" => script($next, 'users,posts,comments,tags,post_tags', qq{
		PERFORM ddd.stash_rows('$next', 'post_tags', 'tag_id <> 1');
		PERFORM ddd.stash_rows('$next', 'tags', 'id <> 1');
		PERFORM ddd.stash_rows('$next', 'comments', 'true');
		PERFORM ddd.stash_columns('$next', 'users', '{note}', '{email}', 'note IS DISTINCT FROM ''none''');
		PERFORM ddd.stash_columns('$next', 'users', '{bio}', '{}', 'note = ''note 10''');
		PERFORM ddd.check_dependents('users', '{note}');
		ALTER TABLE ddd.users DROP COLUMN note;})));
sql($node, 'postgres', 'CREATE ROLE app');

# ---- values of every type ----------------------------------------------------
my @types = (
	[ 'jsonb', "'null'", 'NULL', q{'{"a": [1, null, "b"]}'}, q{'"text"'} ],
	[ 'json', "'null'", q{'{"b" : 1,  "a":2, "b" : 3}'} ],
	[ 'text', "''", "'null'", "E'a\\tb\\n\\\\\\''", q{'{"x": 1}'}, q{U&'\1F642\0301'} ],
	[ 'char(5)', "'a'", "''" ],
	[ 'varchar(3)', "'a  '" ],
	[ 'text[]', q{'[2:3]={a,NULL}'}, q{'{}'}, q{'{{a,b},{"c d","NULL"}}'} ],
	[ 'jsonb[]', q{ARRAY['null'::jsonb, NULL, '[]']} ],
	[ 'float8', "'NaN'", "'-Infinity'", "'-0'", "0.1::float8 + 0.2", "5e-324" ],
	[ 'float4', '1.1', '16777217' ],
	[ 'numeric', "'NaN'", '1.500', '1e100' ],
	[ 'bytea', q{'\x00ff5c27'}, q{''} ],
	[ 'boolean', 'true', 'false' ],
	[ 'date', "'01/02/2026'", "'infinity'", "'0044-03-15 BC'" ],
	[ 'timestamptz', "'2026-10-25 00:30:00.000001+00'", "'-infinity'", "'0044-03-15 12:00 BC'", "'1890-01-01 00:00 Europe/Paris'" ],
	[ 'timestamp', "'2026-02-01 03:04:05.678'" ],
	[ 'timetz', "'12:00+05:30:15'" ],
	[ 'interval', "'-1 year 2 days -3:04:05.6'", "'1 mon -1 day'" ],
	[ 'money', "'-1234.5'" ],
	[ 'int4range', q{'[1,5)'}, q{'empty'} ],
	[ 'tstzrange', q{'["2026-01-01 00:00+00",)'} ],
	[ 'inet', q{'10.0.0.1/8'}, ],
	[ 'bit varying', q{B'0101'} ],
	[ 'uuid', q{'00000000-0000-0000-0000-000000000001'} ],
	[ 'xml', q{'<a>1</a> text'} ],
	[ '"char"', q{'x'} ],
	[ 'name', q{'n'} ],
	[ 'regclass', q{'ddd.users'} ],
	[ 'oid', '4294967295' ],
	[ 'tsvector', q{'a:1 b'} ],
	[ 'point', q{'(0.1,-2)'} ],
	[ 'public.mood', q{'so so'} ],
	[ 'public.pair', q{ROW(NULL, NULL)}, q{ROW(1, 'a,"b')}, 'NULL' ],
	[ 'public.checked', q{'null'}, q{'[1]'} ],
	[ 'public.pair[]', q{ARRAY[ROW(1, 'x')::public.pair, NULL]} ]);
my @columns = map { "v$_" } 0 .. $#types;
my $depth = (sort { $b <=> $a } map { scalar @$_ - 1 } @types)[0];
my $elsewhere = q{SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SET bytea_output = escape;
	SET timezone = 'Asia/Kathmandu'; SET extra_float_digits = 0; SET xmloption = document;};

new_database($node, 'types', 'CREATE EXTENSION ddd', $up, q{
	CREATE TYPE public.mood AS ENUM ('so so');
	CREATE TYPE public.pair AS (a int, b text);
	CREATE DOMAIN public.checked AS jsonb CHECK (VALUE <> '7')},
	'ALTER TABLE ddd.tags ' . join(', ', map { "ADD COLUMN $columns[$_] $types[$_][0]" } 0 .. $#types)
	  . q{, ADD COLUMN nth bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN "a b, ""c" text GENERATED ALWAYS AS (name || 'x') STORED, ADD COLUMN "A'1" int DEFAULT 1},
	"SET datestyle = 'ISO, DMY'",
	(map {
		my $row = $_;
		"INSERT INTO ddd.tags (name, " . join(', ', @columns) . ") VALUES ('tag $row', "
		  . join(', ', map { $types[$_][$row] // 'NULL' } 0 .. $#types) . ')'
	} 1 .. $depth));
my $values = q{SELECT string_agg(row, chr(10) ORDER BY row) FROM (SELECT t::text AS row FROM ddd.tags t) rows};
my $rows = sql($node, 'types', $values);
sql($node, 'types', "SET datestyle = 'ISO, DMY'; $elsewhere $down");
is(sql($node, 'types', 'SELECT count(*) FROM ddd.tags'), '1', 'types: rows are set aside');
is(sql($node, 'types', q{SELECT count(*) FROM ddd.stash WHERE version = '99.0.0' AND table_name = 'tags'}), $depth - 1, 'types: each of them');
sql($node, 'types', $up);
is_same_text(sql($node, 'types', $values), $rows, 'types: every value is back as it was, by the text of ' . @types . ' types');
is(sql($node, 'types', q{SELECT count(*) FILTER (WHERE v0 IS NULL) || ' ' || count(*) FILTER (WHERE v0 = 'null') FROM ddd.tags}),
	'2 1', 'types: null and JSON null are told apart');
is(sql($node, 'types', 'SELECT count(*) FROM ddd.stash'), '0', 'types: nothing is left in the stash');

# ---- a column: the row deleted, the row changed ------------------------------
new_database($node, 'columns', 'CREATE EXTENSION ddd', $up, q{
	INSERT INTO ddd.users (id, email, full_name, note)
	SELECT n, n || '@example.org', 'User ' || n, CASE WHEN n % 2 = 0 THEN 'note ' || n WHEN n = 7 THEN NULL ELSE 'none' END
	  FROM generate_series(1, 12) n});
my $notes = q{SELECT string_agg(id || '=' || coalesce(note, 'NULL'), ' ' ORDER BY id) FROM ddd.users};
my $touched = q{SELECT md5(string_agg(updated_at::text, ' ' ORDER BY id)) FROM ddd.users};
my $times = sql($node, 'columns', $touched);
$rows = sql($node, 'columns', $notes);
sql($node, 'columns', $_) foreach $down, $up;
is(sql($node, 'columns', $notes), $rows, 'column: down and up again, every value is back');
is(sql($node, 'columns', $touched), $times, 'column: and no row counts as edited');
sql($node, 'columns', $down);
is(sql($node, 'columns', q{SELECT string_agg(row_key, ' ' ORDER BY row_key::int) FROM ddd.stash}), '2 4 6 7 8 10 12',
	'column: what the way up finds by itself is not set aside');
sql($node, 'columns', q{
	UPDATE ddd.users SET email = 'other' || id || '@example.org' WHERE id IN (4, 10);
	UPDATE ddd.users SET full_name = 'Other' WHERE id = 6;
	DELETE FROM ddd.users WHERE id = 8});
my ($code, $out, $warning) = $node->psql('columns', $up);
like($warning, qr/WARNING:  not all rows of ddd\.users could be put back: 3 stay in ddd\.stash/, 'column: a warning tells what is not back');
is(sql($node, 'columns', $notes), '1=none 2=note 2 3=none 4=none 5=none 6=note 6 7=NULL 9=none 10=none 11=none 12=note 12',
	'column: not for a row that is gone, or that changed in what the value depends on');
is(sql($node, 'columns', q{SELECT string_agg(row_key || ' ' || (content -> 'columns' ->> 'note'), ', ' ORDER BY row_key) FROM ddd.stash}),
	'10 note 10, 4 note 4, 8 note 8', 'column: which stays in the stash, and depends on what each call has named');
sql($node, 'columns', q{UPDATE ddd.users SET email = '4@example.org' WHERE id = 4});
is(sql($node, 'columns', q{SELECT ddd.unstash('99.0.0', 'users')}), '1', 'column: as it was again, unstash() brings it');
is(sql($node, 'columns', q{SELECT note FROM ddd.users WHERE id = 4}), 'note 4', '... back');

# ---- rows that refer to each other, in more than a batch ---------------------
new_database($node, 'whole_rows', 'CREATE EXTENSION ddd', $up, q{
	INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A'), ('b@example.org', 'B');
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'Post ' || n, '', 1 FROM generate_series(1, 3) n;
	INSERT INTO ddd.tags (name) SELECT 'tag ' || n FROM generate_series(1, 3) n;
	INSERT INTO ddd.post_tags (post_id, tag_id) SELECT p, t FROM generate_series(1, 3) p, generate_series(1, 3) t;
	INSERT INTO ddd.comments (id, content, post_id, author_id, parent_id)
	SELECT 25001 - n, 'Comment ' || n, 1, CASE n WHEN 12345 THEN 2 ELSE 1 END, CASE WHEN n % 3 > 0 AND n > 1 THEN 25002 - n END
	  FROM generate_series(1, 25000) n});
my @tables = qw(users posts comments tags post_tags);
$rows = row_checksums($node, 'whole_rows', @tables);
sql($node, 'whole_rows', $down);
is(sql($node, 'whole_rows', 'SELECT (SELECT count(*) FROM ddd.comments), (SELECT count(*) FROM ddd.post_tags)'), '0|3', 'rows: set aside');
sql($node, 'whole_rows', $up);
is(row_checksums($node, 'whole_rows', @tables), $rows, 'rows: all are back, whatever their order');
# what the counters say: base and ledger
my $counted = q{SELECT string_agg(concat_ws(' ', counter, subject_id, total), ',' ORDER BY counter, subject_id)
	FROM (SELECT counter, subject_id, sum(n) AS total FROM (SELECT counter, subject_id, value AS n FROM ddd.counters
		UNION ALL SELECT counter, subject_id, delta FROM ddd.counter_ledger) c GROUP BY 1, 2 HAVING sum(n) <> 0) s};
is(sql($node, 'whole_rows', $counted), '1 1 25000,2 1 3,2 2 3,2 3 3', 'rows: and counted');
# a function of the same name does not keep them from being counted
sql($node, 'whole_rows', q{CREATE FUNCTION ddd.count_rows(int) RETURNS int LANGUAGE sql AS 'SELECT 1'});
sql($node, 'whole_rows', $down);
is(sql($node, 'whole_rows', $counted), '2 1 3', 'rows: counted when they go, beside a function of the same name');
sql($node, 'whole_rows', $up);
is(sql($node, 'whole_rows', $counted), '1 1 25000,2 1 3,2 2 3,2 3 3', '... and when they come back');
sql($node, 'whole_rows', 'DROP FUNCTION ddd.count_rows(int)');

sql($node, 'whole_rows', $down);
sql($node, 'whole_rows', 'DELETE FROM ddd.users WHERE id = 2');
($code, $out, $warning) = $node->psql('whole_rows', $up);
like($warning, qr/put back: 3 stay.*DETAIL:  Row 126\d\d, for one: insert or update on table "comments" violates/s,
	'rows: a warning names one that is refused, and why');
is(sql($node, 'whole_rows', q{SELECT count(*) FROM ddd.comments}), '24997', 'rows: all but that one and the two that answer it are back');
is(sql($node, 'whole_rows', q{SELECT string_agg(row_key, ' ' ORDER BY row_key) FROM ddd.stash}), '12654 12655 12656', '... and these wait');
sql($node, 'whole_rows', q{INSERT INTO ddd.users (id, email, full_name) VALUES (2, 'b@example.org', 'B')});
is(sql($node, 'whole_rows', q{SELECT ddd.unstash('99.0.0', 'comments')}), '3', 'rows: until there is what they refer to');
is(row_checksums($node, 'whole_rows', qw(comments posts tags post_tags)), ($rows =~ s/^users.*\n//r =~ s/(posts.*)\n(comments.*)/$2\n$1/r), 'rows: then they are as they were');

# ---- a value without a column ------------------------------------------------
new_database($node, 'left_over', 'CREATE EXTENSION ddd', $up, q{
	ALTER TABLE ddd.tags ADD COLUMN colour text, ADD COLUMN size int;
	INSERT INTO ddd.tags (name, colour, size) VALUES ('a', NULL, 1), ('b', 'red', 2), ('c', NULL, 3)}, $down,
	'ALTER TABLE ddd.tags DROP COLUMN colour');
($code, $out, $warning) = $node->psql('left_over', $up);
like($warning, qr/1 stay in ddd\.stash/, 'a column is gone: a warning tells that its value is not back');
is(sql($node, 'left_over', q{SELECT string_agg(name || size, ' ' ORDER BY id) FROM ddd.tags}), 'a1 b2 c3', 'the rest of the row is');
is(sql($node, 'left_over', 'SELECT content FROM ddd.stash'), qq({"by": "$now", "where": {"id": "2"}, "columns": {"colour": "red"}}), 'the value waits for its column');
sql($node, 'left_over', $_) foreach $down, $up;
is(sql($node, 'left_over', 'SELECT content FROM ddd.stash'), qq({"by": "$now", "where": {"id": "2"}, "columns": {"colour": "red"}}), '... also when the row goes down and up again');
sql($node, 'left_over', 'ALTER TABLE ddd.tags ADD COLUMN colour text');
sql($node, 'left_over', q{SELECT ddd.unstash('99.0.0', 'tags')});
is(sql($node, 'left_over', q{SELECT string_agg(name || coalesce(colour, ''), ' ' ORDER BY id) FROM ddd.tags}), 'a bred c', '... and is back in it');
is(sql($node, 'left_over', 'SELECT count(*) FROM ddd.stash'), '0', '... and nowhere else');

# ---- what stops it -----------------------------------------------------------
new_database($node, 'stops', 'CREATE EXTENSION ddd', $up, q{INSERT INTO ddd.tags (name) VALUES ('a'), ('b')});
foreach my $case (
	[ '23503', 'a row of a table that would go with it', 'CREATE TABLE public.mine (id bigint REFERENCES ddd.tags ON DELETE CASCADE); INSERT INTO public.mine VALUES (2)', 'DROP TABLE public.mine' ],
	[ '23503', 'a row that would forget it', 'CREATE TABLE public.mine (id bigint REFERENCES ddd.tags ON DELETE SET NULL); INSERT INTO public.mine VALUES (2)', 'DROP TABLE public.mine' ],
	[ '23503', 'a row that forbids it', 'CREATE TABLE public.mine (id bigint REFERENCES ddd.tags); INSERT INTO public.mine VALUES (2)', 'DROP TABLE public.mine' ],
	[ '23503', 'a row of the table that stays', 'ALTER TABLE ddd.tags ADD COLUMN up bigint REFERENCES ddd.tags ON DELETE CASCADE; UPDATE ddd.tags SET up = 2 WHERE id = 1', 'ALTER TABLE ddd.tags DROP COLUMN up' ],
	[ '2BP01', 'an index on a column that goes', 'CREATE INDEX mine ON ddd.users (lower(note))', 'DROP INDEX ddd.mine' ],
	[ '2BP01', 'a constraint on a column that goes', 'ALTER TABLE ddd.users ADD CONSTRAINT mine CHECK (note <> email)', 'ALTER TABLE ddd.users DROP CONSTRAINT mine' ],
	[ '55000', 'a rule that keeps the row', 'CREATE RULE mine AS ON DELETE TO ddd.tags DO INSTEAD NOTHING', 'DROP RULE mine ON ddd.tags' ],
	[ '55000', 'a trigger that keeps the stash empty', q{
		CREATE FUNCTION public.forbid() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER mine BEFORE INSERT ON ddd.stash FOR EACH ROW EXECUTE FUNCTION public.forbid()}, 'DROP TRIGGER mine ON ddd.stash' ],
	[ '55000', 'no primary key', 'ALTER TABLE ddd.tags DROP CONSTRAINT tags_pkey CASCADE', undef ])
{
	my ($state, $name, $make, $drop) = @$case;

	sql($node, 'stops', $make);
	is_refused($node, 'stops', $down, $state, undef, "stops: $name");
	is(sql($node, 'stops', q{SELECT (SELECT count(*) FROM ddd.tags), (SELECT count(*) FROM ddd.stash)}), '2|0', '... nothing has moved');
	sql($node, 'stops', $drop) if defined $drop;
}

new_database($node, 'refused', 'CREATE EXTENSION ddd', $up, q{
	INSERT INTO ddd.tags (name) VALUES ('a'), ('b');
	CREATE TABLE ddd.keyless (id int);
	CREATE FUNCTION public.canceled() RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION USING ERRCODE = ''query_canceled''; END'}, $down,
	'ALTER TABLE ddd.tags ADD CONSTRAINT mine CHECK (id = 1 OR public.canceled())');
is_refused($node, 'refused', $up, '57014', undef, 'canceled while rows come back: that is no row to blame');
sql($node, 'refused', 'ALTER TABLE ddd.tags DROP CONSTRAINT mine');
new_database($node, 'locked', 'CREATE EXTENSION ddd', $up, q{
	INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A');
	INSERT INTO ddd.posts (title, content, author_id) VALUES ('Post', '', 1);
	INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('Comment', 1, 1)}, $down);
my $holder = $node->background_psql('locked');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT FROM ddd.users FOR UPDATE');
is_refused($node, 'locked', q{SET lock_timeout = '50ms'; SELECT ddd.unstash('99.0.0', 'comments')}, '55P03', undef, 'a lock that is not to be had while rows come back: nor is that');
$holder->query_safe('COMMIT');
$holder->quit;
is(sql($node, 'locked', q{SELECT ddd.unstash('99.0.0', 'comments')}), '1', 'when it is, they are back');
sql($node, 'locked', q{INSERT INTO ddd.stash VALUES ('99.0.0', 'tags', '7', '{"row": {"id": "7", "name": "x", "key": "x"}}'); ALTER TABLE ddd.stash ALTER COLUMN row_key TYPE name});
is_refused($node, 'locked', q{SELECT ddd.unstash('99.0.0', 'tags')}, '42804', undef, 'a stash whose keys have become of another type');
foreach my $call (
	[ '55000', q{ddd.stash_rows('99.0.0', 'tags', 'true')} ],
	[ '55000', q{ddd.stash_columns('99.0.0', 'tags', '{name}', '{}', 'true')} ],
	[ '55000', q{ddd.check_dependents('tags', '{name}')} ],
	[ '22004', q{ddd.unstash(NULL, 'tags')} ],
	[ '22004', q{ddd.unstash('99.0.0', NULL)} ],
	[ '42P01', q{ddd.unstash('99.0.0', 'nothing')} ],
	[ '55000', q{ddd.unstash('99.0.0', 'keyless')} ],
	[ '25006', q{ddd.unstash('99.0.0', 'tags')}, 'SET default_transaction_read_only = on' ],
	[ '42501', q{ddd.unstash('99.0.0', 'tags')}, 'GRANT USAGE ON SCHEMA ddd TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO app; SET ROLE app' ])
{
	my ($state, $expression, $before) = @$call;

	is_refused($node, 'refused', ($before // 'SELECT') . "; SELECT $expression", $state, undef, "$expression is refused");
}
foreach my $statement (
	[ '42P01', q{ddd.stash_rows('99.0.0', 'nothing', 'true')} ],
	[ '42P01', q{ddd.check_dependents('nothing', '{name}')} ],
	[ '2BP01', q{ddd.check_dependents('tags', '{key}')} ],
	[ '22004', q{ddd.stash_rows('99.0.0', 'tags', NULL)} ],
	[ '42703', q{ddd.stash_columns('99.0.0', 'tags', '{nothing}', '{}', 'true')} ],
	[ '42703', q{ddd.stash_columns('99.0.0', 'tags', '{name}', '{ctid}', 'true')} ],
	[ '22004', q{ddd.stash_columns('99.0.0', 'tags', '{NULL}', '{}', 'true')} ],
	[ '42601', q{ddd.stash_rows('99.0.0', 'tags', 'true; SELECT 1')} ])
{
	my ($state, $expression) = @$statement;
	my $faulty = new_node('faulty' . $state . length $expression,
		new_installation("ddd--$now--$next.sql" => script($now, 'tags', "PERFORM $expression;")));

	new_database($faulty, 'faulty', 'CREATE EXTENSION ddd');
	is_refused($faulty, 'faulty', $up, $state, undef, "a script with $expression stops");
	$faulty->stop;
}

$node->stop;
done_testing();
