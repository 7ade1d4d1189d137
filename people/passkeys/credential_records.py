"""Stored passkeys: found by a keyed fingerprint, sealed with their owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from people.credential_models import Passkey
from people.error_codes import PeopleErrorCode
from people.errors import NotFound
from people.passkeys.relying_party import PasskeyRefused
from people.staff import security_notices, staff_sessions
from people.staff.security_notices import Notice
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.blind_index_check import matches_sealed_value

MAX_PASSKEYS = 10


@dataclass(frozen=True)
class PasskeyView:
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime | None
    stopped_at: datetime | None


def list_passkeys(session: Session, staff_id: UUID) -> Sequence[PasskeyView]:
    """List the passkeys of a member of staff, in the order they were made."""
    return [
        PasskeyView(
            row.id,
            _open_passkey_column(session, row, "name"),
            row.created_at,
            row.used_at,
            row.stopped_at,
        )
        for row in list_passkey_rows(session, staff_id)
    ]


def list_passkey_rows(session: Session, staff_id: UUID) -> Sequence[Passkey]:
    """List the sealed rows of the passkeys of a member of staff."""
    return session.exec(
        select(Passkey).where(col(Passkey.staff_id) == staff_id).order_by(col(Passkey.id))
    ).all()


def store_passkey(
    session: Session,
    staff_id: UUID,
    credential: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    now: datetime,
) -> Passkey:
    """Store a passkey. Its public key is sealed with its owner's id, so that it cannot be moved to
    another owner."""
    ring, row, plain = keyring.current_keyring(session), new_id(), bytes_to_base64url(credential)
    plain_values = {
        "credential": plain,
        "public_key": f"{staff_id.hex}:{bytes_to_base64url(public_key)}",
        "name": name,
    }
    sealed: dict[str, Any] = {
        column: ring.seal_for_purpose(keyring.STAFF, f"passkey.{column}:{row}", value)
        for column, value in plain_values.items()
    }
    passkey = Passkey(
        id=row,
        staff_id=staff_id,
        credential_index=ring.compute_blind_index("passkey", plain),
        sign_count=sign_count,
        created_at=now,
        **sealed,
    )
    session.add(passkey)
    session.flush()
    return passkey


def lock_passkey(session: Session, credential: bytes) -> Passkey | None:
    """Return the passkey with that credential id, locked."""
    plain = bytes_to_base64url(credential)
    forms = keyring.current_keyring(session).compute_search_forms("passkey", plain)
    rows = session.exec(
        select(Passkey).where(col(Passkey.credential_index).in_(forms)).with_for_update()
    ).all()
    for row in rows:
        if matches_sealed_value(
            "passkey", row.id, partial(_open_passkey_column, session, row, "credential"), plain
        ):
            return row
    return None


def open_credential_id(session: Session, row: Passkey) -> bytes:
    """Decrypt the credential id by which its authenticator knows it."""
    return base64url_to_bytes(_open_passkey_column(session, row, "credential"))


def open_public_key(session: Session, row: Passkey) -> bytes:
    """Decrypt the public key. Raises ``PasskeyRefused`` if the row's owner was changed."""
    owner, _, key = _open_passkey_column(session, row, "public_key").partition(":")
    if owner != row.staff_id.hex:
        raise PasskeyRefused
    return base64url_to_bytes(key)


def _open_passkey_column(session: Session, row: Passkey, column: str) -> str:
    context = f"passkey.{column}:{row.id}"
    return keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, context, getattr(row, column)
    )


def delete_passkey(session: Session, staff_id: UUID, passkey_id: UUID, now: datetime) -> None:
    """Delete one's own passkey, and end the sessions started with it. Raises ``NotFound``."""
    row = session.get(Passkey, passkey_id)
    if row is None or row.staff_id != staff_id:
        raise NotFound(PeopleErrorCode.PASSKEY_NOT_FOUND)
    session.delete(row)
    session.flush()
    staff_sessions.end_passkey_sessions(session, staff_id, passkey_id, now)
    _record_passkey_change(
        session,
        audit_log.staff_actor(staff_id),
        row,
        AuditAct.PASSKEY_REMOVE,
        Notice.PASSKEY_REMOVED,
        now,
    )


def stop_cloned_passkey(session: Session, row: Passkey, now: datetime) -> None:
    """Stop a passkey that showed a lower count than before, as a clone does (W3C Web
    Authentication, section 6.1.1): nobody can tell which of the two is the owner's, so both are
    refused."""
    row.stopped_at = now
    session.add(row)
    session.flush()
    staff_sessions.end_passkey_sessions(session, row.staff_id, row.id, now)
    _record_passkey_change(
        session,
        audit_log.staff_actor(row.staff_id),
        row,
        AuditAct.PASSKEY_CLONED,
        Notice.PASSKEY_STOPPED,
        now,
    )


def _record_passkey_change(
    session: Session,
    actor: audit_log.Actor,
    row: Passkey,
    action: AuditAct,
    notice: Notice,
    now: datetime,
) -> None:
    audit_log.record_act(session, actor, action, now, detail=f"{row.staff_id} {row.id}")
    security_notices.add_security_notice(session, row.staff_id, notice, now)
