"""More told in a report, and the stream of signs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_TO_TELL = sa.text("outcome IS NOT NULL AND told_at IS NULL")
_FLAGS = ("number_hidden", "doubtful", "tell_outcome")
_SEALED = ("claimed_to_be", "asked_for", "gave")
_INSTANTS = ("proven_at", "asking_until", "told_at")


def upgrade() -> None:
    op.add_column("code", sa.Column("unmet", sa.LargeBinary(), nullable=True))
    for name in _FLAGS:
        flag: sa.Column[bool] = sa.Column(
            name, sa.Boolean(), nullable=False, server_default=sa.text("false")
        )
        op.add_column("report", flag)
    for name in _SEALED:
        op.add_column("report", sa.Column(name, sa.LargeBinary(), nullable=True))
    for name in _INSTANTS:
        op.add_column("report", sa.Column(name, _AT, nullable=True))
    times = sa.Column("times", sa.Integer(), nullable=False, server_default="1")
    op.add_column("report", times)
    asking = sa.Column("asking", sa.String(length=16), nullable=False, server_default="")
    op.add_column("report", asking)
    op.add_column("report", sa.Column("outcome", sa.String(length=12), nullable=True))
    op.create_index(
        "ix_report_to_tell", "report", ["at"], sqlite_where=_TO_TELL, postgresql_where=_TO_TELL
    )
    _stream()


def _stream() -> None:
    op.create_table(
        "stream_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_stream_item_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream_item")),
        sa.UniqueConstraint("position", name=op.f("uq_stream_item_position")),
    )
    for column in ("at", "customer_id", "report_id"):
        op.create_index(f"ix_stream_item_{column}", "stream_item", [column])
    op.create_index("ix_stream_item_phone_index_at", "stream_item", ["phone_index", "at"])
    unplaced = sa.text("position IS NULL")
    op.create_index(
        "ix_stream_item_unplaced",
        "stream_item",
        ["id"],
        sqlite_where=unplaced,
        postgresql_where=unplaced,
    )


def downgrade() -> None:
    op.drop_table("stream_item")
    op.drop_index("ix_report_to_tell", table_name="report")
    for name in (*_FLAGS, *_SEALED, *_INSTANTS, "times", "asking", "outcome"):
        op.drop_column("report", name)
    op.drop_column("code", "unmet")
