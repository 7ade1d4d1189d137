"""Ends a member's former credentials: sessions, recovery codes and passkeys."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete

from people.credential_models import EnrolmentLink, Passkey
from people.models import Staff
from people.staff import security_notices, staff_sessions
from people.staff.enrolment_links import LinkKind, end_unused_links
from people.staff.security_notices import Notice
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def end_former_credentials(
    session: Session, link: EnrolmentLink, member: Staff, now: datetime
) -> None:
    """End what a member's former password and second factor gave access to: their other sessions.

    Unless they changed them by themselves while signed in, this also removes their passkeys and
    tokens, and ends links to a role not taken up yet.
    """
    if link.kind == LinkKind.SELF:
        staff_sessions.end_other_sessions(session, member.id, None, now, "authenticator")
    else:
        remove_all_passkeys(session, member, now)
        end_unused_links(session, member.id, now, promotions=True)
        staff_sessions.revoke_staff_access(
            session, member.id, now, "reset", actor=audit_log.staff_actor(member.id)
        )
        session.refresh(member)
    audit_log.record_act(
        session, audit_log.staff_actor(member.id), AuditAct.STAFF_RESET_USED, now, detail=link.kind
    )
    security_notices.add_security_notice(session, member.id, Notice.RESET_USED, now)


def remove_all_passkeys(session: Session, member: Staff, now: datetime) -> None:
    """Remove all passkeys of a member, and their user handle."""
    removed = session.exec(delete(Passkey).where(col(Passkey.staff_id) == member.id)).rowcount
    member.passkey_handle = None
    session.add(member)
    session.flush()
    if removed:
        detail = f"{member.id} all"
        audit_log.record_act(
            session, audit_log.staff_actor(member.id), AuditAct.PASSKEY_REMOVE, now, detail=detail
        )
