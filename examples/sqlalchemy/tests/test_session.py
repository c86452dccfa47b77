"""ORM and ddd's functions side by side: one session, one transaction, each sees the other's work."""
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from src.apps.blog.models import Comment, Post, Tag
from src.apps.blog.repository import CommentRepository, PostRepository
from src.apps.blog.services import BlogService
from src.apps.users.models import User
from src.apps.users.repository import UserRepository
from src.core.api import Api


@pytest.fixture
def ann(db_session) -> User:
    return UserRepository(db_session).create(email="ann@example.org", full_name="Ann")


def test_functions_see_pending_objects(db_session, ann):
    post = Post(title="Hello", content="-", author=ann, tags=[Tag(name="rust")])
    post.comments.append(Comment(content="Nice", author=ann))
    db_session.add(post)
    posts = PostRepository(db_session)
    assert [item["comment_count"] for item in posts.get_popular_posts()["items"]] == [1]
    assert [item["title"] for item in posts.get_posts_by_tag("RUST")["items"]] == ["Hello"]


def test_functions_see_pending_changes(db_session, ann):
    ann.full_name = "Ann Smith"
    assert UserRepository(db_session).search("smith") == [ann]
    post = PostRepository(db_session).create(ann.id, "Hello", "-", [])
    db_session.delete(post)
    assert PostRepository(db_session).get_page()["items"] == []


def test_orm_sees_what_functions_write(db_session, ann):
    posts, comments = PostRepository(db_session), CommentRepository(db_session)
    post = posts.create(ann.id, "Hello", "-", ["rust"])
    assert db_session.execute(select(Post)).scalars().one() is post
    assert (ann.posts.count(), post.comments) == (1, [])
    comment = comments.create(post.id, ann.id, "Nice")
    assert post.comments == [comment]
    posts.set_tags(post.id, ["async", "go"])
    assert sorted(tag.name for tag in post.tags) == ["async", "go"]
    posts.update(post.id, {"title": "Hello again"})
    assert post.title == "Hello again"
    post_id = post.id
    posts.delete(post_id)
    assert db_session.get(Post, post_id) is None
    assert db_session.execute(select(func.count()).select_from(Comment)).scalar_one() == 0


def test_functions_return_the_sessions_objects(db_session, ann):
    users = UserRepository(db_session)
    assert users.get_by_id(ann.id) is ann
    assert db_session.get(User, ann.id) is ann
    db_session.execute(text("UPDATE ddd.users SET bio = 'Writes' WHERE id = :id"), {"id": ann.id})
    assert users.get_by_id(ann.id).bio == "Writes"
    assert ann.bio == "Writes"


def test_object_of_a_function_is_written_by_the_orm(db_session, ann):
    post = PostRepository(db_session).create(ann.id, "Hello", "-", [])
    before = post.updated_at
    post.title = "Hello again"
    db_session.flush()
    read = PostRepository(db_session).get_by_id(post.id)
    assert read.title == "Hello again"
    assert read.updated_at > before


def test_functions_do_not_commit(db_engine, db_session, ann):
    PostRepository(db_session).create(ann.id, "Hello", "-", ["rust"])
    with db_engine.connect() as other:
        assert other.execute(select(func.count()).select_from(User)).scalar_one() == 0
    db_session.rollback()
    assert db_session.execute(select(func.count()).select_from(User)).scalar_one() == 0
    assert db_session.execute(select(func.count()).select_from(Tag)).scalar_one() == 0


def test_committed_survives_a_refusal(db_session, ann):
    """What the savepoint of session_in is for: rollback() undoes to the last commit(), no further."""
    db_session.commit()
    users = UserRepository(db_session)
    with pytest.raises(IntegrityError):
        users.create(email="ann@example.org", full_name="Another Ann")
    db_session.rollback()
    users.create(email="bob@example.org", full_name="Bob")
    db_session.commit()
    db_session.rollback()
    assert {user.full_name for user in db_session.execute(select(User)).scalars()} == {"Ann", "Bob"}


def test_commit_stays_in_the_test(db_engine, db_session, ann):
    BlogService(db_session).posts.create(ann.id, "Hello", "-", [])
    db_session.commit()
    with db_engine.connect() as other:
        assert other.execute(select(func.count()).select_from(Post)).scalar_one() == 0


def test_refusal_within_a_savepoint(db_session, ann):
    posts = PostRepository(db_session)
    post = posts.create(ann.id, "Hello", "-", [])
    with pytest.raises(DBAPIError):
        with db_session.begin_nested():
            posts.create(ann.id, " ", "-", [])
    assert [item["id"] for item in posts.get_page()["items"]] == [post.id]
    assert posts.set_tags(post.id, ["rust"]) == ["rust"]


def test_stale_update_of_an_orm_write(db_session, ann):
    posts = PostRepository(db_session)
    post = posts.create(ann.id, "Hello", "-", [])
    seen = post.updated_at
    post.title = "Changed by the ORM"
    with pytest.raises(IntegrityError) as refused:
        posts.update(post.id, {"title": "Changed by the function"}, seen)
    assert refused.value.orig.diag.constraint_name == "posts_stale_update"


def test_values_are_bound(db_session, statements):
    name = "Robert'); DROP TABLE ddd.users; --"
    with statements() as executed:
        user = UserRepository(db_session).create(email="bob@example.org", full_name=name)
    assert user.full_name == name
    assert not any("Robert" in sql for sql in executed)


def test_only_names_become_sql(db_session):
    with pytest.raises(ValueError):
        Api(db_session).rows("list_users() --")
    with pytest.raises(ValueError):
        Api(db_session).rows("list_users", **{"first => 1, after": None})


def test_posts_with_comments_is_one_statement(db_session, ann, statements):
    posts, comments = PostRepository(db_session), CommentRepository(db_session)
    for i in range(3):
        post = posts.create(ann.id, f"Post {i}", "-", [])
        for j in range(2):
            comments.create(post.id, ann.id, f"Comment {j}")
    with statements() as executed:
        page = posts.get_posts_with_comments(first=2)
    assert len(executed) == 1
    assert [item["title"] for item in page["items"]] == ["Post 2", "Post 1"]
    assert [c["content"] for c in page["items"][0]["comments"]] == ["Comment 0", "Comment 1"]
    assert page["items"][0]["comments"][0]["author_name"] == "Ann"


def test_users_with_posts_is_one_statement(db_session, statements):
    """The guide's joinedload(User.posts), which SQLAlchemy refuses for its lazy="dynamic"."""
    users, posts = UserRepository(db_session), PostRepository(db_session)
    for name in ("Ann", "Bob"):
        user = users.create(email=f"{name}@example.org", full_name=name)
        for i in range(3):
            posts.create(user.id, f"{name} {i}", "-", [])
    with statements() as executed:
        page = Api(db_session).page("users_with_posts", first=10, posts_per_user=2)
    assert len(executed) == 1
    assert [[post["title"] for post in user["posts"]] for user in page["items"]] == [
        ["Bob 2", "Bob 1"], ["Ann 2", "Ann 1"]
    ]
