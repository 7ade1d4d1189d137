"""The table of codes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import blind_index_column, id_column, instant_column, sealed_column

_OPEN = text("closed_at IS NULL")
#: The migrations gave decoys and queue rows the ids below.
_DECOY_IDS = 512


def code_seal_context(row: UUID, phone_index: bytes, counter: int) -> str:
    """Return the seal context of a code's secret: its row, its number and its counter.

    Somebody who can write to the database can therefore neither move the secret to another number
    (rule C1) nor set the counter back to an invalid code (rule C6).
    """
    return f"{row}:{phone_index.hex()}:{counter}"


def is_decoy_id(row: UUID) -> bool:
    """Return whether it is the id of a decoy or a queue row. The audit entry of a check that ran
    against one names it as its customer and its callback, so that it is as long as any other (rule
    C5)."""
    return row.int < _DECOY_IDS


class Code(SQLModel, table=True):
    """The code of a started call, and the attempts at it.

    A phone number has at most one open row. The partial index enforces this and is used to find it:
    it holds no more rows than there are calls in progress, however many there have been. Rows
    without a callback are decoys: a check of a number that nobody is calling runs against one, so
    that it takes as long as any other (rule C5). ``unmet`` belongs to
    :mod:`verification.failed_checks`.
    """

    __tablename__ = "code"
    __table_args__ = (
        Index(
            "uq_code_phone_index_open",
            "phone_index",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: UUID = id_column()
    phone_index: bytes = blind_index_column()
    callback_id: UUID | None = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("callback.id"), unique=True)
    )
    customer_id: UUID | None = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("customer.id"))
    )
    secret: bytes | None = sealed_column(nullable=True)
    digits: int = Field(sa_column=Column(Integer, nullable=False))
    counter: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    reissued: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    valid_from: datetime = instant_column()
    valid_until: datetime = instant_column()
    tries_open: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    tries_own: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    tries_ignored: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    confirmed_at: datetime | None = instant_column(nullable=True)
    confirmed_by: str | None = Field(default=None, sa_column=Column(String(8)))
    reply_word: bytes | None = sealed_column(nullable=True)
    unmet: bytes | None = sealed_column(nullable=True)
    closed_at: datetime | None = instant_column(nullable=True)
    bound: bytes | None = sealed_column(nullable=True)
