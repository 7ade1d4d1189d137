"""Why a request can no longer be executed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval_request", sa.Column("void_why", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Void requests are to an earlier release what nobody decided on in time."""
    op.execute("UPDATE approval_request SET state = 'expired' WHERE state = 'void'")
    op.drop_column("approval_request", "void_why")
