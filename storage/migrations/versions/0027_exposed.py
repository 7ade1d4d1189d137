"""An index for the customers somebody's access exposed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_BOTH = sa.text("staff_id IS NOT NULL AND customer_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_audit_entry_exposed",
        "audit_entry",
        ["staff_id", "customer_id", "at", "action"],
        sqlite_where=_BOTH,
        postgresql_where=_BOTH,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entry_exposed", "audit_entry")
