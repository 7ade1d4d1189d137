"""Who sees which case: nobody one that names them, nor anything of it (rule I5).

Every reading of cases, of their evidence and of the audit log goes through the conditions here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from incidents.cases.models import Case, CaseEvidence, CaseSubject, State
from people.approvals.models import ApprovalRequest
from people.errors import NotAllowed, NotFound
from people.models import Role, Staff
from vault.models import AuditEntry


def not_named(reader: UUID) -> ColumnElement[bool]:
    """Cases that do not name the reader."""
    return col(Case.id).not_in(_naming(reader))


def _naming(reader: UUID) -> Any:
    return select(CaseSubject.case_id).where(col(CaseSubject.staff_id) == reader)


def seen(session: Session, reference: str, reader: UUID, *, lock: bool = False) -> Case:
    """The case of that reference. Raises ``NotFound``, alike for one that names the reader and for
    none."""
    statement = select(Case).where(col(Case.reference) == reference, not_named(reader))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.exec(statement).first()
    if found is None:
        raise NotFound("There is no such case.")
    return found


def held(session: Session, reference: str, reader: UUID) -> Case:
    """The case of that reference, locked, which the reader has taken. Raises ``NotFound`` or
    ``NotAllowed``."""
    case = seen(session, reference, reader, lock=True)
    if case.state == State.CLOSED:
        raise NotAllowed("This case is closed. Reopen it before you work on it.")
    if case.state == State.OPEN:
        raise NotAllowed("Take this case first: only who holds it works on it.")
    if case.taken_by != reader:
        raise NotAllowed("A colleague holds this case. Until they give it back you can only read.")
    return case


def evidence_for(reader: UUID) -> ColumnElement[bool]:
    """Evidence that the reader may see: none that names them, and none that is evidence of a case
    that does."""
    other = aliased(CaseEvidence)
    elsewhere = exists().where(
        col(other.kind) == col(CaseEvidence.kind),
        col(other.ref) == col(CaseEvidence.ref),
        col(other.case_id).in_(_naming(reader)),
    )
    return and_(
        ~elsewhere,
        col(CaseEvidence.facts).not_like(f"%{reader}%"),
        col(CaseEvidence.ref) != str(reader),
    )


def hidden_ids(session: Session, kind: str, reader: UUID | None) -> list[UUID]:
    """The ids of what, of a kind (``report``), is evidence of a case that names the reader."""
    if reader is None:
        return []
    found = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.kind) == kind, col(CaseEvidence.case_id).in_(_naming(reader))
        )
    )
    return [UUID(each) for each in found]


def entries_for(session: Session, reader: UUID) -> ColumnElement[bool]:
    """Audit entries that the reader may see: none about a case that names them, none in which
    others deal with them or ask that something be done about them, and none that is evidence
    against them."""
    references = select(Case.reference).where(col(Case.id).in_(_naming(reader)))
    asked = session.exec(
        select(ApprovalRequest.id).where(col(ApprovalRequest.staff_id) == reader)
    ).all()
    by_others = or_(col(AuditEntry.staff_id).is_(None), col(AuditEntry.staff_id) != reader)
    about = [col(AuditEntry.detail).like(f"%{each}%") for each in (reader, *asked)]
    return and_(col(AuditEntry.purpose).not_in(references), ~and_(by_others, or_(*about)))


def naming_investigators(session: Session, cases: Sequence[UUID]) -> set[UUID]:
    """Those of the cases that name an investigator."""
    found = session.exec(
        select(CaseSubject.case_id)
        .join(Staff, col(Staff.id) == col(CaseSubject.staff_id))
        .where(col(CaseSubject.case_id).in_(cases), col(Staff.role) == Role.INVESTIGATOR)
    )
    return set(found)


def without_investigator(session: Session) -> int:
    """How many cases name every investigator there is, so that nobody can work on them."""
    named = (
        exists()
        .where(col(CaseSubject.case_id) == col(Case.id), col(CaseSubject.staff_id) == col(Staff.id))
        .correlate(Case, Staff)
    )
    able = exists().where(col(Staff.role) == Role.INVESTIGATOR, col(Staff.active).is_(True), ~named)
    found = session.exec(select(Case.id).where(col(Case.state) != State.CLOSED, ~able)).all()
    return len(found)
