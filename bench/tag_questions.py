"""What is asked of tags, and how else it could be answered: P10.

Each question is asked of tags of every size against each other. The forms of
SQL have the tags' ids given, as literals; ddd is given the names.
"""
from questions import BEST, POST, Question

WITH_IDS = BEST + " with the tag ids given"
INTARRAY = "GIN array with intarray's query_int"
NEWEST = "ORDER BY l.post_created_at DESC, l.post_id DESC LIMIT 20"


def has(tag, post="l.post_id"):
    return f"EXISTS (SELECT FROM tuned.post_tags m WHERE m.post_id = {post} AND m.tag_id IN ({tag}))"


def driven(tag, *conditions):
    """The list of a tag, newest first, with each post looked at."""
    return (f"SELECT {POST} FROM tuned.post_tags l JOIN tuned.posts p ON p.id = l.post_id "
            f"WHERE l.tag_id = {tag} AND {' AND '.join(conditions)} {NEWEST}")


def posts_of(links):
    """Posts of a page of links that were found first."""
    return (f"SELECT {POST} FROM (SELECT * FROM ({links}) l {NEWEST}) l JOIN tuned.posts p ON p.id = l.post_id "
            "ORDER BY p.created_at DESC, p.id DESC")


def walked(*conditions):
    """All posts, newest first."""
    return (f"SELECT {POST} FROM tuned.posts p WHERE {' AND '.join(conditions)} "
            "ORDER BY p.created_at DESC, p.id DESC LIMIT 20")


def links(tag):
    return f"SELECT post_created_at, post_id FROM tuned.post_tags WHERE tag_id IN ({tag})"


def merged(a, b):
    return (f"SELECT a.post_created_at, a.post_id FROM tuned.post_tags a JOIN tuned.post_tags b "
            f"USING (post_created_at, post_id) WHERE a.tag_id = {a} AND b.tag_id = {b}")


def in_array(query):
    return [f"""SELECT {POST} FROM tuned.tagged p WHERE p.tags @@ '{query}'::public.query_int
                ORDER BY p.created_at DESC, p.id DESC LIMIT 20"""]


def question(what, names, query, forms, array, flat=False, nothing=False):
    # hand-written SQL is prepared with the ids in it, so its plan knows their frequencies
    return Question(
        name=f"posts_by_tags('{what}', 20): {names}", target="P10", calls=[(query,)], flat=flat, nothing=nothing,
        sql="SELECT * FROM ddd.posts_by_tags($1, 20)",
        peers={WITH_IDS: forms, INTARRAY: in_array(array)}, limits={WITH_IDS: 1.0})


def both(names, a, b, flat=False, nothing=False):
    (x, i), (y, j) = a, b
    return question("a & b", names, f'"{x}" & "{y}"', [
        driven(i, has(j)), driven(j, has(i)), posts_of(merged(i, j)),
        posts_of(f"{links(f'{i}, {j}')} GROUP BY post_created_at, post_id HAVING count(*) = 2"),
        posts_of(f"{links(i)} INTERSECT {links(j)}"), walked(has(i, "p.id"), has(j, "p.id"))],
        f"{i} & {j}", flat, nothing)


def both_without(names, a, b, c):
    (x, i), (y, j), (z, k) = a, b, c
    return question("a & b & !c", names, f'"{x}" & "{y}" & !"{z}"', [
        driven(i, has(j), "NOT " + has(k)), driven(j, has(i), "NOT " + has(k)),
        posts_of(f"SELECT * FROM ({merged(i, j)}) l WHERE NOT {has(k)}"),
        posts_of(f"{links(i)} INTERSECT {links(j)} EXCEPT {links(k)}"),
        walked(has(i, "p.id"), has(j, "p.id"), "NOT " + has(k, "p.id"))],
        f"{i} & {j} & !{k}")


def either_with(names, a, b, c):
    (x, i), (y, j), (z, k) = a, b, c
    return question("(a | b) & c", names, f'("{x}" | "{y}") & "{z}"', [
        driven(k, has(f"{i}, {j}")),
        posts_of(f"SELECT DISTINCT * FROM ({links(f'{i}, {j}')}) l WHERE {has(k)}"),
        posts_of(f"({links(i)} UNION {links(j)}) INTERSECT {links(k)}"),
        posts_of(f"({merged(i, k)}) UNION ({merged(j, k)})"),
        walked(has(f"{i}, {j}", "p.id"), has(k, "p.id"))],
        f"({i} | {j}) & {k}")


def searches(facts):
    t = facts.pairs
    yield both("two top tags", t["top"], t["top 2"], flat=True)
    yield both("top and middle", t["top"], t["middle"], flat=True)
    yield both("top and rare", t["top"], t["rare"])
    yield both("two middle tags", t["middle"], t["middle 2"])
    yield both("middle and rare", t["middle"], t["rare"])
    if "never 1" in t:
        yield both("two that never meet", t["never 1"], t["never 2"], nothing=True)
        yield both("one of them and top", t["never 1"], t["top"])
    yield both_without("two top, not middle", t["top"], t["top 2"], t["middle"])
    yield both_without("top and middle, not top", t["top"], t["middle"], t["top 2"])
    yield both_without("top and rare, not middle", t["top"], t["rare"], t["middle"])
    yield either_with("top or middle, with top", t["top 2"], t["middle"], t["top"])
    yield either_with("middle or rare, with top", t["middle"], t["rare"], t["top"])
    yield either_with("two top, with rare", t["top"], t["top 2"], t["rare"])
