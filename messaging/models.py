"""Tables of messages and calls."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

_CALL_IS_DUE = text("to_hang_up OR state IN ('wanted', 'dialling')")


class MessageState(StrEnum):
    """QUEUED → SENDING → SENT, or FAILED permanently, or EXPIRED unsent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


class Priority(IntEnum):
    """The order in which due messages are sent.

    ``ASKED`` is for messages that anyone can trigger: :mod:`messaging.dispatch.leases` reserves a
    share of each batch for it, and never uses that of the others.
    """

    ANSWER = 0
    SOON = 3
    NOTICE = 5
    REMINDER = 9
    WARNING = 12
    ASKED = 15


class OutboxMessage(SQLModel, table=True):
    """A text to be sent, stored in the transaction of the change it announces (rule M1).

    ``due_at`` is when a worker handles it next; while it is leased, when the lease ends.
    ``wanted_at`` is when it was first due. ``gateway`` is the provider it was last handed to.
    ``medium`` is ``text``, or ``voice`` for a message spoken in a call. ``decent`` are the hours in
    which it may be sent (:class:`messaging.calling_hours.CallingHours`), ``None`` for any;
    ``heard_at`` is when the person called pressed a key to hear it.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_due",
            "priority",
            "due_at",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
    )

    id: UUID = id_column()
    customer_id: UUID = Field(sa_column=Column(Uuid, nullable=False, index=True))
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    medium: str = Field(
        default="text", sa_column=Column(String(8), nullable=False, server_default="text")
    )
    recipient: bytes = sealed_column()
    body: bytes = sealed_column()
    segments: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False))
    state: str = Field(sa_column=Column(String(12), nullable=False))
    priority: int = Field(default=Priority.NOTICE, sa_column=Column(SmallInteger, nullable=False))
    wanted_at: datetime = instant_column()
    due_at: datetime = instant_column()
    expires_at: datetime = instant_column()
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    gateway: str | None = Field(default=None, sa_column=Column(String(16)))
    first_tried_at: datetime | None = instant_column(nullable=True)
    provider_id: str | None = Field(default=None, sa_column=Column(String(64), index=True))
    error: str | None = Field(default=None, sa_column=Column(String(40)))
    created_at: datetime = instant_column()
    settled_at: datetime | None = instant_column(nullable=True, index=True)
    waited_ms: int | None = Field(default=None, sa_column=Column(BigInteger))
    decent: str | None = Field(default=None, sa_column=Column(String(80)))
    heard_at: datetime | None = instant_column(nullable=True)


class DeliveryReport(SQLModel, table=True):
    """The latest status of a text in the provider's reports, by the provider's id.

    A report may arrive before we know that id, and may concern texts that are not ours.
    """

    __tablename__ = "delivery"

    provider_id: str = Field(sa_column=Column(String(64), primary_key=True))
    status: str = Field(sa_column=Column(String(16), nullable=False))
    error: int | None = Field(default=None, sa_column=Column(Integer))
    first_at: datetime = instant_column(index=True)


class OptOut(SQLModel, table=True):
    """A number that has opted out of texts."""

    __tablename__ = "opt_out"

    phone_index: bytes = blind_index_column(primary_key=True)
    at: datetime = instant_column()


class LineType(SQLModel, table=True):
    """The line type of a number."""

    __tablename__ = "line_kind"

    phone_index: bytes = blind_index_column(primary_key=True)
    kind: str = Field(sa_column=Column(String(16), nullable=False))
    at: datetime = instant_column()


def _small_budget_column() -> Any:
    return Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class HourlySpending(SQLModel, table=True):
    """Spending on texts and calls in one hour (counted from 1970, UTC), in millionths.

    ``spent`` is the total; the other columns are the parts of each small budget
    (:class:`messaging.message_kinds.SpendingBudgetName`).
    """

    __tablename__ = "spending"

    hour: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    spent: int = Field(sa_column=Column(BigInteger, nullable=False))
    asked: int = _small_budget_column()
    customers: int = _small_budget_column()
    strangers: int = _small_budget_column()


class PhoneCall(SQLModel, table=True):
    """A bridged call: first to the agent, then to the customer.

    It is stored in the transaction of the agent's act. ``due_at`` is when a worker handles it next;
    ``to_hang_up`` asks the worker to end it. The agent's number is sealed here; the customer's is
    not stored here.
    """

    __tablename__ = "phone_call"
    __table_args__ = (
        Index(
            "ix_phone_call_due", "due_at", sqlite_where=_CALL_IS_DUE, postgresql_where=_CALL_IS_DUE
        ),
    )

    id: UUID = id_column()
    callback_id: UUID = foreign_key_column("callback.id", index=True)
    state: str = Field(sa_column=Column(String(12), nullable=False))
    agent_phone: bytes = sealed_column()
    due_at: datetime = instant_column()
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    first_tried_at: datetime | None = instant_column(nullable=True)
    agent_sid: str | None = Field(default=None, sa_column=Column(String(64)))
    customer_sid: str | None = Field(default=None, sa_column=Column(String(64)))
    wanted_at: datetime = instant_column(index=True)
    agent_on_at: datetime | None = instant_column(nullable=True)
    ringing_at: datetime | None = instant_column(nullable=True)
    answered_at: datetime | None = instant_column(nullable=True)
    live_at: datetime | None = instant_column(nullable=True)
    ended_at: datetime | None = instant_column(nullable=True)
    to_hang_up: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    error: str | None = Field(default=None, sa_column=Column(String(40)))
    bound: bytes | None = sealed_column(nullable=True)


class InboundText(SQLModel, table=True):
    """An inbound text by the provider's id, so that a replay is detected (rule M2).

    Its sender is erased after a while (procedures/data_expiry.py).
    """

    __tablename__ = "inbound_text"

    provider_id: str = Field(sa_column=Column(String(64), primary_key=True))
    sender_index: bytes = blind_index_column(index=True)
    word: str = Field(sa_column=Column(String(16), nullable=False))
    received_at: datetime = instant_column(index=True)


class SimulatorText(SQLModel, table=True):
    """A text on one of the simulator's phones, in either direction."""

    __tablename__ = "demo_text"

    id: UUID = id_column()
    phone: bytes = sealed_column()
    phone_index: bytes = blind_index_column(index=True)
    outgoing: bool = Field(nullable=False)
    body: bytes = sealed_column()
    reference: UUID | None = Field(default=None, sa_column=Column(Uuid, unique=True))
    at: datetime = instant_column()


class SimulatorPhoneMode(SQLModel, table=True):
    """How texts arrive on one of the simulator's phones, unless immediately."""

    __tablename__ = "demo_line"

    phone_index: bytes = blind_index_column(primary_key=True)
    mode: str = Field(sa_column=Column(String(16), nullable=False))
    seconds: int = Field(default=0, sa_column=Column(Integer, nullable=False))


class Heartbeat(SQLModel, table=True):
    """When a worker was last active."""

    __tablename__ = "heartbeat"

    name: str = Field(sa_column=Column(String(32), primary_key=True))
    at: datetime = instant_column()
