"""Posts, comments and tags: what the guide's repository does, as calls of ddd."""
from typing import Any, Optional

from sqlalchemy.orm import Session

from src.apps.blog.models import Comment, Post
from src.core.api import Api


class PostRepository:
    def __init__(self, db: Session) -> None:
        self.api = Api(db)

    def get_by_id(self, post_id: int) -> Optional[Post]:
        return self.api.one(Post, "get_post", post_id=post_id)

    def create(self, author_id: int, title: str, content: str, tags: list[str]) -> Post:
        return self.api.write(
            Post, "create_post", author_id=author_id, title=title, content=content, tags=tags
        )

    def update(self, post_id: int, patch: dict[str, Any], expected_updated_at: Any = None) -> Optional[Post]:
        return self.api.write(
            Post, "update_post", post_id=post_id, patch=patch, expected_updated_at=expected_updated_at
        )

    def delete(self, post_id: int) -> bool:
        return self.api.write_value("delete_post", post_id=post_id)

    def set_tags(self, post_id: int, tags: list[str]) -> list[str]:
        return self.api.write_value("set_post_tags", post_id=post_id, tags=tags)

    def get_page(self, first: int = 10, after: Optional[str] = None) -> dict[str, Any]:
        return self.api.page("list_posts", first=first, after=after)

    def get_popular_posts(self, first: int = 10, after: Optional[str] = None) -> dict[str, Any]:
        """Items with comment_count."""
        return self.api.page("popular_posts", first=first, after=after)

    def get_posts_by_tag(self, name: str, first: int = 20, after: Optional[str] = None) -> dict[str, Any]:
        return self.api.page("posts_by_tag", name=name, first=first, after=after)

    def get_posts_with_comments(self, first: int = 10, after: Optional[str] = None) -> dict[str, Any]:
        """Items with comments, a list of dicts. One statement, however many posts."""
        return self.api.page("posts_with_comments", first=first, after=after)


class CommentRepository:
    def __init__(self, db: Session) -> None:
        self.api = Api(db)

    def create(self, post_id: int, author_id: int, content: str, parent_id: Optional[int] = None) -> Comment:
        return self.api.write(
            Comment, "add_comment", post_id=post_id, author_id=author_id, content=content, parent_id=parent_id
        )

    def get_page(self, post_id: int, first: int = 50, after: Optional[str] = None) -> dict[str, Any]:
        return self.api.page("post_comments", post_id=post_id, first=first, after=after)
