"""What lets somebody in is bound to its row by a key outside the database: who can write there but
has no key makes no password, code, link or session of their own another's.

What was kept before there was such a key is bound once, by the upgrade that takes the store to
revision 0024 (:func:`migrate_sign_in_macs`), and never again: a row that is put there later opens
nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from people import row_mac
from people.models import Staff
from vault.errors import Tampered
from vault.keys import keyring
from vault.keys.keyring import SIGN_IN, Keyring

#: What had no mark until all columns of others had one.
_WITHOUT_MAC = ("staff", "passkey", "callback", "phone_call")
#: What was made before there was the key, and is still good: all else of that time has to be made
#: again, and lives for hours or days.
_LONG_LIVED_TABLES = ("recovery_code", "api_token", "calendar_feed")
#: What was under the mark of these until all columns were.
_FORMER_COLUMNS = {
    "enrolment_link": (
        *("id", "staff_id", "token_hash", "totp_secret", "kind", "made_by", "pin", "expires_at"),
    ),
    "staff_session": ("id", "staff_id", "token_hash", "role", "created_at"),
    "customer_session": ("id", "customer_id", "token_hash", "created_at"),
    "recovery_code": ("id", "staff_id", "code_hash"),
    "api_token": ("id", "staff_id", "token_hash", "role"),
    "calendar_feed": ("id", "staff_id", "token_hash", "epoch"),
}
_BATCH_SIZE = 1000


def seal_password(
    session: Session, staff_id: UUID, hashed: str, proven_to: Collection[UUID] = ()
) -> bytes:
    """The hash of a password, as the row of that member of staff keeps it, in one piece with the
    colleagues who have proven by a PIN that this member is who they say: one is not to be had
    without the other."""
    kept = hashed
    if proven_to:
        kept = json.dumps({"hash": hashed, "proven_to": sorted(item.hex for item in proven_to)})
    return keyring.current_keyring(session).seal_for_purpose(
        SIGN_IN, _password_seal_context(staff_id), kept
    )


def open_password_hash(ring: Keyring, member: Staff | None) -> str | None:
    """The hash of somebody's password; none where there is none, or it was not we who put it
    there. It takes as long for nobody's."""
    if member is None or member.password_hash is None:
        ring.seal_for_purpose(SIGN_IN, "nobody", _NO_HASH)
        return None
    try:
        kept = ring.open_for_purpose(
            SIGN_IN, _password_seal_context(member.id), member.password_hash
        )
    except Tampered:
        return None
    return str(json.loads(kept)["hash"]) if kept.startswith("{") else kept


def load_vouched_by(session: Session, staff_id: UUID, sealed: bytes | None) -> frozenset[UUID]:
    """The colleagues whose PINs were used to enrol the member of staff with this sealed password;
    nobody for people of the time of setting up. Raises ``Tampered``."""
    if sealed is None:
        return frozenset()
    kept = keyring.current_keyring(session).open_for_purpose(
        SIGN_IN, _password_seal_context(staff_id), sealed
    )
    names = json.loads(kept)["proven_to"] if kept.startswith("{") else []
    return frozenset(UUID(hex=name) for name in names)


_NO_HASH = "x" * 97


def _password_seal_context(staff_id: UUID) -> str:
    return f"staff.password_hash:{staff_id}"


def migrate_sign_in_macs(session: Session) -> None:
    """Bind what was kept before there was a key for it, as what it says it is: a step of the
    upgrade to revision 0024. The columns are those that were under the mark at that time;
    :func:`migrate_full_row_macs` comes after it."""
    ring, work = keyring.current_keyring(session), session.connection()
    staff = row_mac.table_by_name("staff")
    kept = select(staff.c.id, staff.c.password_hash).where(staff.c.password_hash.is_not(None))
    for staff_id, hashed in work.execute(kept).all():
        sealed = ring.seal_for_purpose(SIGN_IN, _password_seal_context(staff_id), hashed.decode())
        work.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=sealed))
    for name in _LONG_LIVED_TABLES:
        _set_table_macs(session, name, partial(_former_mac_input, name))


def migrate_full_row_macs(session: Session) -> None:
    """Mark all columns of what was kept before they were under the mark, as what it says it is: of
    what had one, only what fits the mark it had. A step of the upgrade to revision 0030; whatever
    is put there afterwards holds for nothing."""
    for name in (*_FORMER_COLUMNS, *_WITHOUT_MAC):
        fitted = partial(_matches_former_mac, session, name) if name in _FORMER_COLUMNS else None
        _set_table_macs(session, name, partial(row_mac.encode_mac_input, name), fitted)


def _set_table_macs(
    session: Session,
    name: str,
    told: Callable[[Mapping[str, Any]], str],
    fitted: Callable[[Mapping[str, Any]], bool] | None = None,
) -> None:
    """Mark the rows of a table that are ``fitted``, or all, with what is ``told`` of them."""
    ring, table, after = keyring.current_keyring(session), row_mac.table_by_name(name), UUID(int=0)
    write = update(table).where(table.c.id == bindparam("row")).values(bound=bindparam("new"))
    while True:
        some = select(table).where(table.c.id > after).order_by(table.c.id).limit(_BATCH_SIZE)
        found = session.connection().execute(some).mappings().all()
        rows = [{str(key): value for key, value in row.items()} for row in found]
        marks = [
            {
                "row": row["id"],
                "new": bytes.fromhex(ring.fingerprint_for_purpose(SIGN_IN, told(row))),
            }
            for row in rows
            if fitted is None or fitted(row)
        ]
        if marks:
            session.connection().execute(write, marks)
        if len(rows) < _BATCH_SIZE:
            return
        after = rows[-1]["id"]


def _former_mac_input(name: str, row: Mapping[str, Any]) -> str:
    """What was under the mark of a row until all its columns were."""
    return json.dumps(
        [name, *(row_mac.canonical_value(row[item]) for item in _FORMER_COLUMNS[name])]
    )


def _matches_former_mac(session: Session, name: str, row: Mapping[str, Any]) -> bool:
    """Whether a row fits the mark of fewer columns that it had."""
    expected = keyring.current_keyring(session).fingerprint_for_purpose(
        SIGN_IN, _former_mac_input(name, row)
    )
    return hmac.compare_digest(bytes.fromhex(expected), row["bound"] or b"")
