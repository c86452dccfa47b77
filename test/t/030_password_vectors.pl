# Passwords: hashes of other programs verify here, and ddd's verify there.
#
# Every hash is made while the test runs, by the program named, from UTF-8
# bytes; in a LATIN1 database the same hashes must verify.

use strict;
use warnings;

use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The interpreter of the Debian packages; PATH may have another one.
my $python = '/usr/bin/python3';

# Bytes of UTF-8 throughout: this file does not "use utf8".
my @passwords = ('correct horse battery', 'pässwörd');
$ENV{PGCLIENTENCODING} = 'UTF8';

# Returns the output of a command that must succeed, without the last newline.
sub output_of
{
	my ($command, $input) = @_;
	my ($out, $err) = ('', '');

	run $command, '<', \($input // ''), '>', \$out, '2>', \$err
	  or die "@$command: $err";
	chomp $out;
	return $out;
}

# Prints "program <tab> hash" for the password on standard input.
my $hashes_of_python = <<'PYTHON';
import base64, hashlib, os, sys
import argon2, bcrypt
from passlib.hash import pbkdf2_sha256, sha256_crypt, sha512_crypt

password = sys.stdin.buffer.read()

def show(program, value):
    print(program, value.decode() if isinstance(value, bytes) else value, sep="\t")

for prefix in (b"2a", b"2b"):
    show("python3-bcrypt " + prefix.decode(), bcrypt.hashpw(password, bcrypt.gensalt(5, prefix)))
for scheme in (pbkdf2_sha256, sha256_crypt, sha512_crypt):
    show("passlib " + scheme.name, scheme.using(rounds=5001).hash(password))
show("passlib sha512_crypt with implicit rounds", sha512_crypt.using(rounds=5000).hash(password))
for lanes in (1, 4):
    for kind in (argon2.Type.ID, argon2.Type.I):
        hasher = argon2.PasswordHasher(time_cost=2, memory_cost=8192, parallelism=lanes, type=kind)
        show("python3-argon2 %s p=%d" % (kind.name, lanes), hasher.hash(password))
show("python3-argon2 defaults", argon2.PasswordHasher().hash(password))
show("Django argon2", "argon2" + argon2.PasswordHasher(2, 102400, 8).hash(password))
salt = base64.b32encode(os.urandom(10)).decode()
digest = hashlib.pbkdf2_hmac("sha256", password, salt.encode(), 5001)
show("Django pbkdf2", "pbkdf2_sha256$5001$%s$%s" % (salt, base64.b64encode(digest).decode()))
PYTHON

# Returns [program, hash] of each program for one password.
sub foreign_hashes
{
	my ($password) = @_;
	my @hashes;

	my $line = output_of([ 'htpasswd', '-niBC', '5', 'user' ], $password);
	$line =~ s/^user:|\s+$//g;
	push @hashes, [ 'htpasswd 2y', $line ];
	foreach my $method (qw(sha-256 sha-512 bcrypt bcrypt-a))
	{
		push @hashes,
		  [
			"mkpasswd $method",
			output_of([ 'mkpasswd', '--stdin', "--method=$method" ], $password)
		  ];
	}
	push @hashes, map { [ split /\t/ ] }
	  split /\n/, output_of([ $python, '-c', $hashes_of_python ], $password);
	return @hashes;
}

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
foreach my $encoding (qw(UTF8 LATIN1 EUC_JP))
{
	$node->safe_psql('postgres',
		"CREATE DATABASE \L$encoding\E ENCODING '$encoding' LOCALE 'C' TEMPLATE template0"
	);
	$node->safe_psql(lc $encoding, 'CREATE EXTENSION ddd');
}
is($node->safe_psql('latin1', "SELECT octet_length('pässwörd')"),
	8, 'LATIN1 stores the password in fewer bytes than UTF-8');

foreach my $password (@passwords)
{
	my @hashes = foreign_hashes($password);
	is(scalar(@hashes), 18, "hashes of \"$password\" by other programs");

	foreach my $database (qw(utf8 latin1))
	{
		my $values = join ', ', map { "('$_->[0]', '$_->[1]')" } @hashes;
		my %verified = map { split /\t/, $_, 2 } split /\n/, $node->safe_psql(
			$database, qq{
			SELECT program || E'\\t' || ddd.verify_password('$password', hash) ||
			       ' ' || ddd.verify_password('x$password', hash)
			  FROM (VALUES $values) AS v (program, hash)});

		foreach my $program (map { $_->[0] } @hashes)
		{
			is($verified{$program}, 'true false',
				"$database: $program verifies \"$password\" and no other");
		}
	}
}

# The other direction.
foreach my $database (qw(utf8 latin1))
{
	foreach my $password (@passwords)
	{
		my $hash =
		  $node->safe_psql($database, "SELECT ddd.hash_password('$password')");
		is( output_of(
				[
					$python, '-c',
					'import argon2, sys; print(argon2.PasswordHasher().verify(sys.argv[1], sys.stdin.buffer.read()))',
					$hash
				],
				$password),
			'True',
			"$database: python3-argon2 verifies ddd's hash of \"$password\"");
	}
}

# What is refused does not reach the log of a server that logs errors only: not
# the statement, nor the bytes of a character that UTF-8 lacks, which the
# server's own message would show.
$node->append_conf('postgresql.conf', 'log_statement = none');
$node->reload;
my $offset = -s $node->logfile;
my ($result, $out, $err) = $node->psql('euc_jp',
	"\\set VERBOSITY verbose\nSELECT ddd.hash_password(E'canary-\\xfe\\xfe')");
like($err, qr/ERROR:  22P05: password has a character/,
	'a password without UTF-8 form is refused');
($result, $out, my $short) = $node->psql('utf8',
	"\\set VERBOSITY verbose\nSELECT ddd.hash_password('canary')");
like($short, qr/ERROR:  23514: password must be/,
	'a short password is refused');
my $log = slurp_file($node->logfile, $offset);
like($log, qr/ERROR:  password must be/, 'the refusal is logged');
unlike($log, qr/canary|0xfe/, 'but nothing of the password');

$node->stop;
done_testing();
