"""Tables of customers and staff. Whatever says who somebody is, is sealed; whatever lets somebody
in is ``bound`` to its row (:mod:`people.password_seal`)."""

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
    LargeBinary,
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
    """A role never does another's job."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    INVESTIGATOR = "investigator"


class Customer(SQLModel, table=True):
    """A person we may ring. Each has a data key of their own; without it nothing here opens.

    Nobody rings or tells anything to a number before it is ``number_waits_until``: it was changed.
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
    """An import of customers, and how far it has come in its file: ``position`` in bytes, ``line``,
    and ``digest`` of all that was read up to there (SHA-256), by which the file is known again."""

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
    """A member of staff. ``epoch`` rises whenever all that they have been given ends at once: what
    names an earlier one (an address of a calendar, a browser known by its cookie) is void.
    Whose access is suspended is not ``active`` either, until that is lifted.
    ``passkey_handle`` is what their passkeys call them: random, and said to nobody else."""

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
    """Agents who share calls. ``capacity`` is how many calls at a time it can hold, any number
    when ``None``; the buffers are minutes before and after each call; ``holidays`` is a country,
    or a country and region (``GB-ENG``), whose public holidays are days off, empty for none;
    ``assignment`` is how calls for anybody are shared out."""

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
    """Somebody's team; a member of staff is in one at the most."""

    __tablename__ = "membership"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    team_id: UUID = foreign_key_column("team.id", index=True)


class NumberProof(SQLModel, table=True):
    """A one-time code on its way to a number, to prove that whoever asks for it holds the number.
    ``customer_id`` is none where we do not know the number, so that nobody can tell. ``asked_by``
    is ``web``, ``text`` for one that answers a text from the number itself, or ``held`` for one
    that was not sent; ``proven_at`` is when it was typed."""

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
    """How many wrong page numbers were typed in one hour (since 1970, UTC), over all networks."""

    __tablename__ = "page_number_tries"

    hour: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    wrong: int = Field(sa_column=Column(BigInteger, nullable=False))


class CustomerSession(SQLModel, table=True):
    """A customer's browser that has proven its number; kept here so that it can be ended."""

    __tablename__ = "customer_session"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    created_at: datetime = instant_column()
    seen_at: datetime = instant_column()
    ended_at: datetime | None = instant_column(nullable=True)


class EnrolmentLink(SQLModel, table=True):
    """A one-time invitation to set a password and a second factor. ``kind`` says who made it
    (:class:`people.staff.staff_records.enrolment_links.Kind`), ``made_by`` which colleague;
    ``tries`` counts what did not fit of what is asked beside the link, the ``pin`` or a recovery
    code."""

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
    """A spare second factor that works once."""

    __tablename__ = "recovery_code"

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    code_hash: bytes = sealed_column()
    bound: bytes | None = sealed_column(nullable=True)
    used_at: datetime | None = instant_column(nullable=True)


class StaffSession(SQLModel, table=True):
    """A signed-in browser; kept here so that it ends the moment its owner is switched off, or has
    another ``role`` than when it began, or a
    later ``epoch``. ``how`` says by what they signed in, ``passkey_id`` by
    which passkey; ``proved_at`` is when they last proved who they are; ``browser`` is in words."""

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
    """A bearer token for the API, with its owner's ``role`` and no more; it ends with the role."""

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


class RecordAccess(SQLModel, table=True):
    """A customer whom a member of staff opened (``subject`` is their id), or a look-up that found
    nobody (a keyed fingerprint of what was asked). Kept for a day, to count by."""

    __tablename__ = "budget_opening"
    __table_args__ = (Index("ix_budget_opening_staff_id_at", "staff_id", "at"),)

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id")
    kind: str = Field(sa_column=Column(String(8), nullable=False))
    subject: UUID = Field(sa_column=Column(Uuid, nullable=False))
    at: datetime = instant_column(index=True)


class BudgetUnlock(SQLModel, table=True):
    """From when on a member of staff's openings are counted, since they were stopped once."""

    __tablename__ = "budget_unlock"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    at: datetime = instant_column()


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
