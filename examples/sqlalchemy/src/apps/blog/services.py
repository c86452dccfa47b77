"""Posts, comments and tags: transactions. A method that changes something commits."""
from typing import Any, Optional

from sqlalchemy.orm import Session

from src.apps.blog.models import Comment, Post
from src.apps.blog.repository import CommentRepository, PostRepository
from src.apps.blog.schemas import CommentCreate, PostCreate, PostUpdate


class BlogService:
    def __init__(self, db: Session) -> None:
        self.db = db
        self.posts = PostRepository(db)
        self.comments = CommentRepository(db)

    def create_post(self, data: PostCreate) -> Post:
        post = self.posts.create(**data.data())
        self.db.commit()
        return post

    def update_post(self, post_id: int, data: PostUpdate) -> Optional[Post]:
        patch = data.data(exclude_unset=True)
        expected = patch.pop("expected_updated_at", None)
        post = self.posts.update(post_id, patch, expected)
        self.db.commit()
        return post

    def delete_post(self, post_id: int) -> bool:
        deleted = self.posts.delete(post_id)
        self.db.commit()
        return deleted

    def set_tags(self, post_id: int, tags: list[str]) -> list[str]:
        names = self.posts.set_tags(post_id, tags)
        self.db.commit()
        return names

    def add_comment(self, post_id: int, data: CommentCreate) -> Comment:
        comment = self.comments.create(post_id, **data.data())
        self.db.commit()
        return comment

    def post_comments(self, post_id: int, first: int, after: Optional[str]) -> Optional[dict[str, Any]]:
        """None if there is no such post; without comments, an empty page."""
        if self.posts.get_by_id(post_id) is None:
            return None
        return self.comments.get_page(post_id, first, after)
