"""Bodies of the users' routes."""
from datetime import datetime
from typing import Optional

from src.core.schemas import Schema, Text


class UserCreate(Schema):
    email: Text
    full_name: Text
    password: Optional[Text] = None
    bio: Optional[Text] = None


class UserUpdate(Schema):
    """Only the fields that are present change. With expected_updated_at, only if nobody was faster."""

    email: Optional[Text] = None
    full_name: Optional[Text] = None
    bio: Optional[Text] = None
    is_active: Optional[bool] = None
    expected_updated_at: Optional[datetime] = None


class UserOut(Schema):
    id: int
    email: str
    full_name: str
    is_active: bool
    is_superuser: bool
    bio: Optional[str]
    created_at: datetime
    updated_at: datetime


class UserPage(Schema):
    items: list[UserOut]
    next: Optional[str]
