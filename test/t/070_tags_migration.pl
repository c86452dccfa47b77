# The migration to 0.4.0 gives every tag its key and stops where two tags are
# spellings of one; the one back sets synonyms aside and stops where somebody
# uses the type tag_query. Both lose nothing and lead to the same objects as a
# fresh install.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# the newest, for its functions are called
my ($from, $to) = ('0.3.0', current_version());
my $up = "ALTER EXTENSION ddd UPDATE TO '$to'";
my $down = "ALTER EXTENSION ddd UPDATE TO '$from'";
my @kept = qw(users posts comments post_tags counters);

my $node = new_node('main');
sql($node, 'postgres', 'CREATE ROLE app');

my $fill = q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 20) n;
	INSERT INTO ddd.posts (title, content, author_id, created_at)
	SELECT 'Post ' || n, '', 1 + n % 20, now() - n % 9 * interval '1 day' FROM generate_series(1, 300) n;
	INSERT INTO ddd.tags (name, updated_at) SELECT 'Tag ' || n, '2020-01-01' FROM generate_series(1, 29) n;
	INSERT INTO ddd.tags (name) VALUES (U&'\00c9t\00e9'), ('Stra' || chr(223) || 'e');
	INSERT INTO ddd.post_tags (post_id, tag_id) SELECT DISTINCT 1 + n % 300, 1 + n * n % 29 FROM generate_series(1, 2000) n};
my $synonyms = q{
	SELECT ddd.add_tag_synonym('tag 1', 'one');
	SELECT ddd.add_tag_synonym('tag 1', 'eins');
	SELECT ddd.add_tag_synonym('tag 2', 'zwei');
	SELECT ddd.add_tag_synonym('tag 3', 'drei')};

# Tags and synonyms, whatever version: name and what they are synonyms of.
sub synonyms_of
{
	my ($database) = @_;
	return sql($node, $database, q{SELECT string_agg(name || '=' || synonym_of, ' ' ORDER BY name) FROM ddd.list_tags(1000) WHERE synonym_of IS NOT NULL});
}

# ---- there and back, with writes at every stage --------------------------------
new_database($node, 'trip', "CREATE EXTENSION ddd VERSION '$from'", $fill);
my $rows = row_checksums($node, 'trip', @kept);
my $tags = sql($node, 'trip', 'SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM (SELECT id, name, created_at, updated_at FROM ddd.tags) t');
sql($node, 'trip', $up);
is(version_of($node, 'trip'), "$to $to", 'up: code and tables are at the new version');
is(row_checksums($node, 'trip', @kept), $rows, 'up: every row is as it was');
is(sql($node, 'trip', 'SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM (SELECT id, name, created_at, updated_at FROM ddd.tags) t'), $tags,
	'up: so is every tag, its updated_at too');
is(sql($node, 'trip', 'SELECT count(*) FROM ddd.tags WHERE key IS DISTINCT FROM ddd.tag_key(name)'), '0', 'up: every tag has its key');
is(sql($node, 'trip', q{SELECT count(*) FROM ddd.posts_by_tag('TAG 5') s, ddd.posts_by_tags('"tag 5"') t WHERE s.id = t.id}),
	sql($node, 'trip', q{SELECT least(20, count(*)) FROM ddd.post_tags WHERE tag_id = 5}), 'up: posts are found by it');
sql($node, 'trip', $synonyms);
sql($node, 'trip', q{SELECT ddd.tag_post(1, '{eins,zwei}')});
sql($node, 'trip', q{ALTER TABLE ddd.tags ADD COLUMN colour text; UPDATE ddd.tags SET colour = 'red' WHERE name = 'zwei'});
sql($node, 'trip', q{CREATE TABLE public.follows (tag_id bigint REFERENCES ddd.tags ON DELETE CASCADE); INSERT INTO public.follows SELECT id FROM ddd.tags WHERE name = 'zwei'});
is_refused($node, 'trip', $down, '23503', undef, 'rows of a table that name a synonym, and would go with it');
sql($node, 'trip', 'UPDATE public.follows SET tag_id = 2');
my $before = synonyms_of('trip');
is($before, 'drei=Tag 3 eins=Tag 1 one=Tag 1 zwei=Tag 2', 'there are synonyms');

$rows = row_checksums($node, 'trip', qw(users posts comments post_tags));
sql($node, 'trip', $down);
is(version_of($node, 'trip'), "$from $from", 'down: code and tables are at the old version');
is(row_checksums($node, 'trip', qw(users posts comments post_tags)), $rows, 'down: every row is as it was');
is(sql($node, 'trip', q{SELECT count(*) FROM ddd.stash WHERE version = '0.4.0'}), '4', 'down: synonyms are set aside');
is(sql($node, 'trip', q{SELECT count(*) FROM ddd.tags WHERE name IN ('one', 'eins', 'zwei', 'drei')}), '0', 'down: and are no tags');
# meanwhile one of the names is taken, and a tag is deleted
sql($node, 'trip', q{INSERT INTO ddd.tags (name) VALUES ('EINS'); DELETE FROM ddd.post_tags WHERE tag_id = 3; DELETE FROM ddd.tags WHERE id = 3});
sql($node, 'trip', $up);
is(synonyms_of('trip'), 'one=Tag 1 zwei=Tag 2', 'up again: synonyms are back, but of a name that is taken and of a tag that is gone');
is(sql($node, 'trip', q{SELECT string_agg(colour, ',') FROM ddd.tags}), 'red', 'up again: with what was in a column of the user');
sql($node, 'trip', 'ALTER TABLE ddd.tags DROP COLUMN colour; DROP TABLE public.follows');
is(sql($node, 'trip', q{SELECT string_agg(content -> 'row' ->> 'name', ' ' ORDER BY row_key::bigint) FROM ddd.stash WHERE table_name = 'tags'}), 'eins drei', 'up again: which stay in the stash');
sql($node, 'trip', q{UPDATE ddd.tags SET name = 'other' WHERE name = 'EINS'});
sql($node, 'trip', $_) foreach $down, $up;
is(synonyms_of('trip'), 'eins=Tag 1 one=Tag 1 zwei=Tag 2', 'and up once more: a name that is free again is back');
sql($node, 'trip', 'DELETE FROM ddd.stash');
is(sql($node, 'trip', 'SELECT ddd.fold_counters() >= 0; SELECT ddd.rebuild_counters()'), "t\n0", 'and every count is right');

# ---- every way to a version leads to the same objects ----------------------------
new_database($node, 'fresh_to', "CREATE EXTENSION ddd VERSION '$to'");
new_database($node, 'fresh_from', "CREATE EXTENSION ddd VERSION '$from'");
new_database($node, 'down', "CREATE EXTENSION ddd VERSION '$to'", $fill, $synonyms, $down);
new_database($node, 'late', 'SET ddd.create_tables = off', "CREATE EXTENSION ddd VERSION '$from'", $up, 'SELECT ddd.install()');
is_same_text(fingerprint($node, 'trip'), fingerprint($node, 'fresh_to'), 'up(down(up)) = fresh');
is_same_text(fingerprint($node, 'down'), fingerprint($node, 'fresh_from'), 'down = fresh');
is_same_text(fingerprint($node, 'late'), fingerprint($node, 'fresh_to'), 'migrated without tables, then ddd.install() = fresh');

new_database($node, 'owned', "CREATE EXTENSION ddd VERSION '$from'", $fill);
give_tables_to($node, 'owned', 'app');
foreach my $step ($up, $down, $up)
{
	sql($node, 'owned', $step);
	is( sql($node, 'owned', q{
			SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class
			 WHERE relnamespace = 'ddd'::regnamespace AND relkind IN ('r', 'S', 'i')}),
		'app', "tables of another owner stay his: $step");
}
is(sql($node, 'owned', q{SELECT (ddd.merge_tags('{tag 4}', 'tag 5')).name}), 'Tag 5', 'and are written as his');

# ---- what users have added to the table -------------------------------------------
new_database($node, 'added', "CREATE EXTENSION ddd VERSION '$to'", $fill, $synonyms, q{
	ALTER TABLE ddd.tags ADD COLUMN "x, r.y" text DEFAULT 'z', ADD COLUMN nth bigint GENERATED ALWAYS AS IDENTITY,
		ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED, ADD COLUMN level text DEFAULT '1';
	UPDATE ddd.tags SET "x, r.y" = name;
	CREATE FUNCTION public.forbid() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER forbidden BEFORE INSERT OR DELETE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION public.forbid();
	CREATE TRIGGER replicated BEFORE UPDATE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION public.forbid();
	CREATE TRIGGER always BEFORE INSERT OR DELETE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION public.forbid();
	CREATE TRIGGER off BEFORE UPDATE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION public.forbid();
	ALTER TABLE ddd.tags ENABLE REPLICA TRIGGER replicated, ENABLE ALWAYS TRIGGER always, DISABLE TRIGGER off;
	CREATE INDEX mine ON ddd.tags (created_at);
	CREATE POLICY mine ON ddd.tags USING (true);
	GRANT SELECT ON ddd.tags TO app});
my $added = q{
	SELECT (SELECT string_agg(concat(tgname, tgenabled), ' ' ORDER BY tgname) FROM pg_trigger WHERE tgfoid = 'public.forbid'::regproc),
		to_regclass('ddd.mine'), has_table_privilege('app', 'ddd.tags', 'SELECT'), (SELECT count(*) FROM pg_policy WHERE polrelid = 'ddd.tags'::regclass)};
my $mine = sql($node, 'added', $added);
like($mine, qr/alwaysA forbiddenO offD replicatedR\|ddd\.mine\|t\|1$/, 'triggers, an index, a privilege and a policy');
$tags = row_checksums($node, 'added', 'tags');
sql($node, 'added', $down);
is(sql($node, 'added', $added), $mine, 'added: down: are there');
is(sql($node, 'added', q{SELECT count(*) FROM ddd.tags WHERE name IN ('one', 'eins', 'zwei', 'drei')}), '0', 'added: down: a trigger that forbids it keeps no synonym');
sql($node, 'added', $up);
is(sql($node, 'added', $added), $mine, 'added: up: are there');
is(row_checksums($node, 'added', 'tags'), $tags, 'added: up: so are all rows, synonyms too, with the columns added');

sql($node, 'added', $down);
sql($node, 'added', q{ALTER TABLE ddd.tags ALTER COLUMN level DROP DEFAULT, ALTER COLUMN level TYPE integer USING 1});
sql($node, 'added', q{UPDATE ddd.stash SET content = jsonb_set(content, '{row,level}', '"high"') WHERE content -> 'row' ->> 'name' = 'zwei'});
sql($node, 'added', $up);
is(synonyms_of('added'), 'drei=Tag 3 eins=Tag 1 one=Tag 1', 'a synonym whose column has become of another type is not back');
is(sql($node, 'added', q{SELECT content -> 'row' ->> 'name' FROM ddd.stash WHERE table_name = 'tags'}), 'zwei', 'but not lost');

# ---- what stops it ---------------------------------------------------------------
new_database($node, 'clash', "CREATE EXTENSION ddd VERSION '$from'",
	q{INSERT INTO ddd.tags (name) VALUES (U&'\00c9'), (U&'\00e9'), (U&'e\0301'), ('Stra' || chr(223) || 'e'), ('strasse'), ('other')});
my $objects = fingerprint($node, 'clash');
$rows = row_checksums($node, 'clash', 'tags', 'schema_version');
my $failure = is_refused($node, 'clash', $up, '23505', 'ix_tags_name', 'two spellings of a tag');
like(failure($node, 'clash', $up)->{detail} // '', qr/\(id 1\), .*\(id 2\), .*\(id 3\)\n.*\(id 4\), strasse \(id 5\)/, '... are listed');
is_same_text(fingerprint($node, 'clash'), $objects, '... and nothing has changed');
is(row_checksums($node, 'clash', 'tags', 'schema_version'), $rows, '... no row either');
sql($node, 'clash', q{DELETE FROM ddd.tags WHERE id IN (2, 3, 5)});
sql($node, 'clash', $up);
is(version_of($node, 'clash'), "$to $to", 'without them it goes on');

sql($node, 'clash', q{SELECT ddd.add_tag_synonym('other', 'another'); CREATE SCHEMA away; CREATE ROLE away; GRANT ALL ON SCHEMA away TO away});
foreach my $case (
	[ 'of two columns', 'ALTER TABLE ddd.tags ADD UNIQUE (id, name)', '(tag_id bigint, name varchar(100), FOREIGN KEY (name, tag_id) REFERENCES ddd.tags (name, id) ON DELETE CASCADE)', 'id, name' ],
	[ 'of the name', 'ALTER TABLE ddd.tags ADD UNIQUE (name)', '(name varchar(100) REFERENCES ddd.tags (name) ON DELETE SET NULL)', 'name' ],
	[ 'partitioned', 'SELECT', '(id bigint REFERENCES ddd.tags ON DELETE CASCADE) PARTITION BY RANGE (id); CREATE TABLE away.part PARTITION OF away.mine DEFAULT', 'id' ],
	[ 'no action', 'SELECT', '(id bigint REFERENCES ddd.tags)', 'id' ],
	[ 'of another column of the tags', 'ALTER TABLE ddd.tags ADD COLUMN parent_id bigint REFERENCES ddd.tags ON DELETE CASCADE', undef,
		q{UPDATE ddd.tags SET parent_id = (SELECT id FROM ddd.tags WHERE name = 'another') WHERE name = 'other'} ])
{
	my ($name, $before, $table, $rows) = @$case;

	sql($node, 'clash', "$before; " . ($table
		? "CREATE TABLE away.mine $table; INSERT INTO away.mine SELECT $rows FROM ddd.tags WHERE name = 'another'" : $rows));
	is_refused($node, 'clash', $down, '23503', undef, "a foreign key $name");
	sql($node, 'clash', 'DROP TABLE IF EXISTS away.mine; ALTER TABLE ddd.tags DROP COLUMN IF EXISTS parent_id');
}
give_tables_to($node, 'clash', 'app');
sql($node, 'clash', 'CREATE TABLE away.mine (id bigint REFERENCES ddd.tags ON DELETE CASCADE); ALTER TABLE away.mine OWNER TO away');
is_refused($node, 'clash', $down, '42501', undef, 'a foreign key of a table that the owner of the tags may not read');
sql($node, 'clash', 'DROP TABLE away.mine');
give_tables_to($node, 'clash', 'postgres');
sql($node, 'clash', q{CREATE RULE mine AS ON DELETE TO ddd.tags DO INSTEAD NOTHING});
is_refused($node, 'clash', $down, '55000', undef, 'a rule that keeps synonyms');
sql($node, 'clash', q{DROP RULE mine ON ddd.tags});

foreach my $use (
	[ 'a column', 'CREATE TABLE public.mine (q ddd.tag_query)', 'DROP TABLE public.mine', 'column q of table' ],
	[ 'an array', 'CREATE TABLE public.mine (q ddd.tag_query[])', 'DROP TABLE public.mine', 'column q of table' ],
	[ 'an index', 'CREATE TABLE public.mine (t text[]); CREATE INDEX mine_t ON public.mine USING gin (t ddd.tag_array_ops)', 'DROP TABLE public.mine', 'index public.mine_t|index mine_t' ],
	[ 'a view', q{CREATE VIEW public.mine AS SELECT ddd.tags_match('{a}', 'a')}, 'DROP VIEW public.mine', 'rule _RETURN on view' ],
	[ 'a function', 'CREATE FUNCTION public.mine(ddd.tag_query) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'DROP FUNCTION public.mine', 'function' ])
{
	my ($name, $make, $drop, $found) = @$use;

	sql($node, 'clash', $make);
	is_refused($node, 'clash', $down, '2BP01', undef, "$name that uses tag_query");
	like(failure($node, 'clash', $down)->{detail} // '', qr/$found/, '... is named');
	sql($node, 'clash', $drop);
}
foreach my $use (
	[ 'an index', 'CREATE INDEX mine ON ddd.tags (upper(key))', 'DROP INDEX ddd.mine', 'index ddd.mine|index mine' ],
	[ 'a constraint', 'ALTER TABLE ddd.tags ADD CONSTRAINT mine CHECK (synonym_of > 0 OR key > name)', 'ALTER TABLE ddd.tags DROP CONSTRAINT mine', 'constraint mine' ],
	[ 'statistics', 'CREATE STATISTICS public.mine ON key, name FROM ddd.tags', 'DROP STATISTICS public.mine', 'statistics object' ],
	[ 'a view', 'CREATE VIEW public.mine AS SELECT key FROM ddd.tags', 'DROP VIEW public.mine', 'rule _RETURN on view' ],
	[ 'a replica identity', 'ALTER TABLE ddd.tags REPLICA IDENTITY USING INDEX ix_tags_name', 'ALTER TABLE ddd.tags REPLICA IDENTITY DEFAULT', 'replica identity' ])
{
	my ($name, $make, $drop, $found) = @$use;

	sql($node, 'clash', $make);
	is_refused($node, 'clash', $down, '2BP01', undef, "$name that would go with a column");
	like(failure($node, 'clash', $down)->{detail} // '', qr/$found/, '... is named');
	sql($node, 'clash', $drop);
}
sql($node, 'clash', $down);
is(version_of($node, 'clash'), "$from $from", 'without them it goes down');
foreach my $column (qw(key synonym_of))
{
	sql($node, 'clash', "ALTER TABLE ddd.tags ADD COLUMN $column text");
	is_refused($node, 'clash', $up, '42701', undef, "a column of the user that is called $column");
	sql($node, 'clash', "ALTER TABLE ddd.tags DROP COLUMN $column");
}

# ---- synonyms and keys in a dump ---------------------------------------------------
new_database($node, 'dumped', 'CREATE EXTENSION ddd', $fill, $synonyms);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
foreach my $way ([ 'whole', [] ], [ 'data', ['--data-only'] ])
{
	my ($name, $options) = @$way;

	$node->command_ok([ 'pg_dump', '-Fc', @$options, '--file', $dump, '--dbname', $node->connstr('dumped') ], "$name: dumped");
	new_database($node, "restored_$name", $name eq 'data' ? 'CREATE EXTENSION ddd' : ());
	$node->command_ok([ 'pg_restore', '--exit-on-error', @$options, '--dbname', $node->connstr("restored_$name"), $dump ], "$name: restored");
	is(row_checksums($node, "restored_$name", qw(tags post_tags)), row_checksums($node, 'dumped', qw(tags post_tags)), "$name: tags and synonyms are there");
	is(sql($node, "restored_$name", q{SELECT ddd.tag_post(3, '{ONE}') = ddd.tag_post(3, '{tag 1}')}), 't', "$name: and stand for their tags");
}

$node->stop;
done_testing();
