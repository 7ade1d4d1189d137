"""Tells a writer whether its transaction was committed or rolled back.

SQLAlchemy fires its events before a commit, and none for a lost connection, so this module hooks
into the engine's dialect. A failed commit counts as rolled back: no response has reported success.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

EndCallback = Callable[[bool], None]
_WAITING, _SAVEPOINTS = "vouchline_outcomes", "vouchline_savepoints"


def call_on_transaction_end(connection: Connection, ended: EndCallback) -> None:
    """Call ``ended`` once with whether the writes of this transaction (or savepoint) were kept."""
    connection.info.setdefault(_WAITING, []).append(ended)


def track_transaction_outcomes(engine: Engine) -> None:
    """Make :func:`call_on_transaction_end` work on connections of this engine."""
    dialect: Any = engine.dialect
    _hook_transactions(dialect)
    _hook_savepoints(dialect)
    for name in ("invalidate", "soft_invalidate", "close"):
        event.listen(engine, name, _settle_lost_connection)


def _hook_transactions(dialect: Any) -> None:
    begin, commit, rollback = dialect.do_begin, dialect.do_commit, dialect.do_rollback

    def do_begin(held: Any) -> None:
        settle_transaction(held, False)  # left over from an earlier transaction
        begin(held)

    def do_commit(held: Any) -> None:
        try:
            _require_open_transaction(held)
            commit(held)
        except BaseException:
            settle_transaction(held, False)
            raise
        settle_transaction(held, True)

    def do_rollback(held: Any) -> None:
        try:
            rollback(held)
        finally:
            settle_transaction(held, False)

    dialect.do_begin, dialect.do_commit, dialect.do_rollback = do_begin, do_commit, do_rollback


def _hook_savepoints(dialect: Any) -> None:
    begin, undo = dialect.do_savepoint, dialect.do_rollback_to_savepoint

    def do_savepoint(connection: Connection, name: str) -> None:
        begin(connection, name)
        mark_savepoint(connection, name)

    def do_rollback_to_savepoint(connection: Connection, name: str) -> None:
        undo(connection, name)
        mark_savepoint_undone(connection, name)

    dialect.do_savepoint = do_savepoint
    dialect.do_rollback_to_savepoint = do_rollback_to_savepoint


def mark_savepoint(connection: Connection, name: str) -> None:
    """Record that a savepoint was set; call it if you set one without SQLAlchemy."""
    info = connection.info
    info.setdefault(_SAVEPOINTS, {})[name] = len(info.get(_WAITING, ()))


def mark_savepoint_undone(connection: Connection, name: str) -> None:
    """Report that the writes since the savepoint ``name`` were rolled back."""
    info = connection.info
    waiting: list[EndCallback] = info.get(_WAITING, [])
    since = info.get(_SAVEPOINTS, {}).get(name, 0)
    gone = waiting[since:]
    del waiting[since:]
    for ended in gone:
        ended(False)


def settle_transaction(held: Any, kept: bool) -> None:
    """Report that the transaction of a connection has ended."""
    info = _connection_info(held)
    info.pop(_SAVEPOINTS, None)
    for ended in info.pop(_WAITING, ()):
        ended(kept)


def _connection_info(held: Any) -> dict[Any, Any]:
    """Return the info of a pooled connection; an empty dictionary for a bare one."""
    try:
        connection_info = held.info
    except (AttributeError, NotImplementedError):
        return {}
    return connection_info if isinstance(connection_info, dict) else {}


def _settle_lost_connection(_: Any, record: Any, *__: Any) -> None:
    settle_transaction(record, False)


def _require_open_transaction(held: Any) -> None:
    """Raise if SQLite has rolled back by itself after an error, because it would commit nothing
    without reporting it."""
    driver: Any = getattr(held, "dbapi_connection", None)
    ours = _connection_info(held).get(_WAITING) and isinstance(driver, sqlite3.Connection)
    if ours and not driver.in_transaction:
        raise sqlite3.OperationalError("SQLite rolled back")
