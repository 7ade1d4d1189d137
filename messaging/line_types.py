"""Which numbers are landlines, that no text reaches: learned from refusals, or looked up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from messaging.models import LineKind
from storage.upsert import insert_or
from vault.keys import keyring

LANDLINE = "landline"
GOOD_FOR = timedelta(days=90)  # numbers are carried over from one kind to the other


def note(session: Session, phone: str, kind: str, now: datetime) -> None:
    """This number (E.164) is a line of that kind, as the provider names it."""
    table = LineKind.__table__  # type: ignore[attr-defined]
    index = keyring.of(session).blind_index("phone", phone)
    found = {"kind": kind[:16], "at": now}
    session.connection().execute(
        insert_or(session, table, {"phone_index": index, **found}).on_conflict_do_update(
            index_elements=["phone_index"], set_=found
        )
    )


def known(session: Session, phone: str, now: datetime) -> str | None:
    """The kind of line, as far as it has been known of late."""
    forms = keyring.of(session).forms("phone", phone)
    found = select(LineKind).where(col(LineKind.phone_index).in_(forms))
    row = session.exec(found.order_by(col(LineKind.at).desc()).limit(1)).first()
    return row.kind if row is not None and now - row.at < GOOD_FOR else None


def forget(session: Session, phone: str) -> None:
    """Nothing is known of this number any more."""
    forms = keyring.of(session).forms("phone", phone)
    session.exec(delete(LineKind).where(col(LineKind.phone_index).in_(forms)))
