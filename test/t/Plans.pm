# The plans of the statements that ddd's functions run, as auto_explain reports
# them to a session of a superuser: nested statements too, with the rows and
# buffers of each. So a test of plans knows calls, and no statement's text.

package Plans;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use List::Util qw(sum0);
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(reported_call repeated_call run_calls rows_read widest_node plan_text);

# The reports go to the client alone, not to the server's log.
my %settings = (
	'session_preload_libraries' => 'auto_explain',
	'client_min_messages' => 'log',
	'log_min_messages' => 'panic',
	'log_statement' => 'none',
	'auto_explain.log_min_duration' => '0',
	'auto_explain.log_nested_statements' => 'on',
	'auto_explain.log_analyze' => 'on',
	'auto_explain.log_timing' => 'off',
	'auto_explain.log_buffers' => 'on',
	'auto_explain.log_format' => 'json',
);

# Returns a statement that makes a call and tells its label, how many rows it
# gives, how many things are within these rows (elements of arrays, of JSON
# arrays too), and one more number, an aggregate over the rows "r".
sub reported_call
{
	my ($label, $call, $more) = @_;

	return
	    "SELECT 'call $label', count(*), coalesce(sum(w.within), 0), coalesce($more, 0) FROM $call AS r,"
	  . " LATERAL (SELECT sum(jsonb_array_length(value)) AS within FROM jsonb_each(to_jsonb(r))"
	  . " WHERE jsonb_typeof(value) = 'array') w;\n";
}

# Returns statements that make a call n times in a PL/pgSQL loop, unreported.
sub repeated_call
{
	my ($n, @calls) = @_;
	my $performs = join ' ', map { "PERFORM count(*) FROM $_;" } @calls;

	return "SET auto_explain.log_min_duration = -1;\n"
	  . "DO \$\$ BEGIN FOR i IN 1..$n LOOP $performs END LOOP; END \$\$;\n"
	  . "SET auto_explain.log_min_duration = 0;\n";
}

# Runs a psql script. Returns a hash for each reported call in it, in order:
# label, rows, within, more; buffers, of the whole call, whatever way it read
# them; compiled, whether it was (JIT); plans, of the statements that the call
# ran: text, root, buffers, compiled.
sub run_calls
{
	my ($node, $database, $script) = @_;

	local $ENV{PGOPTIONS} = join ' ', map { "-c $_=$settings{$_}" } sort keys %settings;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY terse\n$script", on_error_stop => 1);
	if ($status != 0)
	{
		# what die says is in the log alone
		diag $err =~ s/^[^\n]*LOG:  duration.*?^\}\n?//gmsr;
		die 'a call failed';
	}

	my $json = JSON::PP->new;
	my @results = grep { /^call / } split /\n/, $out;
	my (@calls, @plans);

	while ($err =~ /LOG:  duration: [\d.]+ ms  plan:\n(\{.*?^\})$/msg)
	{
		my $report = $json->decode($1);
		my $root = $report->{Plan};
		my $buffers = $root->{'Shared Hit Blocks'} + $root->{'Shared Read Blocks'};

		# a statement is reported when it ends, so a call comes after what it ran
		if ($report->{'Query Text'} =~ /^SELECT 'call (.*?)', count/)
		{
			my %call = (label => $1, buffers => $buffers, plans => [@plans], compiled => exists $report->{JIT});

			(my $label, @call{qw(rows within more)}) = split /\|/, shift(@results) // '';
			die "report of \"$call{label}\", but result of \"$label\"" if $label ne "call $call{label}";
			push @calls, \%call;
			@plans = ();
		}
		else
		{
			push @plans, { text => $report->{'Query Text'}, root => $root, buffers => $buffers, compiled => exists $report->{JIT} };
		}
	}
	die "no report of: @results" if @results;
	return @calls;
}

# Returns how many rows a node gave or discarded, in all its loops.
sub rows_read
{
	my ($node) = @_;

	my @counts = ('Actual Rows', grep { /^Rows Removed by / } keys %$node);

	return $node->{'Actual Loops'} * sum0 @$node{@counts};
}

# Returns the node of a plan that gave or discarded most rows. What a sort, a
# hash or an aggregate takes in, the node below it gave.
sub widest_node
{
	my ($node) = @_;
	my @below = map { widest_node($_) } @{ $node->{Plans} // [] };

	return (sort { rows_read($b) <=> rows_read($a) } $node, @below)[0];
}

# Returns a plan on one line: the nodes from the top, with the rows they read.
sub plan_text
{
	my ($node) = @_;
	my $place = $node->{'Index Name'} // $node->{'Relation Name'};
	my @below = map { plan_text($_) } @{ $node->{Plans} // [] };

	return join ' ', $node->{'Node Type'}, $place // (), rows_read($node),
	  @below ? '(' . join(', ', @below) . ')' : ();
}

1;
