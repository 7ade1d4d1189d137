"""Helpers to define columns, and the naming convention of constraints, so that migrations can name
them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, LargeBinary, Uuid
from sqlmodel import Field, SQLModel

from storage.column_types import UtcDateTime, new_id

#: Marks the columns of blind indexes.
BLIND_INDEX = "blind index"

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def id_column() -> Any:
    """Define a primary key that is a UUID of version 7."""
    return Field(default_factory=new_id, sa_column=Column(Uuid, primary_key=True))


def foreign_key_column(to: str, *, nullable: bool = False, index: bool = False, **more: Any) -> Any:
    """Define a foreign key to ``table.column``."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    column: Column[UUID] = Column(
        Uuid, ForeignKey(to), nullable=nullable, index=index or None, **more
    )
    return Field(**default, sa_column=column)


def instant_column(*, nullable: bool = False, index: bool = False) -> Any:
    """Define a column that holds an instant in UTC."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    column: Column[datetime] = Column(UtcDateTime, nullable=nullable, index=index or None)
    return Field(**default, sa_column=column)


def sealed_column(*, nullable: bool = False, index: bool = False, unique: bool = False) -> Any:
    """Define a column that holds a ciphertext, a wrapped key or a hash."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    column: Column[bytes] = Column(
        LargeBinary, nullable=nullable, index=index or None, unique=unique or None
    )
    return Field(**default, sa_column=column)


def blind_index_column(
    *, nullable: bool = False, index: bool = False, unique: bool = False, primary_key: bool = False
) -> Any:
    """Define a column that holds a blind index; the rotation of its key recomputes it."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    column: Column[bytes] = Column(
        LargeBinary,
        nullable=nullable,
        index=index or None,
        unique=unique or None,
        primary_key=primary_key,
        info={BLIND_INDEX: True},
    )
    return Field(**default, sa_column=column)
