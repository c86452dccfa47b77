# Every listing reads a page's worth of rows and stops, whatever the tables hold.
#
# At 100,000 posts and a million comments, each listing that the catalog has is
# called with every kind of argument below, and auto_explain tells what the
# statements within did. With
#	entries = rows skipped + rows returned + elements of arrays within them
# a call passes if
# - no node of any plan gives or discards more than 5 x entries + 100 rows: so
#   no scan, sort, hash or aggregate goes over a table, a tag or an author;
# - it touches at most 8 x entries + 100 buffers: an entry costs its own row, at
#   times a row of another table found through an index of three levels, and
#   its share of index pages; the rest pays for descents and, unlike the bound
#   on rows, also for what an index scan passes over unseen.
# Calls are the first of a session, its second and its tenth, with PL/pgSQL in
# between, so that custom and generic plans are seen, and again right after
# ANALYZE; what reads a whole table is called less often.
#
# Where a listing has to read more, @exceptions names it, says how much more and
# why; the test fails too when that is not needed any longer.
# The same calls touch about the same buffers at a hundredth of the data, unless
# what they have to read grows with it, up to that much.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use List::Util qw(max min sum0);
use Plans;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %posts = (m => 100_000, hundredth => 1_000);

# What to give each argument, by its name: a name and an expression.
my %user = (
	'most posts' => '(SELECT author_id FROM ddd.posts GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)',
	'most comments' => '(SELECT author_id FROM ddd.comments GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)',
	'no posts' => '(SELECT id FROM ddd.users EXCEPT SELECT author_id FROM ddd.posts ORDER BY 1 LIMIT 1)',
	'unknown' => '-1',
);
my $busiest = '(SELECT post_id FROM ddd.comments GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)';
my $tags = '(SELECT name, count(*) AS n FROM ddd.tags JOIN ddd.post_tags ON tag_id = id GROUP BY id)';
my $newest = 'SELECT id FROM ddd.posts ORDER BY created_at DESC LIMIT';
my %values = (
	author_id => { %user, 'any' => 'NULL' },
	user_id => \%user,
	post_id => { 'busiest' => $busiest, 'quiet' => "($newest 1)", 'unknown' => '-1' },
	name => {
		'top' => "(SELECT name FROM $tags t ORDER BY n DESC, name LIMIT 1)",
		'middle' => "(SELECT name FROM $tags t WHERE n < 200 ORDER BY n DESC, name LIMIT 1)",
		'rare' => "(SELECT name FROM $tags t ORDER BY n, name LIMIT 1)",
		'unknown' => q('no such tag'),
	},
	ids => {
		'one' => "ARRAY($newest 1)",
		'twenty' => "ARRAY($newest 20)",
		'thousand' => "ARRAY($newest 1000)",
		'busiest' => "ARRAY[$busiest]",
	},
	query => {
		'address' => q('user77@mail27.example'),
		'beginning' => q('user77'),
		'within' => q('ven77'),
		'everybody' => q('given'),
		'nobody' => q('nobody'),
		'short' => q('no'),
		'short, everybody' => q('gi'),
	},
	'posts_by_tags query' => {
		'top' => "(SELECT ddd.tags_all(ARRAY[name]) FROM $tags t ORDER BY n DESC, name LIMIT 1)",
		'two' => "(SELECT ddd.tags_all(array_agg(name)) FROM (SELECT name FROM $tags t ORDER BY n DESC, name LIMIT 2) s)",
		'top, not middle' => "(SELECT ddd.tags_all(ARRAY[min(a.name)]) OPERATOR(ddd.&&) ddd.tags_none(ARRAY[min(b.name)])
			FROM (SELECT name FROM $tags t ORDER BY n DESC, name LIMIT 1) a, (SELECT name FROM $tags t WHERE n < 200 ORDER BY n DESC, name LIMIT 1) b)",
		'one of sixty' => "ddd.tags_any(ARRAY(SELECT name FROM $tags t ORDER BY n DESC, name OFFSET 20 LIMIT 60))",
		'rare and top' => "(SELECT ddd.tags_all(ARRAY[min(a.name), min(b.name)])
			FROM (SELECT name FROM $tags t ORDER BY n DESC, name LIMIT 1) a, (SELECT name FROM $tags t ORDER BY n, name LIMIT 1) b)",
		'not rare' => "(SELECT ddd.tags_none(ARRAY[name]) FROM $tags t ORDER BY n, name LIMIT 1)",
		'unknown' => q('"no such tag"'),
	},
	prefix => { 'of all' => q('tag'), 'of one' => q('tag77'), 'of none' => q('no such tag') },
	active => { 'any' => 'NULL', 'yes' => 'true', 'no' => 'false' },
	min_comments => { 'one' => '1' },
	since => {
		'all' => 'NULL',
		'ever' => q{interval '1000 years'},
		'half' => q{now() - timestamptz '2024-12-01Z'},
		'late' => q{now() - timestamptz '2025-11-20Z'},
	},
	gravity => { 'usual' => '1.8' },
	comments_per_post => { 'all' => 'NULL', 'three' => '3' },
	posts_per_user => { 'all' => 'NULL', 'three' => '3' },
);

# Calls that have to read more than entries: how many more, the rows of a table
# an aggregate over the result, or what a query about an argument counts, and why.
my @exceptions = (
	{
		calls => qr/^verify_counters\b/, more => 'sum(r.counted)',
		reason => 'the rows of the page\'s subjects are counted',
	},
	{
		calls => qr/^popular_posts\b.* since (?:half|late)\b/, table => 'comments',
		reason => 'comments in the window are counted',
	},
	{
		calls => qr/^popular_posts\b.* since ever page in the middle\b/, table => 'comments',
		reason => 'a page far down costs as much as all before it',
	},
	{
		calls => qr/^hot_posts\b.* page in the middle\b/, table => 'posts',
		reason => 'a page far down costs as much as all before it',
	},
	{
		calls => qr/^popular_posts\b.* since ever\b/, more => 'greatest(1024, 64 * count(*))',
		reason => 'whether the window has few comments is tried too, for each post',
	},
	{
		calls => qr/^search_users\b/, table => 'users',
		reason => 'text within names is only found by an index of pg_trgm, which the user adds',
	},
	{
		calls => qr/^suggest_tags\b/, counted => 'SELECT least(1000, count(*)) FROM ddd.tags WHERE starts_with(key, {prefix})',
		reason => 'a thousand names that begin so are ranked',
	},
	{
		calls => qr/^related_tags\b/,
		counted => "SELECT 4 * least(10000, count(*)) FROM ddd.post_tags JOIN ddd.tags ON id = tag_id WHERE name = {name}",
		reason => 'the four tags of each of ten thousand posts are counted',
	},
	{
		calls => qr/^posts_by_tags query one of sixty\b/, counted => 'SELECT 2 * 60',
		reason => 'each of the tags has a number and a list of its own',
	},
);

my $node = new_node('plans', 'autovacuum = off', 'jit = off', 'max_wal_size = 4GB');
my (%cases, %case, %number, %needed);

foreach my $database (sort keys %posts)
{
	new_database($node, $database, 'CREATE EXTENSION ddd');
	$node->command_ok(
		[
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', "posts=$posts{$database}",
			'-d', $node->connstr($database), '-f', "$FindBin::RealBin/../common/scale.sql"
		],
		"$posts{$database} posts with all that belongs to them");
	sql($node, $database, 'VACUUM ANALYZE');
	$cases{$database} = [ cases($database) ];
	$case{$database} = { map { $_->{label} => $_ } @{ $cases{$database} } };
}

# Returns the listings of the catalog: a name and the arguments' names each.
sub listings
{
	my ($database) = @_;

	return map { [ split /[|,]/ ] } split /\n/, sql(
		$node, $database, q{
		SELECT proname, array_to_string(proargnames[1:pronargs], ',')
		  FROM pg_proc
		 WHERE pronamespace = 'ddd'::regnamespace
		   AND ('first' = ANY (proargnames) AND provolatile <> 'v' OR proname = 'posts_detail')
		 ORDER BY 1, 2});
}

# Returns all calls to be made in a database: every listing, every combination
# of values of its arguments, several pages of each.
sub cases
{
	my ($database) = @_;
	my (%literal, @cases);

	foreach my $argument (sort keys %values)
	{
		my @kinds = sort keys %{ $values{$argument} };
		my @row = map { "quote_nullable(($values{$argument}{$_})::text)" } @kinds;

		@{ $literal{$argument} }{@kinds} = split /\n/, sql($node, $database, 'SELECT unnest(ARRAY[' . join(', ', @row) . '])');
	}

	foreach my $listing (listings($database))
	{
		my ($name, @arguments) = @$listing;
		my %has = map { $_ => 1 } @arguments;
		my @filters = ({ label => $name, values => {} });

		foreach my $argument (grep { !/^(?:first|after|skip)$/ } @arguments)
		{
			my $kinds = $literal{"$name $argument"} // $literal{$argument};

			if (!$kinds)
			{
				fail("values for argument $argument of $name");
				next;
			}
			@filters = map {
				my $filter = $_;
				map {
					{
						label => "$filter->{label} $argument $_",
						values => { %{ $filter->{values} }, $argument => $kinds->{$_} }
					}
				} sort keys %$kinds
			} @filters;
		}
		foreach my $filter (@filters)
		{
			my @pages = ([ 'page default', {} ]);

			push @pages, map { [ "page $_", { first => $_ } ] } 1, 20, 1000 if $has{first};
			push @pages, [ 'page after 500 skipped', { skip => 500 } ] if $has{skip};
			push @pages, [ 'page in the middle', { after => undef } ] if $has{after};
			push @cases, map {
				{
					listing => $name,
					label => "$filter->{label} $_->[0]",
					skip => $_->[1]{skip} // 0,
					values => { %{ $filter->{values} }, %{ $_->[1] } },
				}
			} @pages;
		}
	}

	# Middles of lists that are not empty; what belongs to the rows is left out.
	my @middle = grep { exists $_->{values}{after} } @cases;
	my @cursors = split /\n/, sql(
		$node, $database,
		join "\n", 'SET ddd.max_page_size = 1000000;', map {
			my %values = (%{ $_->{values} }, first => 1000000);

			delete $values{after};
			$values{$_} = 0 foreach grep { /_per_/ } keys %values;
			"SELECT coalesce((SELECT quote_literal(cursor) FROM (SELECT cursor, row_number() OVER () AS nth,"
			  . " count(*) OVER () AS rows FROM "
			  . call($_->{listing}, \%values)
			  . ") r WHERE nth = (rows + 1) / 2), 'none');"
		} @middle);
	$_->{values}{after} = shift @cursors foreach @middle;

	@cases = grep { ($_->{values}{after} // '') ne 'none' } @cases;
	$_->{call} = call($_->{listing}, $_->{values}) foreach @cases;
	return @cases;
}

sub call
{
	my ($name, $values) = @_;

	return "ddd.$name(" . join(', ', map { "$_ => $values->{$_}" } sort keys %$values) . ')';
}

sub exception_of
{
	my ($case) = @_;

	return (grep { $case->{label} =~ $_->{calls} } @exceptions)[0];
}

sub reported
{
	my ($case) = @_;
	my $exception = exception_of($case) // {};

	return reported_call($case->{label}, $case->{call}, $exception->{more} // '0');
}

# Returns the statements of a session of its own: two calls, others, and a last one.
sub session
{
	my ($case, $others) = @_;

	return "\\connect\n" . reported($case) x 2 . $others . reported($case);
}

# Returns a number that a query gives; asks once.
sub number
{
	my ($database, $query) = @_;

	return $number{$database}{$query} //= sql($node, $database, $query);
}

# Returns how many entries more than it skips and gives a call may read.
sub allowed
{
	my ($database, $call, $exception) = @_;
	my $values = $case{$database}{ $call->{label} }{values};
	my $allowed = $call->{more};

	$allowed += number($database, "SELECT count(*) FROM ddd.$exception->{table}") if $exception->{table};
	$allowed += number($database, $exception->{counted} =~ s/\{(\w+)\}/$values->{$1}/gr) if $exception->{counted};
	return $allowed;
}

# Returns what is wrong with a call that may read for so many entries. In a
# session that has yet to read the catalogs only the plans' buffers count.
sub excess
{
	my ($call, $entries) = @_;
	my $rows = max(0, map { rows_read(widest_node($_->{root})) } @{ $call->{plans} });
	my $buffers = $call->{cold} ? sum0(map { $_->{buffers} } @{ $call->{plans} }) : $call->{buffers};
	my @excess;

	push @excess, "$rows rows" if $rows > 5 * $entries + 100;
	push @excess, "$buffers buffers" if $buffers > 8 * $entries + 100;
	return join ' and ', @excess;
}

# Entries that a call skips and returns.
sub entries
{
	my ($database, $call) = @_;

	return $case{$database}{ $call->{label} }{skip} + $call->{rows} + $call->{within};
}

# Returns what is wrong with the calls of each listing; marks needed exceptions.
sub violations
{
	my @calls = @_;
	my %violations;

	foreach my $call (@calls)
	{
		my $case = $case{m}{ $call->{label} };
		my $entries = entries('m', $call);
		my $exception = exception_of($case);
		my $list = $violations{ $case->{listing} } //= [];

		if ($exception && excess($call, $entries))
		{
			$needed{ $exception->{calls} } = 1;
			$entries += allowed('m', $call, $exception);
		}
		my $excess = excess($call, $entries) or next;
		my @plans = map { plan_text($_->{root}) . ", $_->{buffers} buffers" } @{ $call->{plans} };

		push @$list, join "\n    ", "$call->{label}, $call->{nth}: $excess for $entries entries", @plans;
	}
	return %violations;
}

# One claim for each listing: its calls are within their bounds.
sub within_bounds
{
	my ($when, @calls) = @_;
	my %violations = violations(@calls);

	foreach my $name (sort keys %violations)
	{
		my $list = $violations{$name};

		is(scalar @$list, 0, "$name $when") or diag join "\n", @$list[ 0 .. ($#$list > 5 ? 5 : $#$list) ];
	}
}

# Whether a call reads so little that it can be made often.
sub is_quick
{
	my ($case) = @_;
	my $exception = exception_of($case);

	return !$exception || !$exception->{table};
}

# ---- first, second and tenth call of a session
my @m = @{ $cases{m} };
my @calls = run_calls(
	$node, 'm',
	join '', map { session($_, is_quick($_) ? repeated_call(7, $_->{call}) : '') } @m);
my @nth = ('first call', 'second call', 'tenth call');

foreach my $i (0 .. $#calls)
{
	$calls[$i]{nth} = $nth[ $i % 3 ];
	$calls[$i]{cold} = $i % 3 == 0;
}
within_bounds('in sessions of one call each', @calls);

my %seen = map { $case{m}{ $_->{label} }{listing} => 1 } grep { @{ $_->{plans} } } @calls;
is_deeply([ sort keys %seen ], [ map { $_->[0] } listings('m') ], 'plans of every listing were seen');
my %gives = map { $case{m}{ $_->{label} }{listing} => 1 } grep { $_->{rows} > 0 } @calls;
is_deeply([ sort keys %gives ], [ map { $_->[0] } listings('m') ], 'every listing gave rows');
ok($needed{ $_->{calls} }, "still needed: $_->{reason}") foreach @exceptions;

# ---- a session of all calls, with new statistics
my @quick = grep { is_quick($_) } @m;
my @analyzed = run_calls($node, 'm',
	repeated_call(3, map { $_->{call} } @quick) . "ANALYZE;\n" . join '', map { reported($_) } @quick);

@$_{qw(cold nth)} = (1, 'after ANALYZE') foreach @analyzed;
within_bounds('in a session of all calls, after ANALYZE', @analyzed);

# ---- a hundredth of the data, where indexes have to be asked for
my @flat = grep { $_->{label} =~ / page (?:1|20)$| ids (?:one|twenty) / } @{ $cases{hundredth} };
@flat = grep { is_quick($_) } @flat;
my %tenth = map { $_->{label} => $_ } grep { $_->{nth} eq 'tenth call' } @calls;
my %flat;

foreach my $few (
	run_calls(
		$node,
		'hundredth',
		join '', map {
			"\\connect\nSET enable_seqscan = off;\nSET enable_sort = off;\nSET enable_hashjoin = off;\n"
			  . repeated_call(9, $_->{call}) . reported($_)
		} @flat))
{
	my $many = $tenth{ $few->{label} };
	my $exception = exception_of($few) // {};
	my ($few_entries, $many_entries) =
	  (entries('hundredth', $few) + allowed('hundredth', $few, $exception), entries('m', $many) + allowed('m', $many, $exception));
	my $bound = 30 + 2 * $few->{buffers} * max(1, $many_entries / max($few_entries, 1));
	my $list = $flat{ $case{m}{ $few->{label} }{listing} } //= [];

	push @$list, "$few->{label}: $few->{buffers} buffers, of a hundred times the data $many->{buffers}"
	  if $many->{buffers} > $bound;
}
foreach my $name (sort keys %flat)
{
	is(join("\n", @{ $flat{$name} }), '', "$name touches as many buffers at a hundredth of the data");
}

# Whether a call looks at the tags of post after post, which has no end without indexes.
sub walks
{
	my ($case) = @_;

	return $case->{label} =~ /^posts_by_tags query (?!top page|unknown)/;
}

# ---- the test sees a scan where there is one
my @scanned = run_calls(
	$node, 'm',
	q{BEGIN;
	DO $$
	DECLARE
		command text;
	BEGIN
		FOR command IN
			SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
			  FROM pg_constraint WHERE connamespace = 'ddd'::regnamespace AND contype IN ('p', 'u')
			   AND conrelid <> 'ddd.schema_version'::regclass
			UNION ALL
			SELECT format('DROP INDEX %s', indexrelid::regclass)
			  FROM pg_index JOIN pg_class c ON c.oid = indexrelid LEFT JOIN pg_constraint ON conindid = indexrelid
			 WHERE relnamespace = 'ddd'::regnamespace AND conindid IS NULL
		LOOP
			EXECUTE command;
		END LOOP;
	END
	$$;
	} . join('', map { reported($_) } grep { $_->{label} =~ / (?:page 1|ids one page default)$/ && !walks($_) } @quick)
	  . "ROLLBACK;\n");

$_->{nth} = 'without indexes' foreach @scanned;
my %scanned;
foreach my $call (@scanned)
{
	$scanned{ $case{m}{ $call->{label} }{listing} } ||= excess($call, entries('m', $call));
}
is_deeply([ grep { !$scanned{$_} } sort keys %scanned ],
	[], 'every listing is out of bounds without indexes');

# ---- with the index that README recommends a search reads what matches it
sql($node, 'm', q{
	CREATE EXTENSION pg_trgm;
	CREATE INDEX ix_users_trgm ON ddd.users
		USING gin (lower(full_name) gin_trgm_ops, lower(email COLLATE "C") gin_trgm_ops);
	ANALYZE ddd.users;
});
my @searches = grep { $_->{listing} eq 'search_users' } @m;
my @found = run_calls($node, 'm',
	join '', map { session($_, repeated_call(7, $_->{call})) } @searches);
my $users = number('m', 'SELECT count(*) FROM ddd.users');
my @violations;

foreach my $i (0 .. $#found)
{
	my $call = $found[$i];
	my $query = $case{m}{ $call->{label} }{values}{query};
	my $contains = length($query) < 5 ? '' : '%';
	my $pattern = $query =~ s/^'(.*)'$/'$contains$1%'/r;
	my $condition = "full_name ILIKE $pattern OR email ILIKE $pattern";
	my $matches = number('m', "SELECT count(*) FROM ddd.users WHERE $condition");

	$call->{cold} = $i % 3 == 0;
	# either all that match, the index being read once for each trigram, or all
	# users on the way to a page of them
	my $walk = min($users, ($case{m}{ $call->{label} }{values}{first} // 20) * $users / max(1, $matches));
	my $excess = excess($call, max($matches + length $query, $walk)) or next;
	push @violations, "$call->{label}, $nth[$i % 3]: $excess, $matches match\n    "
	  . join "\n    ", map { plan_text($_->{root}) } @{ $call->{plans} };
}
is(join("\n", @violations), '',
	'with an index of trigrams search_users reads what matches, or as far as a page of it');

$node->stop;
done_testing();
