"""the draft that is the shadow, and what it would do otherwise"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shadow", sa.Boolean(), server_default=sa.false(), nullable=False))

    op.create_table(
        "shadow_counters",
        sa.Column("draft", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("draft", "revision", "minute", "destination", "direction", "reason"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("shadow_counters")
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.drop_column("shadow")
