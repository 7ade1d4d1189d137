"""The life of a staff member's session: opened at sign-in, found at each request, and closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people import row_mac
from people.credential_models import StaffSession
from people.credentials import new_token, token_hash
from people.models import Role, Staff
from people.principal import Principal
from people.staff import staff_sessions
from people.staff.staff_sessions import SESSION_IDLE_LIMIT, SESSION_LIFETIME
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct

_TOUCH_INTERVAL = timedelta(minutes=1)


def open_staff_session(
    session: Session,
    member: Staff,
    now: datetime,
    *,
    how: str = "password",
    browser: str = "",
    passkey_id: UUID | None = None,
) -> str:
    """Start a session; return its token for the browser's cookie. The database stores only its
    hash.

    The token contains its owner's id: if the row's owner is changed in the database, the token is
    refused.
    """
    token, row = f"{member.id.hex}.{new_token()}", new_id()
    staff_session = StaffSession(
        id=row,
        token_hash=token_hash(token),
        staff_id=member.id,
        role=member.role,
        epoch=member.epoch,
        how=how,
        passkey_id=passkey_id,
        browser=staff_sessions.seal_browser_label(session, row, browser) if browser else None,
        created_at=now,
        seen_at=now,
        proved_at=now,
    )
    session.add(row_mac.attach_mac(session, staff_session))
    session.flush()
    audit_log.record_act(
        session, audit_log.staff_actor(member.id), AuditAct.STAFF_SIGN_IN, now, detail=how
    )
    return token


def find_session_principal(session: Session, token: str, now: datetime) -> Principal | None:
    """Return the session's owner; ``None`` if it has ended or idled, or its owner is deactivated or
    has another role."""
    match = session.exec(
        select(StaffSession, Staff).where(
            col(StaffSession.token_hash) == token_hash(token),
            col(StaffSession.staff_id) == col(Staff.id),
        )
    ).first()
    if match is None:
        return None
    row, member = match
    too_old = now >= row.created_at + SESSION_LIFETIME or now >= row.seen_at + SESSION_IDLE_LIMIT
    valid = token.startswith(f"{member.id.hex}.") and row.role == member.role
    valid = valid and row.epoch == member.epoch
    valid = valid and row_mac.is_row_intact(session, row) and row_mac.is_row_intact(session, member)
    if row.ended_at is not None or too_old or not member.active or not valid:
        return None
    return Principal(member.id, Role(member.role), row.id)


def touch_staff_session(session: Session, session_id: UUID, now: datetime) -> None:
    """Record that a session is in use, at most once a minute."""
    row = session.get(StaffSession, session_id)
    if row is not None and now - row.seen_at >= _TOUCH_INTERVAL:
        row.seen_at = now
        session.add(row_mac.refresh_mac(session, row))


def close_staff_session(session: Session, token: str, now: datetime) -> None:
    """Sign out."""
    row = session.exec(
        select(StaffSession).where(col(StaffSession.token_hash) == token_hash(token))
    ).first()
    if row is not None and row.ended_at is None:
        row.ended_at, row.bound = now, None
        session.add(row)
        audit_log.record_act(
            session, audit_log.staff_actor(row.staff_id), AuditAct.STAFF_SIGN_OUT, now
        )
