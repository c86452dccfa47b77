"""The machine under the measurements: runs of pairs.c, idle CPUs kept awake,
and how much CPU went to processes that have no part in it."""
import os
import re
import resource
import statistics
import subprocess
import time
from collections import defaultdict

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """Where the server is: directory of its socket, its postmaster, our tools."""

    def __init__(self, host, postmaster, pairs, bindir):
        self.host, self.postmaster, self.pairs, self.bindir = host, postmaster, pairs, bindir


def busy_seconds():
    """CPU seconds that this machine has spent; without what runs at low priority (see Awake)."""
    with open("/proc/stat") as file:
        user, _nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + system + irq + softirq + steal) / TICK


def own_seconds(postmaster):
    """CPU seconds of this process, its finished children, and the server."""
    return server_seconds(postmaster) + sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def server_seconds(postmaster):
    """CPU seconds of the server with all its processes."""
    total = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                # after the name in parentheses: state, ppid, ...
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry) == postmaster:
            # its ended children are counted in its own record
            total += sum(map(int, fields[11:15])) / TICK
        elif int(fields[1]) == postmaster:
            total += sum(map(int, fields[11:13])) / TICK
    return total


def cpu_ms(process):
    """CPU milliseconds of one process, to the nanosecond."""
    with open(f"/proc/{process}/schedstat") as file:
        return int(file.read().split()[0]) / 1e6


def pgbench(server, database, script, *options):
    """Runs a script by several clients; returns transactions per second."""
    command = [os.path.join(server.bindir, "pgbench"), "-n", "-j", "2", "-M", "prepared", "-f", script,
               *map(str, options), "-h", server.host, "-U", "postgres", database]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
    if done.returncode != 0 or not rate:
        raise SystemExit("pgbench: " + done.stdout)
    return float(rate.group(1))


class Foreign:
    """Measures the CPUs used by others while a block runs: .cpus, 1.0 being one CPU all the time."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.began = time.monotonic()
        self.busy, self.own = busy_seconds(), own_seconds(self.server.postmaster)
        return self

    def __exit__(self, *_):
        used = (busy_seconds() - self.busy) - (own_seconds(self.server.postmaster) - self.own)
        self.cpus = max(0.0, used / (time.monotonic() - self.began))


def wait_for_quiet(server, at_most):
    """Waits until others use less than a tenth of a CPU, or for at_most seconds; returns how long."""
    began = time.monotonic()
    while time.monotonic() - began < at_most:
        with Foreign(server) as foreign:
            time.sleep(0.3)
        if foreign.cpus < 0.1:
            break
    return time.monotonic() - began


class Awake:
    """Keeps every CPU from dozing between two messages, as long as the block runs."""

    def __init__(self, server):
        self.command = [server.pairs, "--awake"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Side:
    def __init__(self, name, database, sql, calls=(), kind="side", after=None):
        self.name, self.kind, self.after = name, kind, after
        self.fields = [kind, name, database, " ".join(sql.split())]
        # a form with literals in place of parameters takes none
        self.calls = calls if "$1" in sql else ()

    def job(self):
        lines = [self.fields] + [["with", *map(str, call)] for call in self.calls]
        if self.after:
            lines.append(["after", self.after])
        return "".join("\t".join(line) + "\n" for line in lines)


class Pace:
    """How long to measure: rounds of slices, fewer when they take long."""

    def __init__(self, rounds, at_least, slice_ms, budget):
        self.rounds, self.at_least, self.slice_ms, self.budget = rounds, at_least, slice_ms, budget
        self.arguments = [str(a) for a in (rounds, at_least, slice_ms, budget)]


class Run:
    """The slices of one run of pairs: wall and CPU milliseconds per call, by side."""

    def __init__(self, server, sides, pace):
        self.wall, self.cpu = defaultdict(list), defaultdict(list)
        with Foreign(server) as foreign:
            done = subprocess.run([server.pairs, f"host={server.host} user=postgres", *pace.arguments],
                                  input="".join(s.job() for s in sides), text=True, stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise SystemExit(f"pairs ended with {done.returncode}")
        for line in done.stdout.splitlines():
            name, wall, cpu, _calls = line.split("\t")
            self.wall[name].append(float(wall))
            self.cpu[name].append(float(cpu))
        self.foreign = foreign.cpus

    def extend(self, other):
        """Adds the slices of another run of the same sides."""
        for mine, others in ((self.wall, other.wall), (self.cpu, other.cpu)):
            for name, times in others.items():
                mine[name] += times

    def ms(self, name):
        return statistics.median(self.wall[name])

    def ratio(self, a, b):
        return Ratio(self.wall[a], self.wall[b])

    def cpu_ratio(self, a, b):
        return Ratio(self.cpu[a], self.cpu[b]).median


class Ratio:
    """Median and quartiles of the ratios of pairs that were measured side by side."""

    def __init__(self, numerators, denominators):
        ratios = sorted(a / b for a, b in zip(numerators, denominators))
        self.pairs = len(ratios)
        self.median = statistics.median(ratios)
        self.low = self.high = self.median
        if self.pairs > 1:
            self.low, _, self.high = statistics.quantiles(ratios, n=4, method="inclusive")
