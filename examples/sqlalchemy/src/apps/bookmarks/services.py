"""Bookmarks: plain SQLAlchemy, joined with ddd's tables."""
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from src.apps.blog.models import Post
from src.apps.bookmarks.models import Bookmark


class BookmarkService:
    def __init__(self, db: Session) -> None:
        self.db = db

    def add(self, user_id: int, post_id: int) -> None:
        """Once is enough: a second time changes nothing."""
        row = insert(Bookmark).values(user_id=user_id, post_id=post_id)
        self.db.execute(row.on_conflict_do_nothing())
        self.db.commit()

    def posts(self, user_id: int) -> list[Post]:
        """The user's bookmarked posts, the latest bookmark first."""
        query = (
            select(Post)
            .join(Bookmark, Bookmark.post_id == Post.id)
            .where(Bookmark.user_id == user_id)
            .order_by(Bookmark.created_at.desc(), Bookmark.post_id.desc())
        )
        return list(self.db.execute(query).scalars())
