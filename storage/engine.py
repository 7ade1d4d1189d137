"""Engines for SQLite and PostgreSQL that behave alike where it matters.

Both bound their waits, so that a caller can fail closed (rule F1), and both make a commit durable
before it returns: SQLite with a write-ahead log synced at each commit, PostgreSQL by default.
"""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from storage import transaction_outcomes
from storage.lock_wait_budget import install_deadline
from storage.sqlite import make_sqlite_engine

#: A request that cannot get its locks is refused within two seconds (rule F1); the work before and
#: after a wait takes part of that time.
LOCK_WAIT_SECONDS = 1.25


def make_engine(
    url: str, *, wait_seconds: float = LOCK_WAIT_SECONDS, pool_size: int = 10
) -> Engine:
    """Create an engine for ``sqlite:///…`` or ``postgresql+psycopg://…``.

    ``wait_seconds`` bounds the wait for a lock and a statement, and for all those of a request
    together (:mod:`storage.lock_wait_budget`); longer jobs use :mod:`storage.statement_timeout`.
    The wait for a pooled connection is a quarter of it: a pool has two for each thread, and a
    request that waited for one may also have to wait for a lock. Errors contain no parameters,
    because logs would then contain personal data. Raises ``ValueError`` for another kind of
    database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return make_sqlite_engine(url, parsed.database, wait_seconds, pool_size)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql_engine(url, wait_seconds, pool_size)
    raise ValueError("the database address must begin with sqlite:/// or postgresql+psycopg://")


def _postgresql_engine(url: str, wait_seconds: float, pool_size: int) -> Engine:
    wait_ms = int(wait_seconds * 1000)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=wait_seconds / 4,
        pool_pre_ping=False,
        connect_args={
            "connect_timeout": 2,  # the driver's minimum
            "tcp_user_timeout": max(2000, wait_ms),  # for a network that drops our packets
            "options": f"-c statement_timeout={wait_ms} -c lock_timeout={wait_ms}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    )
    transaction_outcomes.track_transaction_outcomes(engine)
    install_deadline(engine, wait_seconds)
    return engine
