"""Actions that need two people: requests and votes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OPEN = sa.text("state IN ('asked', 'approved')")
_CLOSE = sa.text("action = 'approvals.close'")


def upgrade() -> None:
    op.create_table(
        "approval_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("callback_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        *(sa.Column(name, _AT, nullable=False) for name in ("asked_at", "expires_at")),
        *(sa.Column(name, _AT, nullable=True) for name in ("begun_at", "settled_at")),
        _foreign("approval_request", "customer_id", "customer"),
        _foreign("approval_request", "staff_id", "staff"),
        _foreign("approval_request", "asked_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_request")),
    )
    for column in ("customer_id", "asked_by"):
        op.create_index(f"ix_approval_request_{column}", "approval_request", [column])
    op.create_index(
        "ix_approval_request_open",
        "approval_request",
        ["kind", "expires_at"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    _votes()
    op.create_index(
        "ix_audit_entry_approvals_close",
        "audit_entry",
        ["id"],
        sqlite_where=_CLOSE,
        postgresql_where=_CLOSE,
    )


def _votes() -> None:
    op.create_table(
        "approval_vote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        _foreign("approval_vote", "request_id", "approval_request"),
        _foreign("approval_vote", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_vote")),
    )
    op.create_index("ix_approval_vote_staff_id", "approval_vote", ["staff_id"])
    op.create_index(
        "ix_approval_vote_request_id_staff_id",
        "approval_vote",
        ["request_id", "staff_id"],
        unique=True,
    )


def _foreign(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name)


def downgrade() -> None:
    op.drop_index("ix_audit_entry_approvals_close", "audit_entry")
    for table in ("approval_vote", "approval_request"):
        op.drop_table(table)
