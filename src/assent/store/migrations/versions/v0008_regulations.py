"""what people asked for: regulations, and who is suppressed"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "regulations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("started_from", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("erased", sa.BigInteger(), nullable=False),
        sa.Column("is_swept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("regulations", schema=None) as batch_op:
        batch_op.create_index("regulations_by_time", ["created_at", "id"], unique=False)

    op.create_table(
        "regulated",
        sa.Column("regulation", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("regulation", "digest"),
    )
    with op.batch_alter_table("regulated", schema=None) as batch_op:
        batch_op.create_index("regulated_by_digest", ["digest"], unique=False)

    op.create_table(
        "told",
        sa.Column("regulation", sa.String(length=32), nullable=False),
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("regulation", "destination"),
    )
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("id", sa.Text(), nullable=True),
        sa.Column("regulation", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.create_index("suppressions_by_time", ["at", "digest"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_index("suppressions_by_time")

    op.drop_table("suppressions")
    op.drop_table("told")
    with op.batch_alter_table("regulated", schema=None) as batch_op:
        batch_op.drop_index("regulated_by_digest")

    op.drop_table("regulated")
    with op.batch_alter_table("regulations", schema=None) as batch_op:
        batch_op.drop_index("regulations_by_time")

    op.drop_table("regulations")
