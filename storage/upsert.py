"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy keeps apart."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from storage.session import UnitOfWork


def insert_on_conflict(work: UnitOfWork, table: Table, values: dict[str, Any]) -> Any:
    """An INSERT that can be told what to do on a conflict (``on_conflict_do_update`` …)."""
    dialect = work.connection().dialect.name
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made.values(**values)
