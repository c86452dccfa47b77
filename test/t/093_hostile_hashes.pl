# A hostile hash is cheap: each text of a corpus, made by rule from hashes of
# every scheme, is refused with 22023 or answered in less than 300 ms of the
# processor, and a cancel is honoured in that time.
#
# That is on a machine where a hash of the default cost takes 20 ms; on one that
# is slower, or busy, as much more as that hash takes there at the time.
#
# Exempt are the ends of what the older schemes allow, which take longer by
# design: bcrypt of cost 13 to 15 and the most rounds of PBKDF2 and sha-crypt.
# Of them PBKDF2 can be cancelled, bcrypt and sha-crypt are one call of a library.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Ddd;
use List::Util qw(max min uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $limit_ms = 300;

my $node = new_node('hostile', 'fsync = off');
# invalid text and all: a stored hash may be any bytes but zero
$node->safe_psql('postgres', "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('bytes', 'CREATE EXTENSION ddd');

# ---- the corpus ------------------------------------------------------------
my ($salt, $tag, $tail) = ('c2FsdHNhbHRzYWx0c2FsdA', 'A' x 43, 'abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC');
my %sound = (
	argon2id => "\$argon2id\$v=19\$m=8192,t=1,p=1\$$salt\$$tag",
	argon2i => "\$argon2i\$v=19\$m=8192,t=3,p=1\$$salt\$$tag",
	'argon2id of Django' => "argon2\$argon2id\$v=19\$m=8192,t=1,p=1\$$salt\$$tag",
	bcrypt => "\$2b\$04\$$tail",
	'sha256-crypt' => "\$5\$rounds=1000\$saltstring\$$tag",
	'sha512-crypt' => "\$6\$rounds=1000\$saltstring\$$tag$tag",
	'pbkdf2' => "\$pbkdf2-sha256\$1000\$c2FsdA\$$tag",
	'pbkdf2 of Django' => "pbkdf2_sha256\$1000\$salt\$$tag=");
my @numbers = (0, 1, 2, 7, 8, 63, 64, 65, 131072, 131073, 262144, 4194304, 16777216, 2147483647, 2147483648, 4294967295,
	4294967296, 18446744073709551615, '9' x 40, '-1', '+8', '08', '8.5', '0x8', '', ' 8');
my @corpus = ('$', '$$', '*', '*0', '*1', '!', '!!', '', ' ', 'x', 'ab', 'abJnggxhB/yWI', '_J9..rasmBYk8r9AiWNc',
	'$1$salt$' . 'A' x 22, '$3$$8846f7eaee8fb117ad06bdd830b7586c', '$7$C6..../....', '$y$j9T$salt$' . $tag, '$gy$j9T$salt$' . $tag,
	'$sha1$480000$salt$' . 'A' x 28, '$md5,rounds=904$salt$$' . 'A' x 22, "\$2\$12\$$tail", "\$2x\$12\$$tail", "\$2c\$12\$$tail",
	"\$argon2d\$v=19\$m=8192,t=1,p=1\$$salt\$$tag", "\$scrypt\$ln=16,r=8,p=1\$$salt\$$tag", '{SSHA}' . $tag,
	"\$pbkdf2-sha512\$1000\$c2FsdA\$$tag$tag", "\$bcrypt-sha256\$v=2,t=2b,r=12\$$salt\$$tag", '$' x 255, '$' x 256, 'A' x 1000000);

# every number of a hash of argon2 at its extremes, in both kinds
foreach my $kind (qw($argon2id $argon2i argon2$argon2id))
{
	push @corpus, map { ("$kind\$v=19\$m=$_,t=1,p=1\$$salt\$$tag", "$kind\$v=19\$m=8,t=$_,p=1\$$salt\$$tag",
		"$kind\$v=19\$m=8192,t=1,p=$_\$$salt\$$tag", "$kind\$v=$_\$m=8192,t=1,p=1\$$salt\$$tag") } @numbers;
	push @corpus, map { "$kind\$v=19\$m=$$_[0],t=$$_[1],p=$$_[2]\$$salt\$$tag" }
	  ([ 131072, 2, 1 ], [ 131072, 3, 1 ], [ 131072, 2, 16 ], [ 102400, 2, 8 ], [ 4096, 64, 16 ], [ 4097, 64, 16 ], [ 65536, 4, 4 ],
		[ 65537, 4, 4 ], [ 128, 64, 16 ], [ 127, 64, 16 ]);
}
# salts and tags of every length
push @corpus, map { ("\$argon2id\$v=19\$m=8192,t=1,p=1\$" . 'A' x $_ . "\$$tag", "\$argon2id\$v=19\$m=8192,t=1,p=1\$$salt\$" . 'A' x $_) }
  0 .. 12, 20 .. 23, 84 .. 90, 120, 200;
push @corpus, map { ("\$5\$" . 'A' x $_ . "\$$tag", "\$pbkdf2-sha256\$1000\$" . 'A' x $_ . "\$$tag", "pbkdf2_sha256\$1000\$" . 'A' x $_ . "\$$tag=") }
  0, 1, 15 .. 17, 190 .. 194;
foreach my $n (@numbers, 999, 1000, 1000001, 2000001)
{
	push @corpus, "\$5\$rounds=$n\$salt\$$tag", "\$6\$rounds=$n\$salt\$$tag$tag", "\$pbkdf2-sha256\$$n\$c2FsdA\$$tag",
	  "pbkdf2_sha256\$$n\$salt\$$tag=";
}
push @corpus, map { sprintf "\$2b\$%s\$$tail", $_ } '00' .. '12', 16 .. 99, '4', '012', '-4', '+4', ' 4', '4.', "1\x{80}";

# each sound hash cut at each place, with more behind it, with another byte in it
foreach my $hash (map { $sound{$_} } sort keys %sound)
{
	push @corpus, map { substr $hash, 0, $_ } 0 .. length $hash;
	push @corpus, map { $hash . $_ } '$', 'A', '=', ' ', "\n", "\x{7f}", "\x{80}", "\x{ff}", "\x{c0}\x{80}", '$' . $tag, 'A' x 300, 'A' x 100000;
	push @corpus, map { $_ . $hash } '$', ' ', "\n", "\x{ff}", "\x{e2}\x{80}\x{8b}", 'argon2$', '{CRYPT}';
	foreach my $byte ("\x{01}", "\x{80}", "\x{ff}", '$', ',', '=', '9')
	{
		push @corpus, map { my $other = $hash; substr($other, $_, 1) = $byte; $other } grep { $_ % 3 == 0 } 1 .. length($hash) - 1;
	}
}
@corpus = uniq @corpus;

# What takes longer by design, if it is a hash at all.
my $dear = qr/^(?:\$2[aby]\$1[345]\$|\$[56]\$rounds=(?:[2-9]\d{5}|1000000)\$|(?:\$pbkdf2-sha256|pbkdf2_sha256)\$(?:[3-9]\d{5}|1\d{6}|2000000)\$)/;
@corpus = grep { !/$dear/ } @corpus;

# ---- each one --------------------------------------------------------------
# The processor's time of a session is in clock ticks of 10 ms, so the hash of
# the default cost is verified ten times.
my $default = "\$argon2id\$v=19\$m=19456,t=2,p=1\$$salt\$$tag";
my $probe = qq{
CREATE FUNCTION pg_temp.processor_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
\$\$ SELECT 10 * (f[14]::bigint + f[15]::bigint)
     FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '\\(.*\\)', 'name'), ' ') AS f \$\$;
CREATE FUNCTION pg_temp.probe(hash text, OUT result text, OUT ms bigint) LANGUAGE plpgsql AS \$\$
DECLARE
	default_ms bigint;
BEGIN
	ms := -pg_temp.processor_ms();
	BEGIN
		result := ddd.verify_password('password', hash);
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		result := SQLSTATE;
	END;
	ms := ms + pg_temp.processor_ms();
	IF ms >= $limit_ms THEN
		default_ms := -pg_temp.processor_ms();
		FOR i IN 1 .. 10 LOOP
			PERFORM ddd.verify_password('password', '$default');
		END LOOP;
		default_ms := default_ms + pg_temp.processor_ms();
		ms := ms * 200 / greatest(200, default_ms);
	END IF;
END \$\$;
};

# Returns [result, ms] of each hash.
sub probe
{
	my ($settings, @hashes) = @_;
	my $values = join ",\n", map { "($_, '\\x" . unpack('H*', $hashes[$_]) . "'::bytea)" } 0 .. $#hashes;
	my @rows = split /\n/, sql($node, 'bytes', qq{$probe
		CREATE TEMPORARY TABLE corpus (id int, hash bytea);
		INSERT INTO corpus VALUES $values;
		$settings
		SELECT p.result || ' ' || p.ms FROM corpus, pg_temp.probe(convert_from(hash, 'SQL_ASCII')) p ORDER BY id});

	return map { [ split / / ] } @rows;
}

sub shown
{
	my ($text) = @_;

	return substr($text, 0, 120) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

my @results = probe('', @corpus);
my %count;
my (@wrong, @late);

foreach my $i (0 .. $#corpus)
{
	my ($result, $ms) = @{ $results[$i] };

	$count{$result}++;
	push @wrong, shown($corpus[$i]) . ": $result" if $result !~ /^(?:22023|false)$/;
	push @late, shown($corpus[$i]) . ": $ms ms" if $ms >= $limit_ms;
}
cmp_ok(scalar @corpus, '>=', 200, 'a corpus of hostile hashes');
is(scalar @results, scalar @corpus, 'each of them was tried');
is(join("\n", @wrong), '', 'each is refused with 22023, or is not of the password');
is(join("\n", @late), '', "... in less than $limit_ms ms of the processor");
cmp_ok($count{22023}, '>', 100, 'many are refused');
cmp_ok($count{false}, '>', 20, '... and many are hashed');
note scalar(@corpus), ' hashes, ', join(', ', map { "$count{$_} $_" } sort keys %count), '; the dearest ', max(map { $_->[1] } @results), ' ms';

# ---- a cancel --------------------------------------------------------------
# of what takes long: everything that libsodium computes, and PBKDF2
my @long = ("\$argon2id\$v=19\$m=131072,t=2,p=1\$$salt\$$tag", "\$argon2i\$v=19\$m=131072,t=2,p=16\$$salt\$$tag",
	"\$argon2id\$v=19\$m=4096,t=64,p=16\$$salt\$$tag", "\$pbkdf2-sha256\$2000000\$c2FsdA\$$tag", "pbkdf2_sha256\$2000000\$salt\$$tag=");
foreach my $hash (@long)
{
	# the time before the cancel is in it as well
	my ($result) = probe(q{SET statement_timeout = '30ms';}, $hash);

	is($result->[0], '57014', 'cancelled: ' . shown($hash));
	cmp_ok($result->[1], '<', $limit_ms, '... in time');
}

$node->stop;
done_testing();
