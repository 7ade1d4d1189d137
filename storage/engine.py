"""Engines for SQLite and PostgreSQL that behave alike where it matters.

Both give up after a bounded wait, so that a caller can fail closed (rule F1), and both make a
commit durable before it returns: SQLite with a write-ahead log synced at each commit, PostgreSQL
by its own default.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

WAIT_SECONDS = 5.0
READ_ONLY = "vouchline_read_only"


def make_engine(url: str, *, wait_seconds: float = WAIT_SECONDS, pool_size: int = 10) -> Engine:
    """An engine for ``sqlite:///…`` or ``postgresql+psycopg://…``.

    ``wait_seconds`` bounds the wait for a connection, a lock and a statement. Parameters never
    appear in errors, since they would carry personal data into logs.
    Raises ``ValueError`` for another kind of database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, parsed.database, wait_seconds, pool_size)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql(url, wait_seconds, pool_size)
    raise ValueError("the database address must begin with sqlite:/// or postgresql+psycopg://")


class _OneWriter(sqlite3.Connection):
    """A connection that waits for the other writers of its process in a queue.

    SQLite itself lets a writer sleep and try again, up to a tenth of a second late, with nobody
    writing meanwhile. Between processes that still holds.
    """

    def __init__(self, *arguments: Any, gate: Lock, wait_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gate, self._wait_seconds, self._inside = gate, wait_seconds, False

    def begin(self, *, reading: bool) -> None:
        """Begin. A writer that begins as a reader can meet SQLITE_BUSY in its middle; ours takes
        the write lock first, which also stands in for SELECT … FOR UPDATE."""
        if reading:
            self.execute("BEGIN")
            return
        if not self._gate.acquire(timeout=self._wait_seconds):
            raise sqlite3.OperationalError("database is locked")
        self._inside = True
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._leave()
            raise

    def commit(self) -> None:
        super().commit()
        self._leave()  # unless it failed: then the transaction goes on, to be rolled back

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._leave()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._inside:
            self._inside = False
            self._gate.release()


def _sqlite(url: str, path: str | None, wait_seconds: float, pool_size: int) -> Engine:
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=wait_seconds,
        connect_args={
            "timeout": wait_seconds,
            "check_same_thread": False,
            "factory": partial(_OneWriter, gate=Lock(), wait_seconds=wait_seconds),
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.begin(reading=READ_ONLY in connection.get_execution_options())
        except sqlite3.Error as error:
            raise OperationalError("BEGIN", None, error, hide_parameters=True) from error

    return engine


def _postgresql(url: str, wait_seconds: float, pool_size: int) -> Engine:
    wait_ms = int(wait_seconds * 1000)
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=wait_seconds,
        pool_pre_ping=False,
        connect_args={
            "connect_timeout": max(1, int(wait_seconds)),
            "options": f"-c statement_timeout={wait_ms} -c lock_timeout={wait_ms}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    )
