"""Unlocking the access budget of a person who has used it up, which needs two people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.customers import access_budgets
from people.error_codes import PeopleErrorCode
from people.errors import Conflict
from people.models import Role, Staff
from people.staff import staff_approvals


def request_budget_unlock(
    session: Session, staff_id: UUID, why: str, by: UUID, now: datetime
) -> None:
    """Request that a person's budget is reset. Raises ``InvalidInput``."""
    approval_requests.submit_for_approval(
        session, UNLOCK, {}, why, by, now, about=RequestSubject(staff_id=staff_id)
    )


def _execute_budget_unlock(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise Conflict(PeopleErrorCode.COLLEAGUE_HAS_LEFT)
    access_budgets.reset_staff_budget(session, member.id, act.actor, now)


UNLOCK = RequestType(
    "budget.unlock",
    asks=frozenset(Role),
    approves=bootstrap.APPROVERS,
    facts=staff_approvals.staff_member_facts,
    run=_execute_budget_unlock,
    same=(),
    hopeless=staff_approvals.inactive_subject_reason,
)
