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
HURRIED = "vouchline_hurried"
#: A statement that took no longer than so many seconds did not wait.
AT_ONCE = 0.1
_WAITED, _SINCE = "vouchline_waited", "vouchline_since"


def hurried(engine: Engine) -> Engine:
    """The engine for a transaction that somebody waits for."""
    return engine.execution_options(**{HURRIED: True})


def unhurried(connection: Connection) -> None:
    """Let this transaction take its time after all."""
    connection.info[_WAITED] = -math.inf


@contextmanager
def paused(connection: Connection) -> Iterator[None]:
    """Count no wait within the block; what was waited before it counts on after it."""
    waited = connection.info.get(_WAITED, 0.0)
    unhurried(connection)
    yield
    connection.info[_WAITED] = waited


def bound(engine: Engine, wait_seconds: float) -> None:
    """Let the statements of hurried transactions wait so long, all of them together."""

    def begin(connection: Connection) -> None:
        connection.info[_WAITED] = 0.0

    def before(connection: Connection, cursor: Any, *_: Any) -> None:
        if HURRIED in connection.get_execution_options():
            _shorten(connection, cursor, wait_seconds)
            connection.info[_SINCE] = time.monotonic()

    def after(connection: Connection, *_: Any) -> None:
        taken = time.monotonic() - connection.info.pop(_SINCE, math.inf)
        if taken > AT_ONCE:
            connection.info[_WAITED] = connection.info.get(_WAITED, 0.0) + taken

    def failed(context: ExceptionContext) -> None:
        if context.connection is not None:
            after(context.connection)

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _shorten(connection: Connection, cursor: Any, wait_seconds: float) -> None:
    """What keeps the database from being told, the statement itself will run into."""
    waited = connection.info.get(_WAITED, 0.0)
    if waited <= 0 or cursor.connection.info.transaction_status != TransactionStatus.INTRANS:
        return
    left = max(1, int((wait_seconds - waited) * 1000))
    with suppress(psycopg.Error):
        cursor.execute(f"SET LOCAL statement_timeout = {left}")
