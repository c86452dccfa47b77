"""The application's own table, migrated by Alembic: which posts a user has put aside."""
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, func
from sqlalchemy.orm import relationship

from src.apps.blog.models import Post
from src.apps.users.models import User
from src.core.models import Base


class Bookmark(Base):
    __tablename__ = "bookmarks"

    user_id = Column(BigInteger, ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    post_id = Column(BigInteger, ForeignKey(Post.id, ondelete="CASCADE"), primary_key=True)
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())

    post = relationship(Post)

    __table_args__ = (Index("ix_bookmarks_post_id", "post_id"),)
