"""A database at the newest migration, and per test a session whose commits are rolled back.

DATABASE_URL names an empty database on a server that has ddd installed, and a
superuser there.
"""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from alembic import command
from alembic.config import Config
from main import app
from src.core.config import settings
from src.core.database import SessionLocal, engine, get_db

ROOT = Path(__file__).resolve().parent.parent


def alembic_config(url: URL) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["database_url"] = url
    return config


def session_in(connection: Connection) -> Session:
    """A session whose transactions are savepoints of the connection's transaction.

    So commit() and rollback() do in a test what they do elsewhere, and the
    connection's rollback at its end undoes them all.
    """
    if sqlalchemy.__version__.startswith("1."):
        session = SessionLocal(bind=connection)

        @event.listens_for(session, "after_transaction_create")
        def begin_savepoint(_: Session, transaction) -> None:
            if transaction.parent is None and not connection.in_nested_transaction():
                connection.begin_nested()

        return session
    return SessionLocal(bind=connection, join_transaction_mode="create_savepoint")


@pytest.fixture(scope="session")
def db_engine() -> Iterator[Engine]:
    command.upgrade(alembic_config(make_url(settings.database_url)), "head")
    yield engine
    engine.dispose()


@pytest.fixture
def db_session(db_engine: Engine) -> Iterator[Session]:
    connection = db_engine.connect()
    transaction = connection.begin()
    session = session_in(connection)

    yield session

    session.close()
    transaction.rollback()
    connection.close()


@pytest.fixture
def client(db_session: Session) -> Iterator[TestClient]:
    def override_get_db() -> Iterator[Session]:
        try:
            yield db_session
        finally:
            # What a request did not commit is gone, as with get_db.
            db_session.rollback()

    app.dependency_overrides[get_db] = override_get_db
    with TestClient(app) as test_client:
        yield test_client
    app.dependency_overrides.clear()


@pytest.fixture
def statements(db_engine: Engine) -> Callable:
    """with statements() as executed: ... collects the SQL that is sent meanwhile."""

    @contextmanager
    def collect(engine: Engine = db_engine) -> Iterator[list[str]]:
        executed: list[str] = []

        def listener(conn, cursor, statement, parameters, context, executemany) -> None:
            executed.append(statement)

        event.listen(engine, "before_cursor_execute", listener)
        try:
            yield executed
        finally:
            event.remove(engine, "before_cursor_execute", listener)

    return collect


_number = count(1)


@pytest.fixture
def new_database() -> Iterator[URL]:
    """An empty database for one test that commits, migrates or needs its own engine."""
    base = make_url(settings.database_url)
    url = base.set(database=f"{base.database}_{next(_number)}")
    server = create_engine(base, poolclass=NullPool, future=True, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{url.database}"'))
    yield url
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
