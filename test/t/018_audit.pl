# A module that audits what the executor reads (pgaudit is one) sees the tables
# that ddd reads: then nothing goes past the executor.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audit');
my $database = new_database($node, 'audit', 'CREATE EXTENSION ddd');

sql($node, $database, q{SELECT ddd.create_post(u.id, 'Title', 'Content', '{audited}')
	FROM ddd.create_user('ann@audit', 'Ann') u});

my ($major) = `postgres --version` =~ /(\d+)/;
my $headers = `/usr/lib/postgresql/$major/bin/pg_config --includedir-server`;
chomp $headers;
my $module = "$PostgreSQL::Test::Utils::tmp_check/audit.so";
system_or_bail('gcc', '-shared', '-fPIC', "-I$headers", '-o', $module, "$FindBin::RealBin/audit.c");

my ($status, $out, $seen) = $node->psql($database,
	"LOAD '$module'; SELECT title FROM ddd.posts_by_tag('audited')");
is($out, 'Title', 'a tag page has its post');
like($seen, qr/audit: $_$/m, "the audit sees $_") foreach 'tags', 'post_tags', 'posts';

$node->stop;
done_testing();
