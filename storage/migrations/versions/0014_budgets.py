"""How many customers somebody has opened"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "budget_opening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        _staff("budget_opening"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_opening")),
    )
    op.create_index("ix_budget_opening_staff_id_at", "budget_opening", ["staff_id", "at"])
    op.create_index("ix_budget_opening_at", "budget_opening", ["at"])
    op.create_table(
        "budget_unlock",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        _staff("budget_unlock"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_budget_unlock")),
    )


def _staff(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_staff_id_staff")
    return sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=name)


def downgrade() -> None:
    op.drop_table("budget_unlock")
    op.drop_table("budget_opening")
