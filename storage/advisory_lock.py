"""One after the other, where there is no row yet that could be locked."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

_WAIT = text("SELECT pg_advisory_xact_lock(:thing)")


def acquire_lock(session: Session, thing: bytes) -> None:
    """Wait until no other transaction has its turn at ``thing``, a keyed fingerprint of eight bytes
    or more, then have it until this one ends. SQLite has one writer at a time as it is."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT, {"thing": int.from_bytes(thing[:8], "big", signed=True)})
