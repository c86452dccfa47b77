# The rule of cursors: what a listing's "after" is tried with. A cursor that was
# cut, altered, or made by another listing or with other filters is refused.

package BadCursor;

use strict;
use warnings;

use BadText;
use Exporter 'import';
use MIME::Base64;

our @EXPORT = qw(cursors);

# Another value of what a listing is filtered by.
my %other = (
	user_id => '2',
	author_id => '1',
	post_id => '2',
	active => 'true',
	query => q{'ann'},
	name => q{'async'},
	min_comments => '0',
	prefix => q{'rust'},
	since => q{'1 day'},
	gravity => '0');

# Every bit of a cursor counts, and so does where it came from.
sub cursors
{
	my ($f, undef, $context) = @_;
	my $cursor = $context->{cursors}{ $f->{signature} };
	my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
	my @wrong = (map { [ $_->{label}, $_->{sql} ] } texts($context));
	my @cases = ([ 'a real one', "'$cursor'", ["count(*) FILTER (WHERE r.cursor = '$cursor') = 0"] ]);

	push @wrong, map { [ "cut to $_", literal(substr $cursor, 0, $_) ] } 0 .. length($cursor) - 1;
	push @wrong, map { [ "without its first $_", literal(substr $cursor, $_) ] } 1 .. 4;
	foreach my $at (0 .. length($cursor) - 1)
	{
		my $nth = (grep { $alphabet[$_] eq substr $cursor, $at, 1 } 0 .. 63)[0];
		foreach my $step (1, 2, 4, 31, 32)
		{
			my $altered = $cursor;
			substr($altered, $at, 1) = $alphabet[ ($nth + $step) % 64 ];
			push @wrong, [ "character $at altered by $step", literal($altered) ];
		}
	}
	push @wrong,
	  map { [ "with \"$_\" behind it", literal("$cursor$_") ] } ('=', '==', 'A', 'AAAA', ' ', $cursor);
	push @wrong, [ 'with a line end', "'$cursor' || chr(10)" ], [ 'after a blank', "' $cursor'" ],
	  [ 'in the other case', "'" . ($cursor =~ tr/A-Za-z/a-zA-Z/r) . "'" ], [ 'a megabyte of it', "repeat('$cursor', 40000)" ];
	push @wrong, map { [ "of $_", "'$context->{cursors}{$_}'" ] }
	  grep { $_ ne $f->{signature} } sort keys %{ $context->{cursors} };
	srand 14;
	push @wrong, map {
		my $n = $_;
		[ "random $n", literal(join '', map { $alphabet[ rand 64 ] } 1 .. 4 + $n) ]
	} 1 .. 40;
	push @cases, map { [ @$_, '22023' ] } @wrong;

	# Other values of the filters; what only pages is none.
	foreach my $filter (grep { $_->{name} !~ /^(?:first|after|skip|\w+_per_\w+)$/ } @{ $f->{arguments} })
	{
		push @cases,
		  [
			"with another $filter->{name}",
			"'$cursor'", '22023',
			with => { $filter->{name} => $other{ $filter->{name} } // die "no other $filter->{name}\n" }
		  ];
	}

	# It is no secret: whoever forges one only chooses where his page starts. What
	# the page has are rows of the listing, each with its cursor.
	foreach my $key (0, -1, '9223372036854775807', '-9223372036854775808', '-211813488000000001',
		'9223371331200000000')
	{
		push @cases, [ "forged with keys $key", literal(forged_cursor($cursor, $key, $f->{name} eq 'list_tags')), ['count(r.cursor) = count(*)'] ];
	}
	return @cases;
}

# Returns the cursor with other keys and the checksum that fits them. CRC-32C
# is linear: it changes by the checksum of the difference.
sub forged_cursor
{
	my ($cursor, $key, $is_text) = @_;
	my ($format, $checksum, $keys) = unpack 'aNa*', from_base64url($cursor);
	my $forged = substr pack('q>', $key) x length $keys, 0, length $keys;
	my $difference = 0;

	# integers are encoded with the highest byte first, and their checksum is of memory
	my $changed = $keys ^ $forged;
	$changed = pack 'q*', unpack 'q>*', $changed unless $is_text;
	foreach my $byte (unpack 'C*', $changed)
	{
		$difference ^= $byte;
		$difference = $difference & 1 ? ($difference >> 1) ^ 0x82F63B78 : $difference >> 1 foreach 1 .. 8;
	}
	return to_base64url(pack 'aNa*', $format, $checksum ^ $difference, $forged);
}

sub from_base64url { return decode_base64($_[0] =~ tr{-_}{+/}r); }
sub to_base64url   { return encode_base64($_[0], '') =~ tr{+/}{-_}r =~ s/=+\z//r; }

1;
