"""Imports of customers, and customers whose data is gone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("customer", sa.Column("erased_at", _AT, nullable=True))
    op.create_table(
        "customer_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("position", "line")),
        sa.Column("digest", sa.String(length=64), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("added", "changed", "same", "refused")
        ),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("finished_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_import")),
    )


def downgrade() -> None:
    op.drop_table("customer_import")
    op.drop_column("customer", "erased_at")
