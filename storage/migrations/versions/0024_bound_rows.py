"""What lets somebody in is bound to its row

Passwords are sealed, and codes and tokens that live long are bound, as soon as the key for it is
made: right after this, by the same command. Signed-in users sign in again, and links that were
not used yet are replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = (
    *("enrolment_link", "recovery_code", "staff_session"),
    *("api_token", "calendar_feed", "customer_session"),
)


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("bound", sa.LargeBinary(), nullable=True))
    op.execute("ALTER TABLE staff RENAME COLUMN password_hash TO former")
    op.add_column("staff", sa.Column("password_hash", sa.LargeBinary(), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    form = "CAST(former AS BLOB)" if sqlite else "convert_to(former, 'UTF8')"
    op.execute(f"UPDATE staff SET password_hash = {form}")  # noqa: S608  (names of ours)
    op.drop_column("staff", "former")


def downgrade() -> None:
    """Sealed passwords cannot be opened here: everybody needs a new enrolment link."""
    op.drop_column("staff", "password_hash")
    op.add_column("staff", sa.Column("password_hash", sa.String(length=200), nullable=True))
    op.execute("DELETE FROM purpose_key WHERE purpose = 'sign-in'")
    for table in _TABLES:
        op.drop_column(table, "bound")
