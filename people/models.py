"""Tables of customers and staff. Whatever says who somebody is, is sealed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, String
from sqlmodel import Field, SQLModel

from storage.tables import id_field, instant, reference, sealed


class Role(StrEnum):
    """A role never does another's job."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    INVESTIGATOR = "investigator"


class Customer(SQLModel, table=True):
    """A person we may ring. Each has a data key of their own; without it nothing here opens."""

    __tablename__ = "customer"

    id: UUID = id_field()
    phone: bytes = sealed()
    phone_index: bytes = sealed(unique=True)
    name: bytes = sealed()
    external_ref: bytes | None = sealed(nullable=True)
    external_ref_index: bytes | None = sealed(nullable=True, unique=True)
    locale: str = Field(sa_column=Column(String(16), nullable=False))
    timezone: str = Field(sa_column=Column(String(64), nullable=False))
    safe_phrase: bytes | None = sealed(nullable=True)
    created_at: datetime = instant()


class Staff(SQLModel, table=True):
    """A member of staff."""

    __tablename__ = "staff"

    id: UUID = id_field()
    role: str = Field(sa_column=Column(String(16), nullable=False))
    email: bytes = sealed()
    email_index: bytes = sealed(unique=True)
    name: bytes = sealed()
    phone: bytes | None = sealed(nullable=True)
    timezone: str = Field(sa_column=Column(String(64), nullable=False))
    active: bool = Field(default=True, sa_column=Column(Boolean, nullable=False))
    demo: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    password_hash: str | None = Field(default=None, sa_column=Column(String(200)))
    totp_secret: bytes | None = sealed(nullable=True)
    totp_last_step: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False, server_default="0")
    )
    created_at: datetime = instant()


class EnrolmentLink(SQLModel, table=True):
    """A one-time invitation to set a password and a second factor."""

    __tablename__ = "enrolment_link"

    id: UUID = id_field()
    token_hash: bytes = sealed(unique=True)
    staff_id: UUID = reference("staff.id", index=True)
    totp_secret: bytes = sealed()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class RecoveryCode(SQLModel, table=True):
    """A spare second factor that works once."""

    __tablename__ = "recovery_code"

    id: UUID = id_field()
    staff_id: UUID = reference("staff.id", index=True)
    code_hash: bytes = sealed()
    used_at: datetime | None = instant(nullable=True)


class StaffSession(SQLModel, table=True):
    """A signed-in browser; kept here so that it ends the moment its owner is switched off."""

    __tablename__ = "staff_session"

    id: UUID = id_field()
    token_hash: bytes = sealed(unique=True)
    staff_id: UUID = reference("staff.id", index=True)
    created_at: datetime = instant()
    seen_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class ApiToken(SQLModel, table=True):
    """A bearer token for the API, with its owner's role and no more."""

    __tablename__ = "api_token"

    id: UUID = id_field()
    token_hash: bytes = sealed(unique=True)
    staff_id: UUID = reference("staff.id", index=True)
    label: str = Field(default="", sa_column=Column(String(60), nullable=False))
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
