"""Changes a member's role, or deactivates them; both end the access they had."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from people.models import Role, Staff
from people.staff import enrolment_links, staff_sessions
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def deactivate_staff_member(session: Session, member: Staff, now: datetime) -> None:
    """Deactivate a member of staff, and end all their sessions and tokens at once."""
    member.active = False
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "off", actor=audit_log.OPERATOR)
    audit_log.record_act(
        session, audit_log.OPERATOR, AuditAct.STAFF_SWITCH_OFF, now, detail=str(member.id)
    )


def assign_staff_role(
    session: Session, member: Staff, role: Role, by: audit_log.Actor, now: datetime
) -> None:
    """Assign another role: end what was granted under the old one, and links to roles not taken up
    yet."""
    member.role = role
    enrolment_links.end_unused_links(session, member.id, now, promotions=True)
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "role", actor=by)
    audit_log.record_act(session, by, AuditAct.STAFF_ROLE, now, detail=f"{role} {member.id}")
