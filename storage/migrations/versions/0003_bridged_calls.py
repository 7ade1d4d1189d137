"""Bridged calls, the numbers of staff, and how texts arrive on the simulator's phones"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TO_DO = sa.text("to_hang_up OR state IN ('wanted', 'dialling')")
_AT = sa.DateTime(timezone=True)
_INSTANTS = ("agent_on_at", "ringing_at", "answered_at", "live_at", "ended_at", "first_tried_at")


def upgrade() -> None:
    op.add_column("staff", sa.Column("phone", sa.LargeBinary(), nullable=True))
    op.create_table(
        "phone_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("agent_phone", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", _AT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("agent_sid", sa.String(length=64), nullable=True),
        sa.Column("customer_sid", sa.String(length=64), nullable=True),
        sa.Column("wanted_at", _AT, nullable=False),
        *(sa.Column(name, _AT, nullable=True) for name in _INSTANTS),
        sa.Column("to_hang_up", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["callback.id"], name=op.f("fk_phone_call_callback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_call")),
    )
    op.create_index("ix_phone_call_callback_id", "phone_call", ["callback_id"])
    op.create_index("ix_phone_call_wanted_at", "phone_call", ["wanted_at"])
    op.create_index(
        "ix_phone_call_due",
        "phone_call",
        ["due_at"],
        sqlite_where=_TO_DO,
        postgresql_where=_TO_DO,
    )
    op.create_table(
        "demo_line",
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("phone_index", name=op.f("pk_demo_line")),
    )


def downgrade() -> None:
    op.drop_table("demo_line")
    op.drop_table("phone_call")
    # Not by a batch, which on SQLite recreates the table: others refer to it.
    op.drop_column("staff", "phone")
