"""Visibility of cases: nobody sees a case that names them, nor anything that is part of it (rule
I5).

Every read of cases, of their evidence, of requests made in them and of the audit log uses the
conditions here, and so do decisions. A merged case names everyone named in the case that it was
merged into (:func:`incidents.cases.creation.add_case_subjects`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from incidents.cases.models import Case, CaseEvidence, CaseState, CaseSubject, WarnedCustomer
from incidents.error_codes import IncidentErrorCode
from incidents.reports.models import REFERENCE_LENGTH, Report
from people.approvals.models import ApprovalRequest
from people.errors import NotAllowed, NotFound
from people.models import Role, Staff
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

#: Acts on a staff member's access; the entry's detail holds the staff member's id.
_STAFF_ACCESS_ACTS = (AuditAct.STAFF_SUSPEND, AuditAct.STAFF_LIFT, AuditAct.STAFF_SESSIONS_ENDED)


def case_visible_to(reader: UUID) -> ColumnElement[bool]:
    """Condition for cases that do not name the reader."""
    return col(Case.id).not_in(_select_cases_naming(reader))


def _select_cases_naming(reader: UUID) -> Any:
    return select(CaseSubject.case_id).where(col(CaseSubject.staff_id) == reader)


def get_visible_case(session: Session, reference: str, reader: UUID, *, lock: bool = False) -> Case:
    """Return the case with this reference. Raises ``NotFound``, with no difference between a case
    that names the reader and one that does not exist."""
    statement = select(Case).where(col(Case.reference) == reference, case_visible_to(reader))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    case = session.exec(statement).first()
    if case is None:
        raise NotFound(IncidentErrorCode.CASE_NOT_FOUND)
    return case


def get_held_case(session: Session, reference: str, reader: UUID) -> Case:
    """Return the case with this reference, locked, if the reader holds it. Raises ``NotFound`` or
    ``NotAllowed``."""
    case = get_visible_case(session, reference, reader, lock=True)
    if case.state == CaseState.CLOSED:
        raise NotAllowed(IncidentErrorCode.CASE_CLOSED)
    if case.state == CaseState.OPEN:
        raise NotAllowed(IncidentErrorCode.CASE_NOT_TAKEN)
    if case.taken_by != reader:
        raise NotAllowed(IncidentErrorCode.CASE_WITH_COLLEAGUE)
    return case


def evidence_visible_to(reader: UUID) -> ColumnElement[bool]:
    """Condition for evidence that the reader may see: it does not name them, and is not evidence of
    a case that does."""
    other = aliased(CaseEvidence)
    elsewhere = exists().where(
        col(other.kind) == col(CaseEvidence.kind),
        col(other.ref) == col(CaseEvidence.ref),
        col(other.case_id).in_(_select_cases_naming(reader)),
    )
    return and_(
        ~elsewhere,
        col(CaseEvidence.facts).not_like(f"%{reader}%"),
        col(CaseEvidence.ref) != str(reader),
    )


def list_hidden_evidence_ids(session: Session, kind: str, reader: UUID | None) -> list[UUID]:
    """Return the ids of evidence of one kind (``report``) that belongs to a case naming the
    reader."""
    if reader is None:
        return []
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.kind) == kind,
            col(CaseEvidence.case_id).in_(_select_cases_naming(reader)),
        )
    )
    return [UUID(ref) for ref in refs]


def request_hidden_from(reader: UUID) -> ColumnElement[bool]:
    """Condition for approval requests that were made in a case naming the reader."""
    of_case = col(ApprovalRequest.case_id)
    return and_(of_case.is_not(None), of_case.in_(_select_cases_naming(reader)))


def list_hidden_references(session: Session, reader: UUID) -> list[str]:
    """Return the references of the cases that name the reader."""
    references = session.exec(
        select(Case.reference).where(col(Case.id).in_(_select_cases_naming(reader)))
    )
    return sorted(references)


def list_co_named_staff(session: Session, reader: UUID) -> set[UUID]:
    """Return the staff members who are named in a case together with the reader."""
    shared = select(CaseSubject.staff_id).where(
        col(CaseSubject.case_id).in_(_select_cases_naming(reader)),
        col(CaseSubject.staff_id) != reader,
    )
    return set(session.exec(shared))


def audit_entry_visible_to(session: Session, reader: UUID) -> ColumnElement[bool]:
    """Condition for audit entries that the reader may see.

    It hides entries about a case that names the reader or about a request made in it, entries that
    reveal its outcome, and entries in which others act on the reader or request an action on them.
    """
    references = list_hidden_references(session, reader)
    asked = select(ApprovalRequest.id)
    about = session.exec(asked.where(col(ApprovalRequest.staff_id) == reader)).all()
    closed = session.exec(asked.where(request_hidden_from(reader))).all()
    others = or_(col(AuditEntry.staff_id).is_(None), col(AuditEntry.staff_id) != reader)
    detail = col(AuditEntry.detail)
    hidden = [
        col(AuditEntry.purpose).in_(references),
        *(detail.like(f"{item}%") for item in closed),
        and_(others, or_(*(detail.like(f"%{item}%") for item in (reader, *about, *references)))),
        and_(others, _entry_reveals_outcome(session, reader)),
    ]
    return not_(or_(*hidden))


def _entry_reveals_outcome(session: Session, reader: UUID) -> ColumnElement[bool]:
    """Condition for entries that reveal the outcome of a case naming the reader: suspensions,
    feedback to its reporters and its warnings."""
    detail, action = col(AuditEntry.detail), col(AuditEntry.action)
    both = [detail.like(f"%{staff_id}%") for staff_id in list_co_named_staff(session, reader)]
    hidden = col(Report.id).in_(list_hidden_evidence_ids(session, "report", reader))
    about = func.substr(detail, 1, REFERENCE_LENGTH)
    informed = exists().where(
        hidden,
        col(Report.customer_id) == col(AuditEntry.customer_id),
        col(Report.told_at) <= col(AuditEntry.at),
    )
    warned = exists().where(
        col(WarnedCustomer.case_id).in_(_select_cases_naming(reader)),
        col(WarnedCustomer.customer_id) == col(AuditEntry.customer_id),
        col(WarnedCustomer.at) <= col(AuditEntry.at),
    )
    return or_(
        and_(action.in_(_STAFF_ACCESS_ACTS), or_(false(), *both)),
        and_(action.like("report.%"), about.in_(select(Report.reference).where(hidden))),
        and_(action.like("text.%"), or_(informed, warned)),
    )


def find_cases_naming_investigators(session: Session, cases: Sequence[UUID]) -> set[UUID]:
    """Return those of the cases that name an investigator."""
    case_ids = session.exec(
        select(CaseSubject.case_id)
        .join(Staff, col(Staff.id) == col(CaseSubject.staff_id))
        .where(col(CaseSubject.case_id).in_(cases), col(Staff.role) == Role.INVESTIGATOR)
    )
    return set(case_ids)


def count_unworkable_cases(session: Session, reader: UUID) -> int:
    """Count the cases that name every active investigator, so that nobody can work on them.

    Cases that name the reader are not counted.
    """
    named = (
        exists()
        .where(col(CaseSubject.case_id) == col(Case.id), col(CaseSubject.staff_id) == col(Staff.id))
        .correlate(Case, Staff)
    )
    able = exists().where(col(Staff.role) == Role.INVESTIGATOR, col(Staff.active).is_(True), ~named)
    stuck = select(func.count()).select_from(Case)
    stuck = stuck.where(col(Case.state) != CaseState.CLOSED, ~able, case_visible_to(reader))
    return session.exec(stuck).one()
