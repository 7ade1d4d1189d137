"""Tables of approval requests and votes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, String, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column, id_column, instant_column, sealed_column

_OPEN = text("state IN ('asked', 'approved')")
_OF_CASE = text("case_id IS NOT NULL")


class ApprovalRequest(SQLModel, table=True):
    """A request that needs two people.

    ``payload`` holds its parameters and is emptied once nothing is left to do. ``digest`` is a
    fingerprint of the payload and the ids of this row, over a random salt, so that it reveals
    nothing by itself. ``customer_id``, ``callback_id`` and ``staff_id`` are its subjects, and
    ``case_id`` the case it was made in, if any: the request is hidden from everybody named in the
    case (rule I5). ``asked_by`` is ``None`` for the command line. ``begun_at`` is when a command
    began to execute it, ``void_why`` a fixed word for why it can no longer be executed.
    """

    __tablename__ = "approval_request"
    __table_args__ = (
        Index(
            "ix_approval_request_open",
            "kind",
            "expires_at",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "ix_approval_request_case_id",
            "case_id",
            sqlite_where=_OF_CASE,
            postgresql_where=_OF_CASE,
        ),
    )

    id: UUID = id_column()
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    state: str = Field(sa_column=Column(String(12), nullable=False))
    payload: bytes = sealed_column()
    reason: bytes = sealed_column()
    digest: str = Field(sa_column=Column(String(64), nullable=False))
    customer_id: UUID | None = foreign_key_column("customer.id", nullable=True, index=True)
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    staff_id: UUID | None = foreign_key_column("staff.id", nullable=True)
    case_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    asked_by: UUID | None = foreign_key_column("staff.id", nullable=True, index=True)
    asked_at: datetime = instant_column()
    expires_at: datetime = instant_column()
    begun_at: datetime | None = instant_column(nullable=True)
    settled_at: datetime | None = instant_column(nullable=True)
    void_why: str | None = Field(default=None, sa_column=Column(String(16)))


class ApprovalVote(SQLModel, table=True):
    """A person's only vote on a request.

    ``binding`` seals the request, the person, the verdict and the digest that they saw, so that
    nobody without the keys can vote in their name. ``pin`` is the PIN that they hand over to the
    person who enrols; it is kept until the request is executed.
    """

    __tablename__ = "approval_vote"
    __table_args__ = (
        Index("ix_approval_vote_request_id_staff_id", "request_id", "staff_id", unique=True),
    )

    id: UUID = id_column()
    request_id: UUID = foreign_key_column("approval_request.id")
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    verdict: str = Field(sa_column=Column(String(8), nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    binding: bytes = sealed_column()
    pin: bytes | None = sealed_column(nullable=True)
    at: datetime = instant_column()
