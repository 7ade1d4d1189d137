"""Somebody who has opened as many customers as their role may is let go on by two people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people import budgets, staffing
from people.approvals import asking, setup
from people.approvals.kinds import About, Act, Kind
from people.errors import NoLonger
from people.models import Role, Staff


def ask(session: Session, staff_id: UUID, why: str, by: UUID, now: datetime) -> None:
    """Ask for somebody's budget to begin anew. Raises ``InvalidInput``."""
    asking.ask(session, UNLOCK, {}, why, by, now, about=About(staff_id=staff_id))


def _unlock(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise NoLonger("They do not work here any more. Refuse this.")
    budgets.unlock(session, member.id, act.actor, now)


UNLOCK = Kind(
    "budget.unlock",
    asks=frozenset(Role),
    approves=setup.APPROVERS,
    facts=staffing.facts_of_member,
    run=_unlock,
    same=(),
    hopeless=staffing.left,
)
