"""Line types of numbers, learned from rejections or look-ups; texts cannot reach landlines."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from messaging.models import LineType
from storage.upsert import insert_on_conflict
from vault.keys import keyring

LANDLINE = "landline"
VALID_FOR = timedelta(days=90)  # a number can be ported to another line type


def record_line_type(session: Session, phone: str, kind: str, now: datetime) -> None:
    """Store the line type of a number (E.164), as the provider names it."""
    table = LineType.__table__  # type: ignore[attr-defined]
    index = keyring.current_keyring(session).compute_blind_index("phone", phone)
    values = {"kind": kind[:16], "at": now}
    session.connection().execute(
        insert_on_conflict(session, table, {"phone_index": index, **values}).on_conflict_do_update(
            index_elements=["phone_index"], set_=values
        )
    )


def find_line_type(session: Session, phone: str, now: datetime) -> str | None:
    """Return the line type if it was recorded recently."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    statement = select(LineType).where(col(LineType.phone_index).in_(forms))
    row = session.exec(statement.order_by(col(LineType.at).desc()).limit(1)).first()
    return row.kind if row is not None and now - row.at < VALID_FOR else None


def forget_line_type(session: Session, phone: str) -> None:
    """Delete the line type of a number."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    session.exec(delete(LineType).where(col(LineType.phone_index).in_(forms)))
