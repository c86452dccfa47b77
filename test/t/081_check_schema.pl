# What each version looks like is installed with it; what differs from it in a
# database is named, and told for a fault or for the user's right.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use Plans;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $head = current_version();
my @versions = split /\n/, sql($node, 'postgres', q{SELECT version FROM pg_available_extension_versions WHERE name = 'ddd'});
chomp(my $share = `pg_config --sharedir`);
sql($node, 'postgres', 'CREATE ROLE app');

# ---- the facts that are installed --------------------------------------------
foreach my $version (@versions)
{
	(my $database = "fresh_$version") =~ tr/./_/;

	new_database($node, $database, "CREATE EXTENSION ddd VERSION '$version'");
	is_same_text(fingerprint($node, $database),
		join("\n", map { my @fields = split /\t/; "$fields[1]: $fields[2] $fields[3]" } split /\n/, slurp_file("$share/extension/ddd--$version.facts")),
		"the facts of $version are those of a fresh installation");
}

# ---- its statements are not compiled, which takes longer than they do -----------
new_database($node, 'jit', 'CREATE EXTENSION ddd');
foreach my $function ('fingerprint', 'check_schema')
{
	my ($call) = run_calls($node, 'jit', "SET jit_above_cost = 0;\n" . reported_call($function, "ddd.$function()", '0'));
	my @catalog = grep { $_->{text} =~ /pg_class/ } @{ $call->{plans} };

	is($call->{compiled}, sql($node, 'jit', 'SELECT pg_jit_available()') eq 't', "$function(): a statement is compiled where the server can");
	is(join(' ', map { $_->{compiled} ? 'compiled' : 'not' } @catalog), 'not', '... but the one about the catalog is not');
}

# ---- deviations --------------------------------------------------------------
# Each with the object that is named, what it is, and whether it is a fault.
my $findings = q{SELECT concat_ws('|', object, deviation, fact, is_fault) FROM ddd.check_schema()};
my @deviations = (
	[ 'an extra column', 'ALTER TABLE ddd.tags ADD COLUMN extra int', 'column ddd.tags.extra|added|f' ],
	[ 'an extra index', 'CREATE INDEX extra ON ddd.posts (title)', 'index ddd.extra|added|f' ],
	[ 'an extra constraint', 'ALTER TABLE ddd.posts ADD CONSTRAINT extra CHECK (id > 0)', 'constraint extra on ddd.posts|added|f' ],
	[ 'an extra trigger', 'CREATE TRIGGER extra BEFORE UPDATE ON ddd.tags FOR EACH ROW EXECUTE FUNCTION ddd.touch_row()', 'trigger extra on ddd.tags|added|f' ],
	[ 'a policy', 'CREATE POLICY extra ON ddd.users USING (true)', 'policy extra on ddd.users|added|f' ],
	[ 'row security', 'ALTER TABLE ddd.users ENABLE ROW LEVEL SECURITY', 'table ddd.users|changed|row security|f' ],
	[ 'an extra table', 'CREATE TABLE ddd.extra ()', 'table ddd.extra|added|f' ],
	[ 'an extra view', 'CREATE VIEW ddd.extra AS SELECT 1 AS one', "column ddd.extra.one|added|f\nview ddd.extra|added|f" ],
	[ 'statistics', 'CREATE STATISTICS ddd.extra ON id, email FROM ddd.users', 'statistics object ddd.extra|added|f' ],
	[ 'a GRANT on a table', 'GRANT SELECT ON ddd.users TO app', 'table ddd.users|changed|privileges of app|f' ],
	[ 'a GRANT on a column', 'GRANT SELECT (email) ON ddd.users TO app', 'column ddd.users.email|changed|privileges of app|f' ],
	[ 'a GRANT on a function', 'GRANT EXECUTE ON FUNCTION ddd.get_user(bigint) TO PUBLIC', 'function ddd.get_user(bigint)|changed|privileges of PUBLIC|f' ],
	[ 'a GRANT on the schema', 'GRANT USAGE ON SCHEMA ddd TO app', 'schema ddd|changed|privileges of app|f' ],
	[ 'default privileges', 'ALTER DEFAULT PRIVILEGES IN SCHEMA ddd GRANT SELECT ON TABLES TO app', 'default privileges of postgres for r|added|f' ],
	[ 'another comment', q{COMMENT ON TABLE ddd.users IS 'other'}, 'table ddd.users|changed|comment|f' ],
	[ 'no comment', q{COMMENT ON FUNCTION ddd.get_user(bigint) IS NULL}, 'function ddd.get_user(bigint)|changed|comment|f' ],
	[ 'tuning', 'ALTER TABLE ddd.users SET (fillfactor = 50), ALTER COLUMN bio SET STATISTICS 7, ALTER COLUMN bio SET STORAGE EXTERNAL',
		"column ddd.users.bio|changed|statistics|f\ncolumn ddd.users.bio|changed|storage|f\ntable ddd.users|changed|options|f" ],
	[ 'a replica identity', 'ALTER TABLE ddd.users REPLICA IDENTITY FULL', 'table ddd.users|changed|replica identity|f' ],
	[ 'what another version has', 'ALTER TABLE ddd.users ADD COLUMN first_name varchar(255)', 'column ddd.users.first_name|added|t' ],
	[ 'a missing index', 'DROP INDEX ddd.ix_posts_author_id', 'index ddd.ix_posts_author_id|missing|t' ],
	[ 'an index on other columns', 'DROP INDEX ddd.ix_user_name_email; CREATE INDEX ix_user_name_email ON ddd.users (email, full_name)', 'index ddd.ix_user_name_email|changed|definition|t' ],
	[ 'a renamed index', 'ALTER INDEX ddd.ix_posts_author_id RENAME TO other', "index ddd.ix_posts_author_id|missing|t\nindex ddd.other|added|f" ],
	[ 'a missing column', 'ALTER TABLE ddd.users DROP COLUMN bio', 'column ddd.users.bio|missing|t' ],
	[ 'a renamed column', 'ALTER TABLE ddd.users RENAME COLUMN bio TO about', "column ddd.users.bio|missing|t\ncolumn ddd.users.about|added|f" ],
	[ 'another type', 'ALTER TABLE ddd.posts ALTER COLUMN title TYPE varchar(300)', 'column ddd.posts.title|changed|definition|t' ],
	[ 'another default', 'ALTER TABLE ddd.users ALTER COLUMN is_active SET DEFAULT false', 'column ddd.users.is_active|changed|default|t' ],
	[ 'a column that may be null', 'ALTER TABLE ddd.posts ALTER COLUMN content DROP NOT NULL', 'column ddd.posts.content|changed|not null|t' ],
	[ 'a missing constraint', 'ALTER TABLE ddd.posts DROP CONSTRAINT posts_title_not_blank', 'constraint posts_title_not_blank on ddd.posts|missing|t' ],
	[ 'a constraint not validated', 'ALTER TABLE ddd.posts DROP CONSTRAINT posts_title_not_blank, ADD CONSTRAINT posts_title_not_blank'
		  . q{ CHECK (btrim(title, E' \t\n\r\f\x0b') <> '') NOT VALID}, "constraint posts_title_not_blank on ddd.posts|changed|definition|t\nconstraint posts_title_not_blank on ddd.posts|changed|validated|t" ],
	[ 'a disabled trigger', 'ALTER TABLE ddd.posts DISABLE TRIGGER posts_touch', 'trigger posts_touch on ddd.posts|changed|enabled|t' ],
	[ 'a missing trigger', 'DROP TRIGGER posts_touch ON ddd.posts', 'trigger posts_touch on ddd.posts|missing|t' ],
	[ 'a trigger with other arguments', q{CREATE OR REPLACE TRIGGER posts_check BEFORE INSERT OR UPDATE ON ddd.posts FOR EACH ROW EXECUTE FUNCTION ddd.check_row('text:content')},
		'trigger posts_check on ddd.posts|changed|definition|t' ],
	[ 'disabled foreign keys', 'ALTER TABLE ddd.posts DISABLE TRIGGER ALL', qr/^constraint posts_author_id_fkey on ddd\.posts\|changed\|trigger "RI_FKey_check_ins" on ddd\.posts\|t$/m ],
	[ 'a foreign owner of a table', 'ALTER TABLE ddd.stash OWNER TO app', 'table ddd.stash|changed|owner|t' ],
	[ 'a foreign owner of a function', 'ALTER FUNCTION ddd.get_user(bigint) OWNER TO app', 'function ddd.get_user(bigint)|changed|owner|t' ],
	[ 'an owner without a privilege', 'REVOKE UPDATE ON ddd.users FROM CURRENT_USER', 'table ddd.users|changed|privileges of the owner|t' ],
	[ 'an unlogged table', 'ALTER TABLE ddd.stash SET UNLOGGED', 'table ddd.stash|changed|persistence|t' ],
	[ 'a changed function', q{CREATE OR REPLACE FUNCTION ddd.attach_triggers() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN 0; END'},
		'function ddd.attach_triggers()|changed|definition|t' ],
	[ 'another volatility', 'ALTER FUNCTION ddd.get_user(bigint) VOLATILE', 'function ddd.get_user(bigint)|changed|definition|t' ],
	[ 'a missing function', 'ALTER EXTENSION ddd DROP FUNCTION ddd.get_user(bigint); DROP FUNCTION ddd.get_user(bigint)', 'function ddd.get_user(bigint)|missing|t' ],
	[ 'a planted function', q{CREATE FUNCTION ddd.get_user(int) RETURNS int LANGUAGE sql AS 'SELECT 1'}, 'function ddd.get_user(integer)|added|t' ],
	[ 'a planted operator', 'CREATE OPERATOR ddd.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq)', 'operator ddd.===(text,text)|added|t' ],
	[ 'a type with an attribute more', 'ALTER TYPE ddd.user_info ADD ATTRIBUTE extra int', 'column ddd.user_info.extra|added|t' ],
	[ 'a function that left the extension', 'ALTER EXTENSION ddd DROP FUNCTION ddd.get_user(bigint)', qr/^function ddd\.get_user\(bigint\)\|changed\|member of the extension\|t$/m ],
	[ 'a table that joined the extension', 'ALTER EXTENSION ddd ADD TABLE ddd.posts', qr/^table ddd\.posts\|changed\|member of the extension\|t$/m ],
	[ 'a changed sequence', 'ALTER SEQUENCE ddd.users_id_seq CYCLE', 'sequence ddd.users_id_seq|changed|sequence|t' ],
	[ 'a sequence without its column', 'ALTER SEQUENCE ddd.users_id_seq OWNED BY NONE', 'sequence ddd.users_id_seq|changed|owned by|t' ],
	[ 'a rule', 'CREATE RULE extra AS ON DELETE TO ddd.tags DO INSTEAD NOTHING', 'rule extra on ddd.tags|added|f' ]);

new_database($node, 'deviant', 'CREATE EXTENSION ddd');
is(sql($node, 'deviant', $findings), '', 'as installed: nothing is found');
my @found = split /^<.*>\n/m, sql($node, 'deviant', join "\n", map { "\\echo <$_->[0]>\nBEGIN; $_->[1];\n$findings;\nROLLBACK;" } @deviations);
shift @found;
foreach my $i (0 .. $#deviations)
{
	my ($name, undef, $expected) = @{ $deviations[$i] };

	if (ref $expected) { like($found[$i], $expected, $name); }
	else { is($found[$i] =~ s/\n\z//r, $expected, $name); }
}
is(sql($node, 'deviant', q{BEGIN; ALTER TABLE ddd.users ALTER COLUMN is_active SET DEFAULT false;
	SELECT expected, found FROM ddd.check_schema()}), 'true|false', 'what is expected is told, and what is found');

# ---- a locale in which i is not the small letter of I ----------------------------
foreach my $locale ([ 'turkish', 'tr-TR' ], [ 'plain', 'en' ])
{
	my ($name, $icu) = @$locale;
	my $insert = q{INSERT INTO ddd.comments (content, post_id, author_id) VALUES ('Comment', 1, 1)};
	my $told = q{SELECT coalesce(sum(n), 0) FROM (SELECT value AS n FROM ddd.counters WHERE counter = 1 UNION ALL SELECT delta FROM ddd.counter_ledger WHERE counter = 1) c};

	sql($node, 'postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER icu ICU_LOCALE '$icu' LOCALE 'C'");
	sql($node, $name, $_) foreach q{CREATE EXTENSION ddd VERSION '0.4.0'}, q{INSERT INTO ddd.users (email, full_name) VALUES ('a@example.org', 'A')},
	  q{INSERT INTO ddd.posts (title, content, author_id) VALUES ('Post', '', 1)}, $insert;
	my $before = fingerprint($node, $name);
	sql($node, $name, $_) foreach 'ALTER EXTENSION ddd UPDATE', $insert;
	is(sql($node, $name, $findings), '', "$name: migrated, nothing is found");
	is(sql($node, $name, $told), '2', "$name: migrated up, a comment counts once");
	sql($node, $name, $_) foreach q{ALTER EXTENSION ddd UPDATE TO '0.4.0'}, $insert;
	is_same_text(fingerprint($node, $name), $before, "$name: migrated down, all is as it was");
	is(sql($node, $name, $told), '3', "$name: migrated down, a comment counts once");
	# both spellings, as after restoring a dump elsewhere
	sql($node, $name, 'CREATE TRIGGER ' . ($name eq 'turkish' ? 'comments_count_insert' : q{U&"comments_count_\0131nsert"}) . q{ AFTER INSERT ON ddd.comments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ddd.count_rows('1', 'post_id')});
	sql($node, $name, $_) foreach 'ALTER EXTENSION ddd UPDATE', $insert;
	is(sql($node, $name, $findings), '', "$name: of two triggers one is left");
	is(sql($node, $name, $told), '4', "$name: and a comment counts once");
}

# ---- whose database it is ----------------------------------------------------
give_tables_to($node, 'deviant', 'app');
sql($node, 'deviant', 'SELECT ddd.install()');
is(sql($node, 'deviant', "$findings WHERE is_fault"), '', 'tables of another role than the installer: no fault');
is(sql($node, 'deviant', q{GRANT USAGE ON SCHEMA ddd TO app; GRANT EXECUTE ON FUNCTION ddd.check_schema() TO app; SET ROLE app; SELECT count(*) FROM ddd.check_schema() WHERE is_fault}),
	'0', 'a role that is no superuser may look');
new_database($node, 'bare', 'SET ddd.create_tables = off', 'CREATE EXTENSION ddd');
is(sql($node, 'bare', q{SELECT count(*) FILTER (WHERE object ~ '^table ') > 5, bool_and(deviation = 'missing') FROM ddd.check_schema()}), 't|t', 'without tables: they are missing');
my $newer = new_node('newer', new_installation("ddd--$head--99.0.0.sql" => "SELECT ddd.migrate('$head', '{}', 'SELECT 1');\n"));
new_database($newer, 'newer', 'CREATE EXTENSION ddd', q{ALTER EXTENSION ddd UPDATE TO '99.0.0'});
is_refused($newer, 'newer', 'SELECT * FROM ddd.check_schema()', '22023', qr/does not know what version "99\.0\.0" of ddd looks like/, 'a version without facts');
is(sql($newer, 'newer', 'SELECT count(*) > 0 FROM ddd.fingerprint()'), 't', '... has a fingerprint');
$newer->stop;

$node->stop;
done_testing();
