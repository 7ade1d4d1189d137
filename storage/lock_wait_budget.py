"""Bounds the total time that a request waits for locks (rule F1).

PostgreSQL bounds each statement, so a request that waits for several locks would wait several times
as long. So the time that a transaction has waited is subtracted from the timeout of its next
statement. SQLite has one lock, taken at the start.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, ExceptionContext, event

#: An execution option: a client waits for the response.
HAS_DEADLINE = "vouchline_hurried"
#: A statement that took no longer than this did not wait.
NO_WAIT_SECONDS = 0.1
_WAITED, _SINCE = "vouchline_waited", "vouchline_since"


def with_deadline(engine: Engine) -> Engine:
    """Return the engine for a transaction of a request with a deadline."""
    return engine.execution_options(**{HAS_DEADLINE: True})


def without_deadline(connection: Connection) -> None:
    """Remove the deadline of this transaction."""
    connection.info[_WAITED] = -math.inf


@contextmanager
def pause_deadline(connection: Connection) -> Iterator[None]:
    """Pause the deadline within the block; the time waited before it counts again after it."""
    waited = connection.info.get(_WAITED, 0.0)
    without_deadline(connection)
    yield
    connection.info[_WAITED] = waited


def install_deadline(engine: Engine, wait_seconds: float) -> None:
    """Bound the total wait of the statements of transactions with a deadline to
    ``wait_seconds``."""

    def reset_time_waited(connection: Connection) -> None:
        connection.info[_WAITED] = 0.0

    def shorten_and_start_timer(connection: Connection, cursor: Any, *_: Any) -> None:
        if HAS_DEADLINE in connection.get_execution_options():
            _shorten_statement_timeout(connection, cursor, wait_seconds)
            connection.info[_SINCE] = time.monotonic()

    def add_time_waited(connection: Connection, *_: Any) -> None:
        taken = time.monotonic() - connection.info.pop(_SINCE, math.inf)
        if taken > NO_WAIT_SECONDS:
            connection.info[_WAITED] = connection.info.get(_WAITED, 0.0) + taken

    def add_time_waited_on_error(context: ExceptionContext) -> None:
        if context.connection is not None:
            add_time_waited(context.connection)

    event.listen(engine, "begin", reset_time_waited)
    event.listen(engine, "before_cursor_execute", shorten_and_start_timer)
    event.listen(engine, "after_cursor_execute", add_time_waited)
    event.listen(engine, "handle_error", add_time_waited_on_error)


def _shorten_statement_timeout(connection: Connection, cursor: Any, wait_seconds: float) -> None:
    """Shorten the timeout of the next statement. A driver error is ignored here, because the
    statement itself will raise it."""
    waited = connection.info.get(_WAITED, 0.0)
    if waited <= 0 or cursor.connection.info.transaction_status != TransactionStatus.INTRANS:
        return
    left = max(1, int((wait_seconds - waited) * 1000))
    with suppress(psycopg.Error):
        cursor.execute(f"SET LOCAL statement_timeout = {left}")
