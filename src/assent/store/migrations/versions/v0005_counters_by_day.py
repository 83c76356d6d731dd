"""counters by day, added up from those by hour: what two weeks are read from"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _create("day_counters", "source", "state", "reason")
    _create("event_day_counters", "source", "event", "state", "reason")
    op.execute(
        "INSERT INTO day_counters (destination, day, source, state, reason, events)"
        " SELECT destination, hour / 24, source, state, reason, sum(events) FROM hour_counters"
        " GROUP BY destination, hour / 24, source, state, reason"
    )
    op.execute(
        "INSERT INTO event_day_counters (destination, day, source, event, state, reason, events)"
        " SELECT destination, hour / 24, source, event, state, reason, sum(events) FROM event_counters"
        " GROUP BY destination, hour / 24, source, event, state, reason"
    )


def _create(table: str, *keys: str) -> None:
    length = {"source": 200, "event": 100, "state": 16, "reason": 40}
    op.create_table(
        table,
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(length=length[name]), nullable=False) for name in keys),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "destination", *keys),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("event_day_counters")
    op.drop_table("day_counters")
