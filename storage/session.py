"""Transactions: one for each unit of work, opened and committed by the channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from storage.group_commit import find_group_commit
from storage.sqlite import READ_ONLY

#: Raised if the database is unreachable, locked or full; the channels then fail closed.
StoreUnavailable = (DBAPIError, PoolTimeout)


def summarise_store_error(error: Exception) -> str:
    """Return the reason of a database error for the log: the driver's first line for operational
    errors, else only the kind of error, because other messages can contain stored data."""
    if isinstance(error, OperationalError):
        return str(error.orig).strip().partition("\n")[0]
    return type(error).__name__


class UnitOfWork(Protocol):
    """A unit of work in progress: what the vault and the check need of a session."""

    @property
    def info(self) -> dict[Any, Any]:
        """What the channel has attached to the unit of work, above all the keys."""

    def connection(self) -> Connection:
        """Return the connection, inside the transaction."""


class CoreUnitOfWork:
    """A unit of work for Core statements only, without the cost of an ORM session."""

    def __init__(self, connection: Connection, info: dict[Any, Any]) -> None:
        self._connection = connection
        self.info = info

    def connection(self) -> Connection:
        return self._connection


@contextmanager
def core_transaction(engine: Engine, info: dict[Any, Any]) -> Iterator[CoreUnitOfWork]:
    """Like :func:`transaction`, for the check path, which uses no ORM objects."""
    shared = find_group_commit(engine)
    with shared.join_transaction() if shared else engine.begin() as connection:
        yield CoreUnitOfWork(connection, info)


@contextmanager
def transaction(
    engine: Engine, *, read_only: bool = False, info: dict[str, Any] | None = None
) -> Iterator[Session]:
    """Open a session whose transaction commits at the end of the block, or rolls back on an error.

    ``info`` is attached to the session (the keys, see :func:`vault.keys.keyring.current_keyring`).
    """
    bind = engine.execution_options(**{READ_ONLY: True}) if read_only else engine
    with Session(bind, expire_on_commit=False, info=info or {}) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
