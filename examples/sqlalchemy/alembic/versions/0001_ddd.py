"""Users, posts, comments and tags: the extension ddd.

A superuser applies this one, or has created the extension before.
"""
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS ddd")


def downgrade() -> None:
    # Takes the functions and triggers away; tables and rows stay, and upgrade() finds them again.
    op.execute("DROP EXTENSION ddd CASCADE")
