"""Users: what the guide's repository does, as calls of ddd."""
from typing import Any, Optional

from sqlalchemy.orm import Session

from src.apps.users.models import User
from src.core.api import Api


class UserRepository:
    def __init__(self, db: Session) -> None:
        self.api = Api(db)

    def get_by_id(self, user_id: int) -> Optional[User]:
        return self.api.one(User, "get_user", user_id=user_id)

    def get_by_email(self, email: str) -> Optional[User]:
        return self.api.one(User, "get_user_by_email", email=email)

    def get_page(self, first: int = 100, after: Optional[str] = None) -> dict[str, Any]:
        return self.api.page("list_users", first=first, after=after)

    def search(self, query: str, first: int = 20) -> list[User]:
        return self.api.all(User, "search_users", query=query, first=first)

    def create(self, **columns: Any) -> User:
        """Refuses a registered address in any case: IntegrityError, "Email already registered"."""
        return self.api.write(User, "create_user", **columns)

    def update(self, user_id: int, patch: dict[str, Any], expected_updated_at: Any = None) -> Optional[User]:
        return self.api.write(
            User, "update_user", user_id=user_id, patch=patch, expected_updated_at=expected_updated_at
        )

    def delete(self, user_id: int, mode: str = "restrict") -> bool:
        return self.api.write_value("delete_user", user_id=user_id, mode=mode)
