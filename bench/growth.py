"""P15: a backend neither slows down nor grows, however often it calls."""
import psycopg2

from machine import cpu_ms
from report import MET, NOT_MET, Row

CHUNK = 10_000
PIECES = 10
MOST_GROWTH = 1 << 20
# of the last calls' CPU time against the first ones': a leak or a list that is searched shows as far more
MOST_SLOWDOWN = 1.1


def calls_of(facts):
    user, post, tag = facts.random_users[0], facts.random_posts[0], facts.tags["top"][0]
    email = facts.random_emails[0]
    # cheap ones, and one of each kind of result and of each frame of call
    return {
        "get_user(id)": (f"PERFORM ddd.get_user({user})", 1),
        "get_user_by_email(email)": (f"PERFORM ddd.get_user_by_email($q${email}$q$)", 1),
        "get_post(id)": (f"PERFORM ddd.get_post({post})", 1),
        "list_posts(1)": ("PERFORM * FROM ddd.list_posts(1)", 5),
        "posts_by_tag(name, 1)": (f"PERFORM * FROM ddd.posts_by_tag($q${tag}$q$, 1)", 5),
    }


def measure(server, database, report, facts, calls):
    """Calls each function so often in one backend; the dear ones a fifth as often."""
    for name, (call, dearness) in calls_of(facts).items():
        connection = psycopg2.connect(host=server.host, user="postgres", dbname=database)
        connection.autocommit = True
        chunks = max(2, calls // dearness // CHUNK)
        with connection.cursor() as cursor:
            def chunk(count):
                cursor.execute(f"DO $do$ BEGIN FOR i IN 1..{count} LOOP {call}; END LOOP; END $do$")

            def memory():
                cursor.execute("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts")
                return cursor.fetchone()[0]

            memory()
            chunk(100)      # fills the caches
            before = memory()
            times = []
            backend = connection.get_backend_pid()
            for _ in range(chunks):
                # the quickest piece: whatever disturbs, only adds
                pieces = []
                for _ in range(PIECES):
                    began = cpu_ms(backend)
                    chunk(CHUNK // PIECES)
                    pieces.append(cpu_ms(backend) - began)
                times.append(min(pieces) * PIECES)
            growth = memory() - before
        connection.close()
        slower = times[-1] / times[0]
        total = chunks * CHUNK
        report.add(Row("P15", f"{name}, {total:,} calls: memory grew {growth / 1024:.0f} KiB", "at the start",
                       limit="< 1 MiB", mark=MET if growth < MOST_GROWTH else NOT_MET))
        report.add(Row("P15", f"{name}, last {CHUNK:,} of {total:,}, CPU", f"first {CHUNK:,}",
                       times[-1] / CHUNK, times[0] / CHUNK, cpu=slower,
                       limit=f"≤ {MOST_SLOWDOWN:g}", mark=MET if slower <= MOST_SLOWDOWN else NOT_MET))
