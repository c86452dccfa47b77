"""Alembic's environment: the guide's, with the hooks that leave ddd's tables alone."""
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from alembic import context

# Every model is imported, so that its table is known.
from src.apps.blog import models as blog  # noqa: F401
from src.apps.bookmarks import models as bookmarks  # noqa: F401
from src.apps.users import models as users  # noqa: F401
from src.core.config import settings
from src.core.migrations import include_name, include_object
from src.core.models import Base


def run_migrations_online() -> None:
    url = context.config.attributes.get("database_url", settings.database_url)
    engine = create_engine(url, poolclass=NullPool, future=True)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=include_name,
            include_object=include_object,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
