# "make revision" drafts migrations from what differs between the released
# version and the tree. Two versions are made in a copy of the tree: one that
# adds, and one that renames, adds, drops and retypes. What the drafts mark is
# decided as a maintainer would; then every claim about pairs of versions holds.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Cwd;
use Ddd;
use IPC::Run;
use Pairs;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($major) = `pg_config --version` =~ /^PostgreSQL (\d+)/;
my $pg_config = "/usr/lib/postgresql/$major/bin/pg_config";
my $tree = PostgreSQL::Test::Utils::tempdir();
my $released = current_version();
my ($first, $second) = ('50.0.0', '51.0.0');

system_or_bail('cp', '-a', (map { "$ENV{TESTDIR}/$_" } qw(.ci Makefile META.json ddd.control src sql ddd.so)), $tree);
mkdir "$tree/build";
append_to_file("$tree/build/objects", `$pg_config --version`);
chdir $tree or die "$tree: $!";

# Runs a command in the tree; returns whether it succeeded, and what it printed.
sub run_in_tree
{
	my @command = @_;
	my $output = '';

	local $ENV{PG_MAJOR} = $major;
	my $succeeded = IPC::Run::run(\@command, '<', \'', '>&', \$output);
	note("@command: $output");
	return ($succeeded, $output);
}

sub make { return run_in_tree('make', '-s', "PG_CONFIG=$pg_config", 'with_llvm=no', @_) }

# Replaces text of a file, once each.
sub edit
{
	my ($file, @changes) = @_;
	my $text = slurp_file($file);

	while (my ($old, $new) = splice @changes, 0, 2)
	{
		my $at = index $text, $old;
		$at >= 0 or die "not in $file: $old\n$text";
		substr($text, $at, length $old) = $new;
	}
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out;
	return;
}

# The control file stays as old as it was: the library is not built again.
sub open_version
{
	my ($old, $new) = @_;
	my $time = (stat 'ddd.control')[9];

	edit('ddd.control', "default_version = '$old'", "default_version = '$new'");
	utime $time, $time, 'ddd.control';
	return;
}

my ($succeeded, $output) = make('release');
ok($succeeded, "$released is released");
($succeeded, $output) = make('revision', 'm=too early');
ok(!$succeeded && $output =~ /\Q$released\E is released/, 'no draft before the next version is opened');

# ---- what is added -----------------------------------------------------------
open_version($released, $first);
edit('sql/schema/blog.sql', "    CONSTRAINT posts_pkey", "    rating     smallint,\n    nth        bigint       GENERATED ALWAYS AS IDENTITY,\n    CONSTRAINT posts_rating_given CHECK (nth < 1000 OR rating IS NOT NULL),\n    CONSTRAINT posts_pkey",
	'CREATE INDEX ix_posts_author_id', "CREATE INDEX ix_posts_rating ON ddd.posts (rating, id);\nCOMMENT ON COLUMN ddd.posts.rating IS 'It''s a rating.';\nCREATE INDEX ix_posts_author_id");
append_to_file('sql/schema/blog.sql', q{
CREATE SEQUENCE ddd.notes_id_seq;
CREATE TABLE ddd.notes (
    id         bigint       NOT NULL DEFAULT nextval('ddd.notes_id_seq'),
    title      varchar(100) NOT NULL,
    author_id  bigint       NOT NULL,
    size       integer      NOT NULL DEFAULT 0,
    colour     varchar(20)  COLLATE "C" DEFAULT 'red',
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    doubled    bigint       GENERATED ALWAYS AS (author_id * 2) STORED,
    old_text   text,
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id) ON DELETE CASCADE,
    CONSTRAINT notes_size_positive CHECK (size >= 0)
);
ALTER SEQUENCE ddd.notes_id_seq OWNED BY ddd.notes.id;
CREATE INDEX ix_notes_title ON ddd.notes (lower(title));
COMMENT ON TABLE ddd.notes IS 'Notes.';
COMMENT ON COLUMN ddd.notes.title IS 'The title.';
ALTER TABLE ddd.notes REPLICA IDENTITY FULL;
ALTER TABLE ddd.notes SET (fillfactor=90);
});
my $api = q{
DO $ddd$
BEGIN
    IF NOT ddd.owns_type('note_info') THEN
        CREATE TYPE ddd.note_info AS (id bigint, size integer);
    END IF;
END
$ddd$;
COMMENT ON TYPE ddd.note_info IS 'A note.';

CREATE OR REPLACE FUNCTION ddd.note(note_id bigint) RETURNS ddd.note_info
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS 'BEGIN RETURN (SELECT (id, size)::ddd.note_info FROM ddd.notes WHERE id = note_id); END';
COMMENT ON FUNCTION ddd.note(bigint) IS 'A note.';
REVOKE ALL ON FUNCTION ddd.note(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.note_size(note_id bigint) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS 'BEGIN RETURN (SELECT size FROM ddd.notes WHERE id = note_id); END';
COMMENT ON FUNCTION ddd.note_size(bigint) IS 'The size of a note.';
REVOKE ALL ON FUNCTION ddd.note_size(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ddd.find_note(title text) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS 'BEGIN RETURN (SELECT min(id) FROM ddd.notes n WHERE n.title = find_note.title); END';
COMMENT ON FUNCTION ddd.find_note(text) IS 'A note''s id.';
REVOKE ALL ON FUNCTION ddd.find_note(text) FROM PUBLIC;
};
append_to_file('sql/api/blog.sql', "$api
CREATE OR REPLACE FUNCTION ddd.old_note(note_id bigint) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS 'BEGIN RETURN (SELECT old_text FROM ddd.notes WHERE id = note_id); END';
COMMENT ON FUNCTION ddd.old_note(bigint) IS 'What has been.';
REVOKE ALL ON FUNCTION ddd.old_note(bigint) FROM PUBLIC;
");
my $touch = q{('tags', 'tags_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),};
edit('sql/api/migrations.sql', $touch, "$touch
            ('notes', 'notes_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''text:title'')'),
            ('notes', 'notes_touch', 'BEFORE UPDATE', 'ROW', 'touch_row()'),");

($succeeded, $output) = make('sql');
ok(!$succeeded, 'without migrations nothing is built');
($succeeded, $output) = make('revision', "m=Notes, and posts' ratings");
my ($up, $down) = ("sql/migrations/$released--$first.sql", "sql/migrations/$first--$released.sql");
my @marks = $output =~ /^\S+:\d+:-- REVISION: (.*)$/mg;
is(join(', ', map { s/If there.*//r } @marks), 'what of the rows that posts_rating_given on ddd.posts does not allow? ',
	'what is added: rows of before may be against a new constraint, nothing else is to be decided') or diag $output;
edit($up, slurp_file($up), slurp_file($up) =~ s/^-- REVISION:.*\n//gmr);
like(slurp_file($up), qr/^-- \Q$released\E -> \Q$first\E: Notes, and posts' ratings$/m, 'the migration says what it is about');
like(slurp_file($down), qr/^-- \Q$first\E -> \Q$released\E: undoes "Notes, and posts' ratings"$/m, '... and the one back what it undoes');
like(slurp_file($up), qr/unstash\('\Q$first\E', 'posts'\).*ADD CONSTRAINT posts_rating_given/s, 'values come back before a new check looks at them');
like(slurp_file($up), qr/migrate\('\Q$released\E', '\{posts\}'/, 'it locks the table that changes');
($succeeded, $output) = make('revision', 'm=again');
ok($succeeded && $output =~ /lack nothing/, 'asked again, the migrations lack nothing') or diag $output;

edit($up, "CREATE INDEX ix_posts_rating", "-- CREATE INDEX ix_posts_rating");
($succeeded, $output) = make('revision', 'm=again');
ok(!$succeeded && $output =~ /is missing: index ddd\.ix_posts_rating/, '... or it says what they lack') or diag $output;
edit($up, "-- CREATE INDEX ix_posts_rating", "CREATE INDEX ix_posts_rating");
($succeeded, $output) = make('release');
ok($succeeded, "$first is released") or diag $output;

# ---- what is renamed, added, dropped, retyped --------------------------------
open_version($first, $second);
edit('sql/schema/blog.sql',
	'    title      varchar(100) NOT NULL,
    author_id  bigint       NOT NULL,
    size       integer ', '    heading    varchar(100) NOT NULL,
    author_id  bigint       NOT NULL,
    size       bigint  ',
	q{varchar(20)  COLLATE "C" DEFAULT 'red'}, q{varchar(40)  COLLATE "C" NOT NULL DEFAULT 'blue'},
	'    old_text   text,', "    kind       text         NOT NULL,",
	'CHECK (size >= 0)', 'CHECK (size >= -1)',
	'ddd.notes (lower(title))', 'ddd.notes (lower(heading), id)',
	q{COMMENT ON COLUMN ddd.notes.title IS 'The title.'}, q{COMMENT ON COLUMN ddd.notes.heading IS 'The heading.'},
	"ALTER TABLE ddd.notes REPLICA IDENTITY FULL;\n", '',
	'fillfactor=90', 'fillfactor=80',
	# of posts: a column, with its constraint, index and comment
	"    rating     smallint,\n    nth        bigint       GENERATED ALWAYS AS IDENTITY,\n    CONSTRAINT posts_rating_given CHECK (nth < 1000 OR rating IS NOT NULL),\n", '',
	"CREATE INDEX ix_posts_rating ON ddd.posts (rating, id);\nCOMMENT ON COLUMN ddd.posts.rating IS 'It''s a rating.';\n", '');
append_to_file('sql/schema/blog.sql', q{
CREATE TABLE ddd.marks (
    note_id bigint NOT NULL,
    mark    text   NOT NULL,
    CONSTRAINT marks_pkey PRIMARY KEY (note_id, mark),
    CONSTRAINT marks_note_id_fkey FOREIGN KEY (note_id) REFERENCES ddd.notes (id) ON DELETE CASCADE
);
});
edit('sql/api/blog.sql',
	'(id bigint, size integer)', '(id bigint, size bigint, kind text)', '(id, size)::ddd', '(id, size, kind)::ddd',
	'ddd.note_size(note_id bigint) RETURNS integer', 'ddd.note_size(note_id bigint) RETURNS bigint',
	'ddd.find_note(title text)', "ddd.find_note(heading text, kind text DEFAULT 'plain')", 'n.title = find_note.title', 'n.heading = find_note.heading AND n.kind = find_note.kind',
	'FUNCTION ddd.find_note(text)', 'FUNCTION ddd.find_note(text, text)', 'FUNCTION ddd.find_note(text)', 'FUNCTION ddd.find_note(text, text)',
	(slurp_file('sql/api/blog.sql') =~ /(CREATE OR REPLACE FUNCTION ddd\.old_note.*)/s)[0], '');
edit('sql/api/migrations.sql', q{'notes_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''text:title'')'}, q{'notes_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'check_row(''text:heading'')'});

($succeeded, $output) = make('revision', 'm=Headings');
ok($succeeded, 'a draft of harder changes') or diag $output;
like($output, qr/^\Q$_->[0]\E:\d+:-- REVISION: .*\Q$_->[1]\E/m, "to be decided: $_->[1]") foreach
  [ "sql/migrations/$first--$second.sql", 'is heading what title was?' ],
  [ "sql/migrations/$first--$second.sql", 'what is kind in rows that have none?' ],
  [ "sql/migrations/$first--$second.sql", 'what is colour in rows that have none?' ],
  [ "sql/migrations/$first--$second.sql", 'what of the rows that notes_size_positive on ddd.notes does not allow?' ],
  [ "sql/migrations/$first--$second.sql", 'is kind what title was?' ],
  [ "sql/migrations/$second--$first.sql", 'is title what heading was?' ],
  [ "sql/migrations/$second--$first.sql", 'does every value of type bigint have one of type integer' ];
($succeeded, $output) = make('sql');
ok(!$succeeded && $output =~ /decide what is marked/, 'until it is, nothing is built') or diag $output;

# as a maintainer decides
($up, $down) = ("sql/migrations/$first--$second.sql", "sql/migrations/$second--$first.sql");
foreach my $way ([ $up, $first, 'title', 'heading', 'old_text', 'text' ], [ $down, $second, 'heading', 'title', 'kind', 'text' ])
{
	my ($file, $from, $old, $new, $dropped) = @$way;
	my $text = slurp_file($file);
	my $condition = $dropped eq 'old_text' ? 'old_text IS NOT NULL' : 'true';

	edit($file,
		"SELECT ddd.stash_columns('$from', 'notes', '{$old,$dropped}', '{}', 'true');",
		"ALTER TABLE ddd.notes RENAME COLUMN $old TO $new;\nSELECT ddd.stash_columns('$from', 'notes', '{$dropped}', '{}', '$condition');",
		"DROP COLUMN $old, ", '',
		"ALTER TABLE ddd.notes ADD COLUMN $new character varying(100);\n", '',
		"ALTER TABLE ddd.notes ALTER COLUMN $new SET NOT NULL;\n", '');
}
edit($up,
	'ALTER TABLE ddd.notes ALTER COLUMN kind SET NOT NULL;', "UPDATE ddd.notes SET kind = 'plain' WHERE kind IS NULL;\nALTER TABLE ddd.notes ALTER COLUMN kind SET NOT NULL;",
	'ALTER TABLE ddd.notes ALTER COLUMN colour SET NOT NULL;',
	"SELECT ddd.stash_columns('$first', 'notes', '{colour}', '{}', 'colour IS NULL');\nUPDATE ddd.notes SET colour = 'none' WHERE colour IS NULL;\nALTER TABLE ddd.notes ALTER COLUMN colour SET NOT NULL;");
edit($down,
	'ALTER TABLE ddd.notes ALTER COLUMN size TYPE integer USING size::integer;',
	"SELECT ddd.stash_columns('$second', 'notes', '{size}', '{}', 'size NOT BETWEEN 0 AND 2147483647');\nALTER TABLE ddd.notes ALTER COLUMN size TYPE integer USING greatest(0, least(size, 2147483647))::integer;",
	'ALTER TABLE ddd.notes ALTER COLUMN colour TYPE character varying(20) COLLATE "C" USING colour::character varying(20);',
	"SELECT ddd.stash_columns('$second', 'notes', '{colour}', '{}', 'length(colour) > 20');\n" . 'ALTER TABLE ddd.notes ALTER COLUMN colour TYPE character varying(20) COLLATE "C" USING left(colour, 20);');
edit($_, slurp_file($_), slurp_file($_) =~ s/^-- REVISION:.*\n//gmr) foreach $up, $down;
($succeeded, $output) = make('revision', 'm=again');
ok($succeeded && $output =~ /lack nothing/, 'as they are decided, they lack nothing') or diag $output;
($succeeded, $output) = run_in_tree('.ci/facts');
ok($succeeded, 'the facts of the versions') or diag $output;
($succeeded, $output) = run_in_tree('bash', '-c', '. .ci/lib.sh; make_tree');
ok($succeeded, 'they are installed') or diag $output;

# ---- every claim about pairs holds -------------------------------------------
also_write(sub {
	my ($version, $name) = @_;

	return () unless at_least($version, $first);
	return ("INSERT INTO ddd.notes (heading, author_id, size, colour, kind) SELECT '$name ' || n, 1 + n, CASE n % 4 WHEN 0 THEN 5000000000 WHEN 1 THEN -1 ELSE n END,
			CASE WHEN n % 3 = 0 THEN 'a colour with a long name' ELSE 'green' END, 'kind ' || n FROM generate_series(1, 12) n",
		"INSERT INTO ddd.marks SELECT max(id), '$name' FROM ddd.notes", q{UPDATE ddd.notes SET size = 7, kind = 'changed' WHERE id = 2}, 'DELETE FROM ddd.notes WHERE id = 3') if at_least($version, $second);
	return ("INSERT INTO ddd.notes (title, author_id, size, colour, old_text) SELECT '$name ' || n, 1 + n, n, CASE WHEN n % 3 > 0 THEN 'green' END, CASE WHEN n % 2 > 0 THEN 'old ' || n END FROM generate_series(1, 12) n",
		q{UPDATE ddd.posts SET rating = id % 9 WHERE id % 2 = 0}, q{UPDATE ddd.notes SET size = 8 WHERE id = 4}, 'DELETE FROM ddd.notes WHERE id = 5');
});
my $node = new_node('revision', "$tree/build/pg$major/usr/lib/postgresql/$major");
my @versions = versions($node);
my $claims = 0;
foreach my $pair ([ $released, $first ], [ $first, $second ], [ $released, $second ])
{
	claim_pair($node, \@versions, @$pair, sub {
		my ($name, $got, $expected) = @_;

		is_same_text($got, $expected, $name);
		$claims++;
	});
}

# what a newer version dropped waits by right
new_database($node, 'waits', "CREATE EXTENSION ddd VERSION '$first'", q{INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A')},
	q{INSERT INTO ddd.notes (title, author_id, old_text) VALUES ('Title', 1, 'old')}, "GRANT EXECUTE ON FUNCTION ddd.note_size(bigint), ddd.find_note(text) TO pg_monitor",
	"ALTER EXTENSION ddd UPDATE TO '$second'");
is(sql($node, 'waits', q{SELECT content -> 'columns' ->> 'old_text' FROM ddd.stash WHERE table_name = 'notes'}), 'old', 'what a version drops is set aside');
is(sql($node, 'waits', q{SELECT has_function_privilege('pg_monitor', 'ddd.note_size(bigint)', 'EXECUTE'), has_function_privilege('pg_monitor', 'ddd.find_note(text, text)', 'EXECUTE')}),
	't|t', 'privileges on functions go to those that take their place');

chdir $ENV{TESTDIR};
$node->stop;
done_testing();
