"""Suspends members of staff: nothing granted to them works from that moment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, NotFound
from people.models import Staff
from people.staff import staff_sessions
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def suspend_staff_member(
    session: Session, staff_id: UUID, by: audit_log.Actor, now: datetime
) -> Staff:
    """End sessions, API tokens and calendar feeds, and block every sign-in. Raises ``NotFound`` or
    ``InvalidInput``."""
    member = _lock_staff_member(session, staff_id)
    require_active(member)
    member.active, member.suspended_at = False, now
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "suspended", actor=by)
    audit_log.record_act(session, by, AuditAct.STAFF_SUSPEND, now, detail=str(member.id))
    return member


def lift_staff_suspension(
    session: Session, staff_id: UUID, by: audit_log.Actor, now: datetime
) -> Staff:
    """Allow sign-in again; what has ended stays ended. Raises as :func:`suspend_staff_member`."""
    member = _lock_staff_member(session, staff_id)
    require_suspended(member)
    member.active, member.suspended_at = True, None
    session.add(member)
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_LIFT, now, detail=str(member.id))
    return member


def list_suspended_staff(session: Session) -> list[Staff]:
    """List suspended members of staff, longest suspended first."""
    query = select(Staff).where(col(Staff.suspended_at).is_not(None))
    return list(session.exec(query.order_by(col(Staff.suspended_at), col(Staff.id))))


def require_active(member: Staff) -> None:
    """Raise ``InvalidInput`` for a member whose access has already ended."""
    if not member.active:
        raise InvalidInput("person", PeopleErrorCode.ACCESS_ENDED)


def require_suspended(member: Staff) -> None:
    """Raise ``InvalidInput`` for a member who is not suspended."""
    if member.suspended_at is None:
        raise InvalidInput("person", PeopleErrorCode.ACCESS_NOT_SUSPENDED)


def _lock_staff_member(session: Session, staff_id: UUID) -> Staff:
    member = session.exec(
        select(Staff)
        .where(col(Staff.id) == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if member is None:
        raise NotFound(PeopleErrorCode.COLLEAGUE_NOT_FOUND)
    return member
