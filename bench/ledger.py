"""Measures the counters' ledger: reading while deltas are pending, reading under a held
snapshot, and what folding costs."""
import os
import statistics
import time
from contextlib import closing

import psycopg2

from machine import Ratio, pgbench, server_seconds
from questions import FLOOR
from report import Row, judge
from writes import CLIENTS, COMMENT, WITHOUT_TRIGGERS

POPULAR = "SELECT * FROM ddd.popular_posts(10)"
# Subjects as a draw of their place in the ranking, as pgbench writes it.
DRAWS = {"uniform": "random(1, {posts})", "Zipf": "random_zipfian(1, {posts}, 1.01)"}


class Ledger:
    def __init__(self, bench, facts, directory, amounts):
        self.bench, self.facts, self.directory, self.amounts = bench, facts, directory, amounts

    def execute(self, sql, *values):
        with self.bench.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else None

    def connect(self):
        return psycopg2.connect(host=self.bench.server.host, user="postgres", dbname=self.bench.database)

    def folding(self, threshold):
        """Sets from how many pending rows on a worker folds; for sessions that begin now."""
        self.execute(f'ALTER DATABASE "{self.bench.database}" SET ddd.fold_threshold = {threshold}')

    def fold(self):
        """Everything is folded afterwards, and no dead row is left."""
        self.execute("SELECT ddd.fold_counters()")
        for table in ("comments", "counter_ledger", "counters", "counter_state"):
            self.execute(f"VACUUM ddd.{table}")

    def write(self, subjects, delta):
        """Writes deltas of posts, as triggers would: one transaction."""
        self.execute(f"""INSERT INTO ddd.counter_ledger (xid, subject_id, delta, counter)
                         SELECT pg_current_xact_id(), id, {delta}, 1 FROM ({subjects}) s""")

    def popular(self, ranked):
        return self.bench.run([self.bench.side("ddd", POPULAR), self.bench.side("peer", ranked), self.bench.floor()])

    def compare(self, target, question, run, without, limit):
        """Adds a row of popular_posts() in two runs that have the same peer in them."""
        ratio = Ratio(*([a / b for a, b in zip(r.wall["ddd"], r.wall["peer"])] for r in (run, without)))
        limit, mark = judge(ratio.median, limit)
        self.bench.report.add(Row(target, question, "nothing pending, both by the ranked table", run.ms("ddd"),
                                  without.ms("ddd"), ratio, floor=run.ms(FLOOR), limit=limit, mark=mark))

    def measure_pending(self, ranked):
        """P3: each of so many posts has a delta."""
        self.folding(0)
        self.fold()
        without = self.popular(ranked)
        for rows, limit in ((1000, 3), (10000, 25)):
            rows = min(rows, self.facts.posts // 2)
            posts = f"SELECT id FROM ddd.posts ORDER BY md5(id::text) LIMIT {rows}"
            self.write(posts, 1)
            self.compare("P3", f"popular_posts(10), {rows:,} deltas pending, uniform", self.popular(ranked), without,
                         limit)
            self.write(posts, -1)
            self.fold()

    def measure_held(self, ranked):
        """P4: a snapshot is held while the worker folds a million deltas."""
        rows, batches = self.amounts["deltas"], 10
        for name, draw, limit in (("uniform", "random()", 2), ("Zipf", "power({posts}, random() - 1)", 10)):
            subjects = f"""SELECT 1 + floor({draw.format(posts=self.facts.posts)} * ({self.facts.posts} - 1))::bigint AS id
                             FROM generate_series(1, {rows // batches})"""
            self.folding(0)
            self.fold()
            without = self.popular(ranked)
            self.folding(rows // batches // 2)
            holder = self.connect()
            holder.set_session("REPEATABLE READ", readonly=True)
            with holder.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM ddd.users")
            self.execute("CREATE TEMPORARY TABLE written (id bigint, batch int)")
            for batch in range(batches):
                self.execute(f"INSERT INTO written SELECT id, {batch} FROM ({subjects}) s")
                self.write(f"SELECT id FROM written WHERE batch = {batch}", 1)
                self.wait_for_worker()
            self.compare("P4", f"popular_posts(10), {rows:,} deltas folded under a snapshot, {name}",
                         self.popular(ranked), without, limit)
            holder.close()
            self.write("SELECT id FROM written", -1)
            self.execute("DROP TABLE written")
            self.fold()
        self.folding(0)

    def wait_for_worker(self):
        """Reads, which asks for a worker, until it has folded all."""
        # a session asks once a second, so each time a new one
        while True:
            with closing(self.connect()) as reader, reader.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM ddd.popular_posts(1)")
                cursor.execute("SELECT count(*) FROM ddd.counter_ledger")
                if cursor.fetchone()[0] == 0:
                    return
            time.sleep(0.1)

    def insert(self, schema, draw):
        """A script of pgbench: one comment on a post that is drawn."""
        path = os.path.join(self.directory, "insert.sql")
        with open(path, "w") as file:
            file.write(f"\\set post {draw.format(posts=self.facts.posts)}\n"
                       f"\\set author random(1, {self.facts.users})\n"
                       f"INSERT INTO {schema}.comments (content, post_id, author_id) VALUES ({COMMENT}, :post, :author);\n")
        return path

    def measure_fold(self):
        """P8: how fast a fold is beside the inserts that it follows, and the CPU of both."""
        self.folding(0)
        for name, draw, faster, limit in (("uniform", DRAWS["uniform"], 5, 1.4), ("Zipf", DRAWS["Zipf"], 20, 1.2)):
            inserts, folds, cpu = [], [], {"ddd": [], "tuned": []}
            for _ in range(self.amounts["slices"]):
                for schema, used in cpu.items():
                    self.fold()
                    script = self.insert(schema, draw)
                    began = server_seconds(self.bench.server.postmaster)
                    rate = pgbench(self.bench.server, self.bench.database, script, "-c", CLIENTS,
                                   "-t", self.amounts["inserts"] // CLIENTS)
                    if schema == "ddd":
                        inserts.append(rate)
                        clock = time.perf_counter()
                        rows = self.execute("SELECT ddd.fold_counters()")[0][0]
                        folds.append(rows / (time.perf_counter() - clock))
                    used.append(server_seconds(self.bench.server.postmaster) - began)
            ratio = Ratio(folds, inserts)
            bound, mark = judge(ratio.median, at_least=faster)
            self.bench.report.add(Row("P8", f"fold, rows a second, {name}", f"{CLIENTS} clients that insert",
                                      statistics.median(folds), statistics.median(inserts), ratio,
                                      limit=bound, mark=mark, unit="/s"))
            ratio = Ratio(cpu["ddd"], cpu["tuned"])
            bound, mark = judge(ratio.median, limit)
            inserted = self.amounts["inserts"] // 1000
            self.bench.report.add(Row("P8", f"CPU of {CLIENTS} clients that insert, with the fold, {name}", WITHOUT_TRIGGERS,
                                      statistics.median(cpu["ddd"]) / inserted, statistics.median(cpu["tuned"]) / inserted,
                                      ratio, limit=bound, mark=mark))
        self.fold()

    def measure(self, ranked):
        self.measure_pending(ranked)
        self.measure_held(ranked)

    def restore(self):
        """As before: the default threshold, nothing pending."""
        self.fold()
        self.execute(f'ALTER DATABASE "{self.bench.database}" RESET ddd.fold_threshold')
