"""Tables of messages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, Index, Integer, String, Uuid, text
from sqlmodel import Field, SQLModel

from storage.tables import id_field, instant, sealed


class MessageState(StrEnum):
    """QUEUED → SENDING → SENT, or FAILED for good, or EXPIRED unsent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


class OutboxMessage(SQLModel, table=True):
    """A text to be sent, stored in the transaction of the fact it tells (rule M1)."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_due",
            "due_at",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
    )

    id: UUID = id_field()
    customer_id: UUID = Field(sa_column=Column(Uuid, nullable=False, index=True))
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    recipient: bytes = sealed()
    body: bytes = sealed()
    state: str = Field(sa_column=Column(String(12), nullable=False))
    due_at: datetime = instant()
    expires_at: datetime = instant()
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    leased_until: datetime | None = instant(nullable=True)
    first_tried_at: datetime | None = instant(nullable=True)
    provider_id: str | None = Field(default=None, sa_column=Column(String(64), index=True))
    error: str | None = Field(default=None, sa_column=Column(String(40)))
    created_at: datetime = instant()
    sent_at: datetime | None = instant(nullable=True)


class InboundText(SQLModel, table=True):
    """A text that reached us, by the provider's own id, so that a replay is noticed (rule M2)."""

    __tablename__ = "inbound_text"

    provider_id: str = Field(sa_column=Column(String(64), primary_key=True))
    sender_index: bytes = sealed(index=True)
    word: str = Field(sa_column=Column(String(16), nullable=False))
    received_at: datetime = instant()


class DemoText(SQLModel, table=True):
    """A text on the simulator's phones, either way."""

    __tablename__ = "demo_text"

    id: UUID = id_field()
    phone: bytes = sealed()
    phone_index: bytes = sealed(index=True)
    outgoing: bool = Field(nullable=False)
    body: bytes = sealed()
    reference: UUID | None = Field(default=None, sa_column=Column(Uuid, unique=True))
    at: datetime = instant()


class Heartbeat(SQLModel, table=True):
    """When a worker was last at work."""

    __tablename__ = "heartbeat"

    name: str = Field(sa_column=Column(String(32), primary_key=True))
    at: datetime = instant()
