"""How transactions end: tells a writer whether its transaction was committed or rolled back.

SQLAlchemy fires its events before a commit, and fires none for a lost connection, so this module
hooks into the engine's dialect. A commit that fails counts as rolled back: nobody was answered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

Ended = Callable[[bool], None]
_WAITING, _SAVEPOINTS = "vouchline_outcomes", "vouchline_savepoints"


def follow(connection: Connection, ended: Ended) -> None:
    """Call ``ended`` once with whether what this transaction (or savepoint) wrote was kept."""
    connection.info.setdefault(_WAITING, []).append(ended)


def learn(engine: Engine) -> None:
    """Let :func:`follow` work on connections of this engine."""
    dialect: Any = engine.dialect
    _transactions(dialect)
    _savepoints(dialect)
    for name in ("invalidate", "soft_invalidate", "close"):
        event.listen(engine, name, _gone)


def _transactions(dialect: Any) -> None:
    begin, commit, rollback = dialect.do_begin, dialect.do_commit, dialect.do_rollback

    def do_begin(held: Any) -> None:
        settle(held, False)  # what an earlier one left without a word
        begin(held)

    def do_commit(held: Any) -> None:
        try:
            _require_open(held)
            commit(held)
        except BaseException:
            settle(held, False)
            raise
        settle(held, True)

    def do_rollback(held: Any) -> None:
        try:
            rollback(held)
        finally:
            settle(held, False)

    dialect.do_begin, dialect.do_commit, dialect.do_rollback = do_begin, do_commit, do_rollback


def _savepoints(dialect: Any) -> None:
    begin, undo = dialect.do_savepoint, dialect.do_rollback_to_savepoint

    def do_savepoint(connection: Connection, name: str) -> None:
        begin(connection, name)
        savepoint(connection, name)

    def do_rollback_to_savepoint(connection: Connection, name: str) -> None:
        undo(connection, name)
        undone(connection, name)

    dialect.do_savepoint = do_savepoint
    dialect.do_rollback_to_savepoint = do_rollback_to_savepoint


def savepoint(connection: Connection, name: str) -> None:
    """A savepoint was set; to be called by who does so without SQLAlchemy."""
    info = connection.info
    info.setdefault(_SAVEPOINTS, {})[name] = len(info.get(_WAITING, ()))


def undone(connection: Connection, name: str) -> None:
    """What was written since the savepoint ``name`` is rolled back."""
    info = connection.info
    waiting: list[Ended] = info.get(_WAITING, [])
    since = info.get(_SAVEPOINTS, {}).get(name, 0)
    gone = waiting[since:]
    del waiting[since:]
    for ended in gone:
        ended(False)


def settle(held: Any, kept: bool) -> None:
    """The transaction of a connection has ended."""
    info = _info(held)
    info.pop(_SAVEPOINTS, None)
    for ended in info.pop(_WAITING, ()):
        ended(kept)


def _info(held: Any) -> dict[Any, Any]:
    """What is kept beside a pooled connection; nothing beside a bare one."""
    try:
        found = held.info
    except (AttributeError, NotImplementedError):
        return {}
    return found if isinstance(found, dict) else {}


def _gone(_: Any, record: Any, *__: Any) -> None:
    settle(record, False)


def _require_open(held: Any) -> None:
    """SQLite rolls back by itself on some errors, and then commits nothing without a complaint."""
    driver: Any = getattr(held, "dbapi_connection", None)
    ours = _info(held).get(_WAITING) and isinstance(driver, sqlite3.Connection)
    if ours and not driver.in_transaction:
        raise sqlite3.OperationalError("SQLite rolled back")
