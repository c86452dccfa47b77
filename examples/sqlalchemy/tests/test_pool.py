"""The application with a real pool: one connection serves all requests and needs no set-up."""
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ProgrammingError

from alembic import command
from conftest import alembic_config
from main import app
from src.apps.blog.models import Post, Tag
from src.apps.users.models import User
from src.core import database


@pytest.fixture
def engine(new_database) -> Iterator[Engine]:
    """One connection, for the application's own get_db."""
    command.upgrade(alembic_config(new_database), "head")
    engine = create_engine(new_database, future=True, pool_size=1, max_overflow=0, pool_timeout=5)
    database.SessionLocal.configure(bind=engine)
    yield engine
    database.SessionLocal.configure(bind=database.engine)
    engine.dispose()


def test_one_connection_and_nothing_but_calls(engine, statements):
    connects, checkouts = [], []
    event.listen(engine, "connect", lambda *_: connects.append(1))
    event.listen(engine, "checkout", lambda *_: checkouts.append(1))
    with TestClient(app) as client, statements(engine) as executed:
        ann = {"email": "ann@example.org", "full_name": "Ann"}
        user_id = client.post("/users", json=ann).json()["id"]
        assert client.post("/users", json=ann).status_code == 409
        assert client.get(f"/users/{user_id}").json()["full_name"] == "Ann"
        post = {"author_id": user_id, "title": "Hello", "content": "-", "tags": ["rust"]}
        assert client.post("/posts", json=post).status_code == 201
        assert client.post("/posts", json={**post, "title": " "}).status_code == 422
        assert client.get("/tags/rust/posts").json()["items"][0]["title"] == "Hello"
        assert client.get("/users/999999999").status_code == 404
    assert (len(connects), len(checkouts)) == (1, 7)
    assert [re.fullmatch(r"SELECT \* FROM ddd\.(\w+)\(.*\) AS result", sql)[1] for sql in executed] == [
        "create_user", "create_user", "get_user", "create_post", "create_post", "posts_by_tag", "get_user"
    ]


def test_what_is_not_committed_is_gone(engine):
    with pytest.raises(RuntimeError):
        with database.get_db_context() as db:
            db.execute(text("SELECT ddd.create_user('ann@example.org', 'Ann')"))
            raise RuntimeError
    with database.get_db_context() as db:
        assert db.execute(text("SELECT count(*) FROM ddd.users")).scalar_one() == 0
        db.execute(text("SELECT ddd.create_user('bob@example.org', 'Bob')"))
    with database.get_db_context() as db:
        assert db.execute(text("SELECT full_name FROM ddd.users")).scalars().all() == ["Bob"]


@pytest.fixture
def connect_as(engine, new_database) -> Iterator[Callable]:
    """connect_as(grants): the application as a role that has these privileges and no others."""
    role = f"{new_database.database}_app"
    engines = []

    def connect(*grants: str) -> None:
        with engine.begin() as admin:
            admin.execute(text(f'CREATE ROLE "{role}" LOGIN'))
            for grant in grants:
                admin.execute(text(f'GRANT {grant} TO "{role}"'))
        engines.append(create_engine(new_database.set(username=role), future=True))
        database.SessionLocal.configure(bind=engines[0])

    yield connect
    for connected in engines:
        connected.dispose()
    with engine.begin() as admin:
        admin.execute(text(f'DROP OWNED BY "{role}"'))
        admin.execute(text(f'DROP ROLE "{role}"'))


CALLS = ("USAGE ON SCHEMA ddd", "EXECUTE ON ALL FUNCTIONS IN SCHEMA ddd")
ORM = (
    "SELECT, INSERT, UPDATE, DELETE ON ddd.users, ddd.posts, ddd.comments, ddd.tags, ddd.post_tags",
    "SELECT, INSERT, UPDATE, DELETE ON bookmarks",
    "USAGE ON ALL SEQUENCES IN SCHEMA ddd",
)


def test_calls_need_no_table_privilege(connect_as):
    connect_as(*CALLS)
    with TestClient(app) as client:
        ann = {"email": "ann@example.org", "full_name": "Ann", "password": "correct horse"}
        user_id = client.post("/users", json=ann).json()["id"]
        post = {"author_id": user_id, "title": "Hello", "content": "-", "tags": ["rust"]}
        post_id = client.post("/posts", json=post).json()["id"]
        assert client.patch(f"/posts/{post_id}", json={"title": "Hi"}).json()["title"] == "Hi"
        assert client.get("/posts/with-comments").json()["items"][0]["title"] == "Hi"
        assert client.delete(f"/users/{user_id}?mode=cascade").status_code == 204
    with pytest.raises(ProgrammingError) as refused:
        with database.get_db_context() as db:
            db.execute(text("SELECT hashed_password FROM ddd.users"))
    assert refused.value.orig.diag.sqlstate == "42501"


def test_orm_needs_the_usual_privileges(connect_as):
    connect_as(*CALLS, *ORM)
    with database.get_db_context() as db:
        user = User(email="ann@example.org", full_name="Ann")
        user.posts.append(Post(title="Hello", content="-", tags=[Tag(name="rust")]))
        db.add(user)
    with TestClient(app) as client:
        (post,) = client.get("/tags/rust/posts").json()["items"]
        path = f"/users/{post['author_id']}/bookmarks"
        assert client.put(f"{path}/{post['id']}").status_code == 204
        assert [bookmarked["title"] for bookmarked in client.get(path).json()] == ["Hello"]
