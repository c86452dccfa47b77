"""Routes of users. What ddd refuses becomes a response in src/core/errors.py."""
from typing import Optional

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.orm import Session

from src.apps.users.schemas import UserCreate, UserOut, UserPage, UserUpdate
from src.apps.users.services import UserService
from src.core.database import get_db
from src.core.schemas import Count, Id, Text

router = APIRouter(prefix="/users", tags=["users"])


def get_service(db: Session = Depends(get_db)) -> UserService:
    return UserService(db)


@router.post("", response_model=UserOut, status_code=201)
def create_user(data: UserCreate, service: UserService = Depends(get_service)):
    return service.create_user(data)


@router.get("", response_model=UserPage)
def list_users(
    first: Count = 100, after: Optional[Text] = None, service: UserService = Depends(get_service)
):
    return service.list_users(first, after)


@router.get("/search", response_model=list[UserOut])
def search_users(query: Text, first: Count = 20, service: UserService = Depends(get_service)):
    return service.search_users(query, first)


@router.get("/{user_id}", response_model=UserOut)
def get_user(user_id: Id, service: UserService = Depends(get_service)):
    user = service.get_user(user_id)
    if user is None:
        raise HTTPException(404, "User not found")
    return user


@router.patch("/{user_id}", response_model=UserOut)
def update_user(user_id: Id, data: UserUpdate, service: UserService = Depends(get_service)):
    user = service.update_user(user_id, data)
    if user is None:
        raise HTTPException(404, "User not found")
    return user


@router.delete("/{user_id}", status_code=204)
def delete_user(user_id: Id, mode: Text = "restrict", service: UserService = Depends(get_service)) -> None:
    if not service.delete_user(user_id, mode):
        raise HTTPException(404, "User not found")
