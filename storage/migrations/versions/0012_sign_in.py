"""Passkeys, sessions that end with the role, second pieces of enrolment links, notices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_ADDED = {
    "staff": ("epoch", "passkey_handle"),
    "enrolment_link": ("kind", "made_by", "pin", "tries"),
    "staff_session": ("role", "how", "passkey_id", "browser", "proved_at"),
    "api_token": ("role",),
    "calendar_feed": ("epoch",),
}


def upgrade() -> None:
    _add("staff", _number("epoch"), sa.Column("passkey_handle", sa.LargeBinary(), nullable=True))
    _add(
        "enrolment_link",
        _word("kind", 12, "operator"),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("pin", sa.LargeBinary(), nullable=True),
        _number("tries"),
    )
    _add(
        "staff_session",
        _word("role", 16, ""),
        _word("how", 12, "password"),
        sa.Column("passkey_id", sa.Uuid(), nullable=True),
        sa.Column("browser", sa.LargeBinary(), nullable=True),
        sa.Column("proved_at", _AT, nullable=False, server_default="2000-01-01 00:00:00"),
    )
    _add("api_token", _word("role", 16, ""))
    _add("calendar_feed", _number("epoch"))
    for table in ("staff_session", "api_token"):
        op.execute(
            f"UPDATE {table} SET role ="  # noqa: S608  (names of ours)
            f" (SELECT role FROM staff WHERE staff.id = {table}.staff_id)"
        )
    op.execute("UPDATE staff_session SET proved_at = created_at")
    _passkeys()
    _notices()


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)


def _word(name: str, length: int, before: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=before)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _passkeys() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in ("credential_index", "credential", "public_key", "name")
        ),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        *(sa.Column(name, _AT, nullable=True) for name in ("used_at", "stopped_at")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_passkey_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_index", name=op.f("uq_passkey_credential_index")),
    )
    op.create_index("ix_passkey_staff_id", "passkey", ["staff_id"])
    op.create_table(
        "spent_challenge",
        sa.Column("challenge_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name=op.f("pk_spent_challenge")),
    )
    op.create_index("ix_spent_challenge_expires_at", "spent_challenge", ["expires_at"])


def _notices() -> None:
    op.create_table(
        "staff_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", _AT, nullable=False),
        *(sa.Column(name, _AT, nullable=True) for name in ("seen_at", "mailed_at")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_notice_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notice")),
    )
    op.create_index("ix_staff_notice_staff_id", "staff_notice", ["staff_id"])
    op.create_index(
        "ix_staff_notice_unmailed",
        "staff_notice",
        ["at"],
        sqlite_where=sa.text("mailed_at IS NULL"),
        postgresql_where=sa.text("mailed_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("staff_notice", "spent_challenge", "passkey"):
        op.drop_table(table)
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column)
