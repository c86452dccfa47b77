"""Users: transactions. A method that changes something commits."""
from typing import Any, Optional, Union

from sqlalchemy.orm import Session

from src.apps.users.models import User
from src.apps.users.repository import UserRepository
from src.apps.users.schemas import UserCreate, UserUpdate


class UserService:
    def __init__(self, db: Session) -> None:
        self.db = db
        self.repository = UserRepository(db)

    def get_user(self, user_id: int) -> Optional[User]:
        return self.repository.get_by_id(user_id)

    def get_user_by_email(self, email: str) -> Optional[User]:
        return self.repository.get_by_email(email)

    def list_users(self, first: int, after: Optional[str] = None) -> dict[str, Any]:
        return self.repository.get_page(first, after)

    def search_users(self, query: str, first: int) -> list[User]:
        return self.repository.search(query, first)

    def create_user(self, user_data: Union[UserCreate, dict[str, Any]]) -> User:
        """No look before the leap: the unique index decides, also between two at once."""
        if isinstance(user_data, dict):
            user_data = UserCreate(**user_data)
        user = self.repository.create(**user_data.data())
        self.db.commit()
        return user

    def update_user(self, user_id: int, user_data: UserUpdate) -> Optional[User]:
        patch = user_data.data(exclude_unset=True)
        expected = patch.pop("expected_updated_at", None)
        user = self.repository.update(user_id, patch, expected)
        self.db.commit()
        return user

    def delete_user(self, user_id: int, mode: str = "restrict") -> bool:
        deleted = self.repository.delete(user_id, mode)
        self.db.commit()
        return deleted
