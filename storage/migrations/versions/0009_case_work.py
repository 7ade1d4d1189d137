"""What a case comes to, and where its evidence was joined from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident_case", sa.Column("outcome", sa.String(length=12), nullable=True))
    with op.batch_alter_table("case_evidence") as table:
        table.add_column(sa.Column("from_case_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            op.f("fk_case_evidence_from_case_id_incident_case"),
            "incident_case",
            ["from_case_id"],
            ["id"],
        )


def downgrade() -> None:
    with op.batch_alter_table("case_evidence") as table:
        table.drop_constraint(
            op.f("fk_case_evidence_from_case_id_incident_case"), type_="foreignkey"
        )
        table.drop_column("from_case_id")
    with op.batch_alter_table("incident_case") as table:
        table.drop_column("outcome")
