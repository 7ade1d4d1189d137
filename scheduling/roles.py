"""A new role for a member of staff takes two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import staff, staffing
from people.approvals import asking, setup
from people.approvals.kinds import About, Act, Kind
from people.errors import InvalidInput, NoLonger
from people.models import Role, Staff
from scheduling import feeds
from scheduling.models import Callback
from scheduling.states import LIVE, State
from vault import audit


def ask(
    session: Session, member: Staff, role: str, why: str, by: UUID | None, now: datetime
) -> None:
    """Ask for another role for somebody. Raises ``InvalidInput`` or ``NoLonger``."""
    if role not in set(Role) or role == member.role:
        raise InvalidInput("role", f"Choose another role of: {', '.join(Role)}.")
    _require_free(session, member, now)
    setup.require_another(session, member)
    payload = {"from": member.role, "to": str(Role(role))}
    asking.ask(session, ROLE, payload, why, by, now, about=About(staff_id=member.id))


def _require_free(session: Session, member: Staff, now: datetime) -> None:
    """Calls of somebody who is an agent no more would never be made."""
    booked = session.exec(
        select(Callback.id)
        .where(
            col(Callback.agent_id) == member.id,
            col(Callback.state).in_((State.BOOKED, *LIVE)),
            col(Callback.ends_at) > now,
        )
        .limit(1)
    ).first()
    if booked is not None:
        raise NoLonger("Calls are booked with them. Hand these over first.")


def _change(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active or member.role != act.text("from"):
        raise NoLonger("They have another role by now, or do not work here. Refuse this.")
    at_once(session, member, act.text("to"), act.actor, now)


def _hopeless(session: Session, act: Act) -> str:
    role = session.get_one(Staff, act.about.staff_id).role
    return staffing.left(session, act) or ("role changed" if role != act.text("from") else "")


def at_once(session: Session, member: Staff, role: str, by: audit.Actor, now: datetime) -> None:
    """Give somebody another role. Raises ``NoLonger`` where that would leave calls that nobody
    makes, or too few who can approve."""
    _require_free(session, member, now)
    setup.require_another(session, member)
    staff.change_role(session, member, Role(role), by, now)
    feeds.end(session, member.id, now)
    if setup.close_if_due(session, now) and setup.approvers(session) < setup.ENOUGH:
        raise NoLonger("Too few would be left who can approve anything. Add somebody first.")


def _facts(session: Session, act: Act) -> Sequence[tuple[str, str]]:
    return [*staffing.facts_of_member(session, act), ("new role", act.text("to"))]


ROLE = Kind(
    "staff.role",
    asks=frozenset({Role.SUPERVISOR}),
    approves=setup.APPROVERS,
    facts=_facts,
    run=_change,
    by_operator=True,
    same=("to",),
    hopeless=_hopeless,
)
