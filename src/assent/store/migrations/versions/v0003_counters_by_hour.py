"""counters by hour, added up from those by minute: what two weeks are read from"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "hour_counters",
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "destination", "source", "state", "reason"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO hour_counters (destination, hour, source, state, reason, events)"
        " SELECT destination, minute / 60, source, state, reason, sum(events) FROM counters"
        " GROUP BY destination, minute / 60, source, state, reason"
    )


def downgrade() -> None:
    op.drop_table("hour_counters")
