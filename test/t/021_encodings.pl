# The rules about text are the same in every encoding and under every
# collation: what is blank, what is one address, what may be written.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('encodings');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

# answer(database, statement): its result, or the SQLSTATE of its error.
sub answer
{
	my ($database, $statement) = @_;
	my ($code, $out, $err) = $node->psql($database, "\\set VERBOSITY sqlstate\n$statement");
	return $code == 0 && $err !~ /ERROR/ ? $out : ($err =~ /ERROR:\s+(\w{5})/)[0];
}

my %database = (
	utf8 => "ENCODING 'UTF8' LOCALE 'C'",
	icu_und => "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'",
	icu_tr => "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
	latin1 => "ENCODING 'LATIN1' LOCALE 'C'",
	euc_jp => "ENCODING 'EUC_JP' LOCALE 'C'",
	sql_ascii => "ENCODING 'SQL_ASCII' LOCALE 'C'");

foreach my $name (sort keys %database)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 $database{$name}");
	$node->safe_psql($name, 'CREATE EXTENSION ddd');
	is(answer($name, "SELECT (ddd.create_user('INFO\@Example.org', 'Info')).id"), '1', "$name: sign-up");
	is(answer($name, "SELECT ddd.create_user('info\@eXAMPLE.ORG', 'Info')"), '23505', "$name: the same address in another case");
	is(answer($name, "SELECT (ddd.create_post(1, 'TITLE', 'x', '{TITLE,title}')).id"), '1', "$name: a post");
	is(answer($name, "SELECT array_length(ddd.tag_post(1, '{Title}'), 1), (SELECT count(*) FROM ddd.posts_by_tag('tITLE'))"), '1|1',
		"$name: one tag in any case");
	is(answer($name, "SELECT ddd.create_user('blank\@x', E' \\t\\x01')"), '23514', "$name: blanks and controls are blank");
}

# Look-alikes stay two, whatever the collation thinks of their case.
foreach my $name (qw(utf8 icu_und icu_tr))
{
	is(answer($name, q{SELECT count(ddd.create_user(e, 'X')) FROM unnest(ARRAY['kim@x', U&'\212Aim@x', 'ira@x', U&'\0131ra@x', U&'\0130ra@x', 'stra@x', U&'\017Ftra@x']) e}),
		'7', "$name: Kelvin sign, dotless and dotted i, long s are letters of their own");
	is(answer($name, q{SELECT ddd.create_user('IRA@X', 'X')}), '23505', "$name: I folds to i");
	foreach my $code (qw(00A0 00AD 200B 2067 3000 3164 FEFF))
	{
		is(answer($name, "SELECT ddd.create_post(1, U&' \\$code', 'x')"), '23514', "$name: U+$code is blank");
	}
}

# Single bytes of LATIN1.
is(answer('latin1', q{SELECT ddd.create_post(1, convert_from('\xa0ad85', 'LATIN1'), 'x')}), '23514', 'latin1: no-break space, soft hyphen and C1 are blank');
is(answer('latin1', q{SELECT char_length(p.title) FROM ddd.create_post(1, repeat(convert_from('\xfc', 'LATIN1'), 255), 'x') p}), '255', 'latin1: 255 characters fit');
is(answer('latin1', q{SELECT array_length(ddd.tag_post(1, ARRAY[convert_from('\xdc', 'LATIN1'), convert_from('\xfc', 'LATIN1')]), 1)}), '2', 'latin1: case is folded');
is(answer('latin1', q{SELECT ddd.tag_key(convert_from('\xb5', 'LATIN1') || 'A') = convert_from('\xb5', 'LATIN1') || 'a'}), 't', 'latin1: but in ASCII only where the form has no place in it');

is(answer('latin1', q{SELECT ddd.tag_key(convert_from('\xc0b541', 'LATIN1')) = convert_from('\xe0b561', 'LATIN1')}), 't', 'latin1: and all others are folded');
is(answer('latin1', q{SELECT ARRAY[convert_from('\xc0b5', 'LATIN1')] OPERATOR(ddd.@@) (convert_from('\xc0', 'LATIN1') || '*')::text::ddd.tag_query}), 't',
	'latin1: so a name is found by its own beginning');

# Into an encoding that has a place for more forms, keys are given anew.
my $dump = "$PostgreSQL::Test::Utils::tmp_check/latin1.dump";
$node->safe_psql('latin1', q{INSERT INTO ddd.tags (name) VALUES (convert_from('\xc9b5', 'LATIN1')), (convert_from('\xc9b541', 'LATIN1')), (convert_from('\xe9b561', 'LATIN1') || '2')});
$node->safe_psql('postgres', "CREATE DATABASE moved TEMPLATE template0 $database{utf8}");
$node->command_ok([ 'pg_dump', '--format=custom', '--file', $dump, '--dbname', $node->connstr('latin1') ], 'latin1: dumped');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname', $node->connstr('moved'), $dump ], 'and restored as UTF-8');
isnt(answer('moved', 'SELECT count(*) FROM ddd.tags WHERE key <> ddd.tag_key(name)'), '0', 'whose keys are other ones');
is(answer('moved', 'SELECT count(*) FROM (SELECT FROM ddd.tags GROUP BY ddd.tag_key(name) HAVING count(*) > 1) s'), '0', 'of no two tags the same');
answer('moved', 'UPDATE ddd.tags SET name = name');
is(answer('moved', 'SELECT count(*) FROM ddd.tags WHERE key <> ddd.tag_key(name)'), '0', 'and get them');
is(answer('moved', q{SELECT synonym_of = U&'\00c9\00b5' FROM ddd.add_tag_synonym(U&'\00e9\03bc', 's')}), 't', 'and are found by them');

# EUC_JP: two and three bytes to a character, some without a UTF-8 form.
is(answer('euc_jp', q{SELECT ddd.create_post(1, convert_from('\xa1a1a1a1', 'EUC_JP'), 'x')}), '23514', 'euc_jp: ideographic spaces are blank');
is(answer('euc_jp', q{SELECT char_length(p.title) FROM ddd.create_post(1, repeat(convert_from('\xa4a2', 'EUC_JP'), 255), 'x') p}), '255', 'euc_jp: 255 characters fit');
is(answer('euc_jp', q{SELECT ddd.create_post(1, repeat(convert_from('\xa4a2', 'EUC_JP'), 256), 'x')}), '22001', 'euc_jp: 256 do not');
is(answer('euc_jp', q{SELECT char_length(p.title) FROM ddd.create_post(1, 'x' || convert_from('\x8fa1a1', 'EUC_JP'), 'x') p}), '2', 'euc_jp: a character without a UTF-8 form is a character');
is(answer('euc_jp', q{SELECT char_length(p.title) FROM ddd.create_post(1, convert_from('\x8fa1a1', 'EUC_JP'), 'x') p}), '1', 'euc_jp: and is not blank');
is(answer('euc_jp', q{INSERT INTO ddd.posts (title, content, author_id) VALUES (convert_from('\x8fa1a1', 'EUC_JP'), 'x', 1) RETURNING 'written'}), "written", 'euc_jp: nor is it when written directly');

# SQL_ASCII: any bytes, valid or not.
is(answer('sql_ascii', q{SELECT array_length(ddd.tag_post(1, ARRAY[E'\xc3\x9c', E'\xc3\xbc', E'\xff\xfe', E'a\xc3']), 1)}), '4', 'sql_ascii: any bytes make a tag, and text in UTF-8 is folded');
is(answer('sql_ascii', q{SELECT ddd.tag_key(E'\xc3\x9cB\xffC\xc3\x9c\xc3') = E'\xc3\xbcb\xffc\xc3\xbc\xc3'}), 't', 'sql_ascii: what is text beside what is not, too');
is(answer('sql_ascii', q{SELECT (ddd.create_user(E'\xc3\x9c@b.c', E'\xff')).id IS NOT NULL}), 't', 'sql_ascii: and an address and a name');
is(answer('sql_ascii', q{SELECT ddd.create_post(1, E'\xe2\x80\x8b', 'x')}), '23514', 'sql_ascii: a zero-width space in UTF-8 is blank');
is(answer('sql_ascii', q{SELECT octet_length(p.title) FROM ddd.create_post(1, E'\xe2\x80', 'x') p}), '2', 'sql_ascii: half a character is not');

# Every character, between others: what Python makes of it, which has tables of
# its own, and what it has always been, whatever version of Unicode the library has.
my $file = "$PostgreSQL::Test::Utils::tmp_check/characters.csv";
run_log([ '/usr/bin/python3', '-c', <<'END', $file ]) or die 'no characters';
import sys
from unicodedata import category, normalize
with open(sys.argv[1], "w") as file:
    for code in range(1, 0x110000):
        if category(chr(code)) not in ("Cn", "Cs"):
            key = normalize("NFC", normalize("NFD", "a" + chr(code) + "B").casefold())
            print(code, key.encode().hex(), sep=",", file=file)
END
$node->safe_psql('utf8', "CREATE TABLE public.character (code int, key text); COPY public.character FROM '$file' (FORMAT csv)");
is($node->safe_psql('utf8', q{
	SELECT count(*) > 280000, string_agg(to_hex(code), ' ') FILTER (WHERE ddd.tag_key('a' || chr(code) || 'B') <> convert_from(decode(key, 'hex'), 'UTF8'))
	  FROM public.character}), 't|', 'every character folds as Unicode says');
is($node->safe_psql('utf8', q{
	SELECT md5(string_agg(ddd.tag_key('a' || chr(code) || 'B'), ',' ORDER BY code))
	  FROM generate_series(1, 1114111) code WHERE code NOT BETWEEN 55296 AND 57343}), 'ec568da59d3832818775e2661edd8301', 'and as it always has');

$node->stop;
done_testing();
