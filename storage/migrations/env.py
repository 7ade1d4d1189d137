"""Runs migrations on the connection that :mod:`storage.migrate` passes in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel

from storage.column_types import UtcDateTime


def _plain_types(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Render the database's own types in migrations, because ours may change later."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    compare_server_default=False,
    render_item=_plain_types,
)
with context.begin_transaction():
    context.run_migrations()
