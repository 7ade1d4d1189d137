"""Tables of the vault."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Text, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import instant_column, sealed_column


class PurposeKey(SQLModel, table=True):
    """A key for one purpose (blind index, staff data), wrapped by a master key.

    Later index keys are ``index-1`` and so on; they have a ``state``
    (:mod:`vault.keys.blind_index`), set at ``since``.
    """

    __tablename__ = "purpose_key"

    purpose: str = Field(sa_column=Column(String(32), primary_key=True))
    wrapped: bytes = sealed_column()
    created_at: datetime = instant_column()
    state: str | None = Field(default=None, sa_column=Column(String(8)))
    since: datetime | None = instant_column(nullable=True)


class KeyRegisterRow(SQLModel, table=True):
    """The only row of the key register (:mod:`vault.keys.key_register`)."""

    __tablename__ = "key_register"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    sealed: bytes = sealed_column()


class DataKey(SQLModel, table=True):
    """The key of one customer's data, wrapped by a master key. Without it their data cannot be
    decrypted."""

    __tablename__ = "data_key"

    owner_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    wrapped: bytes = sealed_column()


class AuditEntry(SQLModel, table=True):
    """One act, or one read of personal data. The table is append-only.

    Holds ids and fixed words, never personal data: erasing a customer keeps it verifiable.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        # Covers all entries, so that a check of a number that nobody is calling costs the same
        # (C5).
        Index("ix_audit_entry_customer_id", "customer_id", "id"),
        Index(
            "ix_audit_entry_staff_id",
            "staff_id",
            "id",
            sqlite_where=text("staff_id IS NOT NULL"),
            postgresql_where=text("staff_id IS NOT NULL"),
        ),
        # Lists the customers that a member's access exposed, without reading the entries
        # themselves.
        Index(
            "ix_audit_entry_exposed",
            "staff_id",
            "customer_id",
            "at",
            "action",
            sqlite_where=text("staff_id IS NOT NULL AND customer_id IS NOT NULL"),
            postgresql_where=text("staff_id IS NOT NULL AND customer_id IS NOT NULL"),
        ),
        # Finds the entry that marks the end of bootstrap.
        Index(
            "ix_audit_entry_approvals_close",
            "id",
            sqlite_where=text("action = 'approvals.close'"),
            postgresql_where=text("action = 'approvals.close'"),
        ),
    )

    id: int | None = Field(
        default=None,
        sa_column=Column(
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
    )
    at: datetime = instant_column()
    actor: str = Field(sa_column=Column(String(16), nullable=False))
    staff_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    action: str = Field(sa_column=Column(String(40), nullable=False))
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    purpose: str = Field(default="", sa_column=Column(String(120), nullable=False))
    detail: str = Field(default="", sa_column=Column(String(200), nullable=False))
    # The process that wrote it, gapless numbers of that process, its void numbers, and a MAC of all
    # of it (:mod:`vault.audit_writers`); older entries have none of these.
    writer: int | None = Field(default=None, sa_column=Column(BigInteger))
    number: int | None = Field(default=None, sa_column=Column(BigInteger))
    void: str | None = Field(default=None, sa_column=Column(Text))
    mark: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
