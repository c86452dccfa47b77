# The cases of bad input: every function of schema ddd, as the catalog lists
# them, with what the rules (BadRules.pm) say of each argument. A function or an
# argument without a rule makes cases() die, so that none slips by.
#
# A case: {function, argument, label, sql (of the value), states (a set of
# SQLSTATEs, 00000 for success), check (SQL over the rows r, on success),
# with (other arguments), secret (bytes that no message may hold)}.

package BadInput;

use strict;
use warnings;

use BadRules;
use BadText;
use Exporter 'import';

our @EXPORT = qw(functions cases combinations good_call call_of fixture listings);

# ---- what the calls are about ----------------------------------------------
# Users 1 to 6 (4 inactive; 3, 5 and 6 have written nothing), posts 1 to 5,
# comments 1 to 4 on post 1 and 5 on post 2.
sub fixture
{
	return q{
	SELECT ddd.create_user('ann@example.org', 'Ann Smith',
	                       hashed_password => '$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC');
	SELECT ddd.create_user('bob@example.org', 'Bob Jones', bio => 'first');
	SELECT ddd.create_user('kim@example.org', 'Kim 100% a_b \ Istanbul');
	SELECT ddd.create_user('old@example.org', 'Old Hand', is_active => false);
	SELECT ddd.create_user('empty@example.org', 'Empty Handed');
	SELECT ddd.create_user('free@example.org', 'Free Hand', is_superuser => true);
	SELECT ddd.create_post(1, 'One', 'first', '{rust,async}');
	SELECT ddd.create_post(1, 'Two', 'second', '{rust}');
	SELECT ddd.create_post(2, 'Three', 'third', '{rust,Web}');
	SELECT ddd.create_post(2, 'Four', '', '{async}');
	SELECT ddd.create_post(4, 'Five', 'fifth');
	SELECT ddd.tag_post(5, '{spare}'), ddd.untag_post(5, '{spare}'), ddd.add_tag_synonym('spare', 'known');
	SELECT ddd.add_comment(1, 1, 'on one');
	SELECT ddd.add_comment(1, 2, 'reply', 1);
	SELECT ddd.add_comment(1, 1, 'again');
	SELECT ddd.add_comment(1, 4, 'and again');
	SELECT ddd.add_comment(2, 2, 'on two');
	};
}

# Returns the functions of schema ddd, each with its arguments, as the catalog
# has them; but those that no statement can call, and procedures, which SELECT
# cannot (086_backfill.pl).
sub functions
{
	my ($wire) = @_;
	my (@functions, %by_oid, %comments);

	foreach my $row (
		@{
			$wire->rows(
				q{
		SELECT p.oid, p.oid::regprocedure, p.proname, p.provolatile, p.proparallel, p.proisstrict, p.proretset,
		       p.prorettype::regtype, t.typtype, coalesce(obj_description(p.oid, 'pg_proc'), '')
		  FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
		 WHERE p.pronamespace = 'ddd'::regnamespace AND p.prokind <> 'p' AND NOT p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
		 ORDER BY p.proname, p.oid})
		})
	{
		my %f = (arguments => []);
		@f{qw(oid signature name volatile parallel strict set type typtype comment)} = @$row;
		$_ = $_ eq 't' foreach @f{qw(strict set)};
		$f{returns} =
			$f{set}                                    ? 'set'
		  : $f{type} eq 'boolean'                      ? 'boolean'
		  : $f{typtype} eq 'c' || $f{type} eq 'record' ? 'row'
		  :                                              'scalar';
		$comments{ $f{name} } .= " $f{comment}";
		push @functions, $by_oid{ $f{oid} } = \%f;
	}
	foreach my $row (
		@{
			$wire->rows(
				q{
		SELECT p.oid, coalesce(p.proargnames[a.nth], ''), a.type::regtype,
		       pg_get_function_arg_default(p.oid, a.nth::int)
		  FROM pg_proc p, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, nth)
		 WHERE p.pronamespace = 'ddd'::regnamespace ORDER BY p.oid, a.nth})
		})
	{
		my ($oid, $name, $type, $default) = @$row;
		push @{ ($by_oid{$oid} // next)->{arguments} },
		  {
			name => $name,
			type => $type,
			has_default => defined $default,
			optional => defined $default && $default =~ /^NULL\b/
		  };
	}

	# The SQLSTATEs that a COMMENT promises, also by "as <function>".
	foreach my $f (@functions)
	{
		$f->{comment} .= $comments{$1} // '' if $f->{comment} =~ /\bas (\w+)/;
		$f->{declared} = { map { $_ => 1 } $f->{comment} =~ /\b(\d\d[0-9A-Z]{3})\b/g };
		# raised before the function is called, where a text is no such query
		$f->{declared}{22023} = 1 if grep { $_->{type} eq 'ddd.tag_query' } @{ $f->{arguments} };
	}
	return @functions;
}

# ---- calls -----------------------------------------------------------------
# What an argument is given where another one is being tried.
my %good = (
	author_id => '1',
	comment_id => '1',
	post_id => '1',
	user_id => '1',
	content => q{'some text'},
	email => q{'new@example.org'},
	full_name => q{'New User'},
	title => q{'A title'},
	password => hex_literal('a secret that is long'),
	old_password => hex_literal('a secret that is old'),
	new_password => hex_literal('a secret that is long'),
	token => q{'ddd_' || repeat('A', 43)},
	ttl => q{'1 hour'},
	scope => q{'read write'},
	'authenticate source' => q{'192.0.2.1'},
	(map { ("$_ email" => q{'ann@example.org'}) } qw(authenticate request_password_reset request_email_verification)),
	tags => q{'{rust,new}'},
	ids => q{'{1,2,999}'},
	hash => hex_literal('$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC'),
	query => q{'example'},
	expected_digest => q{'\x00'},
	prefix => q{'ru'},
	source => q{'{async}'},
	target => q{'rust'},
	new_name => q{'New name'},
	synonym => q{'new synonym'},
	'posts_by_tags query' => q{'rust'},
	'tags_match query' => q{'rust'},
	'tag_query_eq other' => q{'example'},
	(map { ("tag_query_$_ query" => q{'a'}) } qw(lt le)),
	'delete_tag name' => q{'spare'},
	'drop_tag_synonym synonym' => q{'known'},
	other => q{'other'},
	one => q{'one'},
	seed => '1',
	name => q{'rust'},
	'update_user patch' => q{'{"full_name": "Changed"}'},
	'update_post patch' => q{'{"title": "Changed"}'},
	'update_comment patch' => q{'{"content": "changed"}'},
	'create_user data' => q{'{"email": "new@example.org", "full_name": "New User"}'},
	'create_users data' => q{'[{"email": "new@example.org", "full_name": "New User"}]'},
	'delete_user user_id' => '5',
	user_info => q{ROW(1, 'a@b', 'A B', true, false, NULL, now(), now())::ddd.user_info},
	record => q{ROW(1, 'a@b', 'A B', true, false, NULL, now(), now())::ddd.user_info},
	version => q{(SELECT extversion FROM pg_extension WHERE extname = 'ddd')},
	from_version => q{'0.1.0'},
	from_function => q{'ddd.get_user(bigint)'},
	to_function => q{'ddd.get_user(bigint)'},
	(map { ("$_ target" => q{'head'}) } qw(plan upgrade downgrade)),
	dry_run => 'true',
	lock_timeout => q{'1 s'},
	tables => q{'{}'},
	table_name => q{'tags'},
	condition => q{'true'},
	columns => q{'{name}'},
	depends_on => q{'{}'},
	role => q{'pg_monitor'},
	level => q{'reader'},
	statements => q{'SELECT 1'});

# Functions without arguments: what they answer where all stands.
my %without_arguments = (
	version => ['bool_and(r.code = r.library AND r.code = r.tables)'],
	current => ['bool_and(r.is_head AND r.version = r.tables)'],
	fingerprint => ['count(*) > 100'],
	verify => ['count(*) = 0'],
	check_schema => ['count(*) FILTER (WHERE r.is_fault) = 0'],
	heads => ['bool_and(r.is_current)'],
	history => ['count(*) > 0'],
	tables_wanted => ['bool_and(r)'],
	install => [q{bool_and(r = 'nothing to do')}],
	attach_triggers => ['bool_and(r = 0)'],
	grant_to_owner => ['count(*) = 1'],
	fold_counters => ['bool_and(r >= 0)'],
	rebuild_counters => ['bool_and(r >= 0)'],
	(map { ($_ => ['bool_and(r >= 0)']) } qw(prune_tags prune_tokens)),
	(map { ($_ => ['bool_and(r IS NULL)']) } qw(current_user_id current_scope)),
	require_user => '28000',
	(map { ($_ => ['count(*) = 1']) } qw(enable_rls disable_rls)),
	rls_user => ['bool_and(r IS NULL)'],
	rls_superuser => ['NOT bool_or(r)'],
	enable_audit => ['bool_and(r)'],
	disable_audit => ['NOT bool_or(r)'],
	audit_seal => ['bool_and(r IS NULL)'],
	create_tables => '42P07');

sub good_value
{
	my ($f, $argument) = @_;
	my $name = $argument->{name};

	return $good{"$f->{name} $name"} // $good{$name}
	  // die "no good value for argument $name of $f->{signature}: give it one in BadInput.pm\n";
}

# Returns "ddd.f(a => x, ...)": the arguments without default and those given.
sub call_of
{
	my ($f, %values) = @_;

	return "ddd.$f->{name}("
	  . join(', ',
		map  { qq{"$_->{name}" => } . ($values{ $_->{name} } // good_value($f, $_)) }
		grep { !$_->{has_default} || defined $values{ $_->{name} } } @{ $f->{arguments} })
	  . ')';
}

sub good_call { return call_of($_[0]); }

# The functions whose rows end with a cursor.
sub listings
{
	return grep {
		my $f = $_;
		$f->{set} && grep { $_->{name} eq 'after' } @{ $f->{arguments} }
	} @_;
}

# ---- cases -----------------------------------------------------------------
# Returns all cases of a function in a database of the context's encoding.
sub cases
{
	my ($f, $context) = @_;
	my @cases;

	if ($f->{type} eq 'trigger')
	{
		return case_of($f, undef, 'called directly', undef, '39P01');
	}
	if (!@{ $f->{arguments} })
	{
		my $expected = $without_arguments{ $f->{name} }
		  or die "no rule for $f->{signature}: give it one in BadInput.pm\n";
		return case_of($f, undef, 'called', undef, $expected);
	}
	foreach my $argument (@{ $f->{arguments} })
	{
		push @cases, map { case_of($f, $argument, @$_) } tries($f, $argument, $context);
	}
	push @cases, case_of($f, undef, 'a good call', undef, some($f))
	  if $f->{name} !~ /^(?:migrate|pass_grants|stash_rows|stash_columns|check_dependents|plan|upgrade|owns_type|audit_verify|verify_password|get_user_by_email|authenticate|change_password|reset_password|verify_email|email_verified|(?:begin_as|(?:rotate|revoke)_token)|take_outbox|revoke_api|grant_tables)$/;
	return @cases;
}

sub case_of
{
	my ($f, $argument, $label, $sql, $expected, %more) = @_;
	my %values = (%{ $more{with} // {} }, $argument ? ($argument->{name} => $sql) : ());
	my $check = ref $expected ? $expected->[0] : 'true';

	return {
		%more,
		function => $f,
		argument => $argument ? $argument->{name} : '',
		label => $label,
		sql => $sql,
		states => { map { $_ => 1 } ref $expected ? '00000' : split /\|/, $expected },
		expected => ref $expected ? "00000 and $check" : $expected,
		statement => $f->{type} eq 'trigger'
		? 'SELECT ' . call_of($f)
		: "SELECT $check FROM " . call_of($f, %values) . ' AS r'
	};
}

# Returns cases with two bad arguments: the error must be that of one of them.
sub combinations
{
	my ($f, $wanted, @cases) = @_;
	my @bad =
	  grep { $_->{argument} ne '' && !$_->{states}{'00000'} && !$_->{with} && length $_->{sql} < 200 }
	  @cases;
	my @combined;

	srand 41;
	foreach my $try (1 .. $wanted * 2)
	{
		my ($one, $two) = map { $bad[ rand @bad ] } 1 .. 2;
		next if !$one || $one->{argument} eq $two->{argument} || @combined >= $wanted;
		push @combined,
		  {
			%$two,
			label => "$one->{argument} $one->{label} and $two->{argument} $two->{label}",
			argument => '',
			states => { %{ $one->{states} }, %{ $two->{states} } },
			expected => "$one->{expected} or $two->{expected}",
			constraint => undef,
			column => undef,
			secret => undef,
			statement => 'SELECT true FROM '
			  . call_of($f, $one->{argument} => $one->{sql}, $two->{argument} => $two->{sql}) . ' AS r',
			combined => 1
		  };
	}
	return @combined;
}

1;
