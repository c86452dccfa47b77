"""Alembic beside ddd: autogenerate leaves ddd's tables alone, and still sees the application's."""
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, Table, Text, create_engine, inspect, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import NullPool

from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import ops
from conftest import ROOT, alembic_config
from src.apps.bookmarks.models import Bookmark
from src.core.migrations import include_name, include_object
from src.core.models import Base

HOOKS = {"include_name": include_name, "include_object": include_object}
DDD_TABLES = {"users", "posts", "comments", "tags", "post_tags", "schema_version", "stash",
              "counter_ledger", "counters", "counter_state", "migration_log", "backfills",
              "tokens", "outbox", "verified_emails",
              "audit_log", "audit_seals"}


@pytest.fixture
def connection(new_database) -> Iterator[Connection]:
    """To a database with ddd in it and nothing else."""
    engine = create_engine(new_database, poolclass=NullPool, future=True)
    with engine.connect() as connection:
        connection.execute(text("CREATE EXTENSION ddd"))
        connection.commit()
        yield connection


def proposals(connection: Connection, metadata: MetaData, **options: Any) -> list:
    context = MigrationContext.configure(connection, opts={"target_metadata": metadata, **options})
    return compare_metadata(context, metadata)


def tables(found: list, proposal: str) -> set[str]:
    return {entry[1].name for entry in found if entry[0] == proposal}


def own_metadata() -> MetaData:
    """An application that knows ddd by its functions only: no model of ddd's tables."""
    metadata = MetaData()
    Table("notes", metadata, Column("id", BigInteger, primary_key=True), Column("content", Text))
    return metadata


def metadata_with_notes() -> MetaData:
    """The application's models, ddd's among them, and one table that no migration has made yet."""
    metadata = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(metadata)
    Table(
        "notes",
        metadata,
        Column("id", BigInteger, primary_key=True),
        Column("user_id", BigInteger, ForeignKey("ddd.users.id"), nullable=False),
    )
    return metadata


def make(connection: Connection, metadata: MetaData) -> None:
    """Creates the application's own tables."""
    metadata.create_all(connection, tables=[t for t in metadata.tables.values() if t.schema is None])


def test_default_form_proposes_its_own_table_only(connection):
    metadata = own_metadata()
    found = proposals(connection, metadata)
    assert [(entry[0], entry[1].name) for entry in found] == [("add_table", "notes")]
    make(connection, metadata)
    assert proposals(connection, metadata) == []


def test_all_schemas_without_hooks_would_drop_ddd(connection):
    """The control: without it the tests below would prove nothing."""
    found = proposals(connection, own_metadata(), include_schemas=True)
    assert tables(found, "remove_table") == DDD_TABLES


def test_models_without_hooks_would_create_ddd(connection):
    found = proposals(connection, metadata_with_notes())
    assert {"users", "posts", "comments", "tags", "post_tags"} < tables(found, "add_table")


@pytest.mark.parametrize(
    "hooks", [HOOKS, {"include_object": include_object}, {"include_name": include_name}], ids=" ".join
)
def test_all_schemas_with_hooks(connection, hooks):
    metadata = own_metadata()
    found = proposals(connection, metadata, include_schemas=True, **hooks)
    assert [(entry[0], entry[1].name) for entry in found] == [("add_table", "notes")]
    make(connection, metadata)
    assert proposals(connection, metadata, include_schemas=True, **hooks) == []


@pytest.mark.parametrize("include_schemas", [True, False])
def test_models_of_ddd_with_hooks(connection, include_schemas):
    options = {"include_schemas": include_schemas, "compare_type": True, **HOOKS}
    make(connection, Base.metadata)
    assert proposals(connection, Base.metadata, **options) == []
    found = proposals(connection, metadata_with_notes(), **options)
    assert [(entry[0], entry[1].name) for entry in found] == [("add_table", "notes")]


def test_changed_column_of_the_own_table_is_seen(connection):
    make(connection, Base.metadata)
    connection.execute(text("ALTER TABLE bookmarks ADD note text"))
    (found,) = proposals(connection, Base.metadata, include_schemas=True, **HOOKS)
    assert (found[0], found[2], found[3].name) == ("remove_column", "bookmarks", "note")


def test_produced_migration_names_the_own_table(connection):
    options = {"target_metadata": Base.metadata, "include_schemas": True, **HOOKS}
    script = produce_migrations(MigrationContext.configure(connection, opts=options), Base.metadata)
    made = [op for op in script.upgrade_ops.ops if isinstance(op, ops.CreateTableOp)]
    assert [(op.schema, op.table_name) for op in made] == [(None, Bookmark.__tablename__)]
    dropped = [op for op in script.downgrade_ops.ops if isinstance(op, ops.DropTableOp)]
    assert [(op.schema, op.table_name) for op in dropped] == [(None, Bookmark.__tablename__)]


@pytest.fixture
def project(tmp_path: Path, new_database: URL):
    """alembic(arguments...): the command itself, in a copy of this example, on its own database."""
    for name in ("src", "alembic", "alembic.ini"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    url = new_database.render_as_string(hide_password=False)

    def alembic(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=tmp_path,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    alembic.path = tmp_path
    return alembic


def revision(project, message: str) -> str:
    """Has a revision generated and returns its code from upgrade() on."""
    project("revision", "--autogenerate", "-m", message)
    (path,) = (project.path / "alembic/versions").glob(f"*_{message}.py")
    return path.read_text().partition("def upgrade()")[2]


def test_revision_autogenerate(project):
    project("upgrade", "head")
    assert revision(project, "nothing").count("pass") == 2
    with open(project.path / "src/apps/bookmarks/models.py", "a") as models:
        models.write(
            "\n\nclass Note(Base):\n"
            '    __tablename__ = "notes"\n'
            "    id = Column(BigInteger, primary_key=True)\n"
            "    user_id = Column(BigInteger, ForeignKey(User.id), nullable=False)\n"
        )
    project("upgrade", "head")
    code = revision(project, "notes")
    assert code.count("op.") == 2
    assert "op.create_table('notes'" in code and "op.drop_table('notes')" in code
    assert "['ddd.users.id']" in code
    project("upgrade", "head")
    assert revision(project, "again").count("pass") == 2


def test_up_and_down_keep_every_row(project, new_database):
    engine = create_engine(new_database, poolclass=NullPool, future=True)

    def rows(query: str) -> list:
        with engine.connect() as connection:
            return connection.execute(text(query)).all()

    def has_bookmarks() -> bool:
        return inspect(engine).has_table("bookmarks")

    project("upgrade", "head")
    assert "0002 (head)" in project("current")
    with engine.begin() as connection:
        user_id = connection.execute(
            text("SELECT id FROM ddd.create_user('ann@example.org', 'Ann')")
        ).scalar_one()
        post = text("SELECT id FROM ddd.create_post(:user, 'Hello', '-', '{rust}')")
        post_id = connection.execute(post, {"user": user_id}).scalar_one()
        bookmark = text("INSERT INTO bookmarks (user_id, post_id) VALUES (:user, :post)")
        connection.execute(bookmark, {"user": user_id, "post": post_id})
    users = rows("SELECT * FROM ddd.users")

    project("downgrade", "-1")
    assert not has_bookmarks()
    assert rows("SELECT title FROM ddd.popular_posts(min_comments => 0)") == [("Hello",)]

    project("downgrade", "base")
    assert rows("SELECT extname FROM pg_extension WHERE extname = 'ddd'") == []
    assert rows("SELECT * FROM ddd.users") == users

    project("upgrade", "head")
    assert has_bookmarks()
    assert rows("SELECT * FROM ddd.users") == users
    assert rows("SELECT title FROM ddd.posts_by_tag('rust')") == [("Hello",)]
    # The triggers are back as well.
    with engine.begin() as connection:
        connection.execute(text("UPDATE ddd.users SET created_at = 'epoch', bio = 'x'"))
    assert rows("SELECT created_at FROM ddd.users") == [(users[0].created_at,)]


def test_upgrade_with_the_extension_there_already(connection, new_database):
    command.upgrade(alembic_config(new_database), "head")
    foreign_keys = inspect(connection).get_foreign_keys("bookmarks")
    assert {(key["referred_schema"], key["referred_table"]) for key in foreign_keys} == {
        ("ddd", "users"), ("ddd", "posts")
    }
