"""The ORM on ddd's tables: whoever writes meets the same rules."""
from datetime import datetime, timezone

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload, load_only, selectinload

from src.apps.blog.models import Comment, Post, Tag, post_tags
from src.apps.users.models import User
from src.core.errors import translate


@pytest.fixture
def ann(db_session) -> User:
    user = User(email="ann@example.org", full_name="Ann")
    db_session.add(user)
    db_session.commit()
    return user


def number_of(db_session, model, *where) -> int:
    return db_session.execute(select(func.count()).select_from(model).where(*where)).scalar_one()


def refusal(db_session, error=IntegrityError):
    with pytest.raises(error) as refused:
        db_session.flush()
    db_session.rollback()
    return refused.value.orig.diag, translate(refused.value)


def test_server_fills_in(db_session, ann, statements):
    author_id = ann.id
    with statements() as executed:
        post = Post(title="Hello", content="First post", author_id=author_id)
        db_session.add(post)
        db_session.flush()
        filled = (post.id, post.created_at, post.updated_at)
    now = db_session.execute(select(func.now())).scalar_one()
    last_id = db_session.execute(text("SELECT currval('ddd.posts_id_seq')")).scalar_one()
    assert filled == (last_id, now, now)
    assert [sql.split()[0] for sql in executed if "SAVEPOINT" not in sql] == ["INSERT"]
    assert (ann.is_active, ann.is_superuser, ann.bio) == (True, False, None)


def test_many_at_once_keep_their_order(db_session, ann):
    posts = [Post(title=f"Post {i}", content="-", author=ann) for i in range(50)]
    db_session.add_all(posts)
    db_session.commit()
    titles = dict(db_session.execute(select(Post.id, Post.title)).all())
    assert [titles[post.id] for post in posts] == [f"Post {i}" for i in range(50)]


def test_update_moves_updated_at(db_session, ann):
    first = ann.updated_at
    ann.bio = "Writes"
    db_session.flush()
    second = ann.updated_at
    ann.bio = "Writes more"
    db_session.flush()
    assert first < second < ann.updated_at
    db_session.expire(ann)
    assert second < ann.updated_at


def test_update_that_changes_nothing_keeps_updated_at(db_session, ann):
    first = ann.updated_at
    db_session.execute(text("UPDATE ddd.users SET bio = bio WHERE id = :id"), {"id": ann.id})
    db_session.expire(ann)
    assert ann.updated_at == first


def test_created_at_cannot_be_changed(db_session, ann):
    first = ann.created_at
    ann.created_at = datetime(2001, 1, 1, tzinfo=timezone.utc)
    ann.bio = "Writes"
    db_session.commit()
    db_session.refresh(ann)
    assert (ann.created_at, ann.bio) == (first, "Writes")


def test_duplicate_address_is_refused(db_session, ann):
    db_session.add(User(email="ANN@example.org", full_name="Another Ann"))
    diag, problem = refusal(db_session)
    assert (diag.sqlstate, diag.schema_name, diag.constraint_name) == ("23505", "ddd", "ix_users_email")
    assert (problem.status, problem.detail) == (409, "Email already registered")


@pytest.mark.parametrize("title", ["", " \t", "\u200b"])
def test_blank_title_is_refused(db_session, ann, title):
    db_session.add(Post(title=title, content="-", author=ann))
    diag, problem = refusal(db_session)
    assert (diag.sqlstate, diag.constraint_name) == ("23514", "posts_title_not_blank")
    assert problem.status == 422


def test_blank_title_is_refused_in_an_update(db_session, ann):
    post = Post(title="Hello", content="-", author=ann)
    db_session.add(post)
    db_session.commit()
    post.title = " "
    diag, _ = refusal(db_session)
    assert diag.constraint_name == "posts_title_not_blank"
    assert post.title == "Hello"


def test_long_title_is_refused(db_session, ann):
    db_session.add(Post(title="x" * 256, content="-", author=ann))
    diag, problem = refusal(db_session, DataError)
    assert (diag.sqlstate, problem.status) == ("22001", 422)


def test_post_of_nobody_is_refused(db_session):
    db_session.add(Post(title="Hello", content="-", author_id=2**62))
    diag, problem = refusal(db_session)
    assert (diag.sqlstate, diag.constraint_name) == ("23503", "posts_author_id_fkey")
    assert problem.status == 422


def test_relationships_lead_both_ways(db_session, ann):
    post = Post(title="Hello", content="-", author=ann, tags=[Tag(name="rust")])
    post.comments.append(Comment(content="Nice", author=ann))
    db_session.add(post)
    db_session.commit()
    db_session.expire_all()
    assert post.author is ann
    assert ann.posts.filter(Post.title == "Hello").one() is post
    assert post.comments[0].post is post
    assert post.tags[0].posts == [post]


def test_dynamic_posts_are_a_query(db_session, ann):
    for i in range(5):
        ann.posts.append(Post(title=f"Post {i}", content="-"))
    db_session.commit()
    newest = ann.posts.order_by(Post.created_at.desc(), Post.id.desc()).limit(2)
    assert [post.title for post in newest] == ["Post 4", "Post 3"]
    assert ann.posts.count() == 5


def test_eager_loading(db_session, ann, statements):
    for i in range(3):
        post = Post(title=f"Post {i}", content="-", author=ann)
        post.comments += [Comment(content="Nice", author=ann), Comment(content="Very", author=ann)]
        db_session.add(post)
    db_session.commit()
    for option, queries in ((joinedload(Post.comments), 1), (selectinload(Post.comments), 2)):
        db_session.expunge_all()
        with statements() as executed:
            posts = db_session.execute(select(Post).options(option)).unique().scalars().all()
            assert [len(post.comments) for post in posts] == [2, 2, 2]
        assert len([sql for sql in executed if sql.startswith("SELECT")]) == queries
    db_session.expunge_all()
    with statements() as executed:
        db_session.execute(select(User).options(load_only(User.id, User.email))).scalars().all()
    assert "hashed_password" not in executed[-1] and "full_name" not in executed[-1]


@pytest.mark.parametrize("loaded", [True, False])
def test_post_takes_its_comments_along(db_session, ann, loaded):
    post = Post(title="Hello", content="-", author=ann, tags=[Tag(name="rust")])
    parent = Comment(content="Nice", author=ann, post=post)
    db_session.add(post)
    db_session.flush()
    db_session.add(Comment(content="Thanks", author=ann, post=post, parent_id=parent.id))
    db_session.commit()
    post_id = post.id
    db_session.expunge_all()
    post = db_session.get(Post, post_id)
    if loaded:
        assert (len(post.comments), len(post.tags)) == (2, 1)
    db_session.delete(post)
    db_session.commit()
    assert number_of(db_session, Comment, Comment.post_id == post_id) == 0
    assert number_of(db_session, post_tags, post_tags.c.post_id == post_id) == 0
    assert number_of(db_session, Tag, Tag.name == "rust") == 1


def test_comment_taken_off_is_deleted(db_session, ann):
    post = Post(title="Hello", content="-", author=ann)
    post.comments += [Comment(content="Nice", author=ann), Comment(content="Spam", author=ann)]
    db_session.add(post)
    db_session.commit()
    post.comments.remove(post.comments[1])
    db_session.commit()
    db_session.expire_all()
    assert [comment.content for comment in post.comments] == ["Nice"]
    assert number_of(db_session, Comment, Comment.post_id == post.id) == 1


def test_user_with_posts_stays(db_session, ann):
    db_session.add(Post(title="Hello", content="-", author=ann))
    db_session.commit()
    db_session.delete(ann)
    with pytest.raises(IntegrityError) as refused:
        db_session.flush()
    db_session.rollback()
    problem = translate(refused.value, deleting=True)
    assert (problem.status, problem.detail) == (409, "Still has posts")
    assert problem.constraint == "posts_author_id_fkey"
    assert ann.posts.count() == 1


def test_tag_link_gets_the_posts_time(db_session, ann):
    post = Post(title="Hello", content="-", author=ann)
    tag = Tag(name="Rust")
    db_session.add_all([post, tag])
    db_session.commit()
    post.tags.append(tag)
    db_session.commit()
    link = db_session.execute(select(post_tags.c.post_created_at).where(post_tags.c.post_id == post.id))
    assert link.scalar_one() == post.created_at
    post.tags.remove(tag)
    db_session.commit()
    assert number_of(db_session, post_tags, post_tags.c.post_id == post.id) == 0


def test_tag_in_another_case_is_refused(db_session, ann):
    db_session.add(Tag(name="Rust"))
    db_session.commit()
    db_session.add(Tag(name="RUST"))
    diag, problem = refusal(db_session)
    assert (diag.constraint_name, problem.status) == ("ix_tags_name", 409)


def test_reply_to_another_posts_comment_is_refused(db_session, ann):
    one, other = (Post(title=title, content="-", author=ann) for title in ("One", "Other"))
    comment = Comment(content="Nice", author=ann, post=one)
    db_session.add_all([one, other, comment])
    db_session.commit()
    db_session.add(Comment(content="Thanks", author=ann, post=other, parent_id=comment.id))
    diag, problem = refusal(db_session)
    assert (diag.sqlstate, diag.constraint_name) == ("23514", "comments_parent_same_post")
    assert problem.status == 422
