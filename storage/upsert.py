"""INSERT … ON CONFLICT, which SQLAlchemy has separately for each dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from storage.session import UnitOfWork


def insert_on_conflict(work: UnitOfWork, table: Table, values: dict[str, Any]) -> Any:
    """Return an INSERT that supports conflict clauses (``on_conflict_do_update`` …)."""
    dialect = work.connection().dialect.name
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return statement.values(**values)
