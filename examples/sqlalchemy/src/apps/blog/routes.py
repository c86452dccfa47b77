"""Routes of posts, comments and tags. What ddd refuses becomes a response in src/core/errors.py."""
from typing import Optional

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.orm import Session

from src.apps.blog.schemas import (
    CommentCreate,
    CommentOut,
    CommentPage,
    PopularPostPage,
    PostCreate,
    PostOut,
    PostPage,
    PostUpdate,
    PostWithCommentsPage,
)
from src.apps.blog.services import BlogService
from src.core.database import get_db
from src.core.schemas import Count, Id, Text

router = APIRouter(tags=["blog"])


def get_service(db: Session = Depends(get_db)) -> BlogService:
    return BlogService(db)


@router.post("/posts", response_model=PostOut, status_code=201)
def create_post(data: PostCreate, service: BlogService = Depends(get_service)):
    return service.create_post(data)


@router.get("/posts", response_model=PostPage)
def list_posts(first: Count = 10, after: Optional[Text] = None, service: BlogService = Depends(get_service)):
    return service.posts.get_page(first, after)


@router.get("/posts/popular", response_model=PopularPostPage)
def popular_posts(
    first: Count = 10, after: Optional[Text] = None, service: BlogService = Depends(get_service)
):
    return service.posts.get_popular_posts(first, after)


@router.get("/posts/with-comments", response_model=PostWithCommentsPage)
def posts_with_comments(
    first: Count = 10, after: Optional[Text] = None, service: BlogService = Depends(get_service)
):
    return service.posts.get_posts_with_comments(first, after)


@router.get("/posts/{post_id}", response_model=PostOut)
def get_post(post_id: Id, service: BlogService = Depends(get_service)):
    post = service.posts.get_by_id(post_id)
    if post is None:
        raise HTTPException(404, "Post not found")
    return post


@router.patch("/posts/{post_id}", response_model=PostOut)
def update_post(post_id: Id, data: PostUpdate, service: BlogService = Depends(get_service)):
    post = service.update_post(post_id, data)
    if post is None:
        raise HTTPException(404, "Post not found")
    return post


@router.delete("/posts/{post_id}", status_code=204)
def delete_post(post_id: Id, service: BlogService = Depends(get_service)) -> None:
    if not service.delete_post(post_id):
        raise HTTPException(404, "Post not found")


@router.put("/posts/{post_id}/tags", response_model=list[str])
def set_tags(post_id: Id, tags: list[Text], service: BlogService = Depends(get_service)):
    return service.set_tags(post_id, tags)


@router.get("/tags/{name}/posts", response_model=PostPage)
def posts_by_tag(
    name: Text, first: Count = 20, after: Optional[Text] = None, service: BlogService = Depends(get_service)
):
    return service.posts.get_posts_by_tag(name, first, after)


@router.post("/posts/{post_id}/comments", response_model=CommentOut, status_code=201)
def add_comment(post_id: Id, data: CommentCreate, service: BlogService = Depends(get_service)):
    return service.add_comment(post_id, data)


@router.get("/posts/{post_id}/comments", response_model=CommentPage)
def post_comments(
    post_id: Id, first: Count = 50, after: Optional[Text] = None, service: BlogService = Depends(get_service)
):
    page = service.post_comments(post_id, first, after)
    if page is None:
        raise HTTPException(404, "Post not found")
    return page
