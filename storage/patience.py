"""Jobs that may take longer than whoever waits for an answer."""

from __future__ import annotations

from sqlalchemy import text

from storage.session import Work


def take_time(work: Work) -> None:
    """Let the statements of this transaction take as long as they need: to count or go through a
    large table. For a lock it waits no longer than others do. SQLite bounds no statement."""
    connection = work.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
