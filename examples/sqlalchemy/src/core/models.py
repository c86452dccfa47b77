"""What the models of ddd's tables share.

The tables are ddd's: their defaults, constraints, indexes and triggers are in
the database, whoever writes. A model names the columns and says which values
the server fills in.
"""
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue
from sqlalchemy.orm import declarative_base

DDD = "ddd"

Base = declarative_base()


class BaseModel(Base):
    __abstract__ = True
    __table_args__ = {"schema": DDD}
    # Values that the server fills in come back with the INSERT or UPDATE.
    __mapper_args__ = {"eager_defaults": True}

    # The column's default takes it from the sequence ddd.<table>_id_seq.
    id = Column(BigInteger, primary_key=True)
    # The server's time. A trigger moves updated_at on every real change and keeps created_at.
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=FetchedValue())
    updated_at = Column(
        DateTime(timezone=True),
        nullable=False,
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
    )

    def to_dict(self) -> dict[str, Any]:
        """The row without secrets, like ddd.to_dict."""
        return {c.name: getattr(self, c.name) for c in self.__table__.columns if not c.info.get("secret")}
