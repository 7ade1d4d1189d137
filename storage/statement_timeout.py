"""How long things may take or be old within a process: jobs that may take longer than whoever
waits for an answer, and the clock of waits and ages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from storage import lock_wait_budget
from storage.session import UnitOfWork

#: Seconds of a clock that only goes on. It tells no time of day, so it decides nothing but waits
#: and ages (rule T1).
monotonic_seconds = time.monotonic


#: Whoever asks for what takes its time is refused in the end, too: nobody waits for ever.
EXTENDED_SECONDS = 20


def remove_statement_timeout(work: UnitOfWork) -> None:
    """Let the statements of this transaction take as long as they need: to count or go through a
    large table. For a lock it waits no longer than others do. SQLite bounds no statement."""
    connection = work.connection()
    if connection.dialect.name == "postgresql":
        lock_wait_budget.without_deadline(connection)
        connection.execute(text("SET LOCAL statement_timeout = 0"))


@contextmanager
def extended_timeout(work: UnitOfWork) -> Iterator[None]:
    """Let what a request reads within the block take up to :data:`EXTENDED_SECONDS` a statement.
    What is written after it, the audit entry above all, is refused as soon as for anybody (rule
    I3)."""
    connection = work.connection()
    if connection.dialect.name != "postgresql":
        yield
        return
    with lock_wait_budget.pause_deadline(connection):
        connection.execute(text(f"SET LOCAL statement_timeout = '{EXTENDED_SECONDS}s'"))
        yield
        connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
