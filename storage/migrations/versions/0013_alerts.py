"""Alerts of new cases"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "case_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("cases", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_alert")),
    )
    op.create_index("ix_case_alert_at", "case_alert", ["at"])
    op.create_table(
        "alert_delivery",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("due_at", _AT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("settled_at", _AT, nullable=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["case_alert.id"], name=op.f("fk_alert_delivery_alert_id_case_alert")
        ),
        sa.PrimaryKeyConstraint("alert_id", "place", name=op.f("pk_alert_delivery")),
    )
    op.create_index(
        "ix_alert_delivery_due",
        "alert_delivery",
        ["due_at"],
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("alert_delivery")
    op.drop_table("case_alert")
