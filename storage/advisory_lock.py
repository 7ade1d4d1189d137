"""Advisory locks, for cases in which there is no row to lock yet."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

_WAIT = text("SELECT pg_advisory_xact_lock(:thing)")


def acquire_lock(session: Session, thing: bytes) -> None:
    """Take a transaction-scoped advisory lock on ``thing``, a keyed fingerprint of eight bytes or
    more. Waits while another transaction holds it. Does nothing on SQLite, which has one writer at
    a time."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT, {"thing": int.from_bytes(thing[:8], "big", signed=True)})
