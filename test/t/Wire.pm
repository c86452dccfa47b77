# A connection that speaks PostgreSQL's protocol itself: what psql and libpq
# would not send (zero bytes, invalid text, binary parameters), and errors with
# all their fields. One connection is one backend.

package Wire;

use strict;
use warnings;

# The fields of an error by their letter in the protocol.
my %field = (
	C => 'state',
	M => 'message',
	D => 'detail',
	H => 'hint',
	W => 'context',
	s => 'schema',
	t => 'table',
	c => 'column',
	n => 'constraint');

# Connects as the cluster's superuser; settings go into the startup packet.
sub new
{
	my ($class, $node, $database, %settings) = @_;
	my $self = bless { socket => $node->raw_connect, buffer => '' }, $class;
	my %startup =
	  (user => scalar getpwuid($>), database => $database, client_encoding => 'UTF8', %settings);
	my $packet = pack('N', 196608) . join('', map { "$_\0$startup{$_}\0" } sort keys %startup) . "\0";

	binmode $self->{socket};
	$self->_write(pack('N', length($packet) + 4) . $packet);
	my $answer = $self->_answer;
	die "could not connect to $database: $answer->{error}{message}" if $answer->{error};
	return $self;
}

# The backend's process id, as the server told it at the start.
sub backend { return $_[0]{backend}; }

# Runs a script as one simple query. Returns {rows => [[...]], error => {...}}:
# the rows of all statements, the first error.
sub query
{
	my ($self, $sql) = @_;

	utf8::encode($sql) if utf8::is_utf8($sql);
	$self->_send('Q', "$sql\0");
	return $self->_answer;
}

# As query, but an error is fatal; returns the rows.
sub rows
{
	my ($self, $sql) = @_;
	my $answer = $self->query($sql);

	die "$answer->{error}{state} $answer->{error}{message}\n" . substr($sql, 0, 400) if $answer->{error};
	return $answer->{rows};
}

# Returns the first column of the first row.
sub value { return $_[0]->rows($_[1])->[0][0]; }

# Runs one statement with parameters, bytes or undef, in text (0) or binary (1) format.
sub execute
{
	my ($self, $sql, $format, @values) = @_;
	my $parameters = join '', map { defined $_ ? pack('N', length) . $_ : pack('N', 0xFFFFFFFF) } @values;

	$self->_send('P', "\0$sql\0" . pack('n', 0));
	$self->_send('B',
		"\0\0" . pack('nn', 1, $format) . pack('n', scalar @values) . $parameters . pack('n', 0));
	$self->_send('E', "\0" . pack('N', 0));
	$self->_send('S', '');
	return $self->_answer;
}

sub finish
{
	my ($self) = @_;

	$self->_send('X', '');
	close $self->{socket};
}

# Reads up to ReadyForQuery.
sub _answer
{
	my ($self) = @_;
	my %answer = (rows => []);

	for (;;)
	{
		my ($type, $length) = unpack 'aN', $self->_read(5);
		my $body = $self->_read($length - 4);

		if ($type eq 'D')
		{
			my ($count, @row) = (unpack('n', $body));
			my $at = 2;
			while ($count-- > 0)
			{
				my $size = unpack 'l>', substr($body, $at, 4);
				push @row, $size < 0 ? undef : substr($body, $at + 4, $size);
				$at += 4 + ($size < 0 ? 0 : $size);
			}
			push @{ $answer{rows} }, \@row;
		}
		elsif ($type eq 'E')
		{
			my %error = map { $_ => '' } values %field;
			foreach my $part (split /\0/, $body)
			{
				my $name = $field{ substr($part, 0, 1) };
				$error{$name} = substr($part, 1) if defined $name;
			}
			$answer{error} ||= \%error;
			return \%answer if !defined $self->{ready};
		}
		elsif ($type eq 'R' && unpack('N', $body) != 0)
		{
			die 'the server asks for a password';
		}
		elsif ($type eq 'K')
		{
			$self->{backend} = unpack 'N', $body;
		}
		elsif ($type eq 'Z')
		{
			$self->{ready} = $body;
			return \%answer;
		}
	}
}

sub _send
{
	my ($self, $type, $body) = @_;

	$self->_write($type . pack('N', length($body) + 4) . $body);
}

sub _write
{
	my ($self, $bytes) = @_;

	while (length $bytes)
	{
		my $written = syswrite($self->{socket}, $bytes) or die "the server closed the connection: $!";
		$bytes = substr $bytes, $written;
	}
}

sub _read
{
	my ($self, $length) = @_;

	while (length $self->{buffer} < $length)
	{
		sysread($self->{socket}, $self->{buffer}, 1 << 16, length $self->{buffer})
		  or die 'the server closed the connection';
	}
	return substr $self->{buffer}, 0, $length, '';
}

1;
