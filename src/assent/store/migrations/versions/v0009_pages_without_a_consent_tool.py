"""how many pages had no consent tool"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "pages_without_tool",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "source"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("pages_without_tool")
