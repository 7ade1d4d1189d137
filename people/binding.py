"""What lets somebody in is bound to its row by a key outside the database: who can write there but
has no key makes no password, code, link or session of their own another's.

What was kept before there was such a key is bound once, by the upgrade that takes the store to
revision 0024 (:func:`bind_earlier`), and never again: a row that is put there later opens nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session, SQLModel

from people.models import Staff
from vault import keyring
from vault.errors import Tampered
from vault.keyring import SIGN_IN, Keyring

_Row = TypeVar("_Row", bound=Any)
#: What of a row must not be parted, by table. What is counted, spent or ended later is not in it.
PARTS = {
    "enrolment_link": (
        *("id", "staff_id", "token_hash", "totp_secret", "kind", "made_by", "pin", "expires_at"),
    ),
    "recovery_code": ("id", "staff_id", "code_hash"),
    "staff_session": ("id", "staff_id", "token_hash", "role", "created_at"),
    "api_token": ("id", "staff_id", "token_hash", "role"),
    "calendar_feed": ("id", "staff_id", "token_hash", "epoch"),
    "customer_session": ("id", "customer_id", "token_hash", "created_at"),
}
#: What was made before there was the key, and is still good: all else of that time has to be made
#: anew, and lives for hours or days.
_LIVE_LONG = ("recovery_code", "api_token", "calendar_feed")


def bind(session: Session, row: _Row) -> _Row:
    """The row, bound as it is now; to be called before it is added."""
    name = row.__tablename__
    parts = {part: getattr(row, part) for part in PARTS[name]}
    row.bound = bytes.fromhex(keyring.of(session).mark(SIGN_IN, _told(name, parts)))
    return row


def holds(session: Session, row: Any) -> bool:
    """Whether a row from the store says what it said when it was bound."""
    name = row.__tablename__
    parts = {part: getattr(row, part) for part in PARTS[name]}
    expected = bytes.fromhex(keyring.of(session).mark(SIGN_IN, _told(name, parts)))
    return hmac.compare_digest(expected, row.bound or b"")


def _told(table: str, parts: Mapping[str, Any]) -> str:
    return json.dumps([table, *(_plain(parts[each]) for each in PARTS[table])])


def _plain(value: Any) -> str | int | None:
    """One form for a value, whether it is about to be stored or comes from either database."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | UUID):
        return value.hex if isinstance(value, UUID) else value.hex()
    return value if value is None or isinstance(value, int) else str(value)


def seal_password(
    session: Session, staff_id: UUID, hashed: str, proven_to: Collection[UUID] = ()
) -> bytes:
    """The hash of a password, as the row of that member of staff keeps it, in one piece with the
    colleagues who have proven by a PIN that this member is who they say: one is not to be had
    without the other."""
    kept = hashed
    if proven_to:
        kept = json.dumps({"hash": hashed, "proven_to": sorted(each.hex for each in proven_to)})
    return keyring.of(session).seal_for(SIGN_IN, _place(staff_id), kept)


def password_of(ring: Keyring, member: Staff | None) -> str | None:
    """The hash of somebody's password; none where there is none, or it was not we who put it
    there. It takes as long for nobody's."""
    if member is None or member.password_hash is None:
        ring.seal_for(SIGN_IN, "nobody", _NO_HASH)
        return None
    try:
        kept = ring.open_for(SIGN_IN, _place(member.id), member.password_hash)
    except Tampered:
        return None
    return str(json.loads(kept)["hash"]) if kept.startswith("{") else kept


def proven_to(session: Session, staff_id: UUID, sealed: bytes | None) -> frozenset[UUID]:
    """The colleagues whose PINs were used to enrol the member of staff with this sealed password;
    nobody for people of the time of setting up. Raises ``Tampered``."""
    if sealed is None:
        return frozenset()
    kept = keyring.of(session).open_for(SIGN_IN, _place(staff_id), sealed)
    names = json.loads(kept)["proven_to"] if kept.startswith("{") else []
    return frozenset(UUID(hex=each) for each in names)


_NO_HASH = "x" * 97


def _place(staff_id: UUID) -> str:
    return f"staff.password_hash:{staff_id}"


def bind_earlier(session: Session) -> None:
    """Bind what was kept before there was a key for it, as what it says it is: a step of the
    upgrade to revision 0024."""
    ring = keyring.of(session)
    work, tables = session.connection(), SQLModel.metadata.tables
    for name in _LIVE_LONG:
        table = tables[name]
        for row in work.execute(select(table)).mappings().all():
            bound = bytes.fromhex(ring.mark(SIGN_IN, _told(name, dict(row))))
            work.execute(update(table).where(table.c.id == row["id"]).values(bound=bound))
    table = tables["staff"]
    kept = select(table.c.id, table.c.password_hash).where(table.c.password_hash.is_not(None))
    for staff_id, hashed in work.execute(kept).all():
        sealed = ring.seal_for(SIGN_IN, _place(staff_id), hashed.decode())
        work.execute(update(table).where(table.c.id == staff_id).values(password_hash=sealed))
