"""The watch over accesses"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watch_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_mark")),
    )
    op.create_table(
        "watch_person",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _staff("watch_person"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_watch_person")),
    )
    op.create_table(
        "watch_open",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("callback_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("off", sa.Boolean(), nullable=False),
        _staff("watch_open"),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_watch_open")),
    )
    op.create_index("ix_watch_open_staff_id", "watch_open", ["staff_id"])
    op.create_index("ix_watch_open_at", "watch_open", ["at"])


def _staff(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_staff_id_staff")
    return sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=name)


def downgrade() -> None:
    for table in ("watch_open", "watch_person", "watch_mark"):
        op.drop_table(table)
