# The rules of bad input: for each kind of argument, found by its type and name,
# the values it is tried with and the answer that docs and the functions'
# COMMENTs promise. Nothing here is recorded from what the code does.
#
# A try: [label, SQL of the value, expected, more...]; expected is SQLSTATEs
# separated by | or [a property, as SQL over the rows r].

package BadRules;

use strict;
use warnings;

use BadCursor;
use BadText;
use Exporter 'import';

our @EXPORT = qw(tries some);

# ---- properties of success, as SQL over the rows r --------------------------
sub none
{
	my ($f) = @_;
	return [
		{
			set => 'count(*) = 0',
			row => 'bool_and(r IS NULL)',
			boolean => 'NOT bool_or(r)',
			scalar => 'bool_and(r IS NULL)'
		}->{ $f->{returns} }
	];
}

sub some
{
	my ($f) = @_;
	return [
		{
			set => 'count(*) > 0',
			row => 'bool_and(NOT (r IS NULL))',
			boolean => 'bool_and(r)',
			scalar => 'bool_and(r IS NOT NULL)'
		}->{ $f->{returns} }
	];
}

# What an absent id gives: 23503 where the COMMENT says "no such <it>", else nothing is found.
sub absent
{
	my ($f, $argument) = @_;
	my ($thing) = $argument->{name} =~ /^(\w+)_id$/;

	return ['bool_and(r = 0)'] if $f->{name} eq 'comment_count';
	return $f->{comment} =~ /23503 no such [^;]*\b$thing\b/ ? '23503' : none($f);
}

sub null
{
	my ($f, $argument) = @_;
	return $f->{strict} ? ['bool_and(r IS NULL)'] : !$argument->{optional} ? '22004' : $f->{name} eq 'authenticate' ? none($f) : some($f);
}

# ---- the rules --------------------------------------------------------------
sub id
{
	my ($f, $argument) = @_;
	return
	  map { [ "absent $_", $_, absent($f, $argument) ] }
	  qw(0 -1 999999999 9223372036854775807 (-9223372036854775808));
}

sub parent_id
{
	my ($f, $argument) = @_;
	return (
		id($f, $argument),
		[ 'same post', '1', some($f) ],
		[ 'another post', '5', '23514' ],
		[ 'of an absent post', '1', '23514|23503', with => { post_id => '999' } ],
		[ 'by an absent author', '1', '23503', with => { author_id => '999' } ]);
}

sub reassign_to
{
	my ($f) = @_;
	return (
		(   map { [ "absent $_", $_, '23503', with => { mode => q{'reassign'} } ] }
			  qw(0 -1 9223372036854775807)),
		[ 'missing', 'NULL', '22023', with => { mode => q{'reassign'} } ],
		[ 'the user itself', '5', '22023', with => { mode => q{'reassign'} } ],
		[ 'another user', '2', some($f), with => { mode => q{'reassign'} } ],
		[ 'another user, with content', '2', some($f), with => { mode => q{'reassign'}, user_id => '1' } ],
		[ 'of an absent user', '2', none($f), with => { mode => q{'reassign'}, user_id => '999' } ],
		(map { [ "with mode $_", '2', '22023', with => { mode => "'$_'" } ] } qw(restrict cascade)));
}

sub mode
{
	my ($f, undef, $context) = @_;
	return (
		[ 'restrict', q{'restrict'}, some($f) ],
		[ 'cascade', q{'cascade'}, some($f) ],
		[ 'reassign to nobody', q{'reassign'}, '22023' ],
		[ 'restrict with content', q{'restrict'}, '23503', with => { user_id => '1' } ],
		[ 'cascade with content', q{'cascade'}, some($f), with => { user_id => '1' } ],
		unknown_words($context, 'RESTRICT', ' restrict', 'restrict ', 'restric', 'cascade;', 'null'));
}

sub on_conflict
{
	my ($f, undef, $context) = @_;
	my $taken = q{'[{"email": "ANN@example.org", "full_name": "x"}]'};
	return (
		[ 'error', q{'error'}, some($f) ],
		[ 'skip', q{'skip'}, some($f) ],
		[ 'error, registered', q{'error'}, '23505', with => { data => $taken } ],
		[ 'skip, registered', q{'skip'}, none($f), with => { data => $taken } ],
		unknown_words($context, 'SKIP', 'ignore', ' skip', 'skip ', 'erro'));
}

sub unknown_words
{
	my ($context, @words) = @_;
	return (
		(map { [ "the word \"$_\"", literal($_), '22023' ] } @words),
		map { [ $_->{label}, $_->{sql}, '22023' ] } texts($context));
}

# A role that is there, by the rule of each function; anything else is none.
sub role
{
	my ($f, undef, $context) = @_;
	my %there = (grant_api => some($f), revoke_api => none($f), grant_tables => '55000');

	return (
		[ 'a role', q{'pg_monitor'}, $there{ $f->{name} } ],
		[ 'everybody', q{'public'}, '22023' ],
		(map { [ "the word \"$_\"", literal($_), '42704' ] } 'PUBLIC', 'none', 'current_user', ' pg_monitor', 'pg_monitor; --', '"pg_monitor"'),
		map { [ $_->{label}, $_->{sql}, '42704' ] } texts($context));
}

sub level
{
	my ($f, undef, $context) = @_;
	my $is_api = $f->{name} eq 'grant_api';

	return (
		(map { [ $_, literal($_), $is_api ? some($f) : '55000' ] } qw(reader writer)),
		[ 'admin', q{'admin'}, $is_api ? some($f) : '22023' ],
		unknown_words($context, 'Reader', ' reader', 'reader ', 'owner', 'read'));
}

sub first
{
	my ($f) = @_;
	return (
		(map { [ $_, $_, '2201W' ] } qw(-1 (-2147483648))),
		(map { [ $_, $_, '22023' ] } qw(1001 2147483647)),
		[ '0', '0', ['count(*) = 0'] ],
		[ '1', '1', ['count(*) = 1'] ],
		[ '1000', '1000', some($f) ]);
}

sub skip
{
	my ($f) = @_;
	return (
		(map { [ $_, $_, '2201X' ] } qw(-1 (-2147483648))),
		(map { [ $_, $_, '22023' ] } qw(10001 2147483647)),
		[ '0', '0', some($f) ],
		[ '10000', '10000', none($f) ]);
}

sub per_row
{
	my ($f, $argument) = @_;
	my ($column) = $argument->{name} =~ /^(\w+)_per_/;
	return (
		(map { [ $_, $_, '2201W' ] } qw(-1 (-2147483648))),
		[ '0', '0', ["bool_and(r.$column = '[]')"] ],
		[ '1', '1', ["bool_and(jsonb_array_length(r.$column) <= 1) AND bool_or(r.$column <> '[]')"] ],
		[ 'huge', '2147483647', some($f) ]);
}

sub min_comments
{
	my ($f) = @_;
	return (
		(map { [ $_, $_, '22023' ] } qw(-1 (-2147483648))),
		[ '0', '0', ['count(*) = 5'] ],
		[ '4', '4', ['count(*) = 1'] ],
		[ 'huge', '2147483647', none($f) ]);
}

# The fixture is younger than any of them.
sub since
{
	my ($f) = @_;
	return (
		(map { [ $_, "'$_'", '22023' ] } '0', '-1 microsecond', '-1 day', '1 month -31 days', '-6000 years'),
		(map { [ $_, "'$_'", '22008' ] } '7000 years', '178000000 years', '2147483647 days'),
		(map { [ $_, "'$_'", some($f) ] } '1 day', '1 month -27 days', '6000 years', '9223372036 seconds'));
}

sub gravity
{
	my ($f) = @_;
	return (
		(map { [ $_, "'$_'::float8", '22023' ] } 'NaN', 'Infinity', '-Infinity', '-1e-300', '-1', '32.1', '1e308'),
		(map { [ $_, "'$_'::float8", ['count(*) = 2 AND bool_and(r.score > 0)'] ] } '0', '-0', '5e-324', '1.8', '32'));
}

sub expected_updated_at
{
	my ($f) = @_;
	my ($table) = $f->{name} =~ /^update_(\w+)$/;
	return (
		(   map { [ $_, "'$_'::timestamptz", '23514', constraint => "${table}s_stale_update" ] } 'infinity',
			'-infinity',
			'4713-01-01 00:00+00 BC',
			'294276-12-31 23:59:59.999999+00',
			'epoch',
			'now'),
		[ 'the right one', "(SELECT updated_at FROM ddd.${table}s WHERE id = 1)", some($f) ],
		[ 'of an absent row', "'epoch'::timestamptz", none($f), with => { "${table}_id" => '999' } ]);
}

sub flag
{
	my ($f) = @_;
	return map { [ $_, $_, some($f) ] } qw(true false);
}

# Whether the COMMENT refuses a blank value of this name.
sub refuses_blank
{
	my ($f, $word) = @_;
	return $f->{comment} =~ /23514 [^;:]*blank (?:full_)?$word\b/;
}

# The answer to one text: stored as it is, or refused.
sub text_answer
{
	my ($f, $value, $context, $max, $word, $check) = @_;
	my @states;

	push @states, '22001' if defined $max && text_length($value, $context) > $max;
	push @states, '23514' if defined $word && refuses_blank($f, $word) && is_blank($value);
	return @states ? join '|', @states : [$check];
}

sub title     { return column_text(@_, 'title', 255, 'title'); }
sub full_name { return column_text(@_, 'full_name', 255, 'name'); }
sub content   { return column_text(@_, 'content', undef, 'content'); }
sub bio       { return column_text(@_, 'bio'); }

sub column_text
{
	my ($f, $argument, $context, $column, $max, $word) = @_;
	return map {
		[
			$_->{label}, $_->{sql},
			text_answer($f, $_, $context, $max, $word, "bool_and(r.$column = $_->{sql})")
		]
	} texts($context);
}

sub email
{
	my ($f, $argument, $context) = @_;
	my $lookup = $f->{volatile} ne 'v';
	return map {
		my ($stored, @states) = email_answer($_, $context);
		my $states = join '|', @states;
		[
			$_->{label}, $_->{sql},
			$lookup ? ($states eq '23505' ? some($f) : none($f)) : $states
			  || ["bool_and(r.email = $stored)"]
		];
	} emails($context), texts($context);
}

sub query
{
	my ($f, $argument, $context) = @_;
	return map {
		my $length = text_length(trimmed($_), $context);
		my $sought = "lower(btrim($_->{sql}, E' \\t\\n\\r\\f\\x0b') COLLATE \"default\")";
		[
			$_->{label},
			$_->{sql},
			is_blank($_) || $length > 200
			? '22023'
			: [
				"coalesce(bool_and(strpos(lower(r.full_name), $sought) > 0 OR strpos(lower(r.email), $sought) > 0), true)"
			]
		];
	} texts($context), queries($context);
}

sub tag_name
{
	my ($f, $argument, $context) = @_;
	return (
		(   map { [ "rust as \"$_->[0]\"", $_->[1], ['count(*) = 3'] ] } [ 'RUST', q{'RUST'} ],
			[ 'blanks around', q{E' \trust\r\n\f'} ],
			[ 'VT around', q{E'\x0brust\x0b'} ]),
		map { [ $_->{label}, $_->{sql}, none($f) ] } texts($context));
}

sub tags
{
	my ($f, $argument, $context) = @_;
	my $takes_any = $f->{comment} =~ /those that the post does not have are passed over/;
	my $many = $context->{heavy} ? 1_000_000 : 20_000;
	my $result = $f->{returns} eq 'row' ? 'NOT (r IS NULL)' : 'r IS NOT NULL';
	my $ok = ["bool_and($result)"];
	my $refused = sub { $takes_any ? $ok : $_[0] };
	my @cases = (
		[ 'empty', q{'{}'}, $ok ],
		[ 'duplicates', q{'{a,a,A, a,"a "}'}, $ok ],
		[ 'two dimensions', q{'{{a,b},{c,d}}'}, '2202E' ],
		[ 'six dimensions', q{'{{{{{{a}}}}}}'}, '2202E' ],
		[ 'a NULL', q{'{a,NULL}'}, '22004' ],
		[ 'only a NULL', q{'{NULL}'}, '22004' ],
		[ 'two dimensions with NULL', q{'{{a,NULL}}'}, '2202E|22004' ],
		[ 'lower bound 7', q{'[7:8]={a,b}'}, $ok ],
		[ 'lower bound -3', q{'[-3:-3]={a}'}, $ok ],
		[ '33 tags', q{(SELECT array_agg('t' || i) FROM generate_series(1, 33) i)}, $refused->('22023') ],
		[
			'33 spellings of one',
			q{(SELECT array_agg('t' || repeat(' ', i)) FROM generate_series(1, 33) i)}, $ok
		],
		[
			'very many', "(SELECT array_agg('t' || i) FROM generate_series(1, $many) i)",
			$refused->('22023')
		],
		[ 'many of one', "array_fill('t'::text, ARRAY[20000])", $ok ],
		[ 'a blank among them', q{ARRAY['a', ' ', 'b']}, $refused->('22023') ]);

	foreach my $value (texts($context), tag_texts($context))
	{
		my $state = join '|', (text_length(trimmed($value), $context) > 100 ? '22001' : ()),
		  (is_blank($value) || has_control(trimmed($value)) ? '22023' : ());
		push @cases,
		  [ "one tag, $value->{label}", "ARRAY[$value->{sql}]", $state ? $refused->($state) : $ok ];
	}
	return @cases;
}

# Names that a query is made of: any but blank ones and those of more than 1200 bytes.
sub query_names
{
	my ($f, $argument, $context) = @_;
	my $many = $context->{heavy} ? 1_000_000 : 20_000;

	return (
		[ 'empty', q{'{}'}, some($f) ],
		[ 'a NULL', q{'{a,NULL}'}, '22004' ],
		[ 'two dimensions', q{'{{a,b},{c,d}}'}, '2202E' ],
		[ 'lower bound 7', q{'[7:8]={a,b}'}, some($f) ],
		[ 'the same in many ways', q{'{a,A," a"}'}, some($f) ],
		[ '254 names', q{(SELECT array_agg('t' || i) FROM generate_series(1, 254) i)}, some($f) ],
		[ '256 names', q{(SELECT array_agg('t' || i) FROM generate_series(1, 256) i)}, '22023' ],
		[ '257 names', q{(SELECT array_agg('t' || i) FROM generate_series(1, 257) i)}, '22023' ],
		[ 'very many', "array_fill('t'::text, ARRAY[$many])", '22023' ],
		map { [ $_->{label}, "ARRAY[$_->{sql}]", $_->{folds} ? some($f) : '22023' ] } folded($context));
}

# Arrays that a query is asked of: any.
sub asked_array
{
	my ($f, $argument, $context) = @_;
	my $many = $context->{heavy} ? 1_000_000 : 20_000;
	my $answers = ['count(*) = 1 AND bool_and(r IS NOT NULL)'];
	return (
		(map { [ $_, "'$_'", $answers ] } '{}', '{NULL}', '{a,NULL}', '{{a,b},{c,d}}', '[7:8]={a,b}', '{"",  " "}'),
		[ 'very many', "array_fill('t'::text, ARRAY[$many])", $answers ],
		map { [ $_->{label}, "ARRAY[$_->{sql}]", $answers ] } texts($context));
}

# Queries of any name, and the greatest that there are.
sub tag_query
{
	my ($f, $argument, $context) = @_;
	my $answers = ['count(*) = 1 AND bool_and(r IS NOT NULL)'];
	my $fits = $f->{type} eq 'ddd.tag_query' && @{ $f->{arguments} } == 2 ? '22023' : $answers;
	my $quoted = sub { qq{('"' || replace(replace($_[0], '\\', '\\\\'), '"', '\\"') || '"')} };
	return (
		(map { [ $_, "'$_'::ddd.tag_query", $answers ] } '()', '!()', '{}', 'a*', '{a, b}', '!a & (b | c)'),
		(map { [ $_, "'$_'::ddd.tag_query", '22023' ] } '', ' ', 'a &', '(', ')', '{', '*', 'a b', '"', '"\\x"', '!', 'a,b'),
		[ '255 names', q{(SELECT string_agg('t' || i, '|') FROM generate_series(1, 255) i)::ddd.tag_query}, $f->{name} eq 'tag_query_not' ? '22023' : $fits ],
		[ '64 k names', q{(SELECT string_agg('t' || i, '|') FROM generate_series(1, 65536) i)::ddd.tag_query}, '22023' ],
		[ 'deep', q{(repeat('!(a & ', 11) || 'b' || repeat(')', 11))::ddd.tag_query}, $answers ],
		(map { [ "a million $_", "repeat('$_', 1000000)::ddd.tag_query", '22023' ] } '(', '!', '{', '"', '\\', '&', 'a&', 'a'),
		map {
			my $has_a_form = $f->{name} ne 'tag_query_send' || $_->{label} !~ /in hexadecimal|Unicode lacks/;
			[ $_->{label}, $quoted->($_->{sql}) . '::ddd.tag_query', !$_->{folds} ? '22023' : $has_a_form ? $answers : '22021|22P05' ]
		} folded($context));
}

# The same of posts: whatever is found is right.
sub asked_posts
{
	return map { ref $_->[2] ? [ @$_[ 0, 1 ], ['count(*) >= 0'] ] : $_ } tag_query(@_);
}

sub any_beginning
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, ['count(*) >= 0'] ] } texts($context);
}

# A name that no tag has.
sub unknown_name
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, none($f) ] } texts($context);
}

sub merged
{
	my ($f, $argument, $context) = @_;
	my $many = $context->{heavy} ? 1_000_000 : 20_000;
	return (
		[ 'empty', q{'{}'}, some($f) ],
		[ 'the target itself', q{'{rust,RUST," rust"}'}, some($f) ],
		[ 'another', q{'{async,web,none}'}, some($f) ],
		[ 'a NULL', q{'{a,NULL}'}, '22004' ],
		[ 'two dimensions', q{'{{a,b},{c,d}}'}, '2202E' ],
		[ 'lower bound 7', q{'[7:8]={a,b}'}, some($f) ],
		[ 'very many', "array_fill('t'::text, ARRAY[$many])", some($f) ],
		map { [ $_->{label}, "ARRAY[$_->{sql}]", some($f) ] } texts($context));
}

# What a tag may be called.
sub new_name
{
	my ($f, $argument, $context) = @_;
	return (
		[ 'of another tag', q{'WEB'}, '23505' ],
		[ 'its own', q{'RUST'}, $f->{name} eq 'rename_tag' ? some($f) : '23514' ],
		map {
			my $state = join '|', (text_length(trimmed($_), $context) > 100 ? '22001' : ()),
			  (is_blank($_) || has_control(trimmed($_)) ? '22023' : ());
			[ $_->{label}, $_->{sql}, $state || some($f) ]
		} texts($context), tag_texts($context));
}

sub force
{
	my ($f) = @_;
	return (
		(map { [ $_, $_, some($f) ] } 'true', 'false'),
		[ 'false, with posts', 'false', '23503', with => { name => q{'rust'} } ],
		[ 'true, with posts', 'true', some($f), with => { name => q{'rust'} } ]);
}

sub any_text
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, ['count(*) = 1 AND bool_and(r IS NOT NULL)'] ] } texts($context);
}

sub folded_name
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, $_->{too_long} ? '22001' : ['bool_and(r IS NOT NULL)'] ] } folded($context);
}

# Texts, with whether they are no name because of their length, or fold to one.
sub folded
{
	my ($context) = @_;
	return map {
		my $name = ($_->{raw} // '') =~ s/\A[ \t-\r]+|[ \t-\r]+\z//gr;
		+{ %$_, too_long => length $name > 1200, folds => length $name > 0 && length $name <= 1200 }
	} texts($context);
}

sub ids
{
	my ($f, $argument, $context) = @_;
	my $many = $context->{heavy} ? 1_000_000 : 20_000;
	return (
		[ 'empty', q{'{}'}, none($f) ],
		[ 'a NULL', q{'{1,NULL}'}, '22004' ],
		[ 'only NULLs', q{'{NULL,NULL}'}, '22004' ],
		[ 'two dimensions', q{'{{1,2},{3,4}}'}, '2202E' ],
		[ 'two dimensions with NULL', q{'{{1,NULL}}'}, '2202E|22004' ],
		[ 'absent', q{'{0,-1,999,9223372036854775807,-9223372036854775808}'}, none($f) ],
		[ 'lower bound 7', q{'[7:8]={2,1}'}, ['array_agg(r.id) = ARRAY[2, 1]::bigint[]'] ],
		[ 'in this order', q{'{3,1,2}'}, ['array_agg(r.id) = ARRAY[3, 1, 2]::bigint[]'] ],
		[ 'a thousand', q{array_fill(999::bigint, ARRAY[1000])}, none($f) ],
		[ 'a thousand and one', q{array_fill(1::bigint, ARRAY[1001])}, '22023' ],
		[ 'very many', "array_fill(1::bigint, ARRAY[$many])", '22023' ],
		[ 'very many in two dimensions', "array_fill(1::bigint, ARRAY[2, $many])", '22023|2202E' ]);
}

# What a good password gives: a row, true, or an Argon2id hash.
sub password
{
	my ($f, $argument, $context) = @_;
	my $ok = $f->{name} eq 'hash_password' ? [q{bool_and(r ~ '^[$]argon2id[$]v=19[$]')}] : some($f);
	my $verifies = $f->{name} eq 'verify_password';

	return map {
		my $bytes = $_->{bytes};
		my $refused = !defined $bytes ? '22P05' : $verifies ? undef : length $bytes < 8
		  || length $bytes > 1024 ? '23514' : undef;
		[ $_->{label}, $_->{hex}, $refused // ($verifies ? ['NOT bool_or(r)'] : $ok), secret => $_->{raw} ];
	} passwords($context), texts($context);
}

# verify_password with the 72 bytes that bcrypt reads, and two forms of one text.
sub known_passwords
{
	my ($f, undef, $context) = @_;
	my $hash = hex_literal('$2b$04$abcdefghijklmnopqrstuuKiIlCeXB6chNXkLyAo8C7XcLPzh6zUe');
	my @known = (
		[ '72 bytes', ("\xe9" x 36), 't' ],
		[ '73 bytes', ("\xe9" x 36) . 'x', 't' ],
		[ '1024 bytes', ("\xe9" x 36) . ('x' x 952), 't' ],
		[ '1025 bytes', ("\xe9" x 36) . ('x' x 953), 'f' ],
		[ '71 bytes', ("\xe9" x 35) . 'x', 'f' ],
		[ 'byte 71 differs', ("\xe9" x 35) . "x\xe9", 'f' ]);

	return (
		(   map {
				[
					"bcrypt, $_->[0]", hex_literal($_->[1]),
					["bool_and(r = '$_->[2]')"], with => { hash => $hash }
				]
			} @known),
		[ 'composed', hex_literal("p\xe4ssw\xf6rd"), ['bool_and(r)'] ],
		(   $context->{representable}->("\x{308}")
			? [ 'decomposed', hex_literal("pa\x{308}sswo\x{308}rd"), ['NOT bool_or(r)'] ]
			: ()));
}

# A stored hash: refused (22023; identify_hash says NULL) or taken.
sub hash
{
	my ($f, $argument, $context) = @_;
	my $identifies = $f->{name} eq 'identify_hash';
	my %ok = (
		identify_hash => sub { ["bool_and(r = '$_[0]')"] },
		verify_password => sub { ['NOT bool_or(r)'] },
		needs_rehash => sub { [ $_[0] eq 'unusable' ? 'NOT bool_or(r)' : 'bool_and(r)' ] });
	my $ok = $ok{ $f->{name} } // sub { some($f) };

	return (
		(   map { [ $_->{label}, $_->{hex}, $identifies ? none($f) : '22023', secret => $_->{raw} ] }
			  bad_hashes($context),
			texts($context)),
		map { [ "good $_->[0]", hex_literal($_->[1]), $ok->($_->[0]), secret => $_->[1] ] } good_hashes());
}

# The keys of JSON objects: the rule of their values, and whether null is allowed.
my %keys = (
	update_user => {
		email => [ \&email ],
		full_name => [ \&full_name ],
		bio => [ \&bio, 1 ],
		is_active => [ \&flag ],
		is_superuser => [ \&flag ]
	},
	update_post => { title => [ \&title ], content => [ \&content ] },
	update_comment => { content => [ \&content ] },
	create_user => {
		email => [ \&email ],
		full_name => [ \&full_name ],
		bio => [ \&bio, 1 ],
		password => [ \&password, 1 ],
		hashed_password => [ \&hash, 1 ],
		is_active => [ \&flag ],
		is_superuser => [ \&flag ]
	});
$keys{create_users} = $keys{create_user};

sub object
{
	my ($f, $argument, $context) = @_;
	my $keys = $keys{ $f->{name} } or die "no keys for argument $argument->{name} of $f->{signature}\n";
	my $creates = $argument->{name} eq 'data';
	my $base =
	  $creates ? q{'{"email": "new@example.org", "full_name": "New User"}'::jsonb} : q{'{}'::jsonb};
	my $in_array = $f->{name} eq 'create_users';
	my $wrap = sub { $in_array ? "jsonb_build_array($_[0])" : $_[0] };
	my @cases;

	# whole values
	push @cases,
	  map { [ "JSON $_", "'$_'::jsonb", '22023' ] }
	  qw(null true 1 "x" [1] [[]] [null] [[{}]] [["a"]] ["a"] [true] [[[[[[]]]]]]),
	  $in_array ? qw({} {"a":1}) : qw([] [{}]);
	push @cases, [ 'empty array', q{'[]'::jsonb}, none($f) ] if $in_array;
	push @cases, [ 'deep array', q{(repeat('[', 3000) || repeat(']', 3000))::jsonb}, '22023' ];
	push @cases, [ 'empty object', $wrap->(q{'{}'::jsonb}), $creates ? '22004' : some($f) ];
	push @cases,
	  map { my $key = $_; [ "key $key missing", $wrap->("$base - '$key'"), '22004' ] } qw(email full_name)
	  if $creates;
	push @cases, map {
		[
			"unknown key \"" . substr($_, 0, 20) . '"',
			$wrap->("$base || jsonb_build_object(" . literal($_) . q{, 'x')}),
			'22023'
		]
	} ( '', ' ', 'id', 'ID', 'created_at', 'updated_at',
		'author_id', 'post_id', 'parent_id', "EMAIL", 'Title', 'content ',
		'x' x 100000, "\xe9" x 63),
	  $creates ? () : ('hashed_password', 'password');
	push @cases,
	  [
		'both password and hash',
		$wrap->(qq{$base || '{"password": "12345678", "hashed_password": "!"}'}), '22023'
	  ]
	  if $creates;

	foreach my $key (sort keys %$keys)
	{
		my ($rule, $nullable) = @{ $keys->{$key} };
		my $with = sub { $wrap->("$base || jsonb_build_object('$key', $_[0])") };
		my $is_flag = $rule == \&flag;

		push @cases, [ "$key null", $with->('NULL'), $nullable ? some($f) : '23502', column => $key ];
		push @cases,
		  map { [ "$key wrong type $_", $with->("'$_'::jsonb"), '22023' ] }
		  qw(1 1e308 [] {} ["x"] {"a":{"a":[]}}), $is_flag ? qw("true" "" 0) : qw(true false);
		push @cases, [ "$key deep", $with->(q{(repeat('[', 3000) || repeat(']', 3000))::jsonb}), '22023' ];
		push @cases, [ "$key twice", $wrap->(qq{$base || '{"$key": 1, "$key": []}'}), '22023' ];
		foreach my $case ($rule->($f, $argument, $context))
		{
			my ($label, $sql, $expected, %more) = @$case;
			push @cases, [ "$key, $label", $with->($sql), $expected, %more ];
		}
	}
	return @cases;
}

sub user_value
{
	my ($f, $argument, $context) = @_;
	my $row = sub { "ROW(1, $_[0], $_[1], true, false, NULL, 'infinity', '-infinity')::ddd.user_info" };
	my $repr = $f->{name} eq 'repr';
	return (
		[
			'all NULL',
			'ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::ddd.user_info',
			[ $repr ? q{bool_and(r = '<User(email=None, full_name=None)>')} : 'bool_and(r IS NULL)' ]
		],
		map {
			[
				$_->{label},
				$row->($_->{sql}, $_->{sql}),
				[
					$repr
					? q{bool_and(r LIKE '<User(email=''%'', full\_name=''%'')>' AND r !~ '[\x01-\x1f\x7f]')}
					: 'bool_and(r)'
				]
			]
		} texts($context));
}

sub record
{
	my ($f, $argument, $context) = @_;
	return (
		(   map { [ $_, $_, '42804' ] } '1', q{'x'::text},
			q{'{}'::jsonb}, q{'{1}'::int[]},
			'NULL', 'ROW(1, 2)',
			'now()', q{(SELECT c FROM pg_class c LIMIT 1)},
			q{ARRAY(SELECT u FROM ddd.users u)}, q{(SELECT x FROM (SELECT 1) x)},
			q{'(1,2)'::point}, q{'ddd.users'::regclass}),
		[ 'NULL integer', 'NULL::int', none($f) ],
		[ 'NULL user_info', 'NULL::ddd.user_info', none($f) ],
		[ 'NULL users', 'NULL::ddd.users', none($f) ],
		(   map {
				[
					"a row of $_",
					"(SELECT t FROM ddd.$_ t LIMIT 1)",
					[q{bool_and(jsonb_typeof(r) = 'object' AND NOT r ? 'hashed_password')}]
				]
			} qw(users posts comments tags post_tags schema_version)),
		map {
			[
				$_->{label},
				"ROW(1, $_->{sql}, $_->{sql}, true, false, NULL, 'infinity', '-infinity')::ddd.user_info",
				["bool_and(r ->> 'email' = $_->{sql})"]
			]
		} texts($context));
}

sub version
{
	my ($f, undef, $context) = @_;
	return (
		[ 'the present one', q{(SELECT extversion FROM pg_extension WHERE extname = 'ddd')}, some($f) ],
		(   map { [ $_, "'$_'", '22023' ] } '0.0.0',
			'0.1.0', '99.0.0', '99999999999999999999.1.1', '0.2', '+1', '0.2.0 '),
		[ 'head', q{'head'}, some($f) ],
		map { [ $_->{label}, $_->{sql}, '22023' ] } texts($context));
}

sub outside_script
{
	my ($f, undef, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, '55000' ] } texts($context);
}

sub migration_target
{
	my ($f, undef, $context) = @_;
	return (
		(map { [ $_, "'$_'", none($f) ] } 'head', '+0', '-0'),
		(map { [ $_, "'$_'", '22023' ] } '+1', '-99', '+', '--1', '0.0.0', '99.0.0', 'base', '99999999999999999999.1.1'),
		# one of the texts is a target
		map { [ $_->{label}, $_->{sql}, $_->{sql} =~ /^'-1'/ && $f->{name} ne 'upgrade' ? some($f) : '22023' ] } texts($context));
}

# Whether downgrade() waits or tries, it makes a step; upgrade() has none to make.
sub step_made
{
	my ($f) = @_;
	return $f->{name} eq 'downgrade' ? some($f) : none($f);
}

sub lock_timeout
{
	my ($f) = @_;
	return (
		(map { [ $_, "'$_'::interval", step_made($f) ] } '0', '1 microsecond', '24 days'),
		map { [ $_, "'$_'::interval", '22023' ] } '-1 ms', '25 days', '178000000 years', '-178000000 years');
}

sub names_outside_script
{
	return map { [ $_, "'$_'", '55000' ] } '{}', '{name}', '{nothing,nothing}';
}

sub any_version
{
	my ($f, undef, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, some($f) ] } texts($context);
}

sub unknown_table
{
	my ($f, undef, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, '42P01' ] } texts($context);
}

sub function_outside_script
{
	return map { [ $_, "$_\::regprocedure", '55000' ] } q{'ddd.get_user(bigint)'}, q{'pg_catalog.now()'}, '0', '4294967295::oid';
}

sub type_name
{
	my ($f, undef, $context) = @_;
	return (
		[ 'a type', q{'user_info'}, some($f) ],
		[ 'a row type', q{'users'}, none($f) ],
		map { [ $_->{label}, $_->{sql}, none($f) ] } texts($context));
}

# What logs in nobody, as the fixture's hash has no known password.
sub no_login
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, none($f) ] } emails($context), texts($context);
}

# A password that is compared: too long, or wrong.
sub given_password
{
	my ($f, $argument, $context) = @_;
	return map {
		[
			$_->{label}, $_->{hex},
			!defined $_->{bytes} ? '22P05' : length $_->{bytes} > 1024 ? '22023' : none($f),
			secret => $_->{raw}
		]
	} passwords($context), texts($context);
}

# A password that is to be: too short or too long, or not reached, as nothing else is right.
sub new_password
{
	my ($f, $argument, $context) = @_;
	return map { ref $_->[2] ? [ @$_[ 0, 1 ], none($f), @$_[ 3, 4 ] ] : $_ } password($f, $argument, $context);
}

# No text is a token that was issued.
sub token
{
	my ($f, $argument, $context) = @_;
	my $answer = $f->{comment} =~ /28000 the token/ ? '28000' : none($f);
	my $zeros = 'ddd_' . 'A' x 43;
	return (
		(   map { [ "like one: $_", "'$_'", $answer ] } $zeros, substr($zeros, 0, 46), "${zeros}A", uc $zeros, "$zeros ",
			" $zeros", 'ddd_' . 'A' x 42 . 'B', 'ddd_' . 'A' x 42 . '=', 'ddd_' . 'A' x 42 . '+', 'ddd-' . 'A' x 43),
		map { [ $_->{label}, $_->{sql}, $answer ] } texts($context));
}

sub ttl
{
	my ($f) = @_;
	my $answer = $f->{name} eq 'rotate_token' ? '28000' : some($f);
	return (
		(map { [ $_, "'$_'::interval", '22023' ] } '0', '-1 microsecond', '-10 years', '10 years 1 microsecond', '178000000 years', '-178000000 years', '1 day -1 hour', '20000 years -7196400 days'),
		map { [ $_, "'$_'::interval", $answer ] } '1 microsecond', '1 day 1 hour', '10 years', '120 months');
}

sub scope
{
	my ($f, $argument, $context) = @_;
	my $word = qr/[\x21\x23-\x5b\x5d-\x7e]+/;
	return (
		(map { [ $_, literal($_), some($f) ] } '*', 'read', 'read write', '!#[]^~', 'x' x 255),
		(map { [ "\"$_\"", literal($_), '22023' ] } ' read', 'read ', 'read  write', "read\twrite", 'a"b', 'a\\b', 'x' x 256),
		map { [ $_->{label}, $_->{sql}, ($_->{raw} // '') =~ /\A$word(?: $word)*\z/ && length $_->{raw} <= 255 ? some($f) : '22023' ] }
		  texts($context));
}

# Whatever is asked for, the answer is nothing.
sub message_to
{
	my ($f, $argument, $context) = @_;
	return map { [ $_->{label}, $_->{sql}, [q{bool_and(r::text = '')}] ] } emails($context), texts($context);
}

sub messages
{
	my ($f) = @_;
	return (
		(map { [ $_, $_, '2201W' ] } qw(-1 (-2147483648))),
		(map { [ $_, $_, '22023' ] } qw(1001 2147483647)),
		map { [ $_, $_, none($f) ] } qw(0 1 1000));
}

sub absent_user
{
	my ($answer) = @_;
	return sub { return map { [ "absent $_", $_, [$answer] ] } qw(0 -1 999999999 9223372036854775807 (-9223372036854775808)) };
}

# Nothing is sealed where these are tried, so each is the digest of no seal.
sub digest
{
	my ($f) = @_;
	return (
		[ 'NULL', 'NULL', none($f) ],
		(map { [ $_, "$_\::bytea", some($f) ] } q{''}, q{'\x00'}, q{'a text'}),
		[ '32 zero bytes', q{decode(repeat('00', 32), 'hex')}, some($f) ],
		[ '1 MB', q{decode(repeat('ff', 1000000), 'hex')}, some($f) ]);
}

my %rule = (
	'authenticate text email' => \&no_login,
	'authenticate text source' => \&no_login,
	'authenticate text password' => \&given_password,
	'text old_password' => \&given_password,
	'text new_password' => \&new_password,
	'text token' => \&token,
	'interval ttl' => \&ttl,
	'text scope' => \&scope,
	(map { ("$_ text email" => \&message_to) } qw(request_password_reset request_email_verification)),
	'take_outbox integer first' => \&messages,
	'revoke_tokens bigint user_id' => absent_user('bool_and(r = 0)'),
	'email_verified bigint user_id' => absent_user('bool_and(r IS NULL)'),
	'bigint user_id' => \&id,
	'bigint post_id' => \&id,
	'bigint comment_id' => \&id,
	'bigint author_id' => \&id,
	'bigint parent_id' => \&parent_id,
	'bigint reassign_to' => \&reassign_to,
	'text role' => \&role,
	'text level' => \&level,
	'text mode' => \&mode,
	'text on_conflict' => \&on_conflict,
	'integer first' => \&first,
	'integer skip' => \&skip,
	'integer comments_per_post' => \&per_row,
	'integer posts_per_user' => \&per_row,
	'integer min_comments' => \&min_comments,
	'text after' => \&cursors,
	'interval since' => \&since,
	'bytea expected_digest' => \&digest,
	'double precision gravity' => \&gravity,
	'regprocedure from_function' => \&function_outside_script,
	'regprocedure to_function' => \&function_outside_script,
	'timestamp with time zone expected_updated_at' => \&expected_updated_at,
	'boolean is_active' => \&flag,
	'boolean is_superuser' => \&flag,
	'boolean active' => \&flag,
	'text title' => \&title,
	'text full_name' => \&full_name,
	'text content' => \&content,
	'text bio' => \&bio,
	'text email' => \&email,
	'text query' => \&query,
	'text name' => \&tag_name,
	'tag_key text name' => \&folded_name,
	'ddd.tag_query query' => \&tag_query,
	'posts_by_tags ddd.tag_query query' => \&asked_posts,
	'text prefix' => \&any_beginning,
	'text target' => \&unknown_name,
	'text[] source' => \&merged,
	'text new_name' => \&new_name,
	'text synonym' => \&new_name,
	'drop_tag_synonym text synonym' => \&unknown_name,
	(map { ("$_ text name" => \&unknown_name) } qw(related_tags rename_tag add_tag_synonym delete_tag)),
	'boolean force' => \&force,
	'stamp boolean force' => \&flag,
	'ddd.tag_query other' => \&tag_query,
	'bigint seed' => sub { return map { [ $_, $_, some($_[0]) ] } qw(0 -1 9223372036854775807 (-9223372036854775808)) },
	'text one' => \&any_text,
	'text other' => \&any_text,
	(map { ("tags_$_ text[] tags" => \&query_names) } qw(all any none exact)),
	'tags_match text[] tags' => \&asked_array,
	'owns_type text name' => \&type_name,
	'text[] tags' => \&tags,
	'bigint[] ids' => \&ids,
	'text password' => \&password,
	'verify_password text password' => sub { return (password(@_), known_passwords(@_)); },
	'text hash' => \&hash,
	'text hashed_password' => \&hash,
	'jsonb patch' => \&object,
	'jsonb data' => \&object,
	'ddd.user_info user_info' => \&user_value,
	'anyelement record' => \&record,
	(map { ("$_ text target" => \&migration_target) } qw(plan upgrade downgrade)),
	'boolean dry_run' => sub { my ($f) = @_; return map { [ $_, $_, step_made($f) ] } qw(true false) },
	'interval lock_timeout' => \&lock_timeout,
	'text version' => \&version,
	'text from_version' => \&outside_script,
	'text statements' => \&outside_script,
	(map { ("stash_$_ text version" => \&outside_script) } qw(rows columns)),
	'unstash text version' => \&any_version,
	'unstash text table_name' => \&unknown_table,
	'text table_name' => \&outside_script,
	'text condition' => \&outside_script,
	(map { ("text[] $_" => \&names_outside_script) } qw(tables columns depends_on)));

# Returns what an argument is tried with.
sub tries
{
	my ($f, $argument, $context) = @_;
	my $rule = $rule{"$f->{name} $argument->{type} $argument->{name}"}
	  // $rule{"$argument->{type} $argument->{name}"} // die
	  "no rule for argument $argument->{name} $argument->{type} of $f->{signature}: give it one in BadRules.pm\n";
	my @tries = $rule->($f, $argument, $context);

	push @tries, [ 'NULL', "NULL::$argument->{type}", null($f, $argument) ]
	  if $argument->{type} ne 'anyelement' && !grep { $_->[1] eq 'NULL' } @tries;
	return @tries;
}

1;
