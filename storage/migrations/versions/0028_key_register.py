"""A sealed register of the keys that the store must have; an index to forget old senders by

Its row is written, and the keys are wrapped for their new places, by the same command in the same
transaction (vault/keys/key_upgrade.py): that takes the master key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_register",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_register")),
    )
    op.create_index("ix_inbound_text_received_at", "inbound_text", ["received_at"])


def downgrade() -> None:
    op.drop_index("ix_inbound_text_received_at", "inbound_text")
    op.drop_table("key_register")
