"""A new enrolment link for a colleague who has lost password or phone: it takes two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import notices, second_factor, staff
from people.errors import InvalidInput, NotAllowed, NotFound
from people.links import Kind
from people.models import Role, Staff
from people.notices import Notice
from people.staff import Colleague
from vault import audit
from vault.acts import AuditAct

#: Whose links a role makes. Nobody makes their own.
MAKES_FOR = {
    Role.SUPERVISOR: (Role.AGENT, Role.SUPERVISOR),
    Role.INVESTIGATOR: (Role.INVESTIGATOR,),
}


def colleagues(session: Session, maker: UUID, role: Role) -> Sequence[Colleague]:
    """Those for whom somebody of that role may make a link, by name."""
    rows = session.exec(
        select(Staff).where(
            col(Staff.role).in_(MAKES_FOR.get(role, ())),
            col(Staff.active).is_(True),
            col(Staff.password_hash).is_not(None),
            col(Staff.id) != maker,
        )
    )
    return sorted((staff.opened(session, row) for row in rows), key=lambda each: each.name)


def make(session: Session, maker: UUID, role: Role, staff_id: UUID, now: datetime) -> str:
    """A token for the colleague's link, which asks a recovery code of theirs as well, so that
    whoever makes it cannot use it. Nothing of theirs ends before they use it.

    Raises ``NotAllowed`` for one's own, ``NotFound`` for whoever is not in
    :func:`colleagues`, ``InvalidInput`` when they have no recovery code left.
    """
    if staff_id == maker:
        raise NotAllowed("Nobody makes a link for themself. Ask a colleague.")
    member = session.get(Staff, staff_id)
    if member is None or not member.active or member.password_hash is None:
        raise NotFound
    if member.role not in MAKES_FOR.get(role, ()):
        raise NotFound
    if not second_factor.recovery_codes_left(session, member.id):
        raise InvalidInput(
            "staff_id",
            "They have no recovery code left. Whoever runs the server makes the link.",
        )
    token = staff.invite(session, member, now, kind=Kind.COLLEAGUE, by=audit.staff(maker))
    audit.record(session, audit.staff(maker), AuditAct.STAFF_RESET_MADE, now, detail=str(member.id))
    notices.add(session, member.id, Notice.RESET_MADE, now)
    return token
