"""Bookmarks: the application's own table, with foreign keys to ddd's."""
import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ddd.users.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["post_id"], ["ddd.posts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "post_id"),
    )
    op.create_index("ix_bookmarks_post_id", "bookmarks", ["post_id"])


def downgrade() -> None:
    op.drop_table("bookmarks")
