"""Measures questions: ddd against each peer, the guide's ORM, SELECT 1, and other scales."""
import statistics
import time

import psycopg2

from machine import Ratio, Run, Side
from questions import EACH_TIME, FLOOR
from report import MET, NOT_MET, Row, judge


class Bench:
    """A database under measurement."""

    def __init__(self, server, database, paces):
        self.server, self.database = server, database
        self.pace, self.trial_pace, self.single_pace = paces
        self.report = None
        self.connection = psycopg2.connect(host=server.host, user="postgres", dbname=database)
        self.connection.autocommit = True
        self.foreign = []

    def run(self, sides, pace=None):
        run = Run(self.server, sides, pace or self.pace)
        self.foreign.append(run.foreign)
        return run

    def side(self, name, sql, calls=(), kind="side", after=None):
        # a database is the end of a connection string: a connection of its own for another setting
        setting = " options='-c plan_cache_mode=force_custom_plan'" if sql.startswith(EACH_TIME) else ""
        return Side(name, self.database + setting, sql, calls, kind, after)

    def floor(self):
        return self.side(FLOOR, FLOOR)

    def quickest(self, forms, calls):
        """Returns the form that is quickest here and now, and what to call it."""
        if len(forms) == 1:
            return forms[0], ""
        run = self.run([self.side(str(i), form, calls) for i, form in enumerate(forms)], self.trial_pace)
        best = min(range(len(forms)), key=lambda i: run.ms(str(i)))
        return forms[best], f", form {best + 1}"

    def add(self, run, target, question, against, ddd="ddd", peer="peer", limit=None, by_cpu=False):
        """Adds the row of two sides of a run, judged by the clock or by the backend's CPU."""
        ratio, cpu = run.ratio(ddd, peer), run.cpu_ratio(ddd, peer)
        limit, mark = judge(cpu if by_cpu else ratio.median, limit)
        self.report.add(Row(target, question, against, run.ms(ddd), run.ms(peer), ratio, cpu, run.ms(FLOOR),
                            limit, mark))


def measure(bench, question, guides):
    """Adds a row per peer, and one for SELECT 1 where the target names it."""
    first = None
    for kind, forms in question.peers.items():
        form, name = bench.quickest(forms, question.calls)
        run = bench.run([bench.side("ddd", question.sql, question.calls),
                         bench.side("peer", form, question.calls), bench.floor()])
        first = first or run
        bench.add(run, question.target, question.name, kind + name, limit=question.limits.get(kind))
    if FLOOR in question.limits:
        bench.add(first, question.target, question.name, FLOOR, peer=FLOOR, limit=question.limits[FLOOR])
    if question.most_ms is not None:
        ms = first.ms("ddd")
        bench.report.add(Row(question.target, question.name, "the clock", ms, floor=first.ms(FLOOR),
                             limit=f"≤ {question.most_ms:g} ms",
                             mark=MET if ms <= question.most_ms else NOT_MET))
    if question.orm:
        for name, guide in guides.items():
            measure_orm(bench, question, name, guide)


def slice_of(call, seconds):
    """Runs a call for at least so long; returns milliseconds per call."""
    began, done = time.perf_counter(), 0
    while True:
        call()
        done += 1
        used = time.perf_counter() - began
        if used >= seconds:
            return used * 1000 / done


def measure_orm(bench, question, name, guide):
    """The guide's call against ddd's in this same process, rows loaded into Python on both sides."""
    orm, pace = question.orm, bench.pace
    cursor = bench.connection.cursor()
    call = question.calls[0] if question.calls else None
    sql = question.sql.replace("$1", "%s") if call else question.sql

    def ask(*statement):
        cursor.execute(*statement)
        cursor.fetchall()

    sides = {"ddd": lambda: ask(sql, call),
             "orm": lambda: guide.call(orm.call, *orm.arguments),
             FLOOR: lambda: ask(FLOOR)}
    found = {side: [] for side in sides}
    for side in sides.values():
        side()
    began = time.monotonic()
    for nth in range(pace.rounds):
        if nth >= pace.at_least and time.monotonic() - began > pace.budget:
            break
        for side, times in found.items():
            times.append(slice_of(sides[side], pace.slice_ms / 1000))
    ratio = Ratio(found["ddd"], found["orm"])
    limit, mark = judge(ratio.median, question.limits.get(name + " ORM"))
    bench.report.add(Row(question.target, question.name, name + " ORM",
                         statistics.median(found["ddd"]), statistics.median(found["orm"]), ratio, None,
                         statistics.median(found[FLOOR]), limit, mark))


def measure_flat(benches, question, asked):
    """The same question at each scale in turns: it may not take longer where there is more data."""
    smallest, *larger = benches
    target = "P2" if question.target == "P1" else question.target
    first = asked[smallest.database]
    for bench in larger:
        second = asked[bench.database]
        run = bench.run([bench.side("ddd", second.sql, second.calls),
                         smallest.side("peer", first.sql, first.calls), bench.floor()])
        bench.add(run, target, f"{bench.database}: {second.name}", f"the same at scale {smallest.database}",
                  limit=1.2)
