"""The access tally by blocks of 64 days instead of by day"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from struct import Struct
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

DAYS, FRESH = 64, Struct("<64I")
_BY_DAY = sa.table(
    "access_tally", sa.column("staff_id", sa.Uuid), sa.column("day"), sa.column("fresh")
)
_BY_BLOCK = sa.table(
    "tally_blocks",
    sa.column("staff_id", sa.Uuid),
    sa.column("block"),
    sa.column("fresh", sa.LargeBinary),
)


def upgrade() -> None:
    op.create_table(
        "tally_blocks",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fresh", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "block", name=op.f("pk_tally_blocks")),
    )
    days = sa.select(_BY_DAY.c.staff_id, _BY_DAY.c.day, _BY_DAY.c.fresh)
    rows = op.get_bind().execute(days.order_by(_BY_DAY.c.staff_id, _BY_DAY.c.day)).all()
    blocks = [
        {"staff_id": staff_id, "block": block, "fresh": _packed(part)}
        for (staff_id, block), part in groupby(rows, lambda row: (row[0], row[1] // DAYS))
    ]
    if blocks:
        op.get_bind().execute(_BY_BLOCK.insert(), blocks)
    _replace("tally_blocks")


def _packed(rows: Iterable[Any]) -> bytes:
    counts = [0] * DAYS
    for _, day, fresh in rows:
        counts[day % DAYS] = fresh
    return FRESH.pack(*counts)


def downgrade() -> None:
    op.create_table(
        "tally_days",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "day", name=op.f("pk_tally_days")),
    )
    _replace("tally_days")
    # The worker counts again from the beginning.
    op.execute("DELETE FROM access_mark")


def _replace(other: str) -> None:
    """Put a table in the tally's place, its key's name included."""
    op.drop_table("access_tally")
    op.rename_table(other, "access_tally")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{other} RENAME TO pk_access_tally")
