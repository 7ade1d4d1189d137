"""Tables of callbacks and working hours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
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

from storage.tables import id_field, instant, reference, sealed


class Callback(SQLModel, table=True):
    """A call that we have announced, by one agent to one customer."""

    __tablename__ = "callback"
    __table_args__ = (
        Index("ix_callback_agent_id_starts_at", "agent_id", "starts_at"),
        Index(
            "ix_callback_booked_ends_at",
            "ends_at",
            sqlite_where=text("state = 'booked'"),
            postgresql_where=text("state = 'booked'"),
        ),
    )

    id: UUID = id_field()
    customer_id: UUID = reference("customer.id", index=True)
    agent_id: UUID = reference("staff.id")
    starts_at: datetime = instant()
    minutes: int = Field(sa_column=Column(Integer, nullable=False))
    ends_at: datetime = instant()
    state: str = Field(sa_column=Column(String(12), nullable=False))
    topic: bytes = sealed()
    ticket: bytes | None = sealed(nullable=True)
    ticket_index: bytes | None = sealed(nullable=True, index=True)
    booked_at: datetime = instant()
    started_at: datetime | None = instant(nullable=True)
    confirmed_at: datetime | None = instant(nullable=True)
    confirmed_by: str | None = Field(default=None, sa_column=Column(String(8)))
    ended_at: datetime | None = instant(nullable=True)
    outcome: str | None = Field(default=None, sa_column=Column(String(16)))
    move_asked_at: datetime | None = instant(nullable=True)


class TakenStep(SQLModel, table=True):
    """Five minutes of one agent's time, taken by a callback.

    The primary key is what keeps bookings apart, alike on both databases and whatever races.
    """

    __tablename__ = "taken_step"

    agent_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    step: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    callback_id: UUID = reference("callback.id", index=True)


class WorkingHours(SQLModel, table=True):
    """Hours of one weekday (Monday is 0) in the agent's own zone, in minutes from midnight."""

    __tablename__ = "working_hours"

    id: UUID = id_field()
    staff_id: UUID = reference("staff.id", index=True)
    weekday: int = Field(sa_column=Column(Integer, nullable=False))
    from_minute: int = Field(sa_column=Column(Integer, nullable=False))
    to_minute: int = Field(sa_column=Column(Integer, nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """A booking already made under a key of the caller's, so that a retry makes no second one."""

    __tablename__ = "idempotency_key"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    key_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    request_hash: bytes = sealed()
    callback_id: UUID | None = reference("callback.id", nullable=True)
    created_at: datetime = instant()
