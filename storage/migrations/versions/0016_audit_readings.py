"""Investigators' readings of who read a customer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_audit_reading_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["incident_case.id"], name=op.f("fk_audit_reading_case_id_incident_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_reading")),
    )


def downgrade() -> None:
    op.drop_table("audit_reading")
