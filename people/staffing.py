"""Adding members of staff, and letting them in anew: both take two people.

The link is made when it is asked for, and works once that is approved: what is kept of it until
then is its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people import staff
from people.approvals import asking, setup
from people.approvals.kinds import About, Act, Kind
from people.errors import NoLonger
from people.models import Role, Staff
from people.secrets import new_token, token_hash

Facts = Sequence[tuple[str, str]]


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
) -> str:
    """Ask for a new member of staff, with the number (E.164) they are rung at, if any; gives the
    token of their enrolment link. Raises ``InvalidInput`` or ``NotAllowed``."""
    address, plain_name = staff.require_addable(session, email, name, role, timezone)
    token = new_token()
    payload = {
        "email": address,
        "name": plain_name,
        "role": role,
        "timezone": timezone,
        "phone": phone,
        "link": token_hash(token).hex(),
    }
    asking.ask(session, ADD, payload, why, by, now)
    return token


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
    staff.invite_by(session, member, bytes.fromhex(act.text("link")), now, act.actor)


def _facts_of_add(_: Session, act: Act) -> Facts:
    return [(each, act.text(each)) for each in ("name", "email", "role")]


def ask_to_invite(session: Session, member: Staff, why: str, by: UUID | None, now: datetime) -> str:
    """Ask for a new enrolment link for somebody who lost phone or password; gives its token. Raises
    ``InvalidInput`` or ``NotAllowed``."""
    token = new_token()
    about = About(staff_id=member.id)
    asking.ask(session, INVITE, {"link": token_hash(token).hex()}, why, by, now, about=about)
    return token


def _invite(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise NoLonger("They do not work here any more. Refuse this.")
    staff.invite_by(session, member, bytes.fromhex(act.text("link")), now, act.actor)


def facts_of_member(session: Session, act: Act) -> Facts:
    """Whom a request is about, and their role today."""
    who = staff.opened(session, session.get_one(Staff, act.about.staff_id))
    return [("name", who.name), ("email", who.email), ("role now", who.role)]


ADD = Kind(
    "staff.add",
    asks=frozenset({Role.SUPERVISOR}),
    approves=setup.APPROVERS,
    facts=_facts_of_add,
    run=_add,
    by_operator=True,
)
INVITE = Kind(
    "staff.invite",
    asks=frozenset({Role.SUPERVISOR}),
    approves=setup.APPROVERS,
    facts=facts_of_member,
    run=_invite,
    by_operator=True,
)
