"""Cases with their evidence"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "incident_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("fold", sa.String(length=120), nullable=True),
        *(sa.Column(name, _AT, nullable=False) for name in ("opened_at", "changed_at")),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        *(sa.Column(name, _AT, nullable=True) for name in ("taken_at", "closed_at", "alerted_at")),
        sa.ForeignKeyConstraint(
            ["taken_by"], ["staff.id"], name=op.f("fk_incident_case_taken_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_case")),
        sa.UniqueConstraint("reference", name=op.f("uq_incident_case_reference")),
        sa.UniqueConstraint("fold", name=op.f("uq_incident_case_fold")),
    )
    op.create_index("ix_incident_case_state", "incident_case", ["state"])
    op.create_index("ix_incident_case_changed_at", "incident_case", ["changed_at"])
    op.create_index(
        "ix_incident_case_unalerted",
        "incident_case",
        ["opened_at"],
        sqlite_where=sa.text("alerted_at IS NULL"),
        postgresql_where=sa.text("alerted_at IS NULL"),
    )
    _around()


def _around() -> None:
    op.create_table(
        "case_subject",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        _case("case_subject"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_case_subject_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("case_id", "staff_id", name=op.f("pk_case_subject")),
    )
    op.create_index("ix_case_subject_staff_id", "case_subject", ["staff_id"])
    op.create_table(
        "case_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        _case("case_evidence"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_evidence")),
    )
    op.create_index(
        "ix_case_evidence_case_id_kind_ref",
        "case_evidence",
        ["case_id", "kind", "ref"],
        unique=True,
    )
    op.create_index("ix_case_evidence_kind_ref", "case_evidence", ["kind", "ref"])
    op.create_index("ix_case_evidence_customer_id", "case_evidence", ["customer_id"])
    op.create_table(
        "case_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("actor", sa.String(length=16), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        _case("case_step"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_case_step_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_step")),
    )
    op.create_index("ix_case_step_case_id", "case_step", ["case_id"])


def _case(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_case_id_incident_case")
    return sa.ForeignKeyConstraint(["case_id"], ["incident_case.id"], name=name)


def downgrade() -> None:
    for table in ("case_step", "case_evidence", "case_subject", "incident_case"):
        op.drop_table(table)
