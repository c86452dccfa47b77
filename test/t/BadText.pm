# The texts of the bad-input corpus, and what the documented rules say of
# each: how long it is, whether it is blank, an address, a tag. Unicode's
# properties come from Perl, so that ddd's own tables are not their judge.
#
# A value: {label, text (characters, undef for bytes that are none), sql, hex
# (SQL that does not show it), bytes (of its UTF-8 form, undef for none), raw
# (what a message must not hold)}.

package BadText;

use strict;
use warnings;

use Encode ();
use Exporter 'import';

our @EXPORT = qw(
  texts tag_texts emails queries passwords bad_hashes good_hashes literal hex_literal
  text_length is_blank has_control trimmed email_answer
);

my $space = qr/[ \t\n\r\f\x0b]/;
my $invisible = qr/[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/;

# ---- values as SQL ---------------------------------------------------------
sub hex_literal
{
	return "convert_from('\\x" . unpack('H*', Encode::encode('UTF-8', $_[0])) . "', 'UTF8')";
}

sub literal
{
	return $_[0] =~ /\A[ -&(-\[\]-~]*\z/ ? "'$_[0]'::text" : hex_literal($_[0]);
}

sub value
{
	my ($label, $text) = @_;
	my $utf8 = Encode::encode('UTF-8', $text);

	return {
		label => $label,
		text => $text,
		bytes => $utf8,
		raw => $utf8,
		sql => literal($text),
		hex => hex_literal($text)
	};
}

# A long text, written as its repetition.
sub repeated
{
	my ($label, $unit, $times, $tail) = @_;
	my $text = $unit x $times . ($tail // '');
	my $utf8 = Encode::encode('UTF-8', $text);
	my %value = (label => $label, text => $text, bytes => $utf8, raw => $utf8);

	foreach my $form ([ sql => \&literal ], [ hex => \&hex_literal ])
	{
		$value{ $form->[0] } =
			'repeat('
		  . $form->[1]->($unit)
		  . ", $times)"
		  . (defined $tail ? ' || ' . $form->[1]->($tail) : '');
	}
	return \%value;
}

# Bytes of the database's encoding that are no character, or none of Unicode's.
sub bytes
{
	my ($label, $bytes, $encoding) = @_;
	my $sql = "convert_from('\\x" . unpack('H*', $bytes) . "', '$encoding')";

	return {
		label => $label,
		raw => $bytes,
		bytes => $encoding eq 'SQL_ASCII' ? $bytes : undef,
		length => $encoding eq 'SQL_ASCII' ? length $bytes : 1,
		sql => $sql,
		hex => $sql
	};
}

# The corpus is the same for all databases; what is found out of a value is kept with it.
my %corpus;

# Those of the values that make() gives which the database can hold.
sub possible
{
	my ($context, $name, $make) = @_;

	return @{
		$context->{possible}{$name} //= [
			grep { $context->{representable}->(substr $_->{text}, -40) }
			  @{ $corpus{$name} //= [ $make->() ] }
		]
	};
}

# ---- the corpus ------------------------------------------------------------
sub texts
{
	my ($context) = @_;

	return @{
		$context->{texts} //= [
			possible(
				$context,
				texts => sub {
					return (
						(   map { value($_->[0], $_->[1]) }[ 'empty', '' ],
							[ 'a blank', ' ' ],
							[ 'blanks', " \t\n\r\f\x0b " ],
							[ 'a zero-width space', "\x{200B}" ],
							[ 'a soft hyphen', "\xAD" ],
							[ 'a byte order mark', "\x{FEFF}" ],
							[ 'a no-break space', "\xA0" ],
							[ 'an ideographic space', "\x{3000}" ],
							[ 'a Hangul filler', "\x{3164}" ],
							[ 'a joiner', "\x{200D}" ],
							[ 'all kinds of nothing', " \x{200B}\x{AD}\x{FEFF}\x{2060}\x{E0020}\x{FE0F}" ],
							[ 'one character', 'x' ],
							[ 'the letter v', 'v' ],
							[ 'letters that C escapes', 'vtnrf' ],
							[ 'a control', "\x01" ],
							[ 'DEL', "\x7F" ],
							[ 'a C1 control', "\x85" ],
							[ 'a control inside', "a\x01b" ],
							[ 'a line end inside', "a\nb" ],
							[ 'CR LF inside', "a\r\nb" ],
							[ 'a tab inside', "a\tb" ],
							[ 'a vertical tab behind', "a\x0b" ],
							[ 'a zero-width space inside', "a\x{200B}b" ],
							[ 'a line separator inside', "a\x{2028}b" ],
							[ 'right-to-left override', "\x{202E}txt.exe" ],
							[ 'composed', "caf\xe9" ],
							[ 'decomposed', "cafe\x{301}" ],
							[ 'a combining mark alone', "\x{301}" ],
							[ 'a noncharacter', "\x{FFFE}" ],
							[ 'the last code point', "\x{10FFFF}" ],
							[ 'a private character', "\x{E000}" ],
							[ 'an emoji family', "\x{1F468}\x{200D}\x{1F469}\x{200D}\x{1F467}" ],
							[ 'an emoji with selector', "\x{2764}\x{FE0F}" ],
							[ 'sharp s', "Stra\xdfe" ],
							[ 'dotless i', "\x{131}I\x{130}i" ],
							[ 'Kelvin sign', "\x{212A}K" ],
							[ 'Cyrillic', "\x{430}\x{441}" ],
							[ 'kanji', "\x{65E5}\x{672C}" ],
							[ 'halfwidth katakana', "\x{FF76}" ]),
						(   map { value("the text $_", $_) } '%', '_', '\\', "'", '"', '$$', ';', '--',
							'; --',
							'/*', '%s%n%d', '$1', '{}', '{a,b}', '[]',
							'NULL', 'null', '\\x00', '\\0', '\\u0000', '&#0;',
							"'; DROP TABLE ddd.users; --",
							"\\' OR 1=1", '-1', '0', '1e309', 'NaN'),
						(   map {
								my $n = $_;
								map { repeated("$n times $_->[0]", $_->[1], $n) }[ 'x', 'x' ],
								  [ 'e acute', "\xe9" ], [ 'hiragana', "\x{3042}" ],
								  [ 'an emoji', "\x{1F600}" ]
							} 63,
							64, 100, 101, 200, 201, 255,
							256),
						repeated('255 and a blank', 'x', 255, ' '),
						repeated('300 blanks', ' ', 300),
						repeated('a megabyte', 'x', 1 << 20),
						repeated('a megabyte of blanks', ' ', 1 << 20),
						repeated('a megabyte of e acute', "\xe9", 1 << 19),
						repeated('a megabyte of zero-width spaces', "\x{200B}", 350000),
						repeated('a megabyte of wildcards', '%_\\', 350000));
				}),
			$context->{encoding} eq 'SQL_ASCII'
			? ( map { bytes(unpack('H*', $_) . ' in hexadecimal', $_, 'SQL_ASCII') } "\xff",
				"\xc3", "\xe2\x80", "\xf0\x9f\x98", "a\xc3", "\xc0\x80", "\xed\xa0\x80",
				"\xf8\x88\x80\x80\x80")
			: $context->{encoding} eq 'EUC_JP'
			? bytes('a character that Unicode lacks', "\x8f\xa1\xa1", 'EUC_JP')
			: ()
		]
	};
}

# What matters to tags: blanks around them count for nothing.
sub tag_texts
{
	my ($context) = @_;

	return possible(
		$context,
		tag_texts => sub {
			return (
				repeated('100 between blanks', 'x', 100, "  \n"),
				repeated('101 between blanks', 'x', 101, ' '),
				value('a joiner inside', "a\x{200D}b"),
				value('a selector inside', "a\x{FE0F}b"),
				value('a comma', 'a,b'));
		});
}

sub emails
{
	my ($context) = @_;

	return possible(
		$context,
		emails => sub {
			return (
				(   map { value("the address $_->[0]", $_->[1]) } map { ref $_ ? $_ : [ $_, $_ ] } 'plain',
					'@',
					'a@',
					'@b.c',
					'a@@b.c',
					'a@b@c',
					'a b@c.d',
					'a@b c.d',
					'"ab"@c.d',
					'"a b"@c.d',
					'"a@b"@c.d',
					'""@c.d',
					'a@[127.0.0.1]',
					'a@[IPv6:::1]',
					'a@b.',
					'a@.b',
					'a@b..c',
					'a@.',
					'a@b',
					'.a@b.c',
					'a.@b.c',
					'a..b@c.d',
					'a+b@c.d',
					"a'b\@c.d",
					'a\\b@c.d',
					'%s@%n.c',
					'%@%',
					'a%b@c.d',
					'_@_',
					'bob@example.org',
					'BOB@EXAMPLE.ORG',
					'Bob@Example.org',
					'bob@example.org.',
					'bob@example',
					[ 'with blanks around', "  bob\@example.org\t\n" ],
					[ 'with CR LF behind', "bob\@example.org\r\n" ],
					[ 'with VT behind', "bob\@example.org\x0b" ],
					[ 'with CR LF inside', "a\@b.c\r\nBcc: d\@e.f" ],
					[ 'with LF in its local part', "a\nb\@c.d" ],
					[ 'with a control', "a\x01\@b.c" ],
					[ 'with DEL', "a\x7f\@b.c" ],
					[ 'with VT inside', "a\x0b\@b.c" ],
					[ 'with a no-break space', "a\xa0\@b.c" ],
					[ 'with a soft hyphen', "bo\xadb\@example.org" ],
					[ 'with a zero-width space', "bob\x{200B}\@example.org" ],
					[ 'with a byte order mark', "\x{FEFF}bob\@example.org" ],
					[ 'with an override', "a\@\x{202E}b.c" ],
					[ 'of look-alikes', "b\x{43E}b\@example.org" ],
					[ 'with Kelvin sign', "\x{212A}im\@example.org" ],
					[ 'with dotless i', "k\x{131}m\@example.org" ],
					[ 'with dotted I', "k\x{130}m\@example.org" ],
					[ 'with sharp s', "stra\xdfe\@b.c" ],
					[ 'composed', "caf\xe9\@b.c" ],
					[ 'decomposed', "cafe\x{301}\@b.c" ],
					[ 'with a full-width at', "a\x{FF20}b.c" ],
					[ 'with both at signs', "a\x{FF20}b\@c.d" ],
					[ 'with an ideographic full stop', "a\@b\x{3002}" ]),
				repeated('an address of 255', 'x', 251, '@b.c'),
				repeated('an address of 256', 'x', 252, '@b.c'),
				repeated('an address of 255 letters', "\xe9", 251, '@b.c'),
				repeated('an address of 256 letters', "\xe9", 252, '@b.c'),
				repeated('an address of a megabyte', 'x', 1 << 20, '@b.c'),
				repeated('a megabyte of @', '@', 1 << 20),
				repeated('a domain of dots', '.', 1000, '@..'));
		});
}

sub queries
{
	my ($context) = @_;

	return possible(
		$context,
		queries => sub {
			return (
				(   map { value("the query $_", $_) } '100%',
					'a_b', 'b \\ I', 'a%', '%a', '__', '%%%', '\\\\', 'ann@example.org', ' ann ', '@', 'an'
				),
				value('200 between blanks', ' ' . 'x' x 200 . "\n"),
				repeated('10^5 characters', 'ab', 50000));
		});
}

# Counted in bytes of UTF-8, whatever the encoding.
sub passwords
{
	my ($context) = @_;

	return possible(
		$context,
		passwords => sub {
			return (
				(   map { value("a password $_->[0]", $_->[1]) }[ 'of 7', 'c4nary!' ],
					[ 'of 8', 'c4nary!!' ],
					[ 'of 7 with e acute', "c4nar\xe9" ],
					[ 'of 4 letters', "\xe9" x 4 ],
					[ 'of blanks', ' ' x 8 ],
					[ 'of controls', "\x01\x02\x03\x04\x05\x06\x07\x08" ],
					[ 'of 8 with quotes', q{'"\\%_$$;} ],
					[ 'of kana', "\x{3042}\x{3044}x" ],
					[ 'of kana, too short', "\x{3042}\x{3044}" ],
					[ 'of nothing visible', "\x{200B}" x 3 ]),
				repeated('a password of 1024', 'x', 1024),
				repeated('a password of 1025', 'x', 1025),
				repeated('a password of 512 letters', "\xe9", 512),
				repeated('a password of 512 letters and one', "\xe9", 512, 'x'),
				repeated('a password of 341 kana', "\x{3042}", 341),
				repeated('a password of 342 kana', "\x{3042}", 342),
				repeated('a password of 2048', 'x', 2048),
				repeated('a password of 2049', 'x', 2049));
		});
}

# Damaged, foreign and hostile hashes; # stands for a salt, ~ for a digest.
sub bad_hashes
{
	my ($context) = @_;
	my @patterns = (
		'$', '$$', '*', '*0', '*1', '!!', '! ', ' !',
		'c4nary-in-the-clear',
		'abJnggxhB/yWI',
		'_J9..K0AyUubvrl4PyEo',
		'$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/',
		'$2x$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC',
		'$2$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC',
		'$2b$03$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC',
		'$2b$31$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC',
		'$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVo',
		'$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC$',
		'$y$j9T$saltsalt$~',
		'$7$CU..../....saltsalt$~',
		'$3$$8846f7eaee8fb117ad06bdd830b7586c',
		'SCRAM-SHA-256$4096:c2FsdA==$~=:~=',
		'md5d41d8cd98f00b204e9800998ecf8427e',
		map({ "\$argon2id\$v=19\$$_\$#\$~" } 'm=4194304,t=2,p=1',
			'm=4294967297,t=2,p=1', 'm=19456,t=4294967295,p=1', 'm=19456,t=2,p=16777216',
			'm=19456,t=2,p=2^24', 'm=19456,t=0,p=1', 'm=-1,t=2,p=1',
			'm=019456,t=2,p=1', 'm=7,t=2,p=1', 't=2,m=19456,p=1',
			'm=19456,t=2'),
		'$argon2d$v=19$m=19456,t=2,p=1$#$~',
		'$argon2id$v=16$m=19456,t=2,p=1$#$~',
		'$argon2id$v=19$m=19456,t=2,p=1$#$~$',
		'$argon2id$v=19$m=19456,t=2,p=1$#$~=',
		'$argon2id$v=19$m=19456,t=2,p=1$#$',
		'$argon2id$v=19$m=19456,t=2,p=1$#',
		'$argon2id$v=19$m=19456,t=2,p=1$$~',
		"\$argon2id\$v=19\$m=19456,t=2,p=1\$#\$~\n",
		'$5$rounds=999$salt$~',
		'$5$rounds=1000001$salt$~',
		'$5$rounds=99999999999999999999$salt$~',
		'$5$$~',
		'$5$salt$~$',
		'$6$salt$~',
		'$6$rounds=1000salt$~~',
		'$pbkdf2-sha256$0$c2FsdA$~',
		'$pbkdf2-sha256$2000001$c2FsdA$~',
		'$pbkdf2-sha256$4294967297$c2FsdA$~',
		'$pbkdf2-sha256$1000$c2FsdA$~$',
		'pbkdf2_sha256$2000001$salt$~=',
		'pbkdf2_sha256$1000$$~=',
		'pbkdf2_sha256$1000$salt$~',
		'pbkdf2_sha256$-1$salt$~=',
		'pbkdf2_sha256$1000$sa lt$~=',
		'$argon2id$' . 'x' x 246,
		'$argon2id$' . 'x' x 247,
		'pbkdf2_sha256$1000$' . 's' x 193 . '$~=');

	foreach (@patterns)
	{
		s/#/c2FsdHNhbHRzYWx0c2FsdA/;
		s/~/kd5gHEI8c71LW2RxhsRQBrFAupnx3ucfYmcX7xVjRwQ/g;
	}
	return possible(
		$context,
		bad_hashes => sub {
			return (map { my $short = substr $_, 0, 50; value("the hash $short", $_) } @patterns);
		});
}

# [scheme, hash] of passwords that no case gives.
sub good_hashes
{
	return (
		[ 'unusable', '!' ],
		[ 'bcrypt', '$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC' ],
		[
			'argon2id',
			'$argon2id$v=19$m=1024,t=2,p=4$c2FsdHNhbHRzYWx0c2FsdA$kd5gHEI8c71LW2R/hsRQBrFAupn/3ucfYmcX7+VjRwQ'
		],
		[
			'argon2id',
			'argon2$argon2id$v=19$m=1024,t=2,p=4$c2FsdHNhbHRzYWx0c2FsdA$kd5gHEI8c71LW2R/hsRQBrFAupn/3ucfYmcX7+VjRwQ'
		],
		[
			'argon2i',
			'$argon2i$v=19$m=1024,t=2,p=8$c2FsdHNhbHRzYWx0c2FsdA$VN8BxUZbTt/5CirRJdoc08r+LwSK5sjpXC5sVof1GIQ'
		],
		[ 'sha256-crypt', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5' ],
		[
			'sha512-crypt',
			'$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'
		],
		[ 'pbkdf2-sha256', '$pbkdf2-sha256$1000$....c2FsdA$.bOCkVLtbmFAha3KE7VPd2EGHnObtKb8mXgWKGJA6hc' ],
		[
			'django-pbkdf2-sha256',
			'pbkdf2_sha256$1000$SaltText$MAphTyEjhBsPt+JKW3IuRhRKlunl9r9MWPABxg/YdVA='
		]);
}

# ---- what the rules say of a value -----------------------------------------
# In characters; SQL_ASCII knows only bytes.
sub text_length
{
	my ($value, $context) = @_;
	return !defined $value->{text}
	  ? $value->{length}
	  : length($context->{encoding} eq 'SQL_ASCII' ? $value->{bytes} : $value->{text});
}

# Blank: nothing that leaves a mark. Bytes that are no character leave one.
sub is_blank
{
	my ($value) = @_;
	return $value->{blank} //= defined $value->{text} && $value->{text} =~ /\A$invisible*\z/;
}

# Controls and invisible characters, but for those that are part of words and emoji.
sub has_control
{
	my ($value) = @_;
	return $value->{control} //= defined $value->{text}
	  && ($value->{text} =~ s/[ \x{200C}\x{200D}\x{FE00}-\x{FE0F}]//gr) =~ $invisible;
}

# The value without ASCII white space around it.
sub trimmed
{
	my ($value) = @_;
	my $text = $value->{text};

	# the last character alone, because a search for it walks through megabytes
	return $value if !defined $text || $text !~ /\A$space/ && substr($text, -1) !~ $space;
	return $value->{trimmed} //= value($value->{label}, $text =~ s/\A$space+//r =~ s/$space+\z//r);
}

# Returns SQL for the address as it is stored, and the SQLSTATEs that refuse it.
sub email_answer
{
	my ($value, $context) = @_;
	my $address = trimmed($value);
	my $text = $address->{text};
	my @states;

	return ('', '22023') if !defined $text;
	$address->{address} //= $text =~ /\A[^"@][^@]*@[^.@]+(?:\.[^.@]+)*\z/ && $text !~ $invisible;
	push @states, '22023' if !$address->{address};
	push @states, '22001' if text_length($address, $context) > 255;
	push @states, '23505' if !@states && $text =~ /\Abob\@example\.org\z/i && $text !~ /[^\0-\x7F]/;
	return ($address->{sql}, @states);
}

1;
