"""Where each report was put"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grouped_report",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["incident_case.id"], name=op.f("fk_grouped_report_case_id_incident_case")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_grouped_report")),
    )
    op.create_index("ix_grouped_report_case_id", "grouped_report", ["case_id"])


def downgrade() -> None:
    op.drop_table("grouped_report")
