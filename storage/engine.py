"""Engines for SQLite and PostgreSQL that behave alike where it matters.

Both give up after a bounded wait, so that a caller can fail closed (rule F1), and both make a
commit durable before it returns: SQLite with a write-ahead log synced at each commit, PostgreSQL
by its own default.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

WAIT_SECONDS = 5.0
READ_ONLY = "vouchline_read_only"
_SHARED = "vouchline_shared_commits"
_MOST_SHARING = 16


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


class _Batch:
    """Units of work that wait for the disk together; ``failed`` is why none of them counts."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.units = 0
        self.failed: Exception | None = None
        self.over = Event()


class SharedCommits:
    """Short units of work on SQLite, one after the other; those that come at once share one
    transaction and so one wait for the disk.

    A unit that fails is undone by itself. When the commit fails, all of its units fail; each is
    left only after the commit, so that nobody answers what may yet be lost.
    """

    def __init__(self, engine: Engine, wait_seconds: float) -> None:
        self._engine, self._wait_seconds = engine, wait_seconds
        self._turn = Lock()
        self._coming: deque[None] = deque()
        self._open: _Batch | None = None

    @contextmanager
    def unit(self) -> Iterator[Connection]:
        """A connection inside the transaction. Raises as a pool and a commit do."""
        late = time.monotonic() + self._wait_seconds
        self._coming.append(None)
        with self._turn:
            self._coming.pop()
            try:
                if time.monotonic() > late:
                    raise PoolTimeout("the store was busy for too long")
                batch = self._joined()
                with _undone_alone(batch):
                    yield batch.connection
            finally:
                self._pass_on()
        if not batch.over.wait(2 * self._wait_seconds):
            raise PoolTimeout("the store was busy for too long")
        if batch.failed is not None:
            raise OperationalError("COMMIT", None, batch.failed) from batch.failed

    def _joined(self) -> _Batch:
        if self._open is None:
            connection = self._engine.connect()
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._open = _Batch(connection)
        return self._open

    def _pass_on(self) -> None:
        """Leave the transaction to who comes next; the last one commits it."""
        batch = self._open
        if batch is None:
            return
        batch.units += 1
        if self._coming and batch.failed is None and batch.units < _MOST_SHARING:
            return
        self._open = None
        try:
            if batch.failed is None:
                batch.connection.commit()
        except Exception as error:
            batch.failed = error
        finally:
            batch.over.set()
            batch.connection.close()  # which rolls back what was not committed


@contextmanager
def _undone_alone(batch: _Batch) -> Iterator[None]:
    """Undo what the block did when it fails, and leave what others did. The first has nobody
    before it, so it needs no savepoint."""
    if batch.units == 0:
        try:
            yield
        except BaseException:
            batch.failed = RuntimeError("rolled back")
            raise
        return
    driver: Any = batch.connection.connection.dbapi_connection
    driver.execute("SAVEPOINT unit")
    try:
        yield
        driver.execute("RELEASE unit")
    except BaseException:
        try:
            driver.execute("ROLLBACK TO unit")
        except sqlite3.Error as error:  # SQLite itself has rolled back all of it
            batch.failed = error
        raise


def shared_commits(engine: Engine) -> SharedCommits | None:
    """What short writers of this engine can share; none on PostgreSQL, which has its own."""
    found: SharedCommits | None = engine.get_execution_options().get(_SHARED)
    return found


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

    engine.update_execution_options(**{_SHARED: SharedCommits(engine, wait_seconds)})
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
