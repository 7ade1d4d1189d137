"""Whoever asks is answered soon, however many locks there are to wait for (rule F1).

PostgreSQL bounds each statement, and a request that waits for one lock after another would wait as
many times. So what a transaction has waited is taken off what its next statement may. SQLite has
one lock, at the beginning.
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

#: An execution option: somebody waits for the answer.
HAS_DEADLINE = "vouchline_hurried"
#: A statement that took no longer than so many seconds did not wait.
NO_WAIT_SECONDS = 0.1
_WAITED, _SINCE = "vouchline_waited", "vouchline_since"


def with_deadline(engine: Engine) -> Engine:
    """The engine for a transaction that somebody waits for."""
    return engine.execution_options(**{HAS_DEADLINE: True})


def without_deadline(connection: Connection) -> None:
    """Let this transaction take its time after all."""
    connection.info[_WAITED] = -math.inf


@contextmanager
def pause_deadline(connection: Connection) -> Iterator[None]:
    """Count no wait within the block; what was waited before it counts on after it."""
    waited = connection.info.get(_WAITED, 0.0)
    without_deadline(connection)
    yield
    connection.info[_WAITED] = waited


def install_deadline(engine: Engine, wait_seconds: float) -> None:
    """Let the statements of hurried transactions wait so long, all of them together."""

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
    """What keeps the database from being told, the statement itself will run into."""
    waited = connection.info.get(_WAITED, 0.0)
    if waited <= 0 or cursor.connection.info.transaction_status != TransactionStatus.INTRANS:
        return
    left = max(1, int((wait_seconds - waited) * 1000))
    with suppress(psycopg.Error):
        cursor.execute(f"SET LOCAL statement_timeout = {left}")
