"""Tables of staff credentials: links, recovery codes, sessions, API tokens and passkeys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    String,
    Uuid,
)
from sqlmodel import Field, SQLModel

from storage.column_helpers import (
    blind_index_column,
    foreign_key_column,
    id_column,
    instant_column,
    sealed_column,
)


class EnrolmentLink(SQLModel, table=True):
    """A one-time invitation to set a password and a second factor.

    ``kind`` is who made it (:class:`people.staff.enrolment_links.LinkKind`), ``made_by`` which
    colleague. ``tries`` counts wrong attempts at what is asked beside the link, the ``pin`` or a
    recovery code.
    """

    __tablename__ = "enrolment_link"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    totp_secret: bytes = sealed_column()
    kind: str = Field(default="operator", sa_column=Column(String(12), nullable=False))
    made_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    pin: bytes | None = sealed_column(nullable=True)
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    expires_at: datetime = instant_column()
    used_at: datetime | None = instant_column(nullable=True)


class RecoveryCode(SQLModel, table=True):
    """A backup second factor that works once."""

    __tablename__ = "recovery_code"

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    code_hash: bytes = sealed_column()
    bound: bytes | None = sealed_column(nullable=True)
    used_at: datetime | None = instant_column(nullable=True)


class StaffSession(SQLModel, table=True):
    """A staff session; stored here so that it ends at once when its owner is deactivated or has
    another ``role`` or a later ``epoch`` than when it began.

    ``how`` is the sign-in method, ``passkey_id`` the passkey used; ``proved_at`` is the last
    re-authentication; ``browser`` is a description in words.
    """

    __tablename__ = "staff_session"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    role: str = Field(sa_column=Column(String(16), nullable=False))
    epoch: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    how: str = Field(default="password", sa_column=Column(String(12), nullable=False))
    passkey_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    browser: bytes | None = sealed_column(nullable=True)
    created_at: datetime = instant_column()
    seen_at: datetime = instant_column()
    proved_at: datetime = instant_column()
    ended_at: datetime | None = instant_column(nullable=True)


class ApiToken(SQLModel, table=True):
    """A bearer token for the API with its owner's ``role`` and no more; it ends when the role
    does."""

    __tablename__ = "api_token"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    role: str = Field(sa_column=Column(String(16), nullable=False))
    epoch: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    label: str = Field(default="", sa_column=Column(String(60), nullable=False))
    created_at: datetime = instant_column()
    ended_at: datetime | None = instant_column(nullable=True)


class Passkey(SQLModel, table=True):
    """A passkey (W3C Web Authentication).

    ``public_key`` is sealed together with its owner, so that a database writer cannot assign their
    own passkey to somebody else. ``sign_count`` is the highest counter it has shown; ``stopped_at``
    is set when it showed a lower one, as a cloned authenticator does.
    """

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
    """A challenge that was answered, kept until it would have expired anyway."""

    __tablename__ = "spent_challenge"

    challenge_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime = instant_column(index=True)
