"""Which case a request belongs to, and into which case another was joined

An earlier request gets the case whose events record it: by the same person at the same moment.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_OF_CASE = sa.text("case_id IS NOT NULL")
_JOINED = sa.text("joined_into IS NOT NULL")


def upgrade() -> None:
    op.add_column("approval_request", sa.Column("case_id", sa.Uuid(), nullable=True))
    op.add_column("incident_case", sa.Column("joined_into", sa.Uuid(), nullable=True))
    op.execute(
        """
        UPDATE approval_request SET case_id = (
            SELECT case_step.case_id FROM case_step
            WHERE case_step.kind = 'asked'
              AND case_step.at = approval_request.asked_at
              AND case_step.staff_id = approval_request.asked_by
            ORDER BY case_step.id LIMIT 1
        )
        WHERE kind IN ('suspend', 'suspend.lift', 'warn_customers')
        """
    )
    op.execute(
        """
        UPDATE incident_case SET joined_into = (
            SELECT case_evidence.case_id FROM case_evidence
            WHERE case_evidence.from_case_id = incident_case.id
            ORDER BY case_evidence.id LIMIT 1
        )
        WHERE outcome = 'joined'
        """
    )
    _name_alike()
    op.create_index(
        "ix_approval_request_case_id",
        "approval_request",
        ["case_id"],
        sqlite_where=_OF_CASE,
        postgresql_where=_OF_CASE,
    )
    op.create_index(
        "ix_incident_case_joined_into",
        "incident_case",
        ["joined_into"],
        sqlite_where=_JOINED,
        postgresql_where=_JOINED,
    )


def _name_alike() -> None:
    """A case that was joined to another names everybody who is named in that one."""
    op.execute(
        """
        WITH RECURSIVE goes_on (joined, into_id) AS (
            SELECT id, joined_into FROM incident_case WHERE joined_into IS NOT NULL
            UNION
            SELECT goes_on.joined, incident_case.joined_into
            FROM goes_on JOIN incident_case ON incident_case.id = goes_on.into_id
            WHERE incident_case.joined_into IS NOT NULL
        )
        INSERT INTO case_subject (case_id, staff_id)
        SELECT DISTINCT goes_on.joined, case_subject.staff_id
        FROM goes_on JOIN case_subject ON case_subject.case_id = goes_on.into_id
        WHERE NOT EXISTS (
            SELECT 1 FROM case_subject AS known
            WHERE known.case_id = goes_on.joined AND known.staff_id = case_subject.staff_id
        )
        """
    )


def downgrade() -> None:
    op.drop_index("ix_incident_case_joined_into", "incident_case")
    op.drop_index("ix_approval_request_case_id", "approval_request")
    op.drop_column("incident_case", "joined_into")
    op.drop_column("approval_request", "case_id")
