"""Asks each side the same question and compares the answers.

A benchmark whose sides answer different questions is worth nothing, so every
run begins with this; nothing is measured after a difference.
"""
from values import plain


class Different(Exception):
    pass


def ask(connection, sql, call=()):
    """Rows as dicts. Prepared, since the questions' parameters are $1, $2, ..."""
    with connection.cursor() as cursor:
        cursor.execute("PREPARE asked AS " + sql)
        try:
            values = [cursor.mogrify("%s", (str(v),)).decode() for v in call] if "$1" in sql else []
            cursor.execute("EXECUTE asked" + ("(" + ", ".join(values) + ")" if values else ""))
            # a peer's unnamed columns may share a name
            names = [f"{nth} {column.name}" for nth, column in enumerate(cursor.description, 1)]
            if len({c.name for c in cursor.description}) == len(names):
                names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]
        finally:
            cursor.execute("DEALLOCATE asked")


def compared(row):
    """The columns that peers answer too: all but the cursor."""
    return [name for name in row if name != "cursor"]


def values_of(row):
    """A row's values in order. Columns of the peers have names of their own."""
    return [plain(row[name]) for name in compared(row)]


def compare(ddd_rows, peer_rows, what):
    """Raises Different. Says where, not what: rows may hold addresses."""
    if len(ddd_rows) != len(peer_rows):
        raise Different(f"{what}: {len(peer_rows)} rows, ddd has {len(ddd_rows)}")
    for nth, (a, b) in enumerate(zip(ddd_rows, peer_rows), 1):
        a, b = values_of(a), values_of(b)
        if a != b:
            columns = [i + 1 for i in range(min(len(a), len(b))) if a[i] != b[i]]
            raise Different(f"{what}: row {nth} differs in columns {columns or 'that one side lacks'}")


def verify(connection, question, guides):
    """Compares every form of every peer, and the guide's own answer. Returns the comparisons made."""
    made = 0
    for call in question.calls or [()]:
        ddd_rows = ask(connection, question.sql, call)
        for kind, forms in question.peers.items():
            for form, sql in enumerate(forms, 1):
                compare(ddd_rows, ask(connection, sql, call), f"{question.name}: {kind}, form {form}")
                made += 1
    orm = question.orm
    for name, guide in guides.items() if orm else ():
        ddd_rows = ask(connection, question.sql, (question.calls or [()])[0])
        if not orm.agrees(ddd_rows, guide.call(orm.call, *orm.arguments)):
            raise Different(f"{question.name}: {name} ORM")
        made += 1
    return made
