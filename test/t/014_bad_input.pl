# Bad input is answered: every function of schema ddd with every value of the
# corpus, in databases of every kind of text. Each case has its SQLSTATE from
# the documented rules (BadInput.pm), never XX000; one backend survives all of
# them, no row changes, and no message shows a password or a hash.

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

my %encoding = (
	utf8 => [ 'UTF8', "LOCALE 'C'" ],
	icu_und => [ 'UTF8', "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'" ],
	icu_tr => [ 'UTF8', "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'" ],
	latin1 => [ 'LATIN1', "LOCALE 'C'" ],
	sql_ascii => [ 'SQL_ASCII', "LOCALE 'C'" ],
	euc_jp => [ 'EUC_JP', "LOCALE 'C'" ]);

# Runs statements that give true or an error, each in a subtransaction that is
# undone, and keeps all that is known of the answer. Text is kept as bytes: a
# message may quote what has no form in the client's encoding.
my $harness = q{
	CREATE SCHEMA probe;
	CREATE TABLE probe.cases (id int, function text, statement text);
	CREATE TABLE probe.answers (id int, state text, message bytea, detail bytea, hint bytea, context bytea,
		schema_name text, table_name text, column_name text, constraint_name text);
	CREATE FUNCTION probe.answer(id int, statement text) RETURNS probe.answers LANGUAGE plpgsql AS $$
	DECLARE
		holds boolean;
		message text; detail text; hint text; context text;
		answer probe.answers;
	BEGIN
		answer.id := id;
		BEGIN
			EXECUTE statement INTO holds;
			RAISE EXCEPTION USING ERRCODE = 'ZZ999';
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
				context = PG_EXCEPTION_CONTEXT;
			GET STACKED DIAGNOSTICS answer.schema_name = SCHEMA_NAME, answer.table_name = TABLE_NAME,
				answer.column_name = COLUMN_NAME, answer.constraint_name = CONSTRAINT_NAME;
			answer.state := CASE WHEN SQLSTATE <> 'ZZ999' THEN SQLSTATE WHEN holds THEN '00000' ELSE 'wrong' END;
			IF SQLSTATE <> 'ZZ999' THEN
				answer.message := convert_to(message, getdatabaseencoding());
				answer.detail := convert_to(detail, getdatabaseencoding());
				answer.hint := convert_to(hint, getdatabaseencoding());
				answer.context := convert_to(context, getdatabaseencoding());
			END IF;
		END;
		RETURN answer;
	END $$;
	CREATE FUNCTION probe.representable(utf8 bytea) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM convert_from(utf8, 'UTF8');
		RETURN true;
	EXCEPTION WHEN untranslatable_character THEN
		RETURN false;
	END $$;
};

# What a wrong answer is wrong in; empty for a right one.
sub fault
{
	my ($case, $answer) = @_;
	my ($state, $message, $detail, $hint, $context, $schema, $table, $column, $constraint) = @$answer;
	my $f = $case->{function};

	return "got $state $message" if !$case->{states}{$state};
	return "error $state is not in the COMMENT"
	  if $state ne '00000'
	  && $f->{type} ne 'trigger'
	  && !$f->{declared}{$state}
	  && $f->{name} ne 'create_tables';
	return "message does not name the argument: $message"
	  if $state eq '22004'
	  && $case->{argument} ne ''
	  && $message !~ /"(?:\Q$case->{argument}\E|email|full_name)"/;
	return "no fields about the rule: $state $message, schema '$schema', table '$table', column '$column',"
	  . " constraint '$constraint'"
	  if $state =~ /^(?:23...|22001)$/
	  && ($schema ne 'ddd' || $column . $constraint eq '' || $table eq '' && $message !~ /^password/);
	foreach my $field ([ constraint => $constraint ], [ column => $column ])
	{
		my $wanted = $case->{ $field->[0] };
		return "$field->[0] '$field->[1]' instead of '$wanted'"
		  if defined $wanted && $state =~ /^23/ && $field->[1] ne $wanted;
	}
	return "a DETAIL that does not name the element: $detail"
	  if $f->{name} eq 'create_users'
	  && !$case->{combined}
	  && $case->{sql} =~ /^jsonb_build_array/
	  && $state       =~ /^2/
	  && $detail      !~ /Element 1 /;
	my $secret = $case->{secret} // '';
	return "the value is shown: $message $detail $hint $context"
	  if length $secret >= 6 && index("$message $detail $hint $context", substr($secret, 0, 40)) >= 0;
	return '';
}

# ---- bytes that are no text -------------------------------------------------
# The bytes as a value of a type, in text (0) and binary (1) format; NULL where there is none.
my %text_form = (
	'text' => sub { $_[0] },
	'text[]' => sub { '{"' . $_[0] . '"}' },
	'jsonb' => sub { '{"email": "' . $_[0] . '"}' });
my %binary_form = (
	'text' => sub { $_[0] },
	'text[]' => sub { pack('N5 N', 1, 0, 25, 1, 1, length $_[0]) . $_[0] },
	'jsonb' => sub { "\x01" . '{"email": "' . $_[0] . '"}' });

# What PostgreSQL itself must refuse before a function sees it: [label, bytes, SQLSTATE].
sub malformed
{
	my ($encoding) = @_;
	return (
		(   map { [ unpack('H*', $_), $_, '22021' ] } "\xff",
			"a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x28\xa1", "\0", "a\0b"),
		$encoding eq 'LATIN1'
		? (map { [ unpack('H*', $_), $_, '22P05' ] } "\xe6\x97\xa5", "\xe2\x80\x8b", "\xf0\x9f\x98\x80")
		: (),
		$encoding eq 'EUC_JP'
		? (map { [ unpack('H*', $_), $_, '22P05' ] } "\xe2\x80\x8b", "\xf0\x9f\x98\x80")
		: ());
}

# Sends them as parameters and, where a literal can hold them, as literals;
# returns the number of cases and what was answered otherwise.
sub send_malformed
{
	my ($wire, $encoding, $f) = @_;
	my $count = 0;
	my @faults;

	foreach my $argument (grep { $text_form{ $_->{type} } } @{ $f->{arguments} })
	{
		foreach my $case (malformed($encoding))
		{
			my ($label, $bytes, $state) = @$case;
			my $call = 'SELECT ' . call_of($f, $argument->{name} => "\$1::$argument->{type}");
			my @answers = (
				$wire->execute($call, 0, $text_form{ $argument->{type} }->($bytes)),
				$wire->execute($call, 1, $binary_form{ $argument->{type} }->($bytes)));

			push @answers,
			  $wire->query('SELECT '
				  . call_of($f, $argument->{name} => "'" . $text_form{ $argument->{type} }->($bytes) . "'"))
			  if $bytes !~ /\0/;
			foreach my $answer (@answers)
			{
				my $got =
				  $answer->{error} ? "$answer->{error}{state} $answer->{error}{message}" : 'an answer';
				$count++;
				push @faults, "$f->{signature} $argument->{name} $label: expected $state, got $got"
				  if index($got, $state) != 0;
			}
		}
	}
	return ($count, @faults);
}

my $node = new_node('main', 'fsync = off', 'ddd.argon2_memory_kib = 8192', 'ddd.argon2_time = 1');
my $total = 0;
my $log = $node->logfile;

foreach my $database (sort keys %encoding)
{
	my ($encoding, $options) = @{ $encoding{$database} };

	$node->safe_psql('postgres',
		"CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' $options");
	$node->safe_psql($database, 'CREATE EXTENSION ddd;' . fixture());

	my $wire = Wire->new($node, $database);
	$wire->query($harness);
	my @functions = functions($wire);
	my %known;
	my %context = (
		encoding => $encoding,
		heavy => $database eq 'utf8',
		representable => sub {
			my ($text) = @_;
			utf8::encode(my $utf8 = $text);
			return $known{$text} //=
			  $wire->value("SELECT probe.representable('\\x" . unpack('H*', $utf8) . "')") eq 't' ? 1 : 0;
		},
		cursors => {
			map { $_->{signature} => $wire->value('SELECT cursor FROM ' . good_call($_) . ' LIMIT 1') }
			  listings(@functions)
		});
	my $checksums = all_row_checksums($node, $database);
	my $answered = 0;
	my @ruled;

	foreach my $f (@functions)
	{
		my @cases = eval { cases($f, \%context) };
		if ($@)
		{
			fail("$database: $f->{signature} has a rule") or diag $@;
			next;
		}
		push @ruled, $f;
		push @cases, combinations($f, 60, @cases);
		my $first = $answered;
		my @faults;

		while (my @batch = splice @cases, 0, 400)
		{
			my $id = 0;
			$wire->rows(
				'TRUNCATE probe.cases, probe.answers; INSERT INTO probe.cases (id, statement) VALUES '
				  . join ', ',
				map {
						'('
					  . $id++
					  . ', convert_from(\'\x'
					  . unpack('H*', $_->{statement})
					  . "', 'SQL_ASCII'))"
				} @batch);
			$wire->rows(
				'INSERT INTO probe.answers SELECT a.* FROM probe.cases c, probe.answer(c.id, c.statement) a'
			);
			foreach my $row (
				@{
					$wire->rows(
						q{SELECT id, state, encode(message, 'hex'), encode(detail, 'hex'), encode(hint, 'hex'),
				encode(context, 'hex'), schema_name, table_name, column_name, constraint_name FROM probe.answers})
				})
			{
				my ($case, $state, @answer) = ($batch[ shift @$row ], @$row);
				$_ //= '' foreach @answer;
				$_ = pack 'H*', $_ foreach @answer[ 0 .. 3 ];
				my $fault = fault($case, [ $state, @answer ]);

				$answered++;
				push @faults, sprintf "%s, %s %s: expected %s, %s\n  %s", $f->{signature},
				  $case->{argument}, $case->{label},
				  substr($case->{expected}, 0, 120), substr($fault, 0, 300),
				  substr($case->{statement}, 0, 200)
				  if $fault ne '';
			}
		}
		is( scalar @faults,
			0, sprintf '%s: %s answers %d cases',
			$database, $f->{signature}, $answered - $first
		) or diag join "\n", @faults[ 0 .. ($#faults < 14 ? $#faults : 14) ];
	}

	my @unsent;
	foreach my $f (@ruled)
	{
		my ($count, @faults) = send_malformed($wire, $encoding, $f);
		$answered += $count;
		push @unsent, @faults;
	}
	is(join("\n", @unsent), '', "$database: bytes that are no text do not arrive");

	# and an ordinary round after all of it
	my @refused;
	foreach
	  my $f (grep { $_->{type} ne 'trigger' && $_->{name} !~ /^(?:migrate|stash_rows|stash_columns|check_dependents|pass_grants|create_tables|grant_tables|begin_as|rotate_token|require_user)$/ } @ruled)
	{
		$wire->rows('BEGIN');
		my $answer = $wire->query('SELECT ' . good_call($f));
		push @refused, "$f->{signature}: $answer->{error}{state} $answer->{error}{message}"
		  if $answer->{error};
		$wire->rows('ROLLBACK');
	}
	is(join("\n", @refused), '', "$database: good calls are answered afterwards");
	is($wire->value('SELECT pg_backend_pid()'),
		$wire->backend, "$database: one backend answered $answered cases");
	is_same_text(all_row_checksums($node, $database), $checksums, "$database: no row has changed");
	$wire->finish;
	$total += $answered;
}

cmp_ok($total, '>=', 400, "$total cases");
unlike(
	slurp_file($log),
	qr/PANIC|terminated by signal|TRAP|server process|c4nary/,
	'no crash and no password in the log');

$node->stop;
done_testing();
