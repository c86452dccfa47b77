# The claims about pairs of versions catch what a migration can do wrong: each
# fault below is put into a script, alone, and the claims about that pair of
# versions must not hold.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Ddd;
use Pairs;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Script, what is wrong, and how to make it so: text of the script, and what
# stands there instead.
my @faults = (
	[ '0.1.0--0.2.0', 'a column that may be null', 'ALTER COLUMN full_name SET NOT NULL,', '' ],
	[ '0.1.0--0.2.0', 'an index is missing', 'CREATE INDEX ix_user_name_email ON ddd.users (full_name, email);', '' ],
	[ '0.1.0--0.2.0', 'an index on columns in another order', 'ON ddd.users (full_name, email)', 'ON ddd.users (email, full_name)' ],
	[ '0.1.0--0.2.0', 'a column stays', 'DROP COLUMN first_name,', '' ],
	[ '0.1.0--0.2.0', 'what cannot be told again is not set aside', 'WHERE first_name IS DISTINCT FROM', 'WHERE false AND first_name IS DISTINCT FROM' ],
	[ '0.1.0--0.2.0', 'what was set aside is not brought back', q{WHERE s.version = '0.2.0' AND s.table_name = 'users' AND s.row_key = u.id::text}, 'WHERE false' ],
	[ '0.1.0--0.2.0', 'triggers see it', 'ALTER TABLE ddd.users DISABLE TRIGGER USER;', '' ],
	[ '0.1.0--0.2.0', 'triggers stay off', 'EXECUTE command;', 'NULL;' ],
	[ '0.1.0--0.2.0', 'another type', 'created_at timestamptz  NOT NULL DEFAULT now(),', 'created_at timestamp  NOT NULL DEFAULT now(),' ],
	[ '0.1.0--0.2.0', 'another action on delete', 'REFERENCES ddd.posts (id) ON DELETE CASCADE,', 'REFERENCES ddd.posts (id),' ],
	[ '0.1.0--0.2.0', 'another default', 'updated_at timestamptz  NOT NULL DEFAULT now(),', 'updated_at timestamptz  NOT NULL DEFAULT clock_timestamp(),' ],
	[ '0.1.0--0.2.0', 'a constraint has another name', 'CONSTRAINT tags_name_valid', 'CONSTRAINT tags_name_check' ],
	[ '0.1.0--0.2.0', 'another comment', q{IS 'Which post has which tag.'}, q{IS 'Links.'} ],
	[ '0.1.0--0.2.0', 'a sequence belongs to no column', 'ALTER SEQUENCE ddd.tags_id_seq OWNED BY ddd.tags.id;', '' ],
	[ '0.2.0--0.1.0', 'what was set aside is not brought back', q{WHERE s.version = '0.1.0' AND s.table_name = 'users' AND s.row_key = u.id::text}, 'WHERE false' ],
	[ '0.2.0--0.1.0', 'more is thrown away than this step set aside', q{DELETE FROM ddd.stash WHERE version = '0.1.0' AND table_name = 'users';}, 'DELETE FROM ddd.stash;' ],
	[ '0.2.0--0.1.0', 'names are split at another place', q{substr(full_name, strpos(full_name, ' ') + 1)}, q{substr(full_name, strpos(full_name, ' ') + 2)} ],
	[ '0.2.0--0.1.0', 'what cannot be told again is not set aside', 'WHERE full_name IS DISTINCT FROM', 'WHERE false AND full_name IS DISTINCT FROM' ],
	[ '0.2.0--0.1.0', 'an index stays', 'DROP INDEX IF EXISTS ddd.ix_users_is_active;', '' ],
	[ '0.2.0--0.1.0', 'a column comes back with another length', 'ADD COLUMN last_name varchar(255);', 'ADD COLUMN last_name varchar(256);' ],
	[ '0.2.0--0.1.0', 'triggers stay off', 'EXECUTE command;', 'NULL;' ],
	[ '0.2.0--0.3.0', 'rows are not counted', 'FROM (SELECT post_id, count(*) AS value FROM ddd.comments GROUP BY post_id) k', 'FROM (SELECT post_id, count(*) AS value FROM ddd.comments WHERE id > 9 GROUP BY post_id) k' ],
	[ '0.2.0--0.3.0', 'another replica identity', 'ALTER TABLE ddd.counter_ledger REPLICA IDENTITY FULL;', '' ],
	[ '0.2.0--0.3.0', 'an index in another order', 'ON ddd.counters (counter, value DESC,', 'ON ddd.counters (counter, value,' ],
	[ '0.2.0--0.3.0', 'a table has other options', 'WITH (fillfactor = 10)', 'WITH (fillfactor = 20)' ],
	[ '0.3.0--0.2.0', 'an index stays', 'DROP INDEX ddd.ix_comments_created_at;', '' ],
	[ '0.3.0--0.2.0', 'a table stays', 'DROP TABLE ddd.counter_ledger, ddd.counters, ddd.counter_state;', 'DROP TABLE ddd.counter_ledger, ddd.counters;' ],
	[ '0.3.0--0.2.0', 'a function stays', 'DROP FUNCTION ddd.comment_count(bigint);', '' ],
	[ '0.3.0--0.4.0', 'rows are not brought back', q{PERFORM ddd.unstash('0.4.0', 'tags');}, '' ],
	[ '0.3.0--0.4.0', 'a column is filled in another way', 'USING ddd.tag_key(name)', 'USING upper(name)' ],
	[ '0.3.0--0.4.0', 'another collation', 'ADD COLUMN key text COLLATE "C"', 'ADD COLUMN key text', 'ALTER COLUMN key TYPE text COLLATE "C"', 'ALTER COLUMN key TYPE text' ],
	[ '0.3.0--0.4.0', 'a constraint is missing', "CASCADE,\n        ADD CONSTRAINT tags_synonym_of_other CHECK (synonym_of <> id);", 'CASCADE;' ],
	[ '0.3.0--0.4.0', 'an index is not unique', 'CREATE UNIQUE INDEX ix_tags_name', 'CREATE INDEX ix_tags_name' ],
	[ '0.3.0--0.4.0', 'an index has no condition', 'ON ddd.tags (synonym_of) WHERE synonym_of IS NOT NULL', 'ON ddd.tags (synonym_of)' ],
	[ '0.4.0--0.3.0', 'rows are deleted', q{PERFORM ddd.stash_rows('0.4.0', 'tags', 'synonym_of IS NOT NULL');}, 'DELETE FROM ddd.tags WHERE synonym_of IS NOT NULL;' ],
	[ '0.4.0--0.3.0', 'only some rows are set aside', q{'synonym_of IS NOT NULL');}, q{'synonym_of = 1');} ],
	[ '0.4.0--0.3.0', 'an index of another expression', 'ON ddd.tags (lower(name COLLATE "C"))', 'ON ddd.tags (lower(name))' ],
	[ '0.4.0--0.3.0', 'a function stays', 'DROP FUNCTION ddd.prune_tags();', '' ],
	[ '0.4.0--0.3.0', 'a type stays', 'DROP TYPE ddd.related_tag;', '' ],
	[ '0.4.0--0.5.0', 'a table without its key', "    CONSTRAINT migration_log_pkey PRIMARY KEY (applied_at, version),\n", '' ],
	[ '0.4.0--0.5.0', 'rows are not brought back', q{SELECT ddd.unstash('0.5.0', 'migration_log');}, '' ],
	[ '0.4.0--0.5.0', 'a function stays', 'DROP FUNCTION ddd.stamp(text);', '' ],
	[ '0.4.0--0.5.0', 'a function of other volatility', 'LANGUAGE c STABLE', 'LANGUAGE c VOLATILE' ],
	[ '0.4.0--0.5.0', 'PUBLIC may call a function', 'REVOKE ALL ON FUNCTION ddd.heads() FROM PUBLIC;', 'NULL;' ],
	[ '0.4.0--0.5.0', 'the table stays a member of the extension', 'EXECUTE member.command;', 'NULL;' ],
	[ '0.4.0--0.5.0', 'the tables keep their version', q{SELECT ddd.migrate('0.4.0',}, q{SELECT ddd.migrate('0.3.0',} ],
	[ '0.5.0--0.4.0', 'rows go with their table', q{SELECT ddd.stash_rows('0.5.0', 'migration_log', 'true');}, '' ],
	[ '0.5.0--0.4.0', 'the table stays', 'DROP TABLE ddd.migration_log, ', 'DROP TABLE ' ],
	[ '0.5.0--0.4.0', 'a function stays', 'DROP FUNCTION ddd.plan(text);', '' ],
	[ '0.5.0--0.6.0', 'rows are not brought back', q{SELECT ddd.unstash('0.6.0', 'tokens');}, '' ],
	[ '0.5.0--0.6.0', 'nor others', q{SELECT ddd.unstash('0.6.0', 'audit_seals');}, '' ],
	[ '0.5.0--0.6.0', 'ids are given again', q{SELECT setval('ddd.audit_log_id_seq', max(id)) FROM ddd.audit_log HAVING max(id) IS NOT NULL;}, '' ],
	[ '0.5.0--0.6.0', 'a foreign key is missing', "    CONSTRAINT outbox_user_id_fkey FOREIGN KEY (user_id) REFERENCES ddd.users (id) ON DELETE CASCADE,\n", '' ],
	[ '0.5.0--0.6.0', 'an index on fewer columns', 'ON ddd.tokens (user_id, purpose)', 'ON ddd.tokens (user_id)' ],
	[ '0.6.0--0.5.0', 'rows go with their table', q{SELECT ddd.stash_rows('0.6.0', 'tokens', 'true');}, '' ],
	[ '0.6.0--0.5.0', 'only some rows are set aside', q{SELECT ddd.stash_rows('0.6.0', 'verified_emails', 'true');}, q{SELECT ddd.stash_rows('0.6.0', 'verified_emails', 'user_id > 1');} ],
	[ '0.6.0--0.5.0', 'a table stays', 'DROP TABLE ddd.tokens, ddd.outbox,', 'DROP TABLE ddd.outbox,' ],
	[ '0.6.0--0.5.0', 'a function stays', 'DROP FUNCTION ddd.begin_as(text);', '' ]);
cmp_ok(scalar(@faults), '>=', 30, scalar(@faults) . ' faults');

my $installation = new_installation();
my ($extension) = glob "$installation/../../../share/postgresql/*/extension";
my $node = new_node('faults', $installation);
my @versions = versions($node);

# Returns what is against a pair of versions: the first claim that does not
# hold, or the error of a script.
sub caught
{
	my ($lower, $upper) = @_;
	my $held = eval {
		claim_pair($node, \@versions, $lower, $upper, sub {
			my ($claim, $got, $expected) = @_;
			die "does not hold: $claim\n" if $got ne $expected;
		});
		1;
	};

	return $held ? '' : $@;
}

# what is caught below is the fault, and nothing that is there without it
is(caught(@versions[ $_ - 1, $_ ]), '', "$versions[$_ - 1] and $versions[$_]: without a fault every claim holds") foreach 1 .. $#versions;

foreach my $fault (@faults)
{
	my ($script, $name, @changes) = @$fault;
	my ($lower, $upper) = sort { $a cmp $b } split /--/, $script;
	my $file = "$extension/ddd--$script.sql";
	my $text = slurp_file($file);
	my $faulty = $text;

	while (my ($right, $wrong) = splice @changes, 0, 2)
	{
		my $at = index $faulty, $right;
		$at >= 0 or die "not in $file: $right";
		substr($faulty, $at, length $right) = $wrong;
	}
	write_file($file, $faulty);
	my $caught = caught($lower, $upper);
	like($caught, qr/^does not hold: |ERROR:  /, "$script: $name" . ($caught =~ /^does not hold: (.*)/ ? " ($1)" : ''));
	write_file($file, $text);
}

# links of the installation are not followed: another file takes the place
sub write_file
{
	my ($file, $text) = @_;

	unlink $file or die "$file: $!";
	append_to_file($file, $text);
}

$node->stop;
done_testing();
