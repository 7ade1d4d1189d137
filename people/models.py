"""Tables of customers and staff.

Identifying data is sealed. Whatever grants access is bound to its row
(:mod:`people.password_seal`), by the MAC in ``bound``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

from storage.column_helpers import (
    blind_index_column,
    foreign_key_column,
    id_column,
    instant_column,
    sealed_column,
)


class Role(StrEnum):
    """A role of staff. No role may do another's work."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    INVESTIGATOR = "investigator"


class Customer(SQLModel, table=True):
    """A person we may call. Each has their own data key, without which nothing here can be
    decrypted.

    After a number change, the new number is neither called nor sent anything before
    ``number_waits_until`` (UTC).
    """

    __tablename__ = "customer"

    id: UUID = id_column()
    phone: bytes = sealed_column()
    phone_index: bytes = blind_index_column(unique=True)
    name: bytes = sealed_column()
    external_ref: bytes | None = sealed_column(nullable=True)
    external_ref_index: bytes | None = blind_index_column(nullable=True, unique=True)
    locale: str = Field(sa_column=Column(String(16), nullable=False))
    timezone: str = Field(sa_column=Column(String(64), nullable=False))
    safe_phrase: bytes | None = sealed_column(nullable=True)
    created_at: datetime = instant_column()
    erased_at: datetime | None = instant_column(nullable=True)
    number_waits_until: datetime | None = instant_column(nullable=True)


class CustomerImport(SQLModel, table=True):
    """An import of customers and its progress in the file.

    ``position`` is in bytes, ``line`` a line number, and ``digest`` the SHA-256 of all that was
    read so far, by which the file is recognised when the import is resumed.
    """

    __tablename__ = "customer_import"

    id: UUID = id_column()
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    line: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    digest: str = Field(default="", sa_column=Column(String(64), nullable=False))
    added: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    changed: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    same: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    refused: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    started_at: datetime = instant_column()
    finished_at: datetime | None = instant_column(nullable=True)


class Staff(SQLModel, table=True):
    """A member of staff.

    ``epoch`` increases when everything granted to them is revoked at once: whatever carries an
    earlier one (a calendar feed's address, a device cookie) is void. While their access is
    suspended they are not ``active`` either. ``passkey_handle`` is their user handle in passkeys:
    random, and revealed to nobody else.
    """

    __tablename__ = "staff"

    id: UUID = id_column()
    role: str = Field(sa_column=Column(String(16), nullable=False))
    email: bytes = sealed_column()
    email_index: bytes = blind_index_column(unique=True)
    name: bytes = sealed_column()
    phone: bytes | None = sealed_column(nullable=True)
    timezone: str = Field(sa_column=Column(String(64), nullable=False))
    active: bool = Field(default=True, sa_column=Column(Boolean, nullable=False))
    demo: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    password_hash: bytes | None = sealed_column(nullable=True)
    totp_secret: bytes | None = sealed_column(nullable=True)
    totp_last_step: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False, server_default="0")
    )
    epoch: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    passkey_handle: bytes | None = sealed_column(nullable=True)
    created_at: datetime = instant_column()
    suspended_at: datetime | None = instant_column(nullable=True)
    bound: bytes | None = sealed_column(nullable=True)


class Team(SQLModel, table=True):
    """Agents who share calls.

    ``capacity`` is the maximum of calls at a time, unlimited when ``None``. The buffers are minutes
    before and after each call. ``holidays`` is a country, or a country and region (``GB-ENG``),
    whose public holidays are days off; empty for none. ``assignment`` is how calls for any agent
    are distributed.
    """

    __tablename__ = "team"

    id: UUID = id_column()
    name: str = Field(sa_column=Column(String(60), nullable=False, unique=True))
    capacity: int | None = Field(default=None, sa_column=Column(Integer))
    buffer_before: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    buffer_after: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    holidays: str = Field(default="", sa_column=Column(String(16), nullable=False))
    assignment: str = Field(default="least_busy", sa_column=Column(String(16), nullable=False))
    created_at: datetime = instant_column()


class Membership(SQLModel, table=True):
    """The team of a member of staff, who is in at most one."""

    __tablename__ = "membership"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    team_id: UUID = foreign_key_column("team.id", index=True)


class NumberProof(SQLModel, table=True):
    """A one-time code sent to a number, to prove that its requester holds the number.

    ``customer_id`` is ``None`` for an unknown number; the row is made anyway, so that nobody can
    tell. ``asked_by`` is ``web``, ``text`` for the answer to a text from the number itself, or
    ``held`` for one that was not sent. ``proven_at`` is when it was entered.
    """

    __tablename__ = "number_proof"

    id: UUID = id_column()
    phone_index: bytes = blind_index_column(index=True)
    customer_id: UUID | None = foreign_key_column("customer.id", nullable=True)
    secret: bytes | None = sealed_column(nullable=True)
    counter: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    made_at: datetime = instant_column(index=True)
    valid_until: datetime = instant_column()
    closed_at: datetime | None = instant_column(nullable=True)
    asked_by: str = Field(
        default="web", sa_column=Column(String(8), nullable=False, server_default="web")
    )
    proven_at: datetime | None = instant_column(nullable=True)
    bound: bytes | None = sealed_column(nullable=True)


class PageNumberTries(SQLModel, table=True):
    """The count of wrong page numbers entered in one hour (since 1970, UTC), over all networks."""

    __tablename__ = "page_number_tries"

    hour: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    wrong: int = Field(sa_column=Column(BigInteger, nullable=False))


class CustomerSession(SQLModel, table=True):
    """A session of a customer who has proven their number; stored here so that it can be ended."""

    __tablename__ = "customer_session"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    created_at: datetime = instant_column()
    seen_at: datetime = instant_column()
    ended_at: datetime | None = instant_column(nullable=True)


class RecordAccess(SQLModel, table=True):
    """A customer that a member of staff opened (``subject`` is the customer's id), or a look-up
    without a match (``subject`` is a keyed fingerprint of the query). Kept for a day, for the
    access budgets."""

    __tablename__ = "budget_opening"
    __table_args__ = (Index("ix_budget_opening_staff_id_at", "staff_id", "at"),)

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id")
    kind: str = Field(sa_column=Column(String(8), nullable=False))
    subject: UUID = Field(sa_column=Column(Uuid, nullable=False))
    at: datetime = instant_column(index=True)


class BudgetUnlock(SQLModel, table=True):
    """The time from which a member of staff's accesses count again after their budget was
    unlocked."""

    __tablename__ = "budget_unlock"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    at: datetime = instant_column()


class StaffNotice(SQLModel, table=True):
    """A security notice for a member of staff: shown at their next sign-in, and mailed if there is
    a mail server."""

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
