# The popular list and the tag pages of the loaded package index equal what an
# awk and sort pipeline of their own computes from the same index.
#
# The index is this machine's, so nothing here knows its contents. The first
# 8000 packages, or all of them with DDD_FULL_INDEX=1. Addresses of maintainers
# are compared inside awk and the server and printed nowhere.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $example = 'examples/package-index';
my $rows = $ENV{DDD_FULL_INDEX} ? 0 : 8000;
my $dir = PostgreSQL::Test::Utils::tempdir;
my $index = "$dir/index";

$ENV{LC_ALL} = 'C';
$ENV{PGCLIENTENCODING} = 'UTF8';

# Returns the lines that a shell command prints; it must succeed.
sub lines_of
{
	my ($command) = @_;
	my @lines = `set -e; $command`;

	die "failed: $command" if $?;
	chomp @lines;
	return @lines;
}

# Prints one line per fact of the index: "package", "tag", "user" and "link".
# Paragraph by paragraph with the lines joined, unlike parse.awk. A package's
# position is padded, so that text order is the order of the index.
my $facts = <<'AWK';
BEGIN { RS = ""; FS = "\n"; OFS = "\t" }
{
	gsub(/\n[ \t]+/, " ")
	split("", get)
	for (i = 1; i <= NF; i++)
		get[substr($i, 1, index($i, ": ") - 1)] = substr($i, index($i, ": ") + 2)
	name = get["Package"]
	if (name == "" || name in position)
		next
	if (rows && packages >= rows)
		exit
	position[name] = sprintf("%06d", ++packages)
	print "package", position[name], name
	n = split(get["Tag"], part, /, */)
	for (i = 1; i <= n; i++)
		if (!((name, part[i]) in tagged)) {
			tagged[name, part[i]]
			print "tag", part[i], position[name], name
		}
	address = tolower(get["Maintainer"])
	gsub(/^[^<]*<|>.*$/, "", address)
	if (!(address in known)) {
		known[address]
		print "user"
	}
	n = split(get["Pre-Depends"] "," get["Depends"], part, ",")
	for (i = 1; i <= n; i++)
		if (split(part[i], word, /[ |(:]+/) && (other = word[1] != "" ? word[1] : word[2]) != "")
			wanted[name SUBSEP other]
}
END {
	for (pair in wanted) {
		split(pair, word, SUBSEP)
		if (word[2] in position)
			print "link", position[word[2]], word[2]
	}
}
AWK

lines_of("apt-cache dumpavail >$index || true");
my ($known) = lines_of("grep -c '^Package:' $index || true");
if (!cmp_ok($known, '>=', 1000, 'apt-cache dumpavail lists packages'))
{
	diag('apt has no package lists: run apt-get update first');
	done_testing();
	exit 1;
}
PostgreSQL::Test::Utils::append_to_file("$dir/facts.awk", $facts);
lines_of("awk -v rows=$rows -f $dir/facts.awk $index >$dir/facts");

# The load, as the demo does it.
mkdir "$dir/tsv" or die "mkdir: $!";
lines_of("awk -v dir=$dir/tsv -v rows=$rows -f $example/parse.awk $index");

my $node = PostgreSQL::Test::Cluster->new('index');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION ddd');
$node->command_ok(
	[ 'psql', '-X', '-d', $node->connstr('postgres'), '-v', "dir=$dir/tsv", '-f', "$example/load.sql" ],
	'the index loads');

# Returns the lines of a listing, page after page until one is empty. The query
# has AFTER for the cursor and gives one column before it.
sub walk
{
	my ($query) = @_;
	my $after = 'NULL';
	my %seen;
	my @lines;

	while (1)
	{
		my $page = $query =~ s/AFTER/$after/r;
		my @page = split /\n/, $node->safe_psql('postgres', $page);
		my $cursor;

		return @lines unless @page;
		foreach my $line (@page)
		{
			(my $text, $cursor) = $line =~ /^(.*)\t(.*)$/ or die "odd line: $line";
			push @lines, $text;
		}
		return (@lines, "(cursor $cursor again)") if $seen{$cursor}++;
		$after = "'$cursor'";
	}
}

# Passes if both lists are equal; otherwise shows the first difference only.
sub lists_equal
{
	my ($got, $expected, $claim) = @_;
	my $at = 0;

	$at++ while $at < @$got && $at < @$expected && $got->[$at] eq $expected->[$at];
	ok(@$got == @$expected && $at == @$got, $claim)
	  or diag(sprintf("%d lines, expected %d; line %d: %s, expected %s",
			scalar @$got, scalar @$expected, $at + 1, $got->[$at] // '(end)', $expected->[$at] // '(end)'));
}

# ---- numbers of rows
my %tables = (package => 'posts', user => 'users', link => 'comments', tag => 'post_tags');
foreach my $fact (sort keys %tables)
{
	my ($expected) = lines_of("grep -c '^$fact' $dir/facts");
	is($node->safe_psql('postgres', "SELECT count(*) FROM ddd.$tables{$fact}"),
		$expected, "$tables{$fact}: one for each $fact of the index");
}
is( $node->safe_psql('postgres', 'SELECT count(*) FROM ddd.tags'),
	(lines_of("grep '^tag' $dir/facts | cut -f2 | sort -u | wc -l"))[0],
	'tags: one for each name in the index');

# ---- the popular list: by number of dependants, among equals the latest post
my @popular = lines_of(
	"grep '^link' $dir/facts | sort | uniq -c | sort -k1,1nr -k3,3r | awk '{ print \$4 \" \" \$1 }'");
cmp_ok(scalar @popular, '>', 100, 'the index has popular packages');
lists_equal(
	[ walk(q{SELECT title || ' ' || comment_count || E'\t' || cursor FROM ddd.popular_posts(1000, AFTER)}) ],
	\@popular, 'popular_posts, page after page, is the list of the most depended-upon packages');
lists_equal(
	[ map { /^(\S+)/ } split /\n/, $node->safe_psql('postgres', 'SELECT title FROM ddd.popular_posts(10)') ],
	[ map { /^(\S+)/ } @popular[ 0 .. 9 ] ],
	'popular_posts(10) is its head');

# ---- tag pages: four of the top, the middle and the bottom of the tags
my @tags = lines_of("grep '^tag' $dir/facts | cut -f2 | sort | uniq -c | sort -k1,1nr -k2 | awk '{ print \$2 }'");
my $middle = int(@tags / 2);
cmp_ok(scalar @tags, '>=', 12, 'the index has tags');
foreach my $tag (@tags[ 0 .. 3, $middle - 2 .. $middle + 1, -4 .. -1 ])
{
	my @posts = lines_of("grep '^tag	$tag	' $dir/facts | sort -k3,3r | cut -f4");
	my $page = @posts > 500 ? 300 : 3;

	lists_equal(
		[ walk("SELECT title || E'\\t' || cursor FROM ddd.posts_by_tag('$tag', $page, AFTER)") ],
		\@posts, "posts_by_tag('$tag') in pages of $page, posts in all: " . @posts);
}

# ---- tag queries, against the tags of each package in the facts
my (%order, %tagged);
foreach (lines_of("grep '^tag' $dir/facts"))
{
	my (undef, $tag, $order, $title) = split /\t/;
	$order{$title} = $order;
	$tagged{$title}{$tag} = 1;
}
my @newest = sort { $order{$b} cmp $order{$a} } keys %order;
my ($a, $b, $c) = @tags[ 0, 1, $middle ];
my ($facet) = $a =~ /^(\w.*?::)/;
foreach my $case (
	[ qq{"$a" & "$b"}, sub { $_[0]{$a} && $_[0]{$b} } ],
	[ qq{"$a" & !"$b"}, sub { $_[0]{$a} && !$_[0]{$b} } ],
	[ qq{("$b" | "$c") & "$a"}, sub { ($_[0]{$b} || $_[0]{$c}) && $_[0]{$a} } ],
	[ qq{{"$a", "$b"}}, sub { $_[0]{$a} && $_[0]{$b} && keys %{ $_[0] } == 2 } ],
	[ qq{$facet* & !"$a"}, sub { !$_[0]{$a} && grep { /^\Q$facet\E/ } keys %{ $_[0] } } ])
{
	my ($query, $holds) = @$case;
	my @posts = grep { $holds->($tagged{$_}) } @newest;

	lists_equal(
		[ walk("SELECT title || E'\\t' || cursor FROM ddd.posts_by_tags('$query', 300, AFTER)") ],
		\@posts, "posts_by_tags('$query'), posts in all: " . @posts);
}

$node->stop;
done_testing();
