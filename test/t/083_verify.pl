# ddd.verify() finds what got in past constraints and triggers, each kind of it,
# and nothing where all is well.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
new_database($node, 'sound', 'CREATE EXTENSION ddd', q{
	INSERT INTO ddd.users (email, full_name) SELECT n || '@example.org', 'User ' || n FROM generate_series(1, 9) n;
	INSERT INTO ddd.posts (title, content, author_id) SELECT 'Post ' || n, '', n FROM generate_series(1, 9) n;
	INSERT INTO ddd.tags (name) SELECT 'tag ' || n FROM generate_series(1, 9) n;
	INSERT INTO ddd.post_tags (post_id, tag_id) SELECT p, t FROM generate_series(1, 9) p, generate_series(1, 8) t;
	INSERT INTO ddd.comments (content, post_id, author_id) SELECT 'Comment', 1 + n % 8, 1 + n % 9 FROM generate_series(1, 99) n;
	INSERT INTO ddd.comments (content, post_id, author_id, parent_id) SELECT 'Reply', post_id, 1, id FROM ddd.comments WHERE id < 9;
	SELECT ddd.add_tag_synonym('tag 1', 'one')},
	'SELECT ddd.fold_counters()', 'DELETE FROM ddd.comments WHERE id = 99', q{SELECT ddd.untag_post(9, '{tag 8}')});
my $findings = q{SELECT concat_ws('|', finding, object, found, example) FROM ddd.verify() ORDER BY 1};
is(sql($node, 'sound', $findings), '', 'all is well: nothing is found, folded or pending');

my $past = 'SET LOCAL session_replication_role = replica;';
foreach my $case (
	[ 'a comment past the counter', "$past DELETE FROM ddd.comments WHERE id IN (97, 98)", 'wrong counts|ddd.comments|2|2' ],
	[ 'a link past the counter', "$past DELETE FROM ddd.post_tags WHERE tag_id = 3 AND post_id = 3", 'wrong counts|ddd.post_tags|1|3' ],
	[ 'a counter changed by hand', 'UPDATE ddd.counters SET value = value + 1 WHERE counter = 1 AND subject_id = 5', 'wrong counts|ddd.comments|1|5' ],
	[ 'a counter that must not be read', 'UPDATE ddd.counters SET value = value + 1; UPDATE ddd.counter_state SET stale = true', '' ],
	[ 'a post without its author', "$past DELETE FROM ddd.users WHERE id = 9; DELETE FROM ddd.comments WHERE author_id = 9 OR parent_id = 8; SELECT ddd.rebuild_counters()",
		'rows without the one that they name|posts_author_id_fkey on ddd.posts|1|{"author_id":9}' ],
	[ 'a reply without its parent', "$past DELETE FROM ddd.comments WHERE id = 8; SELECT ddd.rebuild_counters()",
		'rows without the one that they name|comments_parent_id_fkey on ddd.comments|1|{"post_id":1,"parent_id":8}' ],
	[ 'two spellings of a key', "DROP INDEX ddd.ix_tags_name; $past UPDATE ddd.tags SET name = 'TAG 5', key = 'tag 5' WHERE id = 9", 'names that are one|ddd.tags|1|5' ],
	[ 'another key', "$past UPDATE ddd.tags SET key = 'other' WHERE id = 9", "keys that are not the name's|ddd.tags|1|9" ],
	[ 'two spellings of an address', "DROP INDEX ddd.ix_users_email; UPDATE ddd.users SET email = '1\@EXAMPLE.org' WHERE id = 2", 'addresses of several users|ddd.users|1|1' ],
	[ 'a synonym of a synonym', "$past UPDATE ddd.tags SET synonym_of = 10 WHERE id = 9", 'synonyms of synonyms|ddd.tags|1|9' ],
	[ 'a post of a synonym', "$past UPDATE ddd.post_tags SET tag_id = 10 WHERE tag_id = 8 AND post_id > 6; SELECT ddd.rebuild_counters()", 'posts of synonyms|ddd.post_tags|2|7' ],
	[ 'another time', "$past UPDATE ddd.post_tags SET post_created_at = '2020-01-01' WHERE post_id = 4", q{times that are not the post's|ddd.post_tags|8|4} ],
	(map { [ "a sequence of $_ that is behind", "SELECT setval('ddd.${_}_id_seq', 2)", qr/^ids ahead of their sequence\|ddd\.${_}_id_seq\|\d+\|3$/ ] } qw(users posts comments tags)),
	[ 'a sequence that was never asked', q{SELECT setval('ddd.users_id_seq', 1, false)}, 'ids ahead of their sequence|ddd.users_id_seq|9|1' ],
	[ 'a row not put back', q{INSERT INTO ddd.stash VALUES ('0.4.0', 'tags', '7', '{"row": {}}'), ('99.0.0', 'tags', '8', '{"row": {}}'), ('0.1.0', 'users', '1', '{"first_name": "A"}'),
			('0.4.0', 'users', '1', '{"columns": {}, "by": "0.3.0"}'), ('0.4.0', 'users', '2', '{"columns": {}, "by": "0.5.0"}'),
			('0.4.0', 'users', '3', '{"columns": {}, "by": "x"}'), ('99999999999.0.0', 'users', '4', '{"columns": {}, "by": "99999999999.0.0"}')},
		'rows not put back|ddd.stash|3|tags 7' ])
{
	my ($name, $change, $expected) = @$case;
	my $found = sql($node, 'sound', "BEGIN; SET LOCAL client_min_messages = warning; $change; \\echo found\n$findings; ROLLBACK") =~ s/^.*^found\n?//msr;

	# a sequence goes on whatever is rolled back
	sql($node, 'sound', join ';', map { "SELECT setval('ddd.${_}_id_seq', (SELECT max(id) FROM ddd.$_))" } qw(users posts comments tags));
	if (ref $expected) { like($found, $expected, $name); }
	else { is($found, $expected, $name); }
}
is(sql($node, 'sound', $findings), '', 'and that was all');
is_refused($node, 'sound', q{UPDATE ddd.schema_version SET version = '0.4.0'; SELECT * FROM ddd.verify()}, '55000', undef, 'tables of another version');

$node->stop;
done_testing();
