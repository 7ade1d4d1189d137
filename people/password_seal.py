"""Binds credentials to their rows by a key outside the database: somebody who can write to the
database but has no key cannot assign a password, code, link or session of their own to another
person.

Credentials that are older than this key are bound once, by the upgrade to revision 0024
(:func:`migrate_sign_in_macs`), and never again: a row inserted later grants nothing.
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

#: Tables without a MAC before revision 0030, when MACs came to cover all columns.
_WITHOUT_MAC = ("staff", "passkey", "callback", "phone_call")
#: Rows older than the key that stay valid; all others of that time live for hours or days and have
#: to be made again.
_LONG_LIVED_TABLES = ("recovery_code", "api_token", "calendar_feed")
#: The columns under these tables' MACs before revision 0030.
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
    """Seal a password hash for the row of that member of staff.

    The colleagues who vouched for this member's identity by a PIN are sealed with it, so that
    neither can be replaced alone.
    """
    plain = hashed
    if proven_to:
        plain = json.dumps({"hash": hashed, "proven_to": sorted(item.hex for item in proven_to)})
    return keyring.current_keyring(session).seal_for_purpose(
        SIGN_IN, _password_seal_context(staff_id), plain
    )


def open_password_hash(ring: Keyring, member: Staff | None) -> str | None:
    """Return the password hash; ``None`` if there is none or it was not sealed by us. Takes as long
    without a member."""
    if member is None or member.password_hash is None:
        ring.seal_for_purpose(SIGN_IN, "nobody", _NO_HASH)
        return None
    try:
        plain = ring.open_for_purpose(
            SIGN_IN, _password_seal_context(member.id), member.password_hash
        )
    except Tampered:
        return None
    return str(json.loads(plain)["hash"]) if plain.startswith("{") else plain


def load_vouched_by(session: Session, staff_id: UUID, sealed: bytes | None) -> frozenset[UUID]:
    """Return the colleagues whose PINs were used to enrol the member of staff with this sealed
    password; empty for those enrolled during bootstrap. Raises ``Tampered``."""
    if sealed is None:
        return frozenset()
    plain = keyring.current_keyring(session).open_for_purpose(
        SIGN_IN, _password_seal_context(staff_id), sealed
    )
    names = json.loads(plain)["proven_to"] if plain.startswith("{") else []
    return frozenset(UUID(hex=name) for name in names)


_NO_HASH = "x" * 97


def _password_seal_context(staff_id: UUID) -> str:
    return f"staff.password_hash:{staff_id}"


def migrate_sign_in_macs(session: Session) -> None:
    """Bind the credentials that are older than the key to what their rows say (upgrade to revision
    0024).

    Covers the columns that were under the MAC at that time; :func:`migrate_full_row_macs` runs
    after it.
    """
    ring, connection = keyring.current_keyring(session), session.connection()
    staff = row_mac.table_by_name("staff")
    query = select(staff.c.id, staff.c.password_hash).where(staff.c.password_hash.is_not(None))
    for staff_id, hashed in connection.execute(query).all():
        sealed = ring.seal_for_purpose(SIGN_IN, _password_seal_context(staff_id), hashed.decode())
        connection.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=sealed))
    for name in _LONG_LIVED_TABLES:
        _set_table_macs(session, name, partial(_former_mac_input, name))


def migrate_full_row_macs(session: Session) -> None:
    """Extend the MACs to all columns (upgrade to revision 0030).

    Rows that had a MAC are included only if it holds. Rows inserted afterwards are not trusted.
    """
    for name in (*_FORMER_COLUMNS, *_WITHOUT_MAC):
        fitted = partial(_matches_former_mac, session, name) if name in _FORMER_COLUMNS else None
        _set_table_macs(session, name, partial(row_mac.encode_mac_input, name), fitted)


def _set_table_macs(
    session: Session,
    name: str,
    told: Callable[[Mapping[str, Any]], str],
    fitted: Callable[[Mapping[str, Any]], bool] | None = None,
) -> None:
    """Set the MACs of a table's rows that are ``fitted``, or of all; ``told`` returns the MAC input
    of a row."""
    ring, table, after = keyring.current_keyring(session), row_mac.table_by_name(name), UUID(int=0)
    write = update(table).where(table.c.id == bindparam("row")).values(bound=bindparam("new"))
    while True:
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(_BATCH_SIZE)
        records = session.connection().execute(query).mappings().all()
        rows = [{str(key): value for key, value in row.items()} for row in records]
        updates = [
            {
                "row": row["id"],
                "new": bytes.fromhex(ring.fingerprint_for_purpose(SIGN_IN, told(row))),
            }
            for row in rows
            if fitted is None or fitted(row)
        ]
        if updates:
            session.connection().execute(write, updates)
        if len(rows) < _BATCH_SIZE:
            return
        after = rows[-1]["id"]


def _former_mac_input(name: str, row: Mapping[str, Any]) -> str:
    """Return the MAC input of a row before the MAC covered all columns."""
    return json.dumps(
        [name, *(row_mac.canonical_value(row[item]) for item in _FORMER_COLUMNS[name])]
    )


def _matches_former_mac(session: Session, name: str, row: Mapping[str, Any]) -> bool:
    """Return whether a row matches its former MAC over fewer columns."""
    expected = keyring.current_keyring(session).fingerprint_for_purpose(
        SIGN_IN, _former_mac_input(name, row)
    )
    return hmac.compare_digest(bytes.fromhex(expected), row["bound"] or b"")
