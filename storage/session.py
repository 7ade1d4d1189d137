"""One transaction for one unit of work, opened and committed at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from storage.engine import READ_ONLY

#: What a store out of reach, locked or full raises; the edge answers it by failing closed.
StoreUnavailable = (DBAPIError, PoolTimeout)


@contextmanager
def transaction(
    engine: Engine, *, read_only: bool = False, info: dict[str, Any] | None = None
) -> Iterator[Session]:
    """A session whose transaction commits at the end of the block, or rolls back on an error.

    ``info`` is carried on the session (the keys, see :func:`vault.keyring.of`).
    """
    bind = engine.execution_options(**{READ_ONLY: True}) if read_only else engine
    with Session(bind, expire_on_commit=False, info=info or {}) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
