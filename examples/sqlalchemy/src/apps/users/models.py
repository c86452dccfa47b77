"""The guide's User on ddd.users."""
from sqlalchemy import Boolean, Column, FetchedValue, String, Text
from sqlalchemy.orm import deferred, relationship

from src.core.models import BaseModel


class User(BaseModel):
    __tablename__ = "users"

    email = Column(String(255), nullable=False)
    full_name = Column(String(255), nullable=False)
    # Read only where it is asked for. The server's default is "!": nobody can log in with it.
    hashed_password = deferred(
        Column(String(255), nullable=False, server_default=FetchedValue(), info={"secret": True})
    )
    is_active = Column(Boolean, nullable=False, server_default=FetchedValue())
    is_superuser = Column(Boolean, nullable=False, server_default=FetchedValue())
    bio = Column(Text)

    # A user with posts is not deleted: the foreign key decides, not the session.
    posts = relationship("Post", back_populates="author", lazy="dynamic", passive_deletes="all")

    def __repr__(self) -> str:
        return f"<User(email='{self.email}', full_name='{self.full_name}')>"

    @property
    def is_authenticated(self) -> bool:
        return self.is_active
