"""Which numbers are landlines, that no text reaches: learned from refusals, or looked up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from messaging.models import LineType
from storage.upsert import insert_on_conflict
from vault.keys import keyring

LANDLINE = "landline"
VALID_FOR = timedelta(days=90)  # numbers are carried over from one kind to the other


def record_line_type(session: Session, phone: str, kind: str, now: datetime) -> None:
    """This number (E.164) is a line of that kind, as the provider names it."""
    table = LineType.__table__  # type: ignore[attr-defined]
    index = keyring.current_keyring(session).compute_blind_index("phone", phone)
    found = {"kind": kind[:16], "at": now}
    session.connection().execute(
        insert_on_conflict(session, table, {"phone_index": index, **found}).on_conflict_do_update(
            index_elements=["phone_index"], set_=found
        )
    )


def find_line_type(session: Session, phone: str, now: datetime) -> str | None:
    """The kind of line, as far as it has been known of late."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    found = select(LineType).where(col(LineType.phone_index).in_(forms))
    row = session.exec(found.order_by(col(LineType.at).desc()).limit(1)).first()
    return row.kind if row is not None and now - row.at < VALID_FOR else None


def forget_line_type(session: Session, phone: str) -> None:
    """Nothing is known of this number any more."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    session.exec(delete(LineType).where(col(LineType.phone_index).in_(forms)))
