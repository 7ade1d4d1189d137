"""Tables of evening notes. Explanations are sealed under the reports' key."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, String, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column, id_column, instant_column, sealed_column


class EveningProgress(SQLModel, table=True):
    """The last evening (``on``, on the staff member's own calendar) that was processed, and until
    when accesses were covered."""

    __tablename__ = "evening_round"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    on: date = Field(sa_column=Column("on_date", Date, nullable=False))
    covered_until: datetime = instant_column()


class EveningNote(SQLModel, table=True):
    """A note to a staff member. ``explained_at`` is when its last access was explained;
    ``mailed_at`` is when it was handed to the mail server."""

    __tablename__ = "evening_note"
    __table_args__ = (
        Index("ix_evening_note_staff_id_on_date", "staff_id", "on_date", unique=True),
        Index("ix_evening_note_made_at", "made_at"),
    )

    id: UUID = id_column()
    staff_id: UUID = foreign_key_column("staff.id")
    on: date = Field(sa_column=Column("on_date", Date, nullable=False))
    made_at: datetime = instant_column()
    mailed_at: datetime | None = instant_column(nullable=True)
    explained_at: datetime | None = instant_column(nullable=True)


class NotedAccess(SQLModel, table=True):
    """An access that a note asks about: an audit entry, which is in at most one note."""

    __tablename__ = "noted_access"

    id: UUID = id_column()
    entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    note_id: UUID = foreign_key_column("evening_note.id", index=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    at: datetime = instant_column()
    purpose: str = Field(sa_column=Column(String(120), nullable=False))
    explanation: bytes | None = sealed_column(nullable=True)
    explained_at: datetime | None = instant_column(nullable=True)
