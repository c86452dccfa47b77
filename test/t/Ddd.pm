# What the TAP tests of install, restore and migration share: nodes, errors by
# SQLSTATE, row checksums and the fingerprint.

package Ddd;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  new_node new_installation new_database current_version sql failure is_refused
  row_checksums all_row_checksums fingerprint_query fingerprint is_same_text
  version_of hinted_commands give_tables_to session_result
);

# What a table of ddd is compared by: its own columns, whatever a user adds.
my %columns = (
	schema_version => 'version',
	stash => 'version, table_name, row_key, content',
	users =>
	  'id, email, hashed_password, is_active, is_superuser, bio, created_at, updated_at, '
	  . q{to_jsonb(users) -> 'full_name', to_jsonb(users) -> 'first_name', to_jsonb(users) -> 'last_name'},
	posts => 'id, title, content, author_id, created_at, updated_at',
	comments =>
	  'id, content, post_id, author_id, parent_id, created_at, updated_at',
	tags => 'id, name, created_at, updated_at',
	post_tags => 'post_id, tag_id, post_created_at',
	counters => 'counter, subject_id, value, subject_at',
	counter_ledger => 'counter, subject_id, delta, xid',
	migration_log =>
	  'applied_at, version, parent, direction, message, applied_by, duration',
	tokens => 'digest, user_id, purpose, scope, bound_to, created_at, expires_at',
	outbox => 'user_id, kind, requested_at',
	verified_emails => 'user_id, email, verified_at',
	backfills =>
	  'table_name, assignments, condition, last_key, rows_read, rows_changed, started_at, started_by',
	counter_state => 'counter, low_water, system_identifier, stale',
	audit_log =>
	  'at, id, xid, system_identifier, user_id, login_role, acting_role, table_name, action, row_count, row_ids, columns',
	audit_seals =>
	  'number, system_identifier, from_xid, to_xid, row_count, first_at, sealed_at, rows_digest, previous_digest, digest',
);

# Returns a started server whose databases are UTF-8 whatever the environment;
# of another installation where the first setting is one.
sub new_node
{
	my ($name, @settings) = @_;
	my @options = @settings && $settings[0] =~ m{^/} ? (install_path => shift @settings) : ();
	my $node = PostgreSQL::Test::Cluster->new($name, @options);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\nddd.fold_threshold = 0\nddd.auth_min_duration = 0\nddd.auth_max_delay = 0\nddd.literal_password = allow");
	$node->append_conf('postgresql.conf', $_) foreach @settings;
	$node->start;
	return $node;
}

# Returns a copy of the PostgreSQL under test, with scripts of ddd of the test's
# own in it (name => text). It is for new_node's install_path.
sub new_installation
{
	my (%scripts) = @_;
	my ($bin, $share) = map { chomp(my $path = `pg_config --$_`); $path } qw(bindir sharedir);
	my ($root) = $bin =~ m{^(.*)/usr/lib/postgresql/\d+/bin$} or die "unexpected place of PostgreSQL: $bin";
	my $copy = PostgreSQL::Test::Utils::tempdir();
	my $extension = $copy . substr($share, length $root) . '/extension';

	system_or_bail('cp', '-al', "$root/usr", $copy);
	append_to_file("$extension/$_", $scripts{$_}) foreach keys %scripts;
	return $copy . substr($bin, length $root) =~ s{/bin$}{}r;
}

# Creates a database and runs the statements in it; returns its name.
sub new_database
{
	my ($node, $name, @statements) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql($name, join ";\n", @statements) if @statements;
	return $name;
}

# Returns the version that CREATE EXTENSION installs.
sub current_version
{
	chomp(my $share = `pg_config --sharedir`);
	my ($version) = slurp_file("$share/extension/ddd.control") =~ /^default_version = '(.*)'/m;

	return $version // die 'no version in ddd.control';
}

# Returns the rows of a script that must succeed.
sub sql
{
	my ($node, $database, $script) = @_;

	return $node->safe_psql($database, $script);
}

# Runs a script up to its first error; returns that error's parts, empty
# strings where it has none.
sub failure
{
	my ($node, $database, $script, @options) = @_;
	my ($code, $out, $err) = $node->psql(
		$database,
		"\\set VERBOSITY verbose\n$script",
		on_error_stop => 1,
		@options);

	return parse_error($err);
}

sub parse_error
{
	my ($text) = @_;
	my %error = map { $_ => '' } qw(state message detail hint constraint);

	@error{qw(state message)} = ($1, $2)
	  if $text =~ /^(?:psql:[^\n]*?: )?(?:ERROR|FATAL):\s+(\w{5}): (.*?)(?=^\w[\w ]*: |\z)/ms;
	$error{detail} = $1 if $text =~ /^DETAIL:\s+(.*?)(?=^[A-Z][A-Z ]+: |\z)/ms;
	$error{hint} = $1 if $text =~ /^HINT:\s+(.*?)(?=^[A-Z][A-Z ]+: |\z)/ms;
	$error{constraint} = $1 if $text =~ /^CONSTRAINT NAME:\s+(.*)$/m;
	s/\s+\z// foreach values %error;
	$error{text} = $text;
	return \%error;
}

# One claim: the script fails with this SQLSTATE and, if given, this text.
sub is_refused
{
	my ($node, $database, $script, $state, $pattern, $name) = @_;
	my $error = failure($node, $database, $script);
	my $got = $error->{state} || 'no error';

	$got .= " without the text in: $error->{text}"
	  if defined $pattern && $error->{text} !~ $pattern;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($got, $state, $name) or diag $error->{text};
	return $error;
}

# Returns "table rows md5" of the named tables' rows, by named columns.
sub row_checksums
{
	my ($node, $database, @tables) = @_;
	my @queries = map {
		"SELECT '$_ ' || count(*) || ' ' || md5(coalesce(string_agg(row, E'\\n' ORDER BY row COLLATE \"C\"), ''))"
		  . " FROM (SELECT ROW($columns{$_})::text AS row FROM ddd.$_ WHERE "
		  . ($_ eq 'stash' ? "table_name <> 'migration_log'" : 'true') . ') AS rows'
	} @tables;

	return sql($node, $database, join ";\n", @queries);
}

# The same of all tables but the log of migrations, wherever it is: no two
# databases have it in common.
sub all_row_checksums
{
	my ($node, $database) = @_;

	# an older version has fewer of them
	return row_checksums(
		$node,
		$database,
		split /\n/,
		sql($node, $database, q{SELECT relname FROM pg_class WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r' AND relname <> 'migration_log' ORDER BY relname}));
}

# Returns statements that show the fingerprint, whatever the version of ddd: the
# library can make it of every one.
sub fingerprint_query
{
	return q{CREATE FUNCTION pg_temp.fingerprint(OUT part text, OUT object text, OUT fact text, OUT value text)
		RETURNS SETOF record LANGUAGE c AS '$libdir/ddd', 'ddd_fingerprint';
		SELECT concat(object, ': ', fact, ' ', value) FROM pg_temp.fingerprint();};
}

sub fingerprint
{
	my ($node, $database) = @_;
	my $lines = sql($node, $database, fingerprint_query());

	die "empty fingerprint of $database" if $lines !~ /^extension ddd: /m;
	return $lines;
}

# One claim: two texts have the same lines; shows only those that differ.
sub is_same_text
{
	my ($got, $expected, $name) = @_;
	my (%count, @difference);

	$count{$_}++ foreach split /\n/, $got;
	$count{$_}-- foreach split /\n/, $expected;
	@difference =
	  map { ($count{$_} > 0 ? "got      $_" : "expected $_") }
	  sort grep { $count{$_} } keys %count;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", @difference), '', $name);
}

# Returns "code tables", as ddd.version() tells them.
sub version_of
{
	my ($node, $database) = @_;

	return sql($node, $database,
		"SELECT code || ' ' || coalesce(tables, 'none') FROM ddd.version()");
}

# Returns the commands that an error's HINT tells to run, as one script.
sub hinted_commands
{
	my ($error) = @_;
	my @commands = $error->{hint} =~
	  /\b((?:SELECT|CREATE|ALTER|DROP|SET)\b(?:'[^']*'|[^;'])*?)(?:;|\.?\s*\z)/g;

	return join '', map { "$_;\n" } @commands;
}

# Makes a role the owner of the schema, the tables and with them the sequences.
sub give_tables_to
{
	my ($node, $database, $role) = @_;

	sql(
		$node, $database, qq{
		DO \$\$
		DECLARE
			command text;
		BEGIN
			ALTER SCHEMA ddd OWNER TO $role;
			FOR command IN
				SELECT format('ALTER TABLE ddd.%I OWNER TO $role', relname)
				  FROM pg_class
				 WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r'
			LOOP
				EXECUTE command;
			END LOOP;
		END \$\$});
}

# Runs a statement in a background session; returns its output, and its errors
# as "SQLSTATE message" when there are any.
sub session_result
{
	my ($session, $statement) = @_;
	my ($out) = $session->query($statement);
	my $error = parse_error($session->{stderr});

	$session->{stderr} = '';
	return $error->{state} ? "$error->{state} $error->{message}\n$error->{hint}" : $out;
}

1;
