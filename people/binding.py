"""What lets somebody in is bound to its row by a key outside the database: who can write there but
has no key makes no password, code, link or session of their own another's.

What stood there before there was such a key is bound once, in the transaction that makes the key
(:func:`bind_earlier`), and never again: a row that is put there afterwards opens nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from people import row_mac
from people.models import Staff
from people.row_mac import PARTS, bind, holds, rebind
from vault import keyring
from vault.errors import Tampered
from vault.keyring import SIGN_IN, Keyring
from vault.sealing import fingerprint, seal

__all__ = [
    "PARTS",
    "bind",
    "bind_earlier",
    "holds",
    "password_of",
    "rebind",
    "seal_earlier",
    "seal_password",
]
#: What was made before there was the key, and is still good: all else of that time has to be made
#: anew, and lives for hours or days.
_UNMARKED = ("staff", "passkey", "callback", "phone_call")
_LIVE_LONG = ("recovery_code", "api_token", "calendar_feed", *_UNMARKED)
#: What was under the mark of these until all columns were.
_FORMER_PARTS = {
    "enrolment_link": (
        *("id", "staff_id", "token_hash", "totp_secret", "kind", "made_by", "pin", "expires_at"),
    ),
    "staff_session": ("id", "staff_id", "token_hash", "role", "created_at"),
    "customer_session": ("id", "customer_id", "token_hash", "created_at"),
    "recovery_code": ("id", "staff_id", "code_hash"),
    "api_token": ("id", "staff_id", "token_hash", "role"),
    "calendar_feed": ("id", "staff_id", "token_hash", "epoch"),
}
_AT_A_TIME = 1000


def seal_password(session: Session, staff_id: UUID, hashed: str) -> bytes:
    """The hash of a password, as the row of that member of staff keeps it."""
    return keyring.of(session).seal_for(SIGN_IN, _place(staff_id), hashed)


def password_of(ring: Keyring, member: Staff | None) -> str | None:
    """The hash of somebody's password; none where there is none, or it was not we who put it
    there. It takes as long for nobody's."""
    if member is None or member.password_hash is None:
        ring.seal_for(SIGN_IN, "nobody", _NO_HASH)
        return None
    try:
        return ring.open_for(SIGN_IN, _place(member.id), member.password_hash)
    except Tampered:
        return None


_NO_HASH = "x" * 97


def _place(staff_id: UUID) -> str:
    return f"staff.password_hash:{staff_id}"


def bind_earlier(session: Session, key: bytes) -> None:
    """Bind what was kept before there was this ``key``, as what it says it is."""
    work = session.connection()
    staff = row_mac.table("staff")
    kept = select(staff.c.id, staff.c.password_hash).where(staff.c.password_hash.is_not(None))
    for staff_id, hashed in work.execute(kept).all():
        sealed = seal(key, hashed, _place(staff_id))
        work.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=sealed))
    for name in _LIVE_LONG:
        _mark_all(session, name, partial(fingerprint, key))


def seal_earlier(session: Session) -> None:
    """Mark all columns of what was kept before they were under the mark, as what it says it is: of
    what had one, only what fits the mark it had. To be called once, by the upgrade that brings
    the columns of marks; whatever is put there afterwards holds for nothing."""
    to_hex = partial(keyring.of(session).mark, SIGN_IN)
    for name in (*_FORMER_PARTS, *_UNMARKED):
        _mark_all(session, name, to_hex, former=_FORMER_PARTS.get(name))


def _mark_all(
    session: Session,
    name: str,
    to_hex: Callable[[str], str],
    *,
    former: Sequence[str] | None = None,
) -> None:
    table, after = row_mac.table(name), UUID(int=0)
    write = update(table).where(table.c.id == bindparam("row")).values(bound=bindparam("new"))
    while True:
        some = select(table).where(table.c.id > after).order_by(table.c.id).limit(_AT_A_TIME)
        found = session.connection().execute(some).mappings().all()
        rows = [{str(key): value for key, value in row.items()} for row in found]
        marks = [
            {"row": row["id"], "new": bytes.fromhex(to_hex(row_mac.told(name, row)))}
            for row in rows
            if former is None or _fitted(name, row, to_hex, former)
        ]
        if marks:
            session.connection().execute(write, marks)
        if len(rows) < _AT_A_TIME:
            return
        after = rows[-1]["id"]


def _fitted(
    name: str, row: Mapping[str, Any], to_hex: Callable[[str], str], former: Sequence[str]
) -> bool:
    """Whether a row fits the mark of fewer columns that it had."""
    expected = to_hex(json.dumps([name, *(row_mac.plain(row[each]) for each in former)]))
    return hmac.compare_digest(bytes.fromhex(expected), row["bound"] or b"")
