"""Measures what writes: sign-up, comments one by one, by COPY, and by many clients on one post."""
import os
import statistics
import time

import guide_orm
from machine import Foreign, Ratio, Side, cpu_ms, pgbench, wait_for_quiet
from questions import FLOOR, Orm, Question
from reads import measure_orm
from report import MET, NOT_MET, Row, judge

COMMENT = "'Said by a benchmark, at some length, as people do'"
INSERT = f"INSERT INTO {{}}.comments (content, post_id, author_id) VALUES ({COMMENT}, $1::bigint, $2::bigint)"
EMAIL = "'bench' || nextval('bench.sign_up') || '@example.org'"
WITHOUT_TRIGGERS = "same table, no triggers of ddd's"
# A slice of contention counts only if others used less than this much of a CPU meanwhile.
DISTURBED = 0.25
CLIENTS = 16


def setting(bench, name):
    """A setting in its own unit, where SHOW would say "19MB"."""
    with bench.connection.cursor() as cursor:
        cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", (name,))
        return cursor.fetchone()[0]


def sign_up(bench, processes, guides):
    """P12: create_user is its hash and little more, and the hash is libsodium's and nothing more."""
    bare = f"SELECT * FROM ddd.create_user({EMAIL}, 'Bench Mark')"
    full = f"SELECT * FROM ddd.create_user({EMAIL}, 'Bench Mark', 'correct horse')"
    kib, passes = setting(bench, "ddd.argon2_memory_kib"), setting(bench, "ddd.argon2_time")
    # The rest is a call without a password, while the hash's blocks fill the CPU's caches; a round
    # trip is in both. The difference of two calls with a hash is lost in what hashes differ by.
    hashed = "SELECT ddd.hash_password('correct horse')"
    sides = [
        bench.side("hash", hashed),
        Side("libsodium", kib, passes, kind="hash"),
        bench.side("full", full, kind="undo"),
        bench.side("rest", bare, kind="undo", after=hashed),
        bench.side(FLOOR, FLOOR, after=hashed)]
    run = bench.run(sides, bench.single_pace)
    # where a process got its memory makes its hashes quicker or slower, as long as it lives
    for _ in range(processes - 1):
        run.extend(bench.run(sides, bench.single_pace))
    bench.add(run, "P12", "hash_password(password)", f"libsodium alone, {kib} KiB, {passes} passes",
              "hash", "libsodium", limit=1.05)
    bench.add(run, "P12", "create_user(…, password)", "hash_password alone", "full", "hash")
    rest = statistics.median(a - b for a, b in zip(run.wall["rest"], run.wall[FLOOR]))
    bench.report.add(Row("P12", f"create_user(…) right after a hash: {rest:+.2f} ms",
                         "SELECT 1 right after a hash", run.ms("rest"), run.ms(FLOOR), run.ratio("rest", FLOOR),
                         run.cpu_ratio("rest", FLOOR), run.ms(FLOOR), "+ 0.3 ms", MET if rest <= 0.3 else NOT_MET))
    insert = f"""INSERT INTO tuned.users (email, full_name) VALUES ({EMAIL}, 'Bench Mark')
                 RETURNING id, email, full_name, is_active, is_superuser, bio, created_at, updated_at"""
    run = bench.run([bench.side("ddd", bare, kind="undo"), bench.side("peer", insert, kind="undo"),
                     bench.floor()])
    bench.add(run, "P12", "create_user(…) without a password", "INSERT … RETURNING, tuned")
    number = iter(range(10 ** 9))
    for name, guide in guides.items():
        def create(db, name=name):
            return guide_orm.create_user(db, f"{name}{next(number)}@example.org", "Bench Mark")
        measure_orm(bench, Question("create_user(…) without a password, commit", bare, {},
                                    orm=Orm(create, (), None)), name, guide)


def one_comment(bench, facts, guides):
    """P5: what the ledger adds to the insertion of a comment, and what all of ddd's triggers do."""
    calls = list(zip(facts.random_posts, facts.random_users))
    without, again = (f"ALTER TABLE ddd.comments {what} TRIGGER comments_count_insert"
                      for what in ("DISABLE", "ENABLE"))
    # both have the table's plans to make again
    run = bench.run([bench.side("ddd", INSERT.format("ddd"), calls, "undo", f"{without}; {again}"),
                     bench.side("uncounted", INSERT.format("ddd"), calls, "undo", without),
                     bench.side("peer", INSERT.format("tuned"), calls, "undo"), bench.floor()])
    bench.add(run, "P5", "INSERT of a comment (CPU counts)", "same table without the ledger's trigger",
              peer="uncounted", limit=1.1, by_cpu=True)
    bench.add(run, "P5", "INSERT of a comment (CPU counts)", WITHOUT_TRIGGERS, by_cpu=True)
    add = f"SELECT * FROM ddd.add_comment($1::bigint, $2::bigint, {COMMENT})"
    run = bench.run([bench.side("ddd", add, calls, "undo"),
                     bench.side("peer", INSERT.format("tuned") + " RETURNING *", calls, "undo"),
                     bench.floor()])
    bench.add(run, "", "add_comment(post_id, author_id, content)", "INSERT … RETURNING, tuned")
    post, user = calls[0]
    add = f"SELECT * FROM ddd.add_comment({post}, {user}, {COMMENT})"
    for name, guide in guides.items():
        measure_orm(bench, Question("add_comment(…), commit", add, {}, orm=Orm(
            guide_orm.add_comment, (post, user, COMMENT.strip("'")), None)), name, guide)


def copy(bench, rows, pairs, file):
    """P7: COPY by the server from a file, rolled back; statement time and the backend's CPU."""
    columns = "content, post_id, author_id, created_at, updated_at"
    found, cpu = {"ddd": [], "tuned": []}, {"ddd": [], "tuned": []}
    backend = bench.connection.get_backend_pid()
    with bench.connection.cursor() as cursor:
        cursor.execute(f"""COPY (SELECT {columns} FROM ddd.comments ORDER BY md5(id::text) LIMIT {rows})
                           TO '{file}'""")
        rows = cursor.rowcount
        for _ in range(pairs):
            for schema, times in found.items():
                cursor.execute("BEGIN")
                used, began = cpu_ms(backend), time.perf_counter()
                cursor.execute(f"COPY {schema}.comments ({columns}) FROM '{file}'")
                times.append((time.perf_counter() - began) * 1000)
                cpu[schema].append(cpu_ms(backend) - used)
                cursor.execute("ROLLBACK")
                # as empty as before for whoever comes next
                cursor.execute(f"VACUUM {schema}.comments")
    ratio = Ratio(found["ddd"], found["tuned"])
    limit, mark = judge(ratio.median, 1.1)
    bench.report.add(Row("P7", f"COPY of {rows:,} comments", WITHOUT_TRIGGERS,
                         statistics.median(found["ddd"]), statistics.median(found["tuned"]), ratio,
                         Ratio(cpu["ddd"], cpu["tuned"]).median, limit=limit, mark=mark))


class Contention:
    """Sixteen clients that comment on one post: pgbench in slices, sides in turns."""

    def __init__(self, bench, directory, seconds, slices, patience):
        self.bench, self.seconds, self.slices, self.patience = bench, seconds, slices, patience
        self.script = os.path.join(directory, "contention.sql")

    # patience: how many seconds all slices together may wait for a quiet machine
    def slice(self, schema, post, user, pause):
        """Returns transactions per second, and the CPUs that others used meanwhile."""
        insert = INSERT.format(schema).replace("$1", str(post)).replace("$2", str(user))
        with open(self.script, "w") as file:
            file.write(f"BEGIN;\n{insert};\n\\sleep {pause} ms\nCOMMIT;\n" if pause else insert + ";\n")
        self.patience -= wait_for_quiet(self.bench.server, self.patience)
        with Foreign(self.bench.server) as foreign:
            rate = pgbench(self.bench.server, self.bench.database, self.script, "-c", CLIENTS, "-T", self.seconds)
        return rate, foreign.cpus

    def measure(self, post, user):
        """P6: with a pause in it, a transaction stays open and the others meet it."""
        for name, pause in (("5 ms transactions", 5), ("autocommit", 0)):
            rounds = [{schema: self.slice(schema, post, user, pause)
                       for schema in ("ddd", "tuned", "counter")} for _ in range(self.slices)]
            quiet = [r for r in rounds if max(cpus for _, cpus in r.values()) <= DISTURBED]
            counted = quiet or rounds
            rates = {schema: [r[schema][0] for r in counted] for schema in rounds[0]}
            for schema, against, least in (("tuned", WITHOUT_TRIGGERS, 0.9),
                                           ("counter", "counter column by trigger", 8 if pause else None)):
                ratio = Ratio(rates["ddd"], rates[schema])
                limit, mark = judge(ratio.median, at_least=least)
                self.bench.report.add(Row(
                    "P6", f"comments on one post, {CLIENTS} clients, {name}", against,
                    statistics.median(rates["ddd"]), statistics.median(rates[schema]), ratio,
                    limit=limit, mark=mark, unit="tps"))
            self.bench.report.note(
                f"{name}: {len(rounds)} rounds of {self.seconds} s, {len(rounds) - len(quiet)} of them "
                f"disturbed (others used more than {DISTURBED:g} CPUs)" + (", all count." if not quiet else "."))
