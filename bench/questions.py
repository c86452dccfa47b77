"""What is asked, and how each peer answers it.

A Question holds ddd's call and, for each kind of peer, the forms of SQL that
were thought of for it: the quickest on the spot is the peer. All forms
must return ddd's rows in ddd's order (measure.py compares them), without the cursor.
What they need to know of the data is in facts.Facts.
"""
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Callable, Optional

import guide_orm
from values import plain

BEST = "best SQL"
FLOOR = "SELECT 1"
EACH_TIME = "/* planned at each call, with the values known */ "


@dataclass
class Orm:
    """One of the guide's calls, and whether its answer agrees with ddd's as far as it can."""
    call: Callable
    arguments: tuple
    agrees: Callable                    # of ddd's rows and the guide's objects


@dataclass
class Question:
    name: str
    sql: str
    peers: dict                         # kind -> list of SQL forms
    calls: list = field(default_factory=list)       # parameters of calls, taken in turn
    target: str = ""
    limits: dict = field(default_factory=dict)      # kind -> largest ratio
    orm: Optional[Orm] = None
    flat: bool = False                  # compared between scales too
    nothing: bool = False               # nothing is the answer
    most_ms: Optional[float] = None     # largest time, where the target names one


POST = "p.id, p.title, p.content, p.author_id, p.created_at, p.updated_at"
USER = "u.id, u.email, u.full_name, u.is_active, u.is_superuser, u.bio, u.created_at, u.updated_at"
COMMENT = "c.id, c.content, c.post_id, c.author_id, c.parent_id, c.created_at, c.updated_at"


def ids(rows):
    return [r["id"] for r in rows]


def object_ids(objects):
    return [o.id for o in objects]


def newest(objects, limit):
    return sorted(objects, key=lambda o: (o.created_at, o.id), reverse=True)[:limit]


def holds(row, query):
    return query in row["full_name"] or query in row["email"]


# ---- popular posts -----------------------------------------------------------

RANKED = "r.comment_count DESC, r.created_at DESC, r.post_id DESC"
AGGREGATE = "(SELECT post_id, count(*) AS n FROM tuned.comments GROUP BY post_id)"

def popular(facts):
    return Question(
        name="popular_posts(10)", target="P1", flat=True,
        sql="SELECT * FROM ddd.popular_posts(10)",
        peers={
            "best SQL over a ready ranked table": [
                f"""SELECT {POST}, r.comment_count FROM tuned.ranked r JOIN tuned.posts p ON p.id = r.post_id
                    ORDER BY {RANKED} LIMIT 10""",
                f"""SELECT {POST}, r.comment_count
                      FROM (SELECT * FROM tuned.ranked r ORDER BY {RANKED} LIMIT 10) r
                    JOIN tuned.posts p ON p.id = r.post_id ORDER BY {RANKED}"""],
            "counter column with ranking index": [
                f"""SELECT {POST}, p.comment_count FROM counter.posts p
                    ORDER BY p.comment_count DESC, p.created_at DESC, p.id DESC LIMIT 10"""],
            "materialized view with ranking index": [
                f"""SELECT {POST}, p.comment_count FROM tuned.popular p
                    ORDER BY p.comment_count DESC, p.created_at DESC, p.id DESC LIMIT 10"""],
            "best aggregate SQL": [
                f"""SELECT {POST}, r.n FROM {AGGREGATE} r JOIN tuned.posts p ON p.id = r.post_id
                    ORDER BY r.n DESC, p.created_at DESC, p.id DESC LIMIT 10""",
                f"""WITH r AS MATERIALIZED {AGGREGATE}
                    SELECT {POST}, r.n FROM r JOIN tuned.posts p ON p.id = r.post_id
                     WHERE r.n >= (SELECT min(n) FROM (SELECT n FROM r ORDER BY n DESC LIMIT 10) s)
                     ORDER BY r.n DESC, p.created_at DESC, p.id DESC LIMIT 10""",
                f"""SELECT {POST}, count(*) AS n FROM tuned.posts p JOIN tuned.comments c ON c.post_id = p.id
                     GROUP BY p.id ORDER BY n DESC, p.created_at DESC, p.id DESC LIMIT 10"""],
        },
        limits={"best SQL over a ready ranked table": 1.1, FLOOR: 3.5},
        # of posts with equally many comments the guide returns any
        orm=Orm(guide_orm.popular_posts, (10,), lambda rows, posts:
                [r["comment_count"] for r in rows] == facts.comment_counts(object_ids(posts))))


def windows(facts):
    """A short window and half of the time that there are comments of. No comment has just passed a limit."""
    for name, limit in (("a day", facts.newest_comment - timedelta(days=1)),
                        ("half of all time", facts.oldest_comment + (facts.newest_comment - facts.oldest_comment) / 2)):
        window = f"(SELECT post_id, count(*) AS n FROM tuned.comments WHERE created_at >= '{limit}' GROUP BY post_id)"
        yield Question(
            name=f"popular_posts(10, since), {name}",
            sql=f"SELECT * FROM ddd.popular_posts(10, since => now() - '{limit}'::timestamptz)",
            peers={"best aggregate SQL": [
                f"""SELECT {POST}, r.n FROM {window} r JOIN tuned.posts p ON p.id = r.post_id
                    ORDER BY r.n DESC, p.created_at DESC, p.id DESC LIMIT 10""",
                f"""WITH r AS MATERIALIZED {window}
                    SELECT {POST}, r.n FROM r JOIN tuned.posts p ON p.id = r.post_id
                     WHERE r.n >= (SELECT min(n) FROM (SELECT n FROM r ORDER BY n DESC LIMIT 10) s)
                     ORDER BY r.n DESC, p.created_at DESC, p.id DESC LIMIT 10"""]})


def hot(facts):
    score = "power(extract(epoch FROM now() - p.created_at)::float8 / 3600 + 2, 1.8)"
    return Question(
        name="hot_posts(10)", sql="SELECT id, comment_count FROM ddd.hot_posts(10)",
        peers={
            "best SQL over a ready ranked table": [
                f"""SELECT p.post_id, p.comment_count FROM tuned.ranked p
                    ORDER BY p.comment_count / {score} DESC, p.created_at DESC, p.post_id DESC LIMIT 10"""],
            "best aggregate SQL": [
                f"""SELECT p.id, r.n FROM {AGGREGATE} r JOIN tuned.posts p ON p.id = r.post_id
                    ORDER BY r.n / {score} DESC, p.created_at DESC, p.id DESC LIMIT 10"""]})


# ---- posts by tag ------------------------------------------------------------

def by_tag(facts, which):
    name, tag_id, posts = facts.tags[which]
    walk = f"l.tag_id = {tag_id} ORDER BY l.post_created_at DESC, l.post_id DESC LIMIT 20"
    return Question(
        name=f"posts_by_tag(name, 20), {which} tag ({posts} posts)", target="P9", flat=True,
        sql="SELECT * FROM ddd.posts_by_tag($1, 20)", calls=[(name,)],
        peers={BEST + " with the tag id given": [
            f"SELECT {POST} FROM tuned.post_tags l JOIN tuned.posts p ON p.id = l.post_id WHERE {walk}",
            f"""SELECT {POST} FROM (SELECT l.post_id FROM tuned.post_tags l WHERE {walk}) l
                JOIN tuned.posts p ON p.id = l.post_id ORDER BY p.created_at DESC, p.id DESC""",
            f"""SELECT {POST} FROM tuned.posts p WHERE EXISTS (SELECT FROM tuned.post_tags l
                WHERE l.post_id = p.id AND l.tag_id = {tag_id})
                ORDER BY p.created_at DESC, p.id DESC LIMIT 20"""]},
        limits={BEST + " with the tag id given": 1.2, FLOOR: 5},
        # the guide loads all posts of the tag, in any order
        orm=Orm(guide_orm.posts_by_tag, (name,), lambda rows, found:
                len(found) == posts and ids(rows) == object_ids(newest(found, 20))))


# ---- pages of posts, comments and users --------------------------------------

NEWEST = "SELECT * FROM tuned.posts p ORDER BY p.created_at DESC, p.id DESC LIMIT 10"
JSON_COMMENT = """'id', c.id, 'content', c.content, 'author_id', c.author_id, 'author_name', u.full_name,
    'parent_id', c.parent_id, 'created_at', c.created_at, 'updated_at', c.updated_at"""
COMMENT_ROWS = """SELECT c.id, c.content, c.author_id, u.full_name AS author_name, c.parent_id, c.created_at,
    c.updated_at FROM tuned.comments c JOIN tuned.users u ON u.id = c.author_id"""

def with_comments(facts):
    def lateral(aggregate):
        return f"""SELECT {POST}, coalesce(k.comments, '[]') FROM ({NEWEST}) p LEFT JOIN LATERAL (
            SELECT {aggregate} AS comments FROM tuned.comments c JOIN tuned.users u ON u.id = c.author_id
             WHERE c.post_id = p.id) k ON true ORDER BY p.created_at DESC, p.id DESC"""
    return Question(
        name=f"posts_with_comments(10), {facts.newest_comments} comments", target="P11", flat=True,
        sql="SELECT * FROM ddd.posts_with_comments(10)",
        peers={"best json SQL": [
            lateral(f"jsonb_agg(jsonb_build_object({JSON_COMMENT}) ORDER BY c.created_at, c.id)"),
            lateral(f"json_agg(json_build_object({JSON_COMMENT}) ORDER BY c.created_at, c.id)"),
            f"""SELECT {POST}, coalesce((SELECT json_agg(k) FROM ({COMMENT_ROWS} WHERE c.post_id = p.id
                ORDER BY c.created_at, c.id) k), '[]') FROM ({NEWEST}) p
                ORDER BY p.created_at DESC, p.id DESC""",
            f"""SELECT {POST}, coalesce((SELECT json_agg(json_build_object({JSON_COMMENT}))
                FROM (SELECT * FROM tuned.comments c WHERE c.post_id = p.id ORDER BY c.created_at, c.id) c
                JOIN LATERAL (SELECT full_name FROM tuned.users u WHERE u.id = c.author_id OFFSET 0) u
                ON true), '[]')
                FROM tuned.posts p ORDER BY p.created_at DESC, p.id DESC LIMIT 10""",
            f"""WITH page AS MATERIALIZED ({NEWEST})
                SELECT {POST},
                       coalesce(json_agg(json_build_object({JSON_COMMENT}) ORDER BY c.created_at, c.id)
                       FILTER (WHERE c.id IS NOT NULL), '[]')
                  FROM page p LEFT JOIN tuned.comments c ON c.post_id = p.id
                  LEFT JOIN tuned.users u ON u.id = c.author_id
                 GROUP BY {POST} ORDER BY p.created_at DESC, p.id DESC"""]},
        limits={"best json SQL": 1.1, "tuned ORM": 0.2},
        # posts of the same moment come in any order
        orm=Orm(guide_orm.posts_with_comments, (10,), lambda rows, posts:
                [plain(r["created_at"]) for r in rows] == [plain(p.created_at) for p in posts]
                and facts.all_comments(posts) == {p.id: sorted(object_ids(p.comments)) for p in posts}))


def pages(facts):
    author = facts.random_users
    yield Question(
        name="list_posts(10)", sql="SELECT * FROM ddd.list_posts(10)",
        peers={BEST: [f"SELECT {POST} FROM tuned.posts p ORDER BY p.created_at DESC, p.id DESC LIMIT 10"]})
    yield Question(
        name="list_users(20)", sql="SELECT * FROM ddd.list_users(20)",
        peers={BEST: [f"SELECT {USER} FROM tuned.users u ORDER BY u.created_at DESC, u.id DESC LIMIT 20"]},
        orm=Orm(guide_orm.list_users, (20,), lambda rows, users: ids(rows) == object_ids(users)))
    for which, posts in (("hottest post", [facts.hottest_post]), ("random posts", facts.random_posts)):
        yield Question(
            name=f"post_comments(id, 50), {which}", calls=[(p,) for p in posts],
            sql="SELECT * FROM ddd.post_comments($1::bigint, 50)",
            # the second form says nothing more, but makes PostgreSQL settle on one plan
            peers={BEST: [f"""SELECT {COMMENT} FROM tuned.comments c WHERE c.post_id = $1::bigint {more}
                              ORDER BY c.created_at, c.id LIMIT 50"""
                          for more in ("", "AND (c.created_at, c.id) > ('-infinity', 0)")]})
    yield Question(
        name="user_posts(id)", calls=[(u,) for u in author], sql="SELECT * FROM ddd.user_posts($1::bigint)",
        peers={BEST: [f"""SELECT {POST} FROM tuned.posts p WHERE p.author_id = $1::bigint {more}
                          ORDER BY p.created_at DESC, p.id DESC LIMIT 10"""
                      for more in ("", "AND (p.created_at, p.id) < ('infinity', 0)")]})
    page = "SELECT * FROM tuned.users u ORDER BY u.created_at DESC, u.id DESC LIMIT 10"
    fields = """'id', p.id, 'title', p.title, 'content', p.content, 'created_at', p.created_at,
        'updated_at', p.updated_at"""
    yield Question(
        name="users_with_posts(10)", sql="SELECT * FROM ddd.users_with_posts(10)",
        peers={"best json SQL": [
            f"""SELECT {USER}, coalesce(k.posts, '[]') FROM ({page}) u LEFT JOIN LATERAL (
                SELECT {kind}_agg({kind}_build_object({fields})
                                  ORDER BY p.created_at DESC, p.id DESC) AS posts
                  FROM tuned.posts p WHERE p.author_id = u.id) k ON true
                ORDER BY u.created_at DESC, u.id DESC"""
            for kind in ("json", "jsonb")] + [
            f"""SELECT {USER}, coalesce((SELECT json_agg(json_build_object({fields}))
                FROM (SELECT * FROM tuned.posts p WHERE p.author_id = u.id
                      ORDER BY p.created_at DESC, p.id DESC) p), '[]')
                FROM tuned.users u ORDER BY u.created_at DESC, u.id DESC LIMIT 10"""]},
        orm=Orm(guide_orm.users_with_posts, (10,), lambda rows, users:
                [(r["id"], [p["id"] for p in r["posts"]]) for r in rows]
                == [(u.id, object_ids(newest(u.posts, len(u.posts)))) for u in users]))
    yield Question(
        name="posts_detail(20 ids)", sql="SELECT * FROM ddd.posts_detail($1::bigint[])",
        calls=[("{" + ",".join(map(str, facts.random_posts[n:n + 20])) + "}",) for n in (0, 20, 40)],
        peers={BEST: [
            f"""SELECT {POST}, u.full_name, ARRAY(SELECT t.name::text FROM tuned.post_tags l
                       JOIN tuned.tags t ON t.id = l.tag_id WHERE l.post_id = p.id
                       ORDER BY lower(t.name COLLATE "C")),
                       (SELECT count(*) FROM tuned.comments c WHERE c.post_id = p.id)
                  FROM unnest($1::bigint[]) WITH ORDINALITY i (id, nth) JOIN tuned.posts p ON p.id = i.id
                  JOIN tuned.users u ON u.id = p.author_id ORDER BY i.nth""",
            f"""SELECT {POST}, u.full_name, coalesce(t.tags, '{{}}'), coalesce(c.n, 0)
                  FROM unnest($1::bigint[]) WITH ORDINALITY i (id, nth) JOIN tuned.posts p ON p.id = i.id
                  JOIN tuned.users u ON u.id = p.author_id
                  LEFT JOIN (SELECT l.post_id,
                                    array_agg(t.name::text ORDER BY lower(t.name COLLATE "C")) AS tags
                               FROM tuned.post_tags l JOIN tuned.tags t ON t.id = l.tag_id
                              WHERE l.post_id = ANY ($1::bigint[]) GROUP BY l.post_id) t ON t.post_id = p.id
                  LEFT JOIN (SELECT c.post_id, count(*) AS n FROM tuned.comments c
                              WHERE c.post_id = ANY ($1::bigint[]) GROUP BY c.post_id) c ON c.post_id = p.id
                 ORDER BY i.nth"""]})


# ---- one user ----------------------------------------------------------------

def one_user(facts):
    yield Question(
        name="get_user(id)", target="P13", calls=[(u,) for u in facts.random_users], limits={FLOOR: 2},
        sql="SELECT * FROM ddd.get_user($1::bigint)",
        peers={BEST: [f"SELECT {USER} FROM tuned.users u WHERE u.id = $1::bigint"]},
        orm=Orm(guide_orm.get_user, (facts.random_users[0],), lambda rows, user: ids(rows) == [user.id]))
    yield Question(
        name="get_user_by_email(email)", target="P13", limits={FLOOR: 2},
        calls=[(e,) for e in facts.random_emails],
        sql="SELECT * FROM ddd.get_user_by_email($1)",
        peers={BEST: [
            f"""SELECT {USER} FROM tuned.users u
                 WHERE lower(u.email COLLATE "C") = lower($1::text COLLATE "C")""",
            f"SELECT {USER} FROM tuned.users u WHERE u.email = $1::text"]},
        orm=Orm(guide_orm.get_user_by_email, (facts.random_emails[0],),
                lambda rows, user: ids(rows) == [user.id]))


def comment_count(facts):
    return Question(
        name="comment_count(post_id)", target="P13", limits={FLOOR: 2},
        calls=[(p,) for p in facts.random_posts],
        sql="SELECT ddd.comment_count($1::bigint)",
        peers={BEST: ["SELECT count(*) FROM tuned.comments WHERE post_id = $1::bigint",
                      "SELECT comment_count FROM counter.posts WHERE id = $1::bigint"]})


# ---- search ------------------------------------------------------------------

def search(which, query):
    """The query is free of LIKE's wildcards, so that the guide's contains() means the same."""
    exact = """lower(u.email COLLATE "C") = lower($1::text COLLATE "C")"""

    def forms_of(matches):
        contains, begins = matches("'%' || $1 || '%'"), matches("$1 || '%'")
        rank = f"CASE WHEN {exact} THEN 0 WHEN {begins} THEN 1 ELSE 2 END"

        def stages(contained):
            return f"""SELECT * FROM (
                (SELECT {USER} FROM tuned.users u WHERE {exact} LIMIT 20)
                UNION ALL (SELECT {USER} FROM tuned.users u WHERE {begins} AND NOT {exact} ORDER BY u.id LIMIT 20)
                UNION ALL ({contained})) u LIMIT 20"""
        return [
            f"SELECT {USER} FROM tuned.users u WHERE {contains} ORDER BY {rank}, u.id LIMIT 20",
            f"""SELECT {USER} FROM (SELECT u.id, {rank} AS rank FROM tuned.users u WHERE {contains}
                ORDER BY rank, u.id LIMIT 20) r JOIN tuned.users u USING (id) ORDER BY r.rank, u.id""",
            stages(f"""SELECT {USER} FROM tuned.users u WHERE {contains} AND NOT {begins} AND NOT {exact}
                        ORDER BY u.id LIMIT 20"""),
            stages(f"""SELECT {USER} FROM (SELECT * FROM tuned.users u WHERE {contains} OFFSET 0) u
                        WHERE NOT {begins} AND NOT {exact} ORDER BY u.id LIMIT 20""")]

    forms = forms_of(lambda text: f"(u.full_name ILIKE {text} OR u.email ILIKE {text})") + forms_of(
        lambda text: f"""(lower(u.full_name) LIKE lower({text})
                          OR lower(u.email COLLATE "C") LIKE lower(({text}) COLLATE "C"))""")
    return Question(
        name=f"search_users(query), {which}", target="P14", calls=[(query,)], most_ms=2.0,
        sql="SELECT * FROM ddd.search_users($1)",
        # no search is prepared for one text: planned as PostgreSQL finds best, or each time
        peers={"hand-written": forms + [EACH_TIME + form for form in forms]},
        limits={"hand-written": 1.1},
        # the guide matches case and returns all, in any order
        orm=Orm(guide_orm.search_users, (query,), lambda rows, users:
                {r["id"] for r in rows if holds(r, query)} <= set(object_ids(users))
                and (len(rows) == 20 or len(users) <= len(rows))))
