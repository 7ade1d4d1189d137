"""Merges and splits cases that were grouped wrongly. Both can be undone: moved evidence stores the
case it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.cases import states
from incidents.cases.creation import (
    add_case_event,
    add_case_subjects,
    generate_case_reference,
)
from incidents.cases.models import (
    Case,
    CaseEvidence,
    CaseOutcome,
    CaseState,
    CaseSubject,
    GroupedReport,
)
from incidents.cases.visibility import evidence_visible_to, get_held_case, get_visible_case
from incidents.cases.workflow import clean_case_reason
from incidents.error_codes import IncidentErrorCode
from people.errors import InvalidInput, NotFound
from scheduling.errors import WrongState
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct


def merge_cases(
    session: Session, into: str, other: str, who: UUID, words: str, now: datetime
) -> Case:
    """Merge another case, open or held by the same investigator, into a held case. The other case
    is closed.

    Raises ``NotFound``, ``NotAllowed``, ``InvalidInput`` or ``WrongState``.
    """
    case = get_held_case(session, into, who)
    plain = clean_case_reason(words, "joining")
    try:
        second = get_visible_case(session, other, who, lock=True)
    except NotFound:
        raise InvalidInput("other", IncidentErrorCode.CASE_NOT_FOUND) from None
    if second.id == case.id:
        raise InvalidInput("other", IncidentErrorCode.CASE_IS_THE_SAME)
    if second.state == CaseState.CLOSED or second.taken_by not in (None, who):
        raise WrongState(IncidentErrorCode.CASE_NOT_FREE)
    moved = _list_case_evidence(session, second)
    for row in moved:
        _move_evidence_row(session, row, case, second.id)
    second.outcome, second.joined_into = CaseOutcome.JOINED, case.id
    session.add(second)
    session.flush()
    add_case_subjects(
        session,
        case,
        [*_list_case_subject_ids(session, case), *_list_case_subject_ids(session, second)],
        now,
    )
    states.transition_case(session, second, CaseState.CLOSED, now)
    by = audit_log.staff_actor(who)
    record_manual_grouping(session, moved, case.id, now)
    add_case_event(session, second, AuditAct.CASE_JOINED, f"{case.reference}\n{plain}", by, now)
    add_case_event(session, case, AuditAct.CASE_JOINED, f"{second.reference}\n{plain}", by, now)
    return case


def list_merged_cases(session: Session, case: Case) -> list[Case]:
    """Return the cases that were merged into this one and can be taken out again.

    Everyone named in them is also named in this case.
    """
    origin_ids = select(CaseEvidence.from_case_id).where(
        col(CaseEvidence.case_id) == case.id, col(CaseEvidence.from_case_id).is_not(None)
    )
    return list(session.exec(select(Case).where(col(Case.id).in_(origin_ids))))


def undo_case_merge(
    session: Session, reference: str, other: str, who: UUID, words: str, now: datetime
) -> Case:
    """Undo a merge: the other case is open again, with its evidence. Raises as
    :func:`merge_cases`."""
    case = get_held_case(session, reference, who)
    plain = clean_case_reason(words, "parting")
    second = next(
        (merged for merged in list_merged_cases(session, case) if merged.reference == other),
        None,
    )
    if second is None:
        raise InvalidInput("other", IncidentErrorCode.CASE_NOT_MERGED_HERE)
    rows = [row for row in _list_case_evidence(session, case) if row.from_case_id == second.id]
    for row in rows:
        row.case_id, row.from_case_id = second.id, None
        session.add(row)
    add_case_subjects(session, second, _list_case_subject_ids(session, case), now)
    second.outcome = second.joined_into = None
    states.transition_case(session, second, CaseState.OPEN, now)
    record_manual_grouping(session, rows, second.id, now)
    by = audit_log.staff_actor(who)
    add_case_event(session, case, AuditAct.CASE_PARTED, f"{second.reference}\n{plain}", by, now)
    add_case_event(session, second, AuditAct.CASE_PARTED, f"{case.reference}\n{plain}", by, now)
    return case


def split_case_evidence(
    session: Session, reference: str, parts: Sequence[UUID], who: UUID, words: str, now: datetime
) -> Case:
    """Move some of a case's evidence into a new, open case that names the same people; return it.

    Raises as :func:`merge_cases`.
    """
    case = get_held_case(session, reference, who)
    plain = clean_case_reason(words, "parting")
    rows = session.exec(
        select(CaseEvidence).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.id).in_(parts),
            evidence_visible_to(who),
        )
    ).all()
    if not rows:
        raise InvalidInput("part", IncidentErrorCode.SPLIT_EMPTY)
    if len(rows) == _count_visible_evidence(session, case, who):
        raise InvalidInput("part", IncidentErrorCode.SPLIT_TAKES_ALL)
    fresh = _insert_split_case(session, case, now)
    for row in rows:
        _move_evidence_row(session, row, fresh, None)
    add_case_subjects(session, fresh, _list_case_subject_ids(session, case), now)
    record_manual_grouping(session, rows, fresh.id, now)
    by = audit_log.staff_actor(who)
    add_case_event(session, case, AuditAct.CASE_PARTED, f"{fresh.reference}\n{plain}", by, now)
    add_case_event(session, fresh, AuditAct.CASE_PARTED, f"{case.reference}\n{plain}", by, now)
    return fresh


def _insert_split_case(session: Session, case: Case, now: datetime) -> Case:
    new_case = Case(
        reference=generate_case_reference(),
        kind=case.kind,
        fold=f"{case.kind}:{new_id()}",
        opened_at=now,
        changed_at=now,
    )
    session.add(new_case)
    session.flush()
    return new_case


def _list_case_evidence(session: Session, case: Case) -> list[CaseEvidence]:
    return list(session.exec(select(CaseEvidence).where(col(CaseEvidence.case_id) == case.id)))


def _count_visible_evidence(session: Session, case: Case, who: UUID) -> int:
    """Count only the evidence that the reader may see: they must learn nothing of the rest."""
    of_case = (col(CaseEvidence.case_id) == case.id, evidence_visible_to(who))
    return session.exec(select(func.count()).select_from(CaseEvidence).where(*of_case)).one()


def _list_case_subject_ids(session: Session, case: Case) -> list[UUID]:
    statement = select(CaseSubject.staff_id).where(col(CaseSubject.case_id) == case.id)
    return list(session.exec(statement))


def _move_evidence_row(session: Session, row: CaseEvidence, to: Case, origin: UUID | None) -> None:
    """Move a piece of evidence. It stays where it is if the target case has the same evidence: it
    counts once."""
    twin = select(CaseEvidence.id).where(
        col(CaseEvidence.case_id) == to.id,
        col(CaseEvidence.kind) == row.kind,
        col(CaseEvidence.ref) == row.ref,
    )
    if session.exec(twin).first() is None:
        row.case_id, row.from_case_id = to.id, origin
        session.add(row)
        session.flush()


def record_manual_grouping(
    session: Session, rows: Sequence[CaseEvidence], case_id: UUID, now: datetime
) -> None:
    """Record that these reports were moved to a case by hand."""
    for row in rows:
        if row.kind == "report":
            session.merge(GroupedReport(report_id=UUID(row.ref), case_id=case_id, at=now))
    session.flush()
