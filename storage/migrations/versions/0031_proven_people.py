"""The approver of an enrolment hands over a PIN

Links that were not used yet ask for no PIN of an approver. On an installation that is set up, this
migration ends them, and they have to be asked for again. People who have enrolled stay as they are;
they count as proven by the person who set the installation up.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval_vote", sa.Column("pin", sa.LargeBinary(), nullable=True))
    op.execute(
        "UPDATE enrolment_link SET used_at = expires_at WHERE used_at IS NULL"
        " AND EXISTS (SELECT 1 FROM audit_entry WHERE action = 'approvals.close')"
    )


def downgrade() -> None:
    """To an earlier release, passwords of people who enrolled with a PIN of an approver are no
    passwords: they need a new enrolment link. Links and roles that wait end here."""
    op.execute("UPDATE enrolment_link SET used_at = expires_at WHERE used_at IS NULL")
    op.drop_column("approval_vote", "pin")
