"""The guide's Post, Comment and Tag on ddd's tables."""
from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, ForeignKey, String, Table, Text
from sqlalchemy.orm import relationship

from src.apps.users.models import User
from src.core.models import DDD, BaseModel

post_tags = Table(
    "post_tags",
    BaseModel.metadata,
    Column("post_id", BigInteger, ForeignKey(f"{DDD}.posts.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", BigInteger, ForeignKey(f"{DDD}.tags.id"), primary_key=True),
    # A trigger copies it from the post.
    Column("post_created_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    schema=DDD,
)


class Post(BaseModel):
    __tablename__ = "posts"

    title = Column(String(255), nullable=False)
    content = Column(Text, nullable=False)
    author_id = Column(BigInteger, ForeignKey(User.id), nullable=False)

    author = relationship("User", back_populates="posts")
    # The foreign keys cascade: what is not loaded is left to them.
    comments = relationship(
        "Comment",
        back_populates="post",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Comment.created_at, Comment.id",
    )
    tags = relationship("Tag", secondary=post_tags, back_populates="posts", passive_deletes=True)


class Comment(BaseModel):
    __tablename__ = "comments"

    content = Column(Text, nullable=False)
    post_id = Column(BigInteger, ForeignKey(Post.id, ondelete="CASCADE"), nullable=False)
    author_id = Column(BigInteger, ForeignKey(User.id), nullable=False)
    # The comment that this one replies to, on the same post.
    parent_id = Column(BigInteger)

    post = relationship("Post", back_populates="comments")
    author = relationship("User")


class Tag(BaseModel):
    __tablename__ = "tags"

    name = Column(String(100), nullable=False)
    # A trigger fills it from the name.
    key = Column(Text, nullable=False, server_default=FetchedValue(), server_onupdate=FetchedValue())
    # The tag that is meant, of a synonym.
    synonym_of = Column(BigInteger, ForeignKey(f"{DDD}.tags.id", ondelete="CASCADE"))
    posts = relationship("Post", secondary=post_tags, back_populates="tags")
