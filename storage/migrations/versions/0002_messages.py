"""Messages: priorities, delivery reports, opt-outs, spending"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('queued', 'sending')")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("outbox_message") as batch:
        batch.drop_index("ix_outbox_message_due")
        batch.add_column(sa.Column("segments", sa.SmallInteger(), nullable=True))
        batch.add_column(sa.Column("priority", sa.SmallInteger(), nullable=True))
        batch.add_column(sa.Column("wanted_at", _AT, nullable=True))
        batch.add_column(sa.Column("gateway", sa.String(length=16), nullable=True))
        batch.add_column(sa.Column("settled_at", _AT, nullable=True))
        batch.add_column(sa.Column("waited_ms", sa.BigInteger(), nullable=True))
    op.execute("UPDATE outbox_message SET segments = 1, priority = 5, wanted_at = due_at")
    op.execute("UPDATE outbox_message SET settled_at = sent_at")
    # While a text is in somebody's hands, it is due when they lose it.
    op.execute("UPDATE outbox_message SET due_at = leased_until WHERE leased_until IS NOT NULL")
    with op.batch_alter_table("outbox_message") as batch:
        for name, kind in (
            ("segments", sa.SmallInteger()),
            ("priority", sa.SmallInteger()),
            ("wanted_at", _AT),
        ):
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.drop_column("leased_until")
        batch.drop_column("sent_at")
        batch.create_index("ix_outbox_message_settled_at", ["settled_at"])
        batch.create_index(
            "ix_outbox_message_due",
            ["priority", "due_at"],
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        )
    op.create_table(
        "delivery",
        sa.Column("provider_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Integer(), nullable=True),
        sa.Column("first_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_first_at", "delivery", ["first_at"])
    op.create_table(
        "opt_out",
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("phone_index", name=op.f("pk_opt_out")),
    )
    op.create_table(
        "line_kind",
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("phone_index", name=op.f("pk_line_kind")),
    )
    op.create_table(
        "spending",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_spending")),
    )
    op.add_column("customer", sa.Column("safe_phrase", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    # Not by a batch, which on SQLite recreates the table: others refer to it.
    op.drop_column("customer", "safe_phrase")
    for table in ("spending", "line_kind", "opt_out", "delivery"):
        op.drop_table(table)
    with op.batch_alter_table("outbox_message") as batch:
        batch.drop_index("ix_outbox_message_due")
        batch.drop_index("ix_outbox_message_settled_at")
        batch.add_column(sa.Column("leased_until", _AT, nullable=True))
        batch.add_column(sa.Column("sent_at", _AT, nullable=True))
    op.execute("UPDATE outbox_message SET sent_at = settled_at WHERE state = 'sent'")
    op.execute("UPDATE outbox_message SET leased_until = due_at WHERE state = 'sending'")
    with op.batch_alter_table("outbox_message") as batch:
        for name in ("waited_ms", "settled_at", "gateway", "wanted_at", "priority", "segments"):
            batch.drop_column(name)
        batch.create_index(
            "ix_outbox_message_due", ["due_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
        )
