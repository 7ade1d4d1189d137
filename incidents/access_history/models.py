"""Tables of what customers object to. They hold ids and times."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column, id_column, instant_column


class Objection(SQLModel, table=True):
    """A customer does not know why somebody opened their record. ``staff_id`` is none for an
    operator."""

    __tablename__ = "objection"

    id: UUID = id_column()
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    staff_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    report_id: UUID = foreign_key_column("report.id")
    at: datetime = instant_column()


class ObjectedEntry(SQLModel, table=True):
    """An audit entry that is objected to: the primary key lets it be so once, whoever races."""

    __tablename__ = "objected_entry"

    entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    objection_id: UUID = foreign_key_column("objection.id", index=True)
