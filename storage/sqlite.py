"""The engine for SQLite: a queue of writers, one at a time, and durable commits."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from storage import transaction_outcomes
from storage.group_commit import BEGIN_DEADLINE, enable_group_commit

#: An execution option: this connection only reads and does not wait for writers.
READ_ONLY = "vouchline_read_only"


class _QueuedConnection(sqlite3.Connection):
    """A connection that waits in a queue for the other writers of its process.

    SQLite itself lets a writer sleep and retry, up to a tenth of a second late, although no one
    writes meanwhile. Between processes this still applies.
    """

    def __init__(self, *arguments: Any, gate: Lock, wait_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gate, self._wait_seconds = gate, wait_seconds
        self._inside, self._usual = False, True

    def begin_transaction(self, *, reading: bool, until: float | None = None) -> None:
        """Begin a transaction, by ``until`` on the monotonic clock at the latest. A writer that
        begins as a reader can get SQLITE_BUSY later; ours takes the write lock first, which also
        replaces SELECT … FOR UPDATE."""
        if reading:
            self.execute("BEGIN")
            return
        until = time.monotonic() + self._wait_seconds if until is None else until
        if not self._gate.acquire(timeout=max(0.0, until - time.monotonic())):
            raise sqlite3.OperationalError("database is locked")
        self._inside = True
        try:
            self._set_busy_timeout(until - time.monotonic())
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._release_write_gate()
            raise

    def _set_busy_timeout(self, seconds: float) -> None:
        """Set the wait for writers of other processes to the time left."""
        usual = 0.9 * self._wait_seconds <= seconds <= self._wait_seconds
        if not (usual and self._usual):
            self.execute(f"PRAGMA busy_timeout = {max(0, int(seconds * 1000))}")
        self._usual = usual

    def commit(self) -> None:
        """Commit, or roll back at once. SQLAlchemy does not roll back after a failed commit, and
        the transaction would stay open and block all other writers."""
        try:
            super().commit()
        except BaseException:
            self.rollback()
            raise
        self._release_write_gate()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._release_write_gate()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._release_write_gate()

    def _release_write_gate(self) -> None:
        if self._inside:
            self._inside = False
            self._gate.release()


def make_sqlite_engine(url: str, path: str | None, wait_seconds: float, pool_size: int) -> Engine:
    """Create an engine for the file at ``path``; create its folder if needed."""
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=wait_seconds / 4,
        connect_args={
            "timeout": wait_seconds,
            "check_same_thread": False,
            "factory": partial(_QueuedConnection, gate=Lock(), wait_seconds=wait_seconds),
        },
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # we issue BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin_through_gate(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        try:
            options = connection.get_execution_options()
            driver.begin_transaction(
                reading=READ_ONLY in options, until=options.get(BEGIN_DEADLINE)
            )
        except sqlite3.Error as error:
            raise OperationalError("BEGIN", None, error, hide_parameters=True) from error

    transaction_outcomes.track_transaction_outcomes(engine)
    enable_group_commit(engine, wait_seconds)
    return engine
