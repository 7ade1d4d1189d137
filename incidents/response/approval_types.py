"""Responses of a case that need a second approver (rule I4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import add_case_event, add_case_subjects
from incidents.cases.models import Case, CaseSubject
from incidents.cases.visibility import (
    case_visible_to,
    get_held_case,
    list_co_named_staff,
    request_hidden_from,
)
from incidents.error_codes import IncidentErrorCode
from incidents.response import customer_warnings, exposure
from people.approvals import approval_requests, bootstrap
from people.approvals.decisions import APPROVE
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import staff_records, suspension
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered

_REQUESTER_ROLES = frozenset({Role.INVESTIGATOR})
#: With two investigators, one of them suspected, a supervisor has to approve.
_APPROVER_ROLES = frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})


def request_staff_suspension(
    session: Session, reference: str, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Request the suspension of a staff member's access. Raises ``NotFound``, ``NotAllowed``,
    ``InvalidInput`` or ``Conflict``."""
    member = _require_other_staff_member(session, who, person)
    suspension.require_active(member)
    bootstrap.require_other_in_role(session, member)
    return _create_request_by_reference(session, SUSPEND, reference, who, person, why, now)


def request_suspension_lift(
    session: Session, reference: str, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Request that a suspension is lifted. Raises as :func:`request_staff_suspension`."""
    suspension.require_suspended(_require_other_staff_member(session, who, person))
    return _create_request_by_reference(session, LIFT, reference, who, person, why, now)


def request_lift_outside_case(
    session: Session, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Request that a suspension is lifted although nobody holds its case any more.

    The request is recorded in the latest case that names the suspended person. Raises as
    :func:`request_staff_suspension`, with no difference between an unknown person and one in a case
    that names the requester (rule I5).
    """
    if person not in {suspended.id for suspended in list_visible_suspensions(session, who)}:
        raise NotFound(PeopleErrorCode.COLLEAGUE_NOT_FOUND)
    statement = (
        select(Case)
        .join(CaseSubject, col(CaseSubject.case_id) == col(Case.id))
        .where(col(CaseSubject.staff_id) == person, case_visible_to(who))
        .order_by(col(Case.id).desc())
        .limit(1)
        .with_for_update(of=Case)
    )
    case = session.exec(statement).one()
    return _create_request_for_case(session, LIFT, case, who, person, why, now)


def list_visible_suspensions(session: Session, who: UUID) -> list[Staff]:
    """Return suspended staff members who are named in a case, but in none together with the
    reader."""
    named = set(session.exec(select(CaseSubject.staff_id)))
    shown = named - list_co_named_staff(session, who) - {who}
    return [
        staff_member
        for staff_member in suspension.list_suspended_staff(session)
        if staff_member.id in shown
    ]


def list_hidden_suspensions(session: Session, reader: UUID) -> set[UUID]:
    """Return the staff members whose suspension would reveal a case that names both them and the
    reader.

    They must look active to the reader.
    """
    shared = list_co_named_staff(session, reader)
    return (
        {staff_member.id for staff_member in suspension.list_suspended_staff(session)} & shared
        if shared
        else set()
    )


def request_customer_warning(
    session: Session,
    reference: str,
    who: UUID,
    person: UUID,
    since: datetime,
    until: datetime,
    why: str,
    now: datetime,
) -> ApprovalRequest:
    """Request a warning to all customers exposed by a staff member's access in a period. Raises as
    :func:`request_staff_suspension`."""
    _require_other_staff_member(session, who, person)
    case = get_held_case(session, reference, who)
    customer_warnings.require_no_running_warning(session, case)
    count = exposure.count_exposed_customers(session, person, since, until)
    if not count:
        raise InvalidInput("person", IncidentErrorCode.NOBODY_EXPOSED)
    span = {"since": since.isoformat(), "until": until.isoformat()}
    payload: dict[str, str | int] = {**span, "customers": count}
    return _create_request_by_reference(session, WARN, reference, who, person, why, now, payload)


def _create_request_by_reference(
    session: Session,
    kind: RequestType,
    reference: str,
    who: UUID,
    person: UUID,
    why: str,
    now: datetime,
    more: dict[str, str | int] | None = None,
) -> ApprovalRequest:
    case = get_held_case(session, reference, who)
    return _create_request_for_case(session, kind, case, who, person, why, now, more)


def _create_request_for_case(
    session: Session,
    kind: RequestType,
    case: Case,
    who: UUID,
    person: UUID,
    why: str,
    now: datetime,
    more: dict[str, str | int] | None = None,
) -> ApprovalRequest:
    add_case_subjects(session, case, [person], now)
    payload = {"case": case.reference, **(more or {})}
    about = RequestSubject(staff_id=person, case_id=case.id)
    request = approval_requests.submit_for_approval(
        session, kind, payload, why, who, now, about=about
    )
    add_case_event(
        session, case, AuditAct.CASE_ASKED, f"{kind.name}\n{why}", audit_log.staff_actor(who), now
    )
    return request


def _require_other_staff_member(session: Session, who: UUID, person: UUID) -> Staff:
    if who == person:
        raise NotAllowed(PeopleErrorCode.REQUEST_ABOUT_YOURSELF)
    staff_member = session.get(Staff, person)
    if staff_member is None:
        raise NotFound(PeopleErrorCode.COLLEAGUE_NOT_FOUND)
    return staff_member


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
    customer_warnings.start_warning_run(session, case, _subject_staff_id(act), since, until, now)
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
