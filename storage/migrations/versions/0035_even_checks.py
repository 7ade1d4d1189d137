"""Rows that checks queue up at, and an index that all entries of the audit log are in

A check of a number that is being called waits for others like one of a number that nobody is
calling, and its entry costs the database the same (rule C5).
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None
_QUEUES = 256
_INDEX = "ix_audit_entry_customer_id"


def upgrade() -> None:
    op.drop_index(_INDEX, table_name="audit_entry")
    op.create_index(_INDEX, "audit_entry", ["customer_id", "id"])
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    counts = dict.fromkeys(("counter", "reissued", "tries_open", "tries_own", "tries_ignored"), 0)
    op.bulk_insert(
        _code(),
        [
            {
                "id": UUID(int=_QUEUES + last),
                "phone_index": bytes(14) + bytes([1, last]),
                "digits": 6,
                "valid_from": long_ago,
                "valid_until": long_ago,
                **counts,
            }
            for last in range(_QUEUES)
        ],
    )


def downgrade() -> None:
    code = _code()
    op.execute(
        sa.delete(code).where(code.c.id.in_([UUID(int=_QUEUES + last) for last in range(_QUEUES)]))
    )
    op.drop_index(_INDEX, table_name="audit_entry")
    has_customer = sa.text("customer_id IS NOT NULL")
    op.create_index(
        _INDEX,
        "audit_entry",
        ["customer_id", "id"],
        sqlite_where=has_customer,
        postgresql_where=has_customer,
    )


def _code() -> sa.TableClause:
    number, instant = sa.Integer(), sa.DateTime(timezone=True)
    return sa.table(
        "code",
        sa.column("id", sa.Uuid()),
        sa.column("phone_index", sa.LargeBinary()),
        sa.column("digits", number),
        sa.column("counter", number),
        sa.column("reissued", number),
        sa.column("valid_from", instant),
        sa.column("valid_until", instant),
        sa.column("tries_open", number),
        sa.column("tries_own", number),
        sa.column("tries_ignored", number),
    )
