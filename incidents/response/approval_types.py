"""Responses of a case that need a second approver (rule I4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import add_case_event
from incidents.cases.models import Case
from incidents.cases.visibility import (
    request_hidden_from,
)
from incidents.response import warning_runs
from people.approvals import bootstrap
from people.approvals.models import ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestType
from people.approvals.valid_approvals import APPROVE
from people.error_codes import PeopleErrorCode
from people.errors import NotFound
from people.models import Role, Staff
from people.staff import staff_records, suspension
from vault.audit.acts import AuditAct
from vault.errors import Tampered

_REQUESTER_ROLES = frozenset({Role.INVESTIGATOR})
#: With two investigators, one of them suspected, a supervisor has to approve.
_APPROVER_ROLES = frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})


def _lock_request_case(session: Session, act: ApprovalRequestView) -> Case:
    statement = (
        select(Case).where(col(Case.reference) == act.payload_text("case")).with_for_update()
    )
    return session.exec(statement).one()


def _require_same_case(session: Session, act: ApprovalRequestView) -> None:
    """Lock the case, so that nobody is named in it in the meantime. Raises ``Tampered`` if the
    request was made in another case."""
    if _lock_request_case(session, act).id != act.about.case_id:
        raise Tampered("a request is not of the case that it was asked in")


def _execute_staff_suspension(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    person = _subject_staff_id(act)
    bootstrap.require_other_in_role(session, session.get_one(Staff, person))
    suspension.suspend_staff_member(session, person, act.actor, now)
    add_case_event(
        session,
        _lock_request_case(session, act),
        AuditAct.CASE_SUSPENDED,
        _format_approver_ids(session, act),
        act.actor,
        now,
    )


def _execute_suspension_lift(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    suspension.lift_staff_suspension(session, _subject_staff_id(act), act.actor, now)
    add_case_event(
        session,
        _lock_request_case(session, act),
        AuditAct.CASE_LIFTED,
        _format_approver_ids(session, act),
        act.actor,
        now,
    )


def _execute_customer_warning(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    since, until = (datetime.fromisoformat(act.payload_text(name)) for name in ("since", "until"))
    case = _lock_request_case(session, act)
    warning_runs.start_warning_run(session, case, _subject_staff_id(act), since, until, now)
    words = f"{act.payload_text('customers')}\n{_format_approver_ids(session, act)}"
    add_case_event(session, case, AuditAct.CASE_WARNING, words, act.actor, now)


def _format_approver_ids(session: Session, act: ApprovalRequestView) -> str:
    """Return the approvers' ids, one on each line."""
    approver_ids = session.exec(
        select(ApprovalVote.staff_id)
        .where(col(ApprovalVote.request_id) == act.id, col(ApprovalVote.verdict) == APPROVE)
        .order_by(col(ApprovalVote.id))
    )
    return "\n".join(map(str, approver_ids))


def _subject_staff_id(act: ApprovalRequestView) -> UUID:
    if act.about.staff_id is None:
        raise NotFound(PeopleErrorCode.COLLEAGUE_NOT_FOUND)
    return act.about.staff_id


def _suspension_request_facts(session: Session, act: ApprovalRequestView) -> list[tuple[str, str]]:
    who = staff_records.open_staff_details(session, session.get_one(Staff, _subject_staff_id(act)))
    return [("name", who.name), ("role now", who.role), ("case", act.payload_text("case"))]


def _warning_request_facts(_: Session, act: ApprovalRequestView) -> list[tuple[str, str]]:
    count = act.payload_text("customers")
    return [("customers to be warned by text", count), ("case", act.payload_text("case"))]


def _suspension_invalid_reason(session: Session, act: ApprovalRequestView) -> str:
    return "" if session.get_one(Staff, _subject_staff_id(act)).active else "ended"


def _lift_invalid_reason(session: Session, act: ApprovalRequestView) -> str:
    suspended = session.get_one(Staff, _subject_staff_id(act)).suspended_at
    return "" if suspended is not None else "not suspended"


SUSPEND = RequestType(
    "suspend",
    asks=_REQUESTER_ROLES,
    approves=_APPROVER_ROLES,
    facts=_suspension_request_facts,
    run=_execute_staff_suspension,
    same=(),
    closed_to=request_hidden_from,
    hold=_require_same_case,
    hopeless=_suspension_invalid_reason,
)
LIFT = RequestType(
    "suspend.lift",
    asks=_REQUESTER_ROLES,
    approves=_APPROVER_ROLES,
    facts=_suspension_request_facts,
    run=_execute_suspension_lift,
    same=(),
    closed_to=request_hidden_from,
    hold=_require_same_case,
    hopeless=_lift_invalid_reason,
)
WARN = RequestType(
    "warn_customers",
    asks=_REQUESTER_ROLES,
    approves=_APPROVER_ROLES,
    facts=_warning_request_facts,
    run=_execute_customer_warning,
    same=("case", "since", "until"),
    closed_to=request_hidden_from,
    hold=_require_same_case,
)
