"""Tables of the audit log's tree. They hold order and hashes; the entries stay in their own
table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, String, Text
from sqlmodel import Field, SQLModel

from storage.column_helpers import instant_column


def _row_mac_column() -> Any:
    """A MAC over the row (:mod:`vault.audit.row_macs`)."""
    return Field(default=None, sa_column=Column(LargeBinary))


class AuditRun(SQLModel, table=True):
    """Consecutive entries of the log with consecutive ids: ``count`` of them, from ``first_id`` on,
    at position ``place`` (from 0)."""

    __tablename__ = "audit_run"

    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    first_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: bytes | None = _row_mac_column()


class AuditTile(SQLModel, table=True):
    """Up to 256 concatenated hashes of the tree (C2SP tlog-tiles): of leaves at level 0, of
    complete nodes over 256 hashes of the level below at each other level."""

    __tablename__ = "audit_tile"

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditState(SQLModel, table=True):
    """A single row: the id up to which no new entry can appear in the log, and the id that will be
    so next; the size of the tree, and its root; and the last entry written before MACs were
    introduced."""

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
    """The latest checkpoint sent to a destination outside the database, by a fingerprint of its
    address."""

    __tablename__ = "audit_publication"

    place: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: datetime = instant_column()
    failed_at: datetime | None = instant_column(nullable=True)
    error: str = Field(default="", sa_column=Column(Text, nullable=False))
    mark: bytes | None = _row_mac_column()


class AuditWriter(SQLModel, table=True):
    """A process that writes entries, as it reported itself at ``at``: its last number, those in
    flight, and those that are void (:mod:`vault.audit_writers`). ``state`` is ``alive``, ``ended``,
    or ``lost`` once another process declares it so."""

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
