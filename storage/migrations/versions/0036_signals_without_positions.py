"""Signals without positions

Nothing reads the stream by position: cases and traces read signals by report and by time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
_UNPLACED = sa.text("position IS NULL")


def upgrade() -> None:
    op.drop_index("ix_stream_item_unplaced", table_name="stream_item")
    with op.batch_alter_table("stream_item") as batch:
        batch.drop_constraint(op.f("uq_stream_item_position"), type_="unique")
        batch.drop_column("position")


def downgrade() -> None:
    with op.batch_alter_table("stream_item") as batch:
        batch.add_column(sa.Column("position", sa.BigInteger(), nullable=True))
        batch.create_unique_constraint(op.f("uq_stream_item_position"), ["position"])
    op.create_index(
        "ix_stream_item_unplaced",
        "stream_item",
        ["id"],
        sqlite_where=_UNPLACED,
        postgresql_where=_UNPLACED,
    )
