"""Entries of the audit log are marked, and what the log keeps about itself is sealed

What is there already is sealed when the key for it is made, right after this, by the same command.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ENTRY = (
    ("writer", sa.BigInteger()),
    ("number", sa.BigInteger()),
    ("void", sa.Text()),
    ("mark", sa.LargeBinary()),
)
_SEALED = ("audit_state", "audit_run", "audit_publication")


def upgrade() -> None:
    for name, kind in _ENTRY:
        op.add_column("audit_entry", sa.Column(name, kind, nullable=True))
    for name in ("size", "unmarked_id"):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        op.add_column("audit_state", column)
    op.add_column("audit_state", sa.Column("root", sa.LargeBinary(), nullable=True))
    for table in _SEALED:
        op.add_column(table, sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.create_table(
        "audit_writer",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Text(), nullable=False),
        sa.Column("void", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_writer")),
    )
    op.create_index(op.f("ix_audit_writer_at"), "audit_writer", ["at"])


def downgrade() -> None:
    """Entries that were marked are in the tree with their marks: what verifies it afterwards finds
    them changed."""
    op.drop_table("audit_writer")
    op.execute("DELETE FROM purpose_key WHERE purpose = 'audit-writer'")
    for table in _SEALED:
        op.drop_column(table, "mark")
    for name in ("root", "unmarked_id", "size"):
        op.drop_column("audit_state", name)
    for name, _ in reversed(_ENTRY):
        op.drop_column("audit_entry", name)
