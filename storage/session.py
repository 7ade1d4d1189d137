"""One transaction for one unit of work, opened and committed at the edge."""

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

#: What a store out of reach, locked or full raises; the edge answers it by failing closed.
StoreUnavailable = (DBAPIError, PoolTimeout)


def summarise_store_error(error: Exception) -> str:
    """Why the store was out of reach, for the log: the driver's first line where it tells of the
    store alone, else only what kind of error it was, since others may tell of what is kept."""
    if isinstance(error, OperationalError):
        return str(error.orig).strip().partition("\n")[0]
    return type(error).__name__


class UnitOfWork(Protocol):
    """A unit of work in progress: what the vault and the check need of a session."""

    @property
    def info(self) -> dict[Any, Any]:
        """What the edge has put there for the whole of it, the keys above all."""

    def connection(self) -> Connection:
        """The connection, inside the transaction."""


class CoreUnitOfWork:
    """A unit of work for Core statements alone, without the cost of an ORM session."""

    def __init__(self, connection: Connection, info: dict[Any, Any]) -> None:
        self._connection = connection
        self.info = info

    def connection(self) -> Connection:
        return self._connection


@contextmanager
def core_transaction(engine: Engine, info: dict[Any, Any]) -> Iterator[CoreUnitOfWork]:
    """Like :func:`transaction`, for the check path, which touches no ORM object."""
    shared = find_group_commit(engine)
    with shared.join_transaction() if shared else engine.begin() as connection:
        yield CoreUnitOfWork(connection, info)


@contextmanager
def transaction(
    engine: Engine, *, read_only: bool = False, info: dict[str, Any] | None = None
) -> Iterator[Session]:
    """A session whose transaction commits at the end of the block, or rolls back on an error.

    ``info`` is carried on the session (the keys, see :func:`vault.keys.keyring.current_keyring`).
    """
    bind = engine.execution_options(**{READ_ONLY: True}) if read_only else engine
    with Session(bind, expire_on_commit=False, info=info or {}) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
