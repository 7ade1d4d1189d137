"""How long things may take or be old within a process: jobs that may take longer than whoever
waits for an answer, and the clock of waits and ages."""

from __future__ import annotations

import time

from sqlalchemy import text

from storage import waiting
from storage.session import Work

#: Seconds of a clock that only goes on. It tells no time of day, so it decides nothing but waits
#: and ages (rule T1).
ticks = time.monotonic


def take_time(work: Work) -> None:
    """Let the statements of this transaction take as long as they need: to count or go through a
    large table. For a lock it waits no longer than others do. SQLite bounds no statement."""
    connection = work.connection()
    if connection.dialect.name == "postgresql":
        waiting.unhurried(connection)
        connection.execute(text("SET LOCAL statement_timeout = 0"))
