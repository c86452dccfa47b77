"""The benchmark of a loaded server: compares answers, then measures, then prints the verdicts.

bench/run prepares everything and calls this; see there.
"""
import argparse
import datetime
import os
import statistics
import sys

import growth
import questions
import reads
import tag_questions
import verify
import writes
from facts import Facts
from guide_orm import Guide
from ledger import Ledger
from machine import Awake, Pace, Server
from report import Report, Row

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = [f"P{n}" for n in range(1, 16)]
SEARCH = "search"
SETTINGS = ["shared_buffers", "work_mem", "max_wal_size", "checkpoint_timeout", "autovacuum", "fsync",
            "synchronous_commit", "jit"]

def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True, help="directory of the server's socket")
    parser.add_argument("--postmaster", type=int, required=True)
    parser.add_argument("--pairs", required=True, help="the compiled pairs.c")
    parser.add_argument("--bindir", required=True, help="where pgbench is")
    parser.add_argument("--files", required=True, help="directory that server and caller may write to")
    parser.add_argument("--commit", required=True)
    parser.add_argument("--base", help="a database that is there for comparisons between scales only")
    parser.add_argument("--write", help="file of the page to write")
    parser.add_argument("--check", action="store_true", help="short, and proves that differences are noticed")
    parser.add_argument("databases", nargs="+", help="one for each scale, named for it")
    return parser.parse_args()


def memory_gib():
    with open("/proc/meminfo") as file:
        return round(int(file.readline().split()[1]) / 1024 / 1024)


def heading(arguments, bench):
    def show(name):
        with bench.connection.cursor() as cursor:
            cursor.execute("SHOW " + name)
            return cursor.fetchone()[0]

    settings = ", ".join(f"{name} {show(name)}" for name in SETTINGS)
    return [f"commit {arguments.commit}",
            f"date {datetime.date.today()}",
            f"PostgreSQL {show('server_version')}; {settings}",
            f"machine: {os.cpu_count()} CPUs, {memory_gib()} GiB of memory"]


def questions_of(bench, facts):
    if bench.database == SEARCH:
        return [questions.search("3 % match, at the beginning", "Anna"),
                questions.search("3 % match, not at the beginning", "oris"),
                questions.search("one hit", f"{facts.random_users[0]}@")]
    found = [questions.popular(facts), *questions.windows(facts), questions.hot(facts)]
    found += [questions.by_tag(facts, which) for which in facts.tags]
    found += tag_questions.searches(facts)
    found += [questions.with_comments(facts), *questions.one_user(facts), *questions.pages(facts)]
    found.append(questions.comment_count(facts))
    return found


def seed_differences(bench, question, guides):
    """Proves that verify would notice a wrong answer; returns how many were tried."""
    answers = (verify.ask(bench.connection, question.sql, call) for call in question.calls or [()])
    rows = next((rows for rows in answers if rows), None)
    if (rows is None) != question.nothing:
        raise SystemExit(f"{question.name}: {'no' if rows is None else 'a'} call has an answer")
    if question.nothing:
        rows, wrong = [], [[{"id": 1}]]
    else:
        wrong = [rows[1:], rows + rows[:1]]
        for name in verify.compared(rows[0]):
            wrong.append([{**rows[0], name: "something else"}] + rows[1:])
    if len(rows) > 1:
        wrong.append(rows[::-1])
    for answer in wrong:
        try:
            verify.compare(rows, answer, question.name)
        except verify.Different:
            continue
        raise SystemExit(f"{question.name}: a wrong answer was not noticed")
    for guide in guides.values() if question.orm else ():
        if question.orm.agrees(rows[1:], guide.call(question.orm.call, *question.orm.arguments)):
            raise SystemExit(f"{question.name}: a wrong answer of the ORM was not noticed")
        wrong.append(None)
    return len(wrong)


class Database:
    """One scale: its data, its questions, its peers."""

    def __init__(self, server, name, paces):
        self.bench = reads.Bench(server, name, paces)
        self.facts = Facts(self.bench.connection)
        self.questions = questions_of(self.bench, self.facts)
        self.guides = {schema: Guide(server.host, name, schema) for schema in ("guide", "tuned")}

    def describe(self):
        facts = self.facts
        return f"{facts.users:,} users, {facts.posts:,} posts, {facts.comments:,} comments."


def compare_answers(databases, check):
    made = seeded = 0
    for database in databases:
        for question in database.questions:
            try:
                made += verify.verify(database.bench.connection, question, database.guides)
            except verify.Different as difference:
                raise SystemExit(f"{database.bench.database}: {difference}") from None
            if check:
                seeded += seed_differences(database.bench, question, database.guides)
    return made, seeded


def measure_database(database, arguments, amounts):
    bench, facts, report = database.bench, database.facts, database.bench.report
    ledger = Ledger(bench, facts, arguments.files, amounts)
    with Awake(bench.server):
        report.section(f"{bench.database}: questions", database.describe())
        for question in database.questions:
            reads.measure(bench, question, database.guides)
        if bench.database != SEARCH:
            measure_refresh(database, report)
        note_foreign(bench)
        if bench.database == SEARCH:
            return
        report.section(f"{bench.database}: sign-up and comments")
        writes.sign_up(bench, amounts["processes"], database.guides)
        writes.one_comment(bench, facts, database.guides)
        file = os.path.join(arguments.files, "comments")
        writes.copy(bench, amounts["copy"], amounts["pairs"], file)
        note_foreign(bench)
        report.section(f"{bench.database}: reading while deltas are pending")
        popular = database.questions[0]
        kind = "best SQL over a ready ranked table"
        ledger.measure(bench.quickest(popular.peers[kind], popular.calls)[0])
        note_foreign(bench)
    report.section(f"{bench.database}: many clients on one post")
    contention = writes.Contention(bench, arguments.files, amounts["seconds"], amounts["slices"],
                                   amounts["patience"])
    contention.measure(facts.hottest_post, facts.random_users[0])
    report.section(f"{bench.database}: many clients on many posts, and the fold")
    ledger.measure_fold()
    ledger.restore()


def note_foreign(bench):
    if bench.foreign:
        bench.report.note(f"Meanwhile other processes used {statistics.median(bench.foreign):.2f} CPUs "
                          f"in the median, {max(bench.foreign):.2f} at most.")
        bench.foreign.clear()


def measure_flat(databases, report):
    report.section("the same question at several scales", "In turns; flat within 20 %.")
    benches = [d.bench for d in databases]
    for nth, question in enumerate(databases[0].questions):
        if question.flat:
            asked = {d.bench.database: d.questions[nth] for d in databases}
            reads.measure_flat(benches, question, asked)


def measure_refresh(database, report):
    """What the materialized view's peer costs beside its reads."""
    with database.bench.connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        began = cursor.fetchone()[0]
        cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY tuned.popular")
        cursor.execute("SELECT clock_timestamp()")
        report.add(Row("P1", "REFRESH MATERIALIZED VIEW CONCURRENTLY",
                       peer=(cursor.fetchone()[0] - began).total_seconds() * 1000))


def main():
    arguments = parse_arguments()
    server = Server(arguments.host, arguments.postmaster, arguments.pairs, arguments.bindir)
    if arguments.check:
        paces = Pace(3, 3, 2, 2), Pace(2, 1, 1, 1), Pace(3, 3, 0, 2)
        amounts = {"copy": 1000, "pairs": 2, "seconds": 1, "slices": 1, "patience": 0, "calls": 20_000,
                   "processes": 2, "deltas": 10_000, "inserts": 1600}
    else:
        large = any(name in ("l", "xl") for name in arguments.databases)
        paces = Pace(21, 5, 15, 12), Pace(5, 1, 10, 5), Pace(51, 21, 0, 10)
        amounts = {"copy": 1_000_000 if large else 100_000, "pairs": 3 if large else 5,
                   "seconds": 3, "slices": 3, "patience": 60, "calls": 1_000_000, "processes": 7, "deltas": 1_000_000,
                   "inserts": 48_000}

    names = ([arguments.base] if arguments.base else []) + arguments.databases
    databases = [Database(server, name, paces) for name in names]
    report = Report(heading(arguments, databases[0].bench))
    for database in databases:
        database.bench.report = report

    made, seeded = compare_answers(databases, arguments.check)
    seeded = f"; {seeded} wrong ones, all noticed" if arguments.check else ""
    print(f"{made} answers compared, all alike{seeded}", flush=True)

    scales = [d for d in databases if d.bench.database != SEARCH]
    for database in databases:
        if database.bench.database != arguments.base:
            measure_database(database, arguments, amounts)
    with Awake(server):
        report.section("one backend, many calls", scales[-1].describe())
        growth.measure(server, scales[-1].bench.database, report, scales[-1].facts, amounts["calls"])
        if len(scales) > 1:
            measure_flat(scales, report)
    report.section("not measured")
    if len(scales) < 2:
        report.add(Row("P2", "popular_posts(10) at several scales", mark='needs SCALE="S M"'))

    passed = "The check passed; verdicts mean nothing at this size."
    print("\n" + (passed if arguments.check else report.summary()))
    missing = set(TARGETS) - {row.target for row in report.rows()}
    if missing and SEARCH in arguments.databases:
        raise SystemExit(f"targets without a row: {sorted(missing)}")
    if arguments.write:
        with open(os.path.join(HERE, "method.md")) as file, open(arguments.write, "w") as page:
            page.write(report.markdown(file.read()))


if __name__ == "__main__":
    sys.exit(main())
