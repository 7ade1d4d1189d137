"""Tables of the audit log's tree. They hold order and hashes; the entries stay where they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, String, Text
from sqlmodel import Field, SQLModel

from storage.column_helpers import instant_column


def _row_mac_column() -> Any:
    """A MAC over the row (:mod:`vault.audit.audit_log.row_macs`)."""
    return Field(default=None, sa_column=Column(LargeBinary))


class AuditRun(SQLModel, table=True):
    """Entries that follow each other in the log and by their ids: ``count`` of them, from
    ``first_id`` on, at place ``place`` (from 0)."""

    __tablename__ = "audit_run"

    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    first_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: bytes | None = _row_mac_column()


class AuditTile(SQLModel, table=True):
    """Up to 256 hashes of the tree, one after the other (C2SP tlog-tiles): of leaves at level 0, of
    whole nodes over 256 hashes of the level below at each other."""

    __tablename__ = "audit_tile"

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditState(SQLModel, table=True):
    """One row: up to which id no entry can turn up any more that is not in the log yet, and the id
    that will be so next; how many entries are in the tree, and its root; and the last entry that
    was written before entries were marked."""

    __tablename__ = "audit_state"

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True))
    settled_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    next_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    next_at: datetime = instant_column()
    size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    root: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    unmarked_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    mark: bytes | None = _row_mac_column()


class AuditCheckpoint(SQLModel, table=True):
    """A signed checkpoint (C2SP tlog-checkpoint) of the log's first ``size`` entries."""

    __tablename__ = "audit_checkpoint"

    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = instant_column(index=True)
    note: str = Field(sa_column=Column(Text, nullable=False))


class AuditPublication(SQLModel, table=True):
    """The latest checkpoint that a place outside the database has got, by a fingerprint of its
    address."""

    __tablename__ = "audit_publication"

    place: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: datetime = instant_column()
    failed_at: datetime | None = instant_column(nullable=True)
    error: str = Field(default="", sa_column=Column(Text, nullable=False))
    mark: bytes | None = _row_mac_column()


class AuditWriter(SQLModel, table=True):
    """A process that writes entries, as it said itself at ``at``, each minute: the last number
    that it gave out, which of them were on their way, and which will never be (:mod:`writers`).
    ``state`` is ``alive``, ``ended``, or ``lost`` once somebody else says so of it."""

    __tablename__ = "audit_writer"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=Column(String(40), nullable=False))
    began_at: datetime = instant_column()
    at: datetime = instant_column(index=True)
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    open: str = Field(default="", sa_column=Column(Text, nullable=False))
    void: str = Field(default="", sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(String(8), nullable=False))
    mark: bytes | None = _row_mac_column()
