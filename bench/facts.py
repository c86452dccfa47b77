"""What the questions need to know of one database's data."""
import random


class Facts:
    def __init__(self, connection):
        self.connection = connection
        self.users, self.posts, self.comments = (
            self.value(f"SELECT count(*) FROM ddd.{table}") for table in ("users", "posts", "comments"))
        rng = random.Random(1)
        ids = self.column("SELECT id FROM ddd.users ORDER BY id")
        self.random_users = rng.sample(ids, min(len(ids), 60))
        ids = self.column("SELECT id FROM ddd.posts ORDER BY id")
        self.random_posts = rng.sample(ids, min(len(ids), 60))
        self.random_emails = self.column(
            "SELECT email FROM ddd.users WHERE id = ANY (%s) ORDER BY id", self.random_users)
        self.hottest_post = self.value(
            "SELECT post_id FROM ddd.comments GROUP BY post_id ORDER BY count(*) DESC, post_id LIMIT 1")
        self.oldest_comment, self.newest_comment = (
            self.value(f"SELECT {which}(created_at) FROM ddd.comments") for which in ("min", "max"))
        self.newest_comments = self.value(
            """SELECT count(*) FROM ddd.comments WHERE post_id IN
               (SELECT id FROM ddd.posts ORDER BY created_at DESC, id DESC LIMIT 10)""")
        self.tags = self.find_tags()
        self.pairs = self.find_pairs()

    def column(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return [row[0] for row in cursor.fetchall()]

    def value(self, sql, *values):
        return self.column(sql, *values)[0]

    def find_tags(self):
        """The tag with the most posts, one halfway in order of magnitude, and one with barely a page of them.

        All three fill a page of 20, so that their times can be compared.
        """
        with self.connection.cursor() as cursor:
            cursor.execute("""SELECT t.name, t.id, count(*)
                                FROM ddd.tags t JOIN ddd.post_tags l ON l.tag_id = t.id
                               WHERE t.name !~ '^never' GROUP BY t.id HAVING count(*) >= 20 ORDER BY count(*) DESC, t.id""")
            tags = cursor.fetchall()
        middle = (tags[0][2] * tags[-1][2]) ** 0.5
        return {"top": tags[0], "middle": min(tags, key=lambda t: abs(t[2] - middle)), "rare": tags[-1]}

    def find_pairs(self):
        """Tags by size, a second one of each, and two that never meet: names and ids."""
        with self.connection.cursor() as cursor:
            cursor.execute("""SELECT t.name, t.id, count(*)
                                FROM ddd.tags t JOIN ddd.post_tags l ON l.tag_id = t.id
                               WHERE t.name !~ '^never' GROUP BY t.id ORDER BY count(*) DESC, t.id""")
            tags = cursor.fetchall()
            cursor.execute("SELECT name, id FROM ddd.tags WHERE name ~ '^never' ORDER BY name")
            pairs = dict(zip(("never 1", "never 2"), cursor.fetchall()))
        for which, (name, tag_id, posts) in self.tags.items():
            others = [t for t in tags if t[1] != tag_id]
            pairs[which] = name, tag_id
            pairs[which + " 2"] = min(others, key=lambda t: abs(t[2] - posts))[:2]
        return pairs

    def comment_counts(self, post_ids):
        """Numbers of comments of these posts, in their order."""
        return self.column("""SELECT (SELECT count(*) FROM ddd.comments c WHERE c.post_id = i.id)
                                FROM unnest(%s) WITH ORDINALITY i (id, nth) ORDER BY nth""", post_ids)

    def all_comments(self, posts):
        """Ids of the comments of these posts, by post."""
        with self.connection.cursor() as cursor:
            cursor.execute("""SELECT p.id, array_remove(array_agg(c.id ORDER BY c.id), NULL)
                                FROM unnest(%s) p (id) LEFT JOIN ddd.comments c ON c.post_id = p.id
                               GROUP BY p.id""", ([p.id for p in posts],))
            return dict(cursor.fetchall())
