"""Passwords of members of staff: the words they must not contain, and their replacement."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from people import password_seal
from people.credentials import hash_password
from people.models import Staff
from people.staff import security_notices
from people.staff.security_notices import Notice
from people.staff.staff_records import open_staff_details
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def forbidden_password_words(session: Session, member: Staff, organisation: str) -> list[str]:
    """Return the words that a password of this member must not contain."""
    details = open_staff_details(session, member)
    return [details.name, details.email, organisation]


def replace_password(
    session: Session, member: Staff, password: str, now: datetime, *, organisation: str = ""
) -> None:
    """Set another password of the member's own choice. Raises ``InvalidInput``."""
    hashed = hash_password(password, forbidden_password_words(session, member, organisation))
    proven_to = password_seal.load_vouched_by(session, member.id, member.password_hash)
    member.password_hash = password_seal.seal_password(session, member.id, hashed, proven_to)
    session.add(member)
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(member.id), AuditAct.STAFF_PASSWORD, now)
    security_notices.add_security_notice(session, member.id, Notice.PASSWORD, now)
