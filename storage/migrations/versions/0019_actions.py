"""Suspended access, and warnings of customers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("staff", sa.Column("suspended_at", _AT, nullable=True))
    op.create_table(
        "warning_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("since", _AT, nullable=False),
        sa.Column("until", _AT, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("begun_at", _AT, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["incident_case.id"], name=op.f("fk_warning_run_case_id_incident_case")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_warning_run_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warning_run")),
    )
    op.create_index("ix_warning_run_case_id", "warning_run", ["case_id"])
    op.create_index("ix_warning_run_state", "warning_run", ["state"])
    op.create_table(
        "warned_customer",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("at", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["incident_case.id"],
            name=op.f("fk_warned_customer_case_id_incident_case"),
        ),
        sa.PrimaryKeyConstraint("case_id", "customer_id", name=op.f("pk_warned_customer")),
    )


def downgrade() -> None:
    op.drop_table("warned_customer")
    op.drop_table("warning_run")
    with op.batch_alter_table("staff") as table:
        table.drop_column("suspended_at")
