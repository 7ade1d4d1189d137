"""A blind index whose key can change"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE code SET unmet = NULL WHERE unmet IS NOT NULL")  # in another form now
    with op.batch_alter_table("purpose_key") as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("purpose_key") as batch_op:
        batch_op.drop_column("since")
        batch_op.drop_column("state")
