"""Bodies of the blog's routes."""
from datetime import datetime
from typing import Optional

from src.core.schemas import Id, Schema, Text


class PostCreate(Schema):
    author_id: Id
    title: Text
    content: Text
    tags: list[Text] = []


class PostUpdate(Schema):
    """Only the fields that are present change. With expected_updated_at, only if nobody was faster."""

    title: Optional[Text] = None
    content: Optional[Text] = None
    expected_updated_at: Optional[datetime] = None


class PostOut(Schema):
    id: int
    title: str
    content: str
    author_id: int
    created_at: datetime
    updated_at: datetime


class PopularPostOut(PostOut):
    comment_count: int


class CommentCreate(Schema):
    author_id: Id
    content: Text
    parent_id: Optional[Id] = None


class CommentOut(Schema):
    id: int
    content: str
    author_id: int
    parent_id: Optional[int]
    created_at: datetime
    updated_at: datetime


class CommentWithAuthor(CommentOut):
    author_name: str


class PostWithComments(PostOut):
    comments: list[CommentWithAuthor]


class PostPage(Schema):
    items: list[PostOut]
    next: Optional[str]


class PopularPostPage(Schema):
    items: list[PopularPostOut]
    next: Optional[str]


class PostWithCommentsPage(Schema):
    items: list[PostWithComments]
    next: Optional[str]


class CommentPage(Schema):
    items: list[CommentOut]
    next: Optional[str]
