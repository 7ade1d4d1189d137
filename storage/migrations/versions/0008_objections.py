"""What customers object to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_objection_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_objection_report_id_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    op.create_index("ix_objection_customer_id", "objection", ["customer_id"])
    op.create_table(
        "objected_entry",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["objection_id"],
            ["objection.id"],
            name=op.f("fk_objected_entry_objection_id_objection"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_objected_entry")),
    )
    op.create_index("ix_objected_entry_objection_id", "objected_entry", ["objection_id"])


def downgrade() -> None:
    op.drop_table("objected_entry")
    op.drop_table("objection")
