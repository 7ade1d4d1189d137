"""Adding members of staff, and letting them in anew: both take two people.

The link is made when it is asked for, and works once that is approved: what is kept of it until
then is its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people import links, staff
from people.approvals import asking, setup
from people.approvals.kinds import About, Act, Kind
from people.errors import NoLonger
from people.models import Role, Staff
from people.secrets import new_token, token_hash

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Link:
    """A link that works once it is approved, and the PIN to be told with it by whoever asked. Who
    could approve things themself gets a PIN from those who approve: neither they nor whoever asked
    can then enrol as somebody who does not exist."""

    token: str
    pin: str


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
    pin: str = "",
) -> Link:
    """Ask for a new member of staff, with the number (E.164) they are rung at, if any; gives
    their enrolment link. Raises ``InvalidInput`` or ``NotAllowed``."""
    address, plain_name = staff.require_addable(session, email, name, role, timezone)
    token = new_token()
    payload = {
        "email": address,
        "name": plain_name,
        "role": role,
        "timezone": timezone,
        "phone": phone,
        **_linked(token, role, pin),
    }
    asking.ask(session, ADD, payload, why, by, now)
    return Link(token, "" if payload["told by"] else pin)


def _linked(token: str, role: str, pin: str) -> dict[str, str]:
    theirs = role in setup.APPROVERS
    return {
        "link": token_hash(token).hex(),
        "pin": links.new_pin() if theirs else pin,
        "told by": "those who approve" if theirs else "",
    }


def _add(session: Session, act: Act, now: datetime) -> None:
    member = staff.add(
        session,
        act.text("email"),
        act.text("name"),
        act.text("role"),
        now,
        timezone=act.text("timezone"),
        by=act.actor,
    )
    if act.text("phone"):
        staff.set_phone(session, member, act.text("phone"), now, by=act.actor)
    _let_in(session, member, act, now)


def _let_in(session: Session, member: Staff, act: Act, now: datetime) -> None:
    hashed = bytes.fromhex(act.text("link"))
    staff.invite_by(session, member, hashed, now, act.actor, pin=act.text("pin"))


def _facts_of_add(_: Session, act: Act) -> Facts:
    return [*((each, act.text(each)) for each in ("name", "email", "role")), *_to_tell(act)]


def _to_tell(act: Act) -> Facts:
    return [("pin", act.text("pin"))] if act.payload["told by"] else []


def ask_to_invite(session: Session, member: Staff, why: str, now: datetime, pin: str = "") -> Link:
    """The command line asks for a new enrolment link for somebody who lost phone or password.
    Raises ``InvalidInput``."""
    token = new_token()
    payload = _linked(token, member.role, pin)
    asking.ask(session, INVITE, payload, why, None, now, about=About(staff_id=member.id))
    return Link(token, "" if payload["told by"] else pin)


def _invite(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise NoLonger("They do not work here any more. Refuse this.")
    _let_in(session, member, act, now)


def _facts_of_invite(session: Session, act: Act) -> Facts:
    return [*facts_of_member(session, act), *_to_tell(act)]


def facts_of_member(session: Session, act: Act) -> Facts:
    """Whom a request is about, and their role today."""
    who = staff.opened(session, session.get_one(Staff, act.about.staff_id))
    return [("name", who.name), ("email", who.email), ("role now", who.role)]


def _known_by_now(session: Session, act: Act) -> str:
    return "known" if staff.find(session, act.text("email")) else ""


def left(session: Session, act: Act) -> str:
    """Void once whom it is about does not work here, or is suspended."""
    return "" if session.get_one(Staff, act.about.staff_id).active else "left"


ADD = Kind(
    "staff.add",
    asks=frozenset({Role.SUPERVISOR}),
    approves=setup.APPROVERS,
    facts=_facts_of_add,
    run=_add,
    by_operator=True,
    same=("email",),
    hopeless=_known_by_now,
)
INVITE = Kind(
    "staff.invite",
    asks=frozenset(),
    approves=setup.APPROVERS,
    facts=_facts_of_invite,
    run=_invite,
    by_operator=True,
    same=(),
    hopeless=left,
)
