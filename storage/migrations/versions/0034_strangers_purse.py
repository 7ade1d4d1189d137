"""Small budgets and counts for messages that anybody can trigger

Messages that are queued already are still sent at any hour they were queued for. Page numbers of
six digits that were just sent are invalid: they have to be requested again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None
_PURSES = ("asked", "customers", "strangers")


def upgrade() -> None:
    op.add_column("outbox_message", sa.Column("decent", sa.String(length=80), nullable=True))
    op.add_column(
        "outbox_message", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "number_proof",
        sa.Column("asked_by", sa.String(length=8), nullable=False, server_default="web"),
    )
    op.add_column("number_proof", sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
    for name in _PURSES:
        op.add_column(
            "spending", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.create_table(
        "page_number_tries",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour"),
    )


def downgrade() -> None:
    op.drop_table("page_number_tries")
    for table, names in (
        ("spending", _PURSES),
        ("number_proof", ("proven_at", "asked_by")),
        ("outbox_message", ("heard_at", "decent")),
    ):
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_column(name)
