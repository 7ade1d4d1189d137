"""Tables of anomaly detection. They hold ids, counts and times."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Text, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column, instant_column


class AuditCursor(SQLModel, table=True):
    """A single row: how many entries of the audit log have been read."""

    __tablename__ = "watch_mark"

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True))
    place: int = Field(sa_column=Column(BigInteger, nullable=False))


class StaffProfileState(SQLModel, table=True):
    """A staff member's profile as JSON
    (:class:`incidents.anomaly_detection.staff_profile.StaffProfile`)."""

    __tablename__ = "watch_person"

    staff_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))


class PendingAccess(SQLModel, table=True):
    """An access, or a look-up that found nobody, that was not justified when it was read.

    Kept for as long as a justification may follow. ``counted`` is set once its grace period is
    over.
    """

    __tablename__ = "watch_open"

    entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    staff_id: UUID = foreign_key_column("staff.id", index=True)
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    at: datetime = instant_column(index=True)
    action: str = Field(sa_column=Column(String(40), nullable=False))
    purpose: str = Field(sa_column=Column(String(120), nullable=False))
    counted: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    off: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
