"""Adding members of staff, and letting them enrol again. Both take two people, and the newcomer in
person (rule I7).

The link is made when somebody asks for it and works once that is approved; until then only its hash
is kept. The asker holds the link. Each approver gets a PIN, which nobody else is shown, and hands
it over in person to the enrolling colleague. So neither of them can enrol as somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import About, Act, Kind, Payload
from people.credentials import new_token, token_hash
from people.customers import lookup_log
from people.errors import NoLonger
from people.models import Role, Staff
from people.staff import enrolment_links, staff_records
from people.staff.enrolment_links import Terms
from vault.audit import audit_log

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Link:
    """A link that works once it is approved, with the PINs of those who approve."""

    token: str


def ask_to_add(
    session: Session,
    email: str,
    name: str,
    role: str,
    why: str,
    by: UUID | None,
    now: datetime,
    *,
    timezone: str,
    phone: str = "",
) -> Link:
    """Ask for a new member of staff, with the number (E.164) they are rung at, if any; gives
    their enrolment link. Whether their address is known is counted and written down as a look-up.
    Raises ``InvalidInput``, ``NotAllowed`` or ``BudgetSpent``."""
    known = staff_records.find(session, email) is not None
    actor = audit_log.staff(by) if by else audit_log.OPERATOR
    asked = staff_records.normal_email(email)
    lookup_log.note_staff(session, actor, found=known, asked=asked, purpose=ADD.name, now=now)
    address, plain_name = staff_records.require_addable(session, email, name, role, timezone)
    token = new_token()
    payload = {
        "email": address,
        "name": plain_name,
        "role": role,
        "timezone": timezone,
        "phone": phone,
        "link": token_hash(token).hex(),
    }
    approval_requests.ask(session, ADD, payload, why, by, now)
    return Link(token)


def _add(session: Session, act: Act, now: datetime) -> None:
    member = staff_records.add(
        session,
        act.text("email"),
        act.text("name"),
        act.text("role"),
        now,
        timezone=act.text("timezone"),
        by=act.actor,
    )
    if act.text("phone"):
        staff_records.set_phone(session, member, act.text("phone"), now, by=act.actor)
    let_in(session, member, act, now, enrolment_links.Kind.OPERATOR)


def let_in(
    session: Session, member: Staff, act: Act, now: datetime, kind: enrolment_links.Kind
) -> None:
    """Let the link that was asked for work, with the PINs of those who approved."""
    hashed, terms = bytes.fromhex(act.text("link")), terms_of(act)
    staff_records.invite_by(session, member, hashed, now, act.actor, kind=kind, terms=terms)


def terms_of(act: Act, role: str = "") -> Terms:
    """The PINs of those who approved, and the ``role`` that is taken up with them, if any. Raises
    ``NoLonger`` where nobody was given one: no enrolment is ever without."""
    if not act.pins:
        raise NoLonger("Nobody who approved this has a PIN. Refuse it, and ask again.")
    return Terms({each.hex: pin for each, pin in act.pins.items()}, role=role)


def _facts_of_add(_: Session, act: Act) -> Facts:
    return [(each, act.text(each)) for each in ("name", "email", "role")]


def ask_to_invite(session: Session, member: Staff, why: str, now: datetime) -> Link:
    """The command line asks for a new enrolment link for somebody who lost phone or password.
    Raises ``InvalidInput``."""
    token = new_token()
    payload = {"link": token_hash(token).hex()}
    approval_requests.ask(session, INVITE, payload, why, None, now, about=About(staff_id=member.id))
    return Link(token)


def _invite(session: Session, act: Act, now: datetime) -> None:
    let_in(session, member_of(session, act), act, now, enrolment_links.Kind.OPERATOR)


def member_of(session: Session, act: Act) -> Staff:
    """The member of staff that a request is about. Raises ``NoLonger`` if they have left."""
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise NoLonger("They do not work here any more. Refuse this.")
    return member


def facts_of_member(session: Session, act: Act) -> Facts:
    """Whom a request is about, and their role today."""
    who = staff_records.opened(session, session.get_one(Staff, act.about.staff_id))
    return [("name", who.name), ("email", who.email), ("role now", who.role)]


def _known_by_now(session: Session, act: Act) -> str:
    return "known" if staff_records.find(session, act.text("email")) else ""


def left(session: Session, act: Act) -> str:
    """Void once whom it is about does not work here, or is suspended."""
    return "" if session.get_one(Staff, act.about.staff_id).active else "left"


def always(_: Payload) -> bool:
    """For a kind of which every request lets somebody enrol."""
    return True


ADD = Kind(
    "staff.add",
    asks=frozenset({Role.SUPERVISOR}),
    approves=bootstrap.APPROVERS,
    facts=_facts_of_add,
    run=_add,
    by_operator=True,
    same=("email",),
    hopeless=_known_by_now,
    enrols=always,
)
INVITE = Kind(
    "staff.invite",
    asks=frozenset(),
    approves=bootstrap.APPROVERS,
    facts=facts_of_member,
    run=_invite,
    by_operator=True,
    same=(),
    hopeless=left,
    enrols=always,
)
