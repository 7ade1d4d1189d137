"""Tables of customers' objections. They hold ids and times."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column, id_column, instant_column


class Objection(SQLModel, table=True):
    """A customer objects to an access to their record. ``staff_id`` is ``None`` for an operator."""

    __tablename__ = "objection"

    id: UUID = id_column()
    customer_id: UUID = foreign_key_column("customer.id", index=True)
    staff_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    report_id: UUID = foreign_key_column("report.id")
    at: datetime = instant_column()


class ObjectedEntry(SQLModel, table=True):
    """An audit entry that is objected to. The primary key allows one objection for each entry, also
    under concurrency."""

    __tablename__ = "objected_entry"

    entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    objection_id: UUID = foreign_key_column("objection.id", index=True)
