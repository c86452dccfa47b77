"""Engine and sessions. ddd needs no set-up per connection or per request."""
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from src.core.config import settings

engine = create_engine(
    settings.database_url,
    future=True,
    pool_size=settings.pool_size,
    max_overflow=0,
    pool_pre_ping=True,
    # Passwords are parameters: they belong neither in a log nor in an exception's text.
    hide_parameters=True,
)
# What ddd's functions return is fresh: no need to read it again after the commit.
SessionLocal = sessionmaker(bind=engine, autoflush=False, expire_on_commit=False, future=True)


@contextmanager
def get_db_context() -> Iterator[Session]:
    """A session outside of a request: commits at the end, rolls back on an error."""
    db = SessionLocal()
    try:
        yield db
        db.commit()
    except Exception:
        db.rollback()
        raise
    finally:
        db.close()


def get_db() -> Iterator[Session]:
    """A session for a route. Services commit; what they did not commit is rolled back."""
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
