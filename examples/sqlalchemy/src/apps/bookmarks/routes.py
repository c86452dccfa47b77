"""Routes of bookmarks."""
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from src.apps.blog.schemas import PostOut
from src.apps.bookmarks.services import BookmarkService
from src.core.database import get_db
from src.core.schemas import Id

router = APIRouter(prefix="/users/{user_id}/bookmarks", tags=["bookmarks"])


def get_service(db: Session = Depends(get_db)) -> BookmarkService:
    return BookmarkService(db)


@router.put("/{post_id}", status_code=204)
def add_bookmark(user_id: Id, post_id: Id, service: BookmarkService = Depends(get_service)) -> None:
    service.add(user_id, post_id)


@router.get("", response_model=list[PostOut])
def bookmarked_posts(user_id: Id, service: BookmarkService = Depends(get_service)):
    return service.posts(user_id)
