"""Requests for the second approval of a response of a case, and the suspensions they can lift."""

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
)
from incidents.error_codes import IncidentErrorCode
from incidents.response import exposure, warning_runs
from incidents.response.approval_types import LIFT, SUSPEND, WARN
from people.approvals import approval_requests, bootstrap
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import RequestSubject, RequestType
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, NotAllowed, NotFound
from people.models import Staff
from people.staff import suspension
from vault.audit import audit_log
from vault.audit.acts import AuditAct


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
    warning_runs.require_no_running_warning(session, case)
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
