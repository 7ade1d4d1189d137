"""Evening notes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evening_round",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("covered_until", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_evening_round_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_evening_round")),
    )
    op.create_table(
        "evening_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        *(sa.Column(name, _AT, nullable=True) for name in ("mailed_at", "explained_at")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_evening_note_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evening_note")),
    )
    columns = ["staff_id", "on_date"]
    op.create_index("ix_evening_note_staff_id_on_date", "evening_note", columns, unique=True)
    op.create_index("ix_evening_note_made_at", "evening_note", ["made_at"])
    _accesses()


def _accesses() -> None:
    op.create_table(
        "noted_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("callback_id", sa.Uuid(), nullable=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("explanation", sa.LargeBinary(), nullable=True),
        sa.Column("explained_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["note_id"], ["evening_note.id"], name=op.f("fk_noted_access_note_id_evening_note")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_noted_access")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_noted_access_entry_id")),
    )
    op.create_index("ix_noted_access_note_id", "noted_access", ["note_id"])


def downgrade() -> None:
    for table in ("noted_access", "evening_note", "evening_round"):
        op.drop_table(table)
