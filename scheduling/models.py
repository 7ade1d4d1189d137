"""Tables of callbacks and working hours."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
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


class Callback(SQLModel, table=True):
    """A call that was announced, by one agent to one customer.

    ``wall``, ``wall_zone`` and ``wall_fold`` store the promised local time of the customer; if the
    rules of that zone change, ``starts_at`` is adjusted. The buffers are the agent's minutes before
    and after the call. ``moves`` counts how often it was rescheduled.
    """

    __tablename__ = "callback"
    __table_args__ = (
        Index("ix_callback_agent_id_starts_at", "agent_id", "starts_at"),
        Index(
            "ix_callback_booked_ends_at",
            "ends_at",
            sqlite_where=text("state = 'booked'"),
            postgresql_where=text("state = 'booked'"),
        ),
        Index(
            "ix_callback_earlier_wanted_at",
            "earlier_wanted_at",
            sqlite_where=text("earlier_wanted_at IS NOT NULL"),
            postgresql_where=text("earlier_wanted_at IS NOT NULL"),
        ),
    )

    id: UUID = id_column()
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    agent_id: UUID = foreign_key_column("staff.id")
    starts_at: datetime = instant_column()
    minutes: int = Field(sa_column=Column(Integer, nullable=False))
    ends_at: datetime = instant_column()
    state: str = Field(sa_column=Column(String(12), nullable=False))
    topic: bytes = sealed_column()
    ticket: bytes | None = sealed_column(nullable=True)
    ticket_index: bytes | None = blind_index_column(nullable=True, index=True)
    booked_at: datetime = instant_column()
    started_at: datetime | None = instant_column(nullable=True)
    confirmed_at: datetime | None = instant_column(nullable=True)
    confirmed_by: str | None = Field(default=None, sa_column=Column(String(8)))
    ended_at: datetime | None = instant_column(nullable=True)
    outcome: str | None = Field(default=None, sa_column=Column(String(16)))
    move_asked_at: datetime | None = instant_column(nullable=True)
    wall: str | None = Field(default=None, sa_column=Column(String(16)))
    wall_zone: str | None = Field(default=None, sa_column=Column(String(64)))
    wall_fold: int = Field(
        default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0")
    )
    buffer_before: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    buffer_after: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    moves: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    earlier_wanted_at: datetime | None = instant_column(nullable=True)
    bound: bytes | None = sealed_column(nullable=True)


class ReservedSlot(SQLModel, table=True):
    """Five minutes reserved by a callback: of its agent, its customer, or a seat of the team.

    Seats exist only for a team with limited capacity. The primary key prevents double bookings in
    any race, on both databases.
    """

    __tablename__ = "taken_step"

    holder_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    step: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seat: int = Field(
        default=0, sa_column=Column(SmallInteger, primary_key=True, autoincrement=False)
    )
    callback_id: UUID = foreign_key_column("callback.id", index=True)


class FollowUp(SQLModel, table=True):
    """A callback booked because an earlier one did not reach its customer.

    ``attempt`` counts from 1. The unique ``earlier_id`` allows one follow-up each, in any race.
    """

    __tablename__ = "follow_up"

    callback_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("callback.id"), primary_key=True))
    earlier_id: UUID = foreign_key_column("callback.id", unique=True)
    attempt: int = Field(sa_column=Column(Integer, nullable=False))


class FormerTime(SQLModel, table=True):
    """A time at which a callback was booked before it was moved, and who moved it."""

    __tablename__ = "former_time"

    id: UUID = id_column()
    callback_id: UUID = foreign_key_column("callback.id", index=True)
    starts_at: datetime = instant_column()
    moved_at: datetime = instant_column()
    moved_by: str = Field(sa_column=Column(String(16), nullable=False))


class SlotOffer(SQLModel, table=True):
    """An alternative time for a callback, which a customer accepts by texting its ``number``."""

    __tablename__ = "slot_offer"

    id: UUID = id_column()
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    callback_id: UUID = foreign_key_column("callback.id", index=True)
    number: int = Field(sa_column=Column(SmallInteger, nullable=False))
    agent_id: UUID = foreign_key_column("staff.id")
    starts_at: datetime = instant_column()
    made_at: datetime = instant_column()
    expires_at: datetime = instant_column(index=True)
    closed_at: datetime | None = instant_column(nullable=True)


class WorkingHours(SQLModel, table=True):
    """Hours of one weekday (Monday is 0) in the agent's own zone, in minutes from midnight."""

    __tablename__ = "working_hours"

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    weekday: int = Field(sa_column=Column(Integer, nullable=False))
    from_minute: int = Field(sa_column=Column(Integer, nullable=False))
    to_minute: int = Field(sa_column=Column(Integer, nullable=False))


class DatedHours(SQLModel, table=True):
    """Hours of one day in place of the weekly ones; a row from 0 to 0 is a day off."""

    __tablename__ = "dated_hours"
    __table_args__ = (Index("ix_dated_hours_staff_id_on", "staff_id", "on_date"),)

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id")
    on: date = Field(sa_column=Column("on_date", Date, nullable=False))
    from_minute: int = Field(sa_column=Column(Integer, nullable=False))
    to_minute: int = Field(sa_column=Column(Integer, nullable=False))


class TimeOff(SQLModel, table=True):
    """Whole days off, first and last included, in the agent's own calendar."""

    __tablename__ = "time_off"

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    first_on: date = Field(sa_column=Column(Date, nullable=False))
    last_on: date = Field(sa_column=Column(Date, nullable=False))


class Skill(SQLModel, table=True):
    """A language (``de``) or a product (``router``) that an agent can help with."""

    __tablename__ = "skill"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    kind: str = Field(sa_column=Column(String(8), primary_key=True))
    value: str = Field(sa_column=Column(String(32), primary_key=True))


class CalendarFeed(SQLModel, table=True):
    """A secret address of an agent's calendar, valid until it is revoked.

    It is also bound to the ``epoch`` of its owner at creation (:class:`people.models.Staff`).
    """

    __tablename__ = "calendar_feed"

    id: UUID = id_column()
    token_hash: bytes = sealed_column(unique=True)
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    bound: bytes | None = sealed_column(nullable=True)
    epoch: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    created_at: datetime = instant_column()
    read_at: datetime | None = instant_column(nullable=True)
    ended_at: datetime | None = instant_column(nullable=True)


class IdempotencyKey(SQLModel, table=True):
    """A booking made under a client's idempotency key, so that a retry does not book twice."""

    __tablename__ = "idempotency_key"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    key_hash: bytes = blind_index_column(primary_key=True)
    request_hash: bytes = blind_index_column()
    callback_id: UUID | None = foreign_key_column("callback.id", nullable=True)
    created_at: datetime = instant_column()
