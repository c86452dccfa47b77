"""The FastAPI application: what a client sends, and what ddd's answers and errors become."""
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from src.apps.blog.models import Comment, Post
from src.apps.users.models import User
from src.apps.users.repository import UserRepository


@pytest.fixture
def ann(client) -> dict:
    body = {"email": "ann@example.org", "full_name": "Ann", "password": "correct horse"}
    response = client.post("/users", json=body)
    assert response.status_code == 201
    return response.json()


@pytest.fixture
def write(client, ann):
    """write(title, ...): a post of Ann's."""

    def post(title: str, tags: tuple = (), comments: int = 0) -> dict:
        body = {"author_id": ann["id"], "title": title, "content": "-", "tags": list(tags)}
        response = client.post("/posts", json=body)
        assert response.status_code == 201
        for i in range(comments):
            comment = {"author_id": ann["id"], "content": f"Comment {i}"}
            assert client.post(f"/posts/{response.json()['id']}/comments", json=comment).status_code == 201
        return response.json()

    return post


def pages(client, path: str, first: int) -> list[list[dict]]:
    """All pages of a listing, by its cursors."""
    found, after = [], {}
    while True:
        response = client.get(path, params={"first": first, **after})
        assert response.status_code == 200
        page = response.json()
        if not page["items"]:
            assert page["next"] is None
            return found
        assert page["items"] not in found
        found.append(page["items"])
        after = {"after": page["next"]}


def test_user_by_id(client, ann):
    response = client.get(f"/users/{ann['id']}")
    assert response.status_code == 200
    assert response.json() == ann
    assert "password" not in response.text
    assert ann.keys() == {
        "id", "email", "full_name", "is_active", "is_superuser", "bio", "created_at", "updated_at"
    }


@pytest.mark.parametrize("path", ["/users/999999999", "/posts/999999999", "/posts/999999999/comments"])
def test_absent_is_404(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/users/999999999", "/posts/999999999"])
def test_change_of_what_is_absent_is_404(client, path):
    assert client.patch(path, json={}).status_code == 404
    assert client.delete(path).status_code == 404


def test_registered_address_is_409(client, ann):
    response = client.post("/users", json={"email": "ANN@example.org", "full_name": "Another Ann"})
    assert response.status_code == 409
    assert response.json() == {
        "detail": "Email already registered", "sqlstate": "23505", "constraint": "ix_users_email"
    }


@pytest.mark.parametrize(
    "change, sqlstate",
    [
        ({"email": "no address"}, "22023"),
        ({"email": f"{'x' * 250}@example.org"}, "22001"),
        ({"full_name": " "}, "23514"),
        ({"password": "short"}, "23514"),
    ],
)
def test_what_ddd_refuses_is_422(client, change, sqlstate):
    body = {"email": "bob@example.org", "full_name": "Bob", "password": "correct horse", **change}
    response = client.post("/users", json=body)
    assert (response.status_code, response.json()["sqlstate"]) == (422, sqlstate)


@pytest.mark.parametrize(
    "body",
    [
        '{"email": "bob@example.org", "full_name": "B\\u0000b", "password": "correct horse"}',
        '{"email": "bob@example.org", "full_name": "B\\ud800b", "password": "correct horse"}',
        '{"email": "bob@example.org", "password": "correct horse"}',
    ],
)
def test_what_no_column_holds_is_422(client, body):
    response = client.post("/users", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", "full_name"]]
    assert "correct horse" not in response.text


@pytest.mark.parametrize(
    "path", [f"/users/{2**63}", "/users/0", "/posts?first=-1", f"/posts?first={2**31}", "/tags/%00/posts"]
)
def test_what_no_argument_holds_is_422(client, path):
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("path", ["/posts?first=1001", "/posts?after=x", "/users/search?query="])
def test_listing_that_ddd_refuses_is_422(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()["sqlstate"]) == (422, "22023")


def test_post_of_nobody_is_422(client):
    response = client.post("/posts", json={"author_id": 2**62, "title": "Hello", "content": "-"})
    assert (response.status_code, response.json()["constraint"]) == (422, "posts_author_id_fkey")


def test_comment_on_nothing_is_404(client, ann):
    response = client.post(f"/posts/{2**62}/comments", json={"author_id": ann["id"], "content": "Nice"})
    assert (response.status_code, response.json()["detail"]) == (404, "Post not found")


def test_tags_of_nothing_is_404(client):
    assert client.put(f"/posts/{2**62}/tags", json=["rust"]).status_code == 404


def test_user_with_posts_is_409(client, ann, write):
    write("Hello")
    response = client.delete(f"/users/{ann['id']}")
    assert (response.status_code, response.json()["detail"]) == (409, "Still has posts")
    assert client.get(f"/users/{ann['id']}").status_code == 200


def test_user_with_posts_goes_in_cascade(client, ann, write):
    post = write("Hello", comments=1)
    assert client.delete(f"/users/{ann['id']}", params={"mode": "cascade"}).status_code == 204
    assert client.get(f"/posts/{post['id']}").status_code == 404


def test_optimistic_locking(client, write):
    post = write("Hello")
    seen = {"expected_updated_at": post["updated_at"]}
    first = client.patch(f"/posts/{post['id']}", json={"title": "First", **seen})
    assert (first.status_code, first.json()["title"]) == (200, "First")
    assert first.json()["updated_at"] > post["updated_at"]
    second = client.patch(f"/posts/{post['id']}", json={"title": "Second", **seen})
    assert (second.status_code, second.json()["constraint"]) == (409, "posts_stale_update")


def test_patch_changes_what_it_names(client, ann):
    path = f"/users/{ann['id']}"
    assert client.patch(path, json={"bio": "Writes"}).json()["bio"] == "Writes"
    assert client.patch(path, json={"full_name": "Ann Smith"}).json()["bio"] == "Writes"
    assert client.patch(path, json={"bio": None}).json()["bio"] is None
    response = client.patch(path, json={"full_name": None})
    assert (response.status_code, response.json()["sqlstate"]) == (422, "23502")


@pytest.mark.parametrize("first", [1, 2, 3, 7, 8])
def test_all_pages_of_posts(client, write, first):
    ids = [write(f"Post {i}")["id"] for i in range(7)]
    found = pages(client, "/posts", first)
    assert [post["id"] for page in found for post in page] == ids[::-1]
    assert [len(page) for page in found] == [first] * (7 // first) + ([7 % first] if 7 % first else [])


def test_popular_posts(client, db_session, write):
    for title, comments in (("Few", 1), ("None", 0), ("Many", 3), ("Some", 2)):
        write(title, comments=comments)
    found = [post for page in pages(client, "/posts/popular", 2) for post in page]
    assert [(post["title"], post["comment_count"]) for post in found] == [
        ("Many", 3), ("Some", 2), ("Few", 1)
    ]
    guides = (
        select(Post.id).join(Comment).group_by(Post.id).order_by(func.count(Comment.id).desc()).limit(10)
    )
    assert [post["id"] for post in found] == db_session.execute(guides).scalars().all()


def test_posts_by_tag(client, write):
    write("Rust", ["rust", "async"])
    write("Go", ["go", "async"])
    moved = write("Rust and Go", ["Rust"])
    assert [post["title"] for page in pages(client, "/tags/rust/posts", 1) for post in page] == [
        "Rust and Go", "Rust"
    ]
    assert [post["title"] for post in client.get("/tags/ASYNC/posts").json()["items"]] == ["Go", "Rust"]
    assert client.get("/tags/unknown/posts").json() == {"items": [], "next": None}
    assert client.put(f"/posts/{moved['id']}/tags", json=["go"]).json() == ["go"]
    assert [post["title"] for post in client.get("/tags/rust/posts").json()["items"]] == ["Rust"]


def test_posts_with_comments(client, ann, write):
    write("Quiet")
    post = write("Loud", comments=2)
    reply = {"author_id": ann["id"], "content": "Reply"}
    parent = client.get(f"/posts/{post['id']}/comments").json()["items"][0]["id"]
    client.post(f"/posts/{post['id']}/comments", json={**reply, "parent_id": parent})
    loud, quiet = client.get("/posts/with-comments").json()["items"]
    assert (quiet["title"], quiet["comments"]) == ("Quiet", [])
    assert [(c["content"], c["author_name"], c["parent_id"]) for c in loud["comments"]] == [
        ("Comment 0", "Ann", None), ("Comment 1", "Ann", None), ("Reply", "Ann", parent)
    ]


def test_search_of_users(client, ann):
    assert [user["id"] for user in client.get("/users/search?query=EXAMPLE").json()] == [ann["id"]]
    assert client.get("/users/search?query=%25").json() == []


def test_route_and_orm_share_the_session(client, db_session, ann, write):
    post = write("Hello")
    assert db_session.get(User, ann["id"]).posts.count() == 1
    db_session.get(Post, post["id"]).title = "Changed"
    assert client.get(f"/posts/{post['id']}").json()["title"] == "Changed"


def test_bookmarks(client, ann, write):
    posts = [write(f"Post {i}") for i in range(3)]
    path = f"/users/{ann['id']}/bookmarks"
    for post in (posts[0], posts[2], posts[0]):
        assert client.put(f"{path}/{post['id']}").status_code == 204
    assert {post["title"] for post in client.get(path).json()} == {"Post 0", "Post 2"}
    # The application's foreign key follows ddd's rows.
    assert client.delete(f"/posts/{posts[0]['id']}").status_code == 204
    assert [post["title"] for post in client.get(path).json()] == ["Post 2"]
    assert client.put(f"{path}/{2**62}").status_code == 422


def test_fault_of_the_server_is_no_response(client, monkeypatch):
    """An error that ddd did not mean for the client is not dressed up as one."""
    monkeypatch.setattr(
        UserRepository, "get_by_id", lambda self, user_id: self.api.one(User, "no_such_function", a=user_id)
    )
    with pytest.raises(ProgrammingError):
        client.get("/users/1")
