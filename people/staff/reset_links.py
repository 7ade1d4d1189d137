"""A new enrolment link for a colleague who has lost password or phone, or whose first one ran out:
one asks, another approves and hands a PIN over, and its owner has a recovery code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import About, Act, Kind
from people.credentials import new_token, token_hash
from people.errors import InvalidInput, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import (
    enrolment_links,
    second_factor,
    security_notices,
    staff_approvals,
    staff_records,
)
from people.staff.security_notices import Notice
from people.staff.staff_records import Colleague
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: Whose links a role asks for. Nobody asks for their own.
MAKES_FOR = {
    Role.SUPERVISOR: (Role.AGENT, Role.SUPERVISOR),
    Role.INVESTIGATOR: (Role.INVESTIGATOR,),
}


def colleagues(session: Session, maker: UUID, role: Role) -> Sequence[Colleague]:
    """The colleagues whose link somebody of that role may ask for, sorted by name."""
    rows = session.exec(
        select(Staff).where(
            col(Staff.role).in_(MAKES_FOR.get(role, ())),
            col(Staff.active).is_(True),
            col(Staff.id) != maker,
        )
    )
    return sorted((staff_records.opened(session, row) for row in rows), key=lambda each: each.name)


def make(session: Session, maker: UUID, role: Role, staff_id: UUID, why: str, now: datetime) -> str:
    """Ask for a colleague's link, and return its token. The link works after somebody else has
    approved it. It asks for the approver's PIN and, if the colleague has enrolled before, for one
    of their recovery codes: neither the asker nor the approver can use it. The colleague's sign-in
    works as before until they use the link.

    Raises ``NotAllowed`` for one's own link, ``NotFound`` for a person who is not in
    :func:`colleagues`, ``InvalidInput`` if they have no recovery code left, ``AskedAlready``.
    """
    if staff_id == maker:
        raise NotAllowed("Nobody makes a link for themself. Ask a colleague.")
    member = session.get(Staff, staff_id)
    if member is None or not member.active or member.role not in MAKES_FOR.get(role, ()):
        raise NotFound
    if member.password_hash and not second_factor.recovery_codes_left(session, member.id):
        raise InvalidInput(
            "staff_id",
            "They have no recovery code left. Whoever runs the server makes the link.",
        )
    token = new_token()
    payload = {"link": token_hash(token).hex()}
    approval_requests.ask(session, RESET, payload, why, maker, now, about=About(staff_id=member.id))
    audit_log.record(
        session, audit_log.staff(maker), AuditAct.STAFF_RESET_MADE, now, detail=str(member.id)
    )
    security_notices.add(session, member.id, Notice.RESET_MADE, now)
    return token


def _reset(session: Session, act: Act, now: datetime) -> None:
    member = staff_approvals.member_of(session, act)
    again = member.password_hash is not None
    kind = enrolment_links.Kind.COLLEAGUE if again else enrolment_links.Kind.OPERATOR
    staff_approvals.let_in(session, member, act, now, kind)


RESET = Kind(
    "staff.reset",
    asks=frozenset(MAKES_FOR),
    approves=bootstrap.APPROVERS,
    facts=staff_approvals.facts_of_member,
    run=_reset,
    same=(),
    hopeless=staff_approvals.left,
    enrols=staff_approvals.always,
)
