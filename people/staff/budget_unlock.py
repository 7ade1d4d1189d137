"""Somebody who has opened as many customers as their role may is let go on by two people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import About, Act, Kind
from people.customers import access_budgets
from people.errors import NoLonger
from people.models import Role, Staff
from people.staff import staff_approvals


def ask(session: Session, staff_id: UUID, why: str, by: UUID, now: datetime) -> None:
    """Ask for somebody's budget to begin anew. Raises ``InvalidInput``."""
    approval_requests.ask(session, UNLOCK, {}, why, by, now, about=About(staff_id=staff_id))


def _unlock(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise NoLonger("They do not work here any more. Refuse this.")
    access_budgets.unlock(session, member.id, act.actor, now)


UNLOCK = Kind(
    "budget.unlock",
    asks=frozenset(Role),
    approves=bootstrap.APPROVERS,
    facts=staff_approvals.facts_of_member,
    run=_unlock,
    same=(),
    hopeless=staff_approvals.left,
)
