"""Tables of passkeys, and of what members of staff are told about their own sign-in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import (
    blind_index_column,
    foreign_key_column,
    id_column,
    instant_column,
    sealed_column,
)


class Passkey(SQLModel, table=True):
    """A passkey (W3C Web Authentication). ``public_key`` is sealed together with its owner, so that
    nobody who can write to the database makes a passkey of their own somebody else's;
    ``sign_count`` is the highest that it has shown; ``stopped_at`` is set when it showed a lower
    one, as a copy does."""

    __tablename__ = "passkey"

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    credential_index: bytes = blind_index_column(unique=True)
    credential: bytes = sealed_column()
    public_key: bytes = sealed_column()
    name: bytes = sealed_column()
    sign_count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = instant_column()
    used_at: datetime | None = instant_column(nullable=True)
    stopped_at: datetime | None = instant_column(nullable=True)
    bound: bytes | None = sealed_column(nullable=True)


class SpentChallenge(SQLModel, table=True):
    """A challenge that was answered, kept until it would be too old in any case."""

    __tablename__ = "spent_challenge"

    challenge_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime = instant_column(index=True)


class StaffNotice(SQLModel, table=True):
    """Something about their sign-in that a member of staff is told: at their next sign-in, and by
    mail where there is a mail server."""

    __tablename__ = "staff_notice"
    __table_args__ = (
        Index(
            "ix_staff_notice_unmailed",
            "at",
            sqlite_where=text("mailed_at IS NULL"),
            postgresql_where=text("mailed_at IS NULL"),
        ),
    )

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    at: datetime = instant_column()
    seen_at: datetime | None = instant_column(nullable=True)
    mailed_at: datetime | None = instant_column(nullable=True)
