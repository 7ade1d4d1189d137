"""Everything that a verdict or a sign-in depends on is under a MAC

Staff, passkeys, callbacks, calls, codes and page numbers get a MAC over all their columns; the
same command computes it right after this, for existing rows. Codes of calls that are in progress at
that moment get none: their agents end these calls and book others. Page numbers that were just sent
have to be requested again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_MARKED = ("staff", "passkey", "callback", "code", "number_proof", "phone_call")
_OF_AN_EPOCH = ("staff_session", "api_token")


def upgrade() -> None:
    for table in _MARKED:
        op.add_column(table, sa.Column("bound", sa.LargeBinary(), nullable=True))
    for table in _OF_AN_EPOCH:
        op.add_column(table, sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
        op.execute(
            f"UPDATE {table} SET epoch ="  # noqa: S608  (names of ours)
            f" (SELECT epoch FROM staff WHERE staff.id = {table}.staff_id)"
        )


def downgrade() -> None:
    for table in _OF_AN_EPOCH:
        op.drop_column(table, "epoch")
    for table in _MARKED:
        op.drop_column(table, "bound")
