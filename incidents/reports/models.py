"""Tables of reports, and of the stream of signals that they are part of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, Integer, String, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import (
    blind_index_column,
    foreign_key_column,
    id_column,
    instant_column,
    sealed_column,
)

REFERENCE_LENGTH = 8
_FEEDBACK_DUE = text("outcome IS NOT NULL AND told_at IS NULL")


def _boolean_column() -> bool:
    column: Column[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    flag: bool = Field(default=False, sa_column=column)
    return flag


class Report(SQLModel, table=True):
    """A reported unexpected call, or (``kind`` is ``refused``) a booked callback that its customer
    did not ask for. Its texts are sealed under the reports' key.

    ``proven`` says that the report came from the number it names; ``proven_at`` when the number was
    proven later. ``times`` counts duplicates; ``doubtful`` marks a report that a program seems to
    have filled in. ``asking`` holds the questions that a text may still answer, until
    ``asking_until``. ``outcome`` is the text that the reporter gets, if ``tell_outcome``;
    ``told_at`` is when they got it.
    """

    __tablename__ = "report"
    __table_args__ = (
        Index(
            "ix_report_to_tell", "at", sqlite_where=_FEEDBACK_DUE, postgresql_where=_FEEDBACK_DUE
        ),
    )

    id: UUID = id_column()
    reference: str = Field(sa_column=Column(String(12), nullable=False, unique=True))
    kind: str = Field(
        default="report", sa_column=Column(String(12), nullable=False, server_default="report")
    )
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    at: datetime = instant_column(index=True)
    channel: str = Field(sa_column=Column(String(8), nullable=False))
    proven: bool = Field(sa_column=Column(Boolean, nullable=False))
    proven_at: datetime | None = instant_column(nullable=True)
    phone_index: bytes = blind_index_column(index=True)
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    phone: bytes = sealed_column()
    called_at: datetime | None = instant_column(nullable=True)
    shown_number: bytes = sealed_column()
    number_hidden: bool = _boolean_column()
    said: bytes = sealed_column()
    knew: bytes = sealed_column()
    claimed_to_be: bytes | None = sealed_column(nullable=True)
    asked_for: bytes | None = sealed_column(nullable=True)
    gave: bytes | None = sealed_column(nullable=True)
    times: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    doubtful: bool = _boolean_column()
    asking: str = Field(default="", sa_column=Column(String(16), nullable=False, server_default=""))
    asking_until: datetime | None = instant_column(nullable=True)
    tell_outcome: bool = _boolean_column()
    outcome: str | None = Field(default=None, sa_column=Column(String(12)))
    told_at: datetime | None = instant_column(nullable=True)


class SignalRecord(SQLModel, table=True):
    """A signal that somebody may be impersonating the organisation. Holds ids, fixed words and the
    keyed fingerprint of a number.

    Rows are only added. ``times`` counts the same signal from the same number shortly afterwards.
    """

    __tablename__ = "stream_item"
    __table_args__ = (Index("ix_stream_item_phone_index_at", "phone_index", "at"),)

    id: UUID = id_column()
    kind: str = Field(sa_column=Column(String(12), nullable=False))
    at: datetime = instant_column(index=True)
    channel: str = Field(sa_column=Column(String(8), nullable=False))
    proven: bool = Field(sa_column=Column(Boolean, nullable=False))
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    phone_index: bytes | None = blind_index_column(nullable=True)
    report_id: UUID | None = foreign_key_column("report.id", nullable=True, index=True)
    times: int = Field(default=1, sa_column=Column(Integer, nullable=False))
