"""The sessions of a member of staff, and the revocation of everything granted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from people import row_mac
from people.credential_models import ApiToken, StaffSession
from people.error_codes import PeopleErrorCode
from people.errors import NotFound, ReauthenticationRequired
from people.models import Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

SESSION_LIFETIME = timedelta(hours=12)
SESSION_IDLE_LIMIT = timedelta(hours=1)
PROOF_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True)
class SignedInBrowser:
    """A signed-in browser; ``words`` describes it coarsely, empty if unknown."""

    id: UUID
    words: str
    how: str
    created_at: datetime
    seen_at: datetime


def seal_browser_label(session: Session, session_id: UUID, words: str) -> bytes:
    """Seal the description of a session's browser."""
    return keyring.current_keyring(session).seal_for_purpose(
        keyring.STAFF, f"staff_session.browser:{session_id}", words
    )


def list_staff_sessions(
    session: Session, staff_id: UUID, now: datetime
) -> Sequence[SignedInBrowser]:
    """List the sessions of a member of staff, latest first."""
    rows = session.exec(
        select(StaffSession)
        .where(
            col(StaffSession.staff_id) == staff_id,
            col(StaffSession.ended_at).is_(None),
            col(StaffSession.created_at) > now - SESSION_LIFETIME,
            col(StaffSession.seen_at) > now - SESSION_IDLE_LIMIT,
        )
        .order_by(col(StaffSession.created_at).desc(), col(StaffSession.id).desc())
    )
    return [_open_browser_session(session, row) for row in rows]


def _open_browser_session(session: Session, row: StaffSession) -> SignedInBrowser:
    context = f"staff_session.browser:{row.id}"
    sealed = row.browser
    words = (
        keyring.current_keyring(session).open_for_purpose(keyring.STAFF, context, sealed)
        if sealed
        else ""
    )
    return SignedInBrowser(row.id, words, row.how, row.created_at, row.seen_at)


def end_staff_session(session: Session, staff_id: UUID, session_id: UUID, now: datetime) -> None:
    """End one of one's own sessions. Raises ``NotFound`` for any other."""
    if not _end_matching_sessions(session, now, staff_id, session_id=session_id):
        raise NotFound(PeopleErrorCode.SESSION_NOT_FOUND)
    _record_sessions_ended(session, audit_log.staff_actor(staff_id), staff_id, now, "one")


def end_other_sessions(
    session: Session, staff_id: UUID, but: UUID | None, now: datetime, why: str
) -> int:
    """End all sessions of a member, or all ``but`` one; return how many ended."""
    count = _end_matching_sessions(session, now, staff_id, but=but)
    _record_sessions_ended(session, audit_log.staff_actor(staff_id), staff_id, now, why)
    return count


def end_passkey_sessions(session: Session, staff_id: UUID, passkey_id: UUID, now: datetime) -> None:
    """End the sessions started with a passkey that is no longer valid."""
    if _end_matching_sessions(session, now, staff_id, passkey_id=passkey_id):
        _record_sessions_ended(session, audit_log.SYSTEM, staff_id, now, "passkey")


def revoke_staff_access(
    session: Session,
    staff_id: UUID,
    now: datetime,
    why: str,
    *,
    actor: audit_log.Actor = audit_log.SYSTEM,
) -> None:
    """Revoke everything that gives a member access: sessions, API tokens, the calendar feed's
    address, and device cookies.

    Password, second factor and passkeys stay: being deactivated, or having another role, is checked
    in the member's own row. ``why`` is a fixed word for the audit log, like ``role`` or ``off``.
    """
    _end_matching_sessions(session, now, staff_id)
    session.exec(
        update(ApiToken)
        .where(col(ApiToken.staff_id) == staff_id, col(ApiToken.ended_at).is_(None))
        .values(ended_at=now, bound=None)
    )
    member = session.exec(
        select(Staff)
        .where(col(Staff.id) == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    member.epoch += 1
    session.add(member)
    session.flush()
    _record_sessions_ended(session, actor, staff_id, now, why)


def _end_matching_sessions(
    session: Session,
    now: datetime,
    staff_id: UUID,
    *,
    session_id: UUID | None = None,
    but: UUID | None = None,
    passkey_id: UUID | None = None,
) -> int:
    """End a member's open sessions that match, all by default; return how many."""
    statement = update(StaffSession).where(
        col(StaffSession.staff_id) == staff_id, col(StaffSession.ended_at).is_(None)
    )
    if session_id is not None:
        statement = statement.where(col(StaffSession.id) == session_id)
    if but is not None:
        statement = statement.where(col(StaffSession.id) != but)
    if passkey_id is not None:
        statement = statement.where(col(StaffSession.passkey_id) == passkey_id)
    return session.exec(statement.values(ended_at=now, bound=None)).rowcount


def _record_sessions_ended(
    session: Session, actor: audit_log.Actor, staff_id: UUID, now: datetime, why: str
) -> None:
    audit_log.record_act(
        session, actor, AuditAct.STAFF_SESSIONS_ENDED, now, detail=f"{staff_id} {why}"
    )


def require_fresh_proof(session: Session, session_id: UUID | None, now: datetime) -> None:
    """Raise ``ReauthenticationRequired`` unless the session's owner re-authenticated in the last
    minutes."""
    row = session.get(StaffSession, session_id) if session_id else None
    if (
        row is None
        or not row_mac.is_row_intact(session, row)
        or not row.proved_at <= now < row.proved_at + PROOF_LIFETIME
    ):
        raise ReauthenticationRequired


def record_fresh_proof(session: Session, session_id: UUID, now: datetime) -> None:
    """Record that the session's owner has just re-authenticated."""
    row = session.get_one(StaffSession, session_id)
    row.proved_at = now
    session.add(row_mac.refresh_mac(session, row))
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(row.staff_id), AuditAct.STAFF_PROOF, now)
