"""Statement timeouts for jobs and slow reads, and the monotonic clock for waits and ages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from storage import lock_wait_budget
from storage.session import UnitOfWork

#: Seconds of a clock that never goes back. It has no time of day, so use it only for waits and ages
#: (rule T1).
monotonic_seconds = time.monotonic


#: The timeout of a slow read in a request, so that no client waits forever.
EXTENDED_SECONDS = 20


def remove_statement_timeout(work: UnitOfWork) -> None:
    """Remove the statement timeout of this transaction, for example to count a large table. Its
    timeout for locks stays. SQLite has no statement timeout."""
    connection = work.connection()
    if connection.dialect.name == "postgresql":
        lock_wait_budget.without_deadline(connection)
        connection.execute(text("SET LOCAL statement_timeout = 0"))


@contextmanager
def extended_timeout(work: UnitOfWork) -> Iterator[None]:
    """Allow reads within the block up to :data:`EXTENDED_SECONDS` a statement. Writes after the
    block, above all the audit entry, have the usual timeout (rule I3)."""
    connection = work.connection()
    if connection.dialect.name != "postgresql":
        yield
        return
    with lock_wait_budget.pause_deadline(connection):
        connection.execute(text(f"SET LOCAL statement_timeout = '{EXTENDED_SECONDS}s'"))
        yield
        connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
