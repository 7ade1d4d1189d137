"""Group commit for SQLite: short units of work share one wait for the disk."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import transaction_outcomes

_MOST = 16
_BUSY = "the store was busy for too long"
_OPTION = "vouchline_shared_commits"
#: An execution option: the latest time, by the monotonic clock, at which a transaction may begin.
BEGIN_DEADLINE = "vouchline_until"
_LOOKS_EVERY = 0.05


class _CommitBatch:
    """Units of work that commit together; ``failed`` is the error if none of them was committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.units = 0
        self.failed: Exception | None = None
        self.over = Event()

    @property
    def driver(self) -> sqlite3.Connection:
        driver_connection: Any = self.connection.connection.dbapi_connection
        return cast(sqlite3.Connection, driver_connection)

    def commit_batch(self) -> None:
        # SQLite rolls back by itself on some errors (a full disk), and a unit may have caught one.
        if not self.driver.in_transaction:
            raise sqlite3.OperationalError("SQLite rolled back")
        self.connection.commit()


class GroupCommit:
    """Runs short units of work on SQLite one after another; concurrent ones share one transaction
    and so one wait for the disk.

    A unit that fails is undone alone. If the commit fails, all of its units fail. Each unit returns
    only after the commit, so that no response reports what could still be lost.
    """

    def __init__(self, engine: Engine, wait_seconds: float) -> None:
        self._engine, self._wait_seconds = engine, wait_seconds
        self._turn = Lock()
        self._coming: deque[None] = deque()
        self._open: _CommitBatch | None = None

    @contextmanager
    def join_transaction(self) -> Iterator[Connection]:
        """Yield a connection inside the shared transaction. Raises the errors of a pool and a
        commit."""
        until = time.monotonic() + self._wait_seconds
        self._coming.append(None)
        mine = self._turn.acquire(timeout=self._wait_seconds)
        self._coming.pop()
        if not mine:
            raise PoolTimeout(_BUSY)
        try:
            batch = self._open_or_join_batch(until)
            with _undo_only_this_unit(batch):
                yield batch.connection
        finally:
            try:
                self._leave_batch()
            finally:  # also runs for a lost connection, whose closing fails too
                self._turn.release()
        self._wait_for_commit(batch, until)
        if batch.failed is not None:
            raise OperationalError("COMMIT", None, batch.failed) from batch.failed

    def _wait_for_commit(self, batch: _CommitBatch, until: float) -> None:
        """Wait until the batch is committed. If the unit that should commit it gave up, commit it
        here."""
        until = max(until, time.monotonic() + _LOOKS_EVERY)
        while not batch.over.wait(_LOOKS_EVERY):
            if self._turn.acquire(blocking=False):
                try:
                    if self._open is batch:
                        self._finish_batch(batch)
                finally:
                    self._turn.release()
            elif time.monotonic() > until:
                raise PoolTimeout(_BUSY)

    def _open_or_join_batch(self, until: float) -> _CommitBatch:
        if self._open is None:
            connection = self._engine.connect().execution_options(**{BEGIN_DEADLINE: until})
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._open = _CommitBatch(connection)
        return self._open

    def _leave_batch(self) -> None:
        """Leave the transaction to the next unit; the last one commits it."""
        batch = self._open
        if batch is None:
            return
        batch.units += 1
        if self._coming and batch.failed is None and batch.units < _MOST:
            return
        self._finish_batch(batch)

    def _finish_batch(self, batch: _CommitBatch) -> None:
        self._open = None
        try:
            if batch.failed is None:
                batch.commit_batch()
        except Exception as error:
            batch.failed = error
        finally:
            batch.over.set()
            _return_connection(batch)


def _return_connection(batch: _CommitBatch) -> None:
    """Roll back what was not committed; discard a connection that cannot even do that."""
    try:
        batch.connection.close()
    except (DBAPIError, sqlite3.Error):
        if not batch.connection.closed:
            batch.connection.invalidate()


@contextmanager
def _undo_only_this_unit(batch: _CommitBatch) -> Iterator[None]:
    """Undo only this block's changes if it fails. The first unit needs no savepoint, because no
    other has written before it."""
    if batch.units == 0:
        try:
            yield
        except BaseException:
            batch.failed = RuntimeError("rolled back")
            raise
        return
    _execute_on_driver(batch, "SAVEPOINT unit")
    transaction_outcomes.mark_savepoint(batch.connection, "unit")
    try:
        yield
        _execute_on_driver(batch, "RELEASE unit")
    except BaseException:
        try:
            _execute_on_driver(batch, "ROLLBACK TO unit")
        except OperationalError as error:  # SQLite has rolled back the whole transaction
            batch.failed = error
        else:
            transaction_outcomes.mark_savepoint_undone(batch.connection, "unit")
        raise


def _execute_on_driver(batch: _CommitBatch, statement: str) -> None:
    try:
        batch.driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error


def enable_group_commit(engine: Engine, wait_seconds: float) -> None:
    """Let the short writers of this engine share their commits."""
    engine.update_execution_options(**{_OPTION: GroupCommit(engine, wait_seconds)})


def find_group_commit(engine: Engine) -> GroupCommit | None:
    """Return the group commit of this engine; ``None`` on PostgreSQL, which has its own."""
    group_commit: GroupCommit | None = engine.get_execution_options().get(_OPTION)
    return group_commit
