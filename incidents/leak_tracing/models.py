"""Tally of how many customers each staff member had accessed by when. Holds ids, days and
counts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, Integer, LargeBinary, Uuid
from sqlmodel import Field, SQLModel


class AccessTally(SQLModel, table=True):
    """How many customers a staff member first accessed on each day of a block.

    Block ``n`` begins 64 n days after 1970-01-01 (UTC). ``fresh`` has four bytes a day,
    little-endian. One row for each day would mean sixty times as many rows to read in each trace.
    """

    __tablename__ = "access_tally"

    staff_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    block: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    fresh: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AccessTallyCursor(SQLModel, table=True):
    """A single row: the last audit entry in the tally, and the latest daily count of customers."""

    __tablename__ = "access_mark"

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    entry_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    customers: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    counted_on: date | None = Field(default=None, sa_column=Column(Date))
