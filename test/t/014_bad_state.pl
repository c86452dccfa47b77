# A bad state is answered: every function of schema ddd in read-only and in
# aborted transactions, in triggers, in parallel workers, of a dropped role,
# with tables and columns renamed, dropped or changed, with triggers disabled,
# under locks and on a standby. Each answers or refuses with an SQLSTATE that
# says why, never XX000, and works again when the state is over.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use BadInput;
use Ddd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

# What a good call answers where all stands, for those that refuse it.
my @in_scripts = qw(migrate pass_grants stash_rows stash_columns check_dependents);
my %refuses = (create_tables => '42P07', grant_tables => '55000', (map { $_ => '28000' } qw(begin_as rotate_token require_user)), map { $_ => '55000' } @in_scripts);
# What needs no table: passwords, values, and what looks at the catalog only.
my %tableless = map { $_ => 1 }
  qw(hash_password verify_password needs_rehash identify_hash is_authenticated repr to_dict owns_type
  current_user_id current_scope require_user rls_user rls_superuser disable_audit tables_wanted fingerprint heads plan upgrade downgrade attach_triggers grant_to_owner create_tables
  tag_key tags_all tags_any tags_none tags_exact tags_match gin_tags_compare), @in_scripts,
  map { "tag_query_$_" } qw(and or not eq ne lt le gt ge cmp hash hash_extended out send);
# Volatile, but not because they write: a random salt; what counts failures and makes a caller; catalog look-ups that find nothing to do.
my %writes_nothing = map { $_ => 1 } qw(hash_password authenticate begin_as attach_triggers grant_to_owner), @in_scripts;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "$_\n")
  foreach ('fsync = off', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1', 'ddd.auth_min_duration = 0', 'ddd.auth_max_delay = 0', "timezone = 'UTC'");
$node->start;
new_database($node, 'states', 'CREATE EXTENSION ddd', fixture(), 'CREATE ROLE victim', 'CREATE ROLE app');

my $wire = Wire->new($node, 'states');
my @functions = functions($wire);
my $checksums = all_row_checksums($node, 'states');
my $cases = 0;

sub good_answer
{
	my ($f) = @_;
	return $f->{type} eq 'trigger' ? '39P01' : $refuses{ $f->{name} } // '00000';
}

sub statement
{
	my ($f) = @_;
	return $f->{type} eq 'trigger'
	  ? "SELECT $f->{signature}"
	  : 'SELECT count(r) FROM ' . good_call($f) . ' AS r';
}

# One claim: every function's good call gives the state that expected->(f) says
# (several joined by |). run->(statement) returns {state, message}.
sub answers
{
	my ($name, $run, $expected) = @_;
	my @faults;

	foreach my $f (@functions)
	{
		my $wanted = $expected->($f);
		my $answer = $run->(statement($f));

		$cases++;
		push @faults, "$f->{signature}: expected $wanted, got $answer->{state} $answer->{message}"
		  if !grep { $_ eq $answer->{state} } split /\|/, $wanted;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", @faults), '', $name);
}

sub state_of { return $_[0]{error} // { state => '00000', message => '' }; }

# Runs a statement in a transaction of its own that is rolled back.
sub alone
{
	my ($session) = @_;
	return sub {
		$session->rows('BEGIN');
		my $answer = state_of($session->query($_[0]));
		$session->rows('ROLLBACK');
		return $answer;
	};
}

sub as_usual { my ($name) = @_; answers($name, alone($wire), \&good_answer); }

as_usual('all answer where all stands');

# ---- transactions ----------------------------------------------------------
sub read_only_answer
{
	my ($f) = @_;
	return
		 $f->{volatile} eq 'v'
	  && $f->{type} ne 'trigger'
	  && !$writes_nothing{ $f->{name} } && $f->{name} ne 'create_tables' ? '25006'
	  : $f->{name} eq 'create_tables'                                    ? '25006|42P07'
	  :                                                                    good_answer($f);
}
answers(
	'read-only transaction: readers answer, writers are refused',
	sub {
		$wire->rows('BEGIN READ ONLY');
		my $answer = state_of($wire->query($_[0]));
		$wire->rows('ROLLBACK');
		return $answer;
	},
	\&read_only_answer);
answers(
	'aborted transaction: nothing runs',
	sub {
		$wire->rows('BEGIN');
		$wire->query('SELECT 1 / 0');
		my $answer = state_of($wire->query($_[0]));
		$wire->rows('ROLLBACK');
		return $answer;
	},
	sub { '25P02' });

# ---- triggers ---------------------------------------------------------------
$wire->rows(
	q{
	CREATE SCHEMA probe;
	GRANT USAGE ON SCHEMA probe TO PUBLIC;
	CREATE TABLE probe.next (call text);
	CREATE FUNCTION probe.call_next() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		call text := (SELECT n.call FROM probe.next n);
	BEGIN
		IF call IS NOT NULL THEN
			DELETE FROM probe.next;
			EXECUTE call;
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER call_next AFTER INSERT ON probe.next FOR EACH ROW EXECUTE FUNCTION probe.call_next();
});
answers(
	'inside a trigger of another table',
	sub { return alone($wire)->('INSERT INTO probe.next VALUES ($c$' . $_[0] . '$c$)'); },
	\&good_answer);
$wire->rows(
	q{
	ALTER TABLE probe.next DISABLE TRIGGER call_next;
	CREATE TRIGGER z_call_next BEFORE INSERT OR UPDATE ON ddd.comments
		FOR EACH ROW EXECUTE FUNCTION probe.call_next();
});
answers(
	'inside a trigger of a table of ddd, itself inside a call',
	sub {
		$wire->rows('BEGIN; INSERT INTO probe.next VALUES ($c$' . $_[0] . '$c$)');
		my $answer = state_of($wire->query(q{SELECT ddd.add_comment(3, 1, 'calls')}));
		$wire->rows('ROLLBACK');
		return $answer;
	},
	sub { my ($f) = @_; $f->{name} =~ /^(?:enable_rls|downgrade)$/ ? '55006' : good_answer($f) });
$wire->rows('DROP TRIGGER z_call_next ON ddd.comments');

# ---- parallel workers --------------------------------------------------------
my $parallel =
  $wire->value('SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';
my @not_parallel;
my $in_worker = 0;
foreach my $f (grep { $_->{parallel} eq 's' && $_->{type} ne 'trigger' } @functions)
{
	my $call =
		'SELECT '
	  . ($f->{name} eq 'hash_password' ? 'count(r)' : q{string_agg(r::text, '|')})
	  . ' FROM '
	  . good_call($f) . ' AS r';
	my @answers;

	# in one transaction, because now() is part of some
	$wire->rows('BEGIN');
	foreach my $mode ('off', 'on')
	{
		$wire->rows("SET LOCAL $parallel = $mode");
		my $answer = $wire->query($call);
		push @answers,
		  $answer->{error} ? "$answer->{error}{state} $answer->{error}{message}" : $answer->{rows}[0][0]
		  // 'NULL';
		$in_worker++
		  if $mode eq 'on'
		  && join("\n", map { $_->[0] } @{ $wire->query("EXPLAIN (ANALYZE) $call")->{rows} }) =~
		  /Gather.*Workers Launched: 1.*Function Scan/s;
	}
	$wire->rows('ROLLBACK');
	$cases++;
	push @not_parallel, "$f->{signature}: $answers[1]\ninstead of $answers[0]"
	  if $answers[0] ne $answers[1];
}
is(join("\n", @not_parallel), '', 'readers answer the same in a parallel worker');
cmp_ok($in_worker, '>=', 20, "$in_worker functions ran in a worker");

# ---- a role that is gone -----------------------------------------------------
my $orphan = Wire->new($node, 'states');
$wire->rows(q{GRANT USAGE ON SCHEMA ddd TO victim; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO victim});
$orphan->rows('SET SESSION AUTHORIZATION victim');
# For superusers, and for the owner of the tables.
my %restricted = map { $_ => 1 } qw(install stamp unstash upgrade downgrade grant_api revoke_api grant_tables enable_rls disable_rls enable_audit disable_audit);
my $as_app = sub {
	my ($f) = @_;
	return
		$restricted{ $f->{name} } ? '42501'
	  : $f->{name} eq 'create_tables' ? '42501|42P07'
	  :                                 good_answer($f);
};
answers('an application role', alone($orphan), $as_app);
$wire->rows('DROP OWNED BY victim; DROP ROLE victim');
answers('a role that was dropped meanwhile may nothing', alone($orphan), sub { '42501' });
$wire->rows(
	'BEGIN; GRANT USAGE ON SCHEMA ddd TO PUBLIC; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd TO PUBLIC; COMMIT'
);
answers('a role that was dropped meanwhile, with what PUBLIC may', alone($orphan), $as_app);
$wire->rows('REVOKE ALL ON SCHEMA ddd FROM PUBLIC; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ddd FROM PUBLIC');
$orphan->finish;

# ---- tables that changed -----------------------------------------------------
# A claim about all good calls after a change, which is rolled back: each answers
# or refuses with one of the states and a text that matches; so many must refuse.
sub under
{
	my ($name, $change, $states, $pattern, $at_least) = @_;
	my $refused = 0;
	my @faults;

	$wire->rows("BEGIN; $change");
	foreach my $f (@functions)
	{
		$wire->rows('SAVEPOINT before');
		my $answer = state_of($wire->query(statement($f)));
		$wire->rows('ROLLBACK TO before');
		$cases++;
		$refused++ if $answer->{state} ne good_answer($f);
		my $fine = $answer->{state} eq good_answer($f)
		  || $f->{name} eq 'stamp' && "$answer->{state} $answer->{message}" =~ /^22023 the tables of ddd do not look like version/
		  || $answer->{state} =~ /^(?:$states)$/
		  && "$answer->{message} $answer->{table} $answer->{column} $answer->{constraint}" =~ $pattern;
		push @faults, "$f->{signature}: $answer->{state} $answer->{message}" if !$fine;
	}
	$wire->rows('ROLLBACK');
	push @faults, "only $refused functions refused" if $refused < ($at_least // 0);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", @faults), '', "$name: $refused functions refuse");
}

my %columns;
push @{ $columns{ $_->[0] } }, $_->[1] foreach @{
	$wire->rows(
		q{
	SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	 WHERE relnamespace = 'ddd'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
	 ORDER BY 1, attnum})
};
foreach my $table (sort keys %columns)
{
	my ($states, $names) =
	  $table eq 'schema_version'
	  ? ('55000|42P01|42P07|22023', qr/tables of ddd|schema_version|already exists/)
	  : ('42P01', qr/\b$table\b/);

	my $used = $table =~ /^(?:stash|migration_log)$/ ? 0 : $table eq 'backfills' ? 1 : 2;

	under("$table renamed", "ALTER TABLE ddd.$table RENAME TO other", $states, $names, $used);
	under(
		"$table moved to another schema",
		"ALTER TABLE ddd.$table SET SCHEMA probe",
		$states, $names, $used);
	under("$table dropped", "DROP TABLE ddd.$table CASCADE", $states, $names, $used);
	under("$table with a column more", "ALTER TABLE ddd.$table ADD COLUMN more int", '-', qr/-/);
	under(
		"$table replaced by a view",
		"ALTER TABLE ddd.$table RENAME TO other; CREATE VIEW ddd.$table AS SELECT * FROM ddd.other",
		'55000|42809|0A000|42P10|42P01|42703',
		# a view has no xmin, which tells who wrote a row
		qr/\b(?:view|$table)\b|ON CONFLICT|column s\.xmin/i);
	under(
		"rows of $table are swallowed by a trigger",
		q{CREATE FUNCTION probe.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';}
		  . "CREATE TRIGGER a_swallow BEFORE INSERT OR UPDATE OR DELETE ON ddd.$table"
		  . " FOR EACH ROW EXECUTE FUNCTION probe.swallow()",
		'23503|23514|40001|55000',
		qr/tags|tag that has posts|comments|posts|set aside|tables of version/);
	under(
		"a trigger of $table raises",
		q{CREATE FUNCTION probe.raise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';}
		  . "CREATE TRIGGER z_raise BEFORE INSERT OR UPDATE OR DELETE ON ddd.$table"
		  . " FOR EACH ROW EXECUTE FUNCTION probe.raise()",
		'P0001',
		qr/^no/);

	foreach my $column (@{ $columns{$table} })
	{
		under(
			"$table.$column renamed", "ALTER TABLE ddd.$table RENAME COLUMN $column TO other",
			'42703|55000', qr/\b$column\b|no primary key/);
		under(
			"$table.$column dropped",
			"ALTER TABLE ddd.$table DROP COLUMN $column CASCADE",
			'42703|42P10|55000', qr/\b$column\b|ON CONFLICT|no primary key/);
		under(
			"$table.$column of another type",
			"ALTER TABLE ddd.$table DROP COLUMN $column CASCADE; ALTER TABLE ddd.$table ADD COLUMN $column point",
			'42804|42883|42P10|55000|23502',
			qr/\b(?:$column|types?|operator|function|ON CONFLICT|no version|no primary key)\b|version/);
	}
}

# ---- triggers that are off -----------------------------------------------------
foreach my $table (sort keys %columns)
{
	under(
		"triggers of $table disabled",
		"ALTER TABLE ddd.$table DISABLE TRIGGER USER",
		$table eq 'post_tags' ? '23502' : '-',
		qr/post_created_at/);
	under(
		"triggers of $table dropped",
		join(
			';',
			map { "DROP TRIGGER $_->[0] ON ddd.$table" } @{
				$wire->rows(
					"SELECT tgname FROM pg_trigger WHERE tgrelid = 'ddd.$table'::regclass AND NOT tgisinternal"
				)
			}),
		$table eq 'post_tags' ? '23502' : '-',
		qr/post_created_at/);
	under(
		"all triggers of $table disabled",
		"ALTER TABLE ddd.$table DISABLE TRIGGER ALL",
		$table eq 'post_tags' ? '23502' : '-',
		qr/post_created_at/);
}
under(
	'no trigger fires at all', 'SET LOCAL session_replication_role = replica',
	'23502', qr/post_created_at/);

# ---- locks ---------------------------------------------------------------------
my $locker = Wire->new($node, 'states');
$locker->rows(
	'BEGIN; LOCK TABLE ' . join(', ', map { "ddd.$_" } sort keys %columns) . ' IN ACCESS EXCLUSIVE MODE');
$wire->rows(q{SET lock_timeout = '20ms'});
answers(
	'tables locked, with a lock_timeout',
	alone($wire),
	sub {
		my ($f) = @_;
		return $tableless{ $f->{name} } && $f->{name} !~ /^(?:downgrade|fingerprint)$/ || $f->{type} eq 'trigger' ? good_answer($f) : '55P03';
	});
$wire->rows(q{SET lock_timeout = 0; SET statement_timeout = '20ms'});
answers(
	'tables locked, with a statement_timeout',
	alone($wire),
	sub {
		my ($f) = @_;
		return $tableless{ $f->{name} } || $f->{type} eq 'trigger' ? good_answer($f) . '|57014' : '57014';
	});
$wire->rows('RESET statement_timeout');
$locker->rows('ROLLBACK');
$locker->finish;

# ---- a hot standby ---------------------------------------------------------------
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $reader = Wire->new($standby, 'states');
answers(
	'hot standby: readers answer, writers are refused',
	sub { return state_of($reader->query($_[0])); },
	\&read_only_answer);
is($reader->value('SELECT pg_backend_pid()'), $reader->backend, 'hot standby: one backend answered');
$wire->rows('ALTER TABLE ddd.post_tags SET UNLOGGED');
$node->wait_for_catchup($standby);
is(state_of($reader->query('SELECT count(*) FROM ddd.tags t, ddd.posts_by_tag(t.name)'))->{state},
	'0A000', 'hot standby: an unlogged table is refused as SQL refuses it');
$wire->rows('ALTER TABLE ddd.post_tags SET LOGGED');
$reader->finish;
$standby->stop;

# ---- and all is as before -----------------------------------------------------------
as_usual('all answer again');
is($wire->value('SELECT pg_backend_pid()'), $wire->backend, "one backend answered $cases cases");
is_same_text(all_row_checksums($node, 'states'), $checksums, 'no row has changed');
$wire->finish;
unlike(
	slurp_file($_->logfile),
	qr/PANIC|terminated by signal|TRAP|server process/,
	$_->name . ': no crash in the log') foreach ($node, $standby);

$node->stop;
done_testing();
