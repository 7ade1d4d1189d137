"""Notes as evidence: of a case of unusual reading that names their owner, and of no other. A note
opens no case."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, func, or_
from sqlmodel import Session, col, exists, select

from incidents.cases.creation import Evidence, Fact, raise_case
from incidents.cases.models import Case, CaseEvidence, CaseSubject, Kind, State
from incidents.cases.visibility import evidence_for
from incidents.evening_notes.explanations import Note, opened
from incidents.evening_notes.models import EveningNote, NotedAccess
from vault.audit import audit_log
from vault.audit.acts import AuditAct

KIND = "note"
#: How long before a case was opened a note may have been written.
LOOKS_BACK = timedelta(days=90)
MOST = 200


def attach(session: Session, patience: timedelta, now: datetime) -> int:
    """Give each open case of unusual reading the notes of whom it names that are explained, or have
    waited longer than ``patience`` (a job of the worker); how many."""
    told = exists().where(
        col(CaseEvidence.case_id) == col(Case.id),
        col(CaseEvidence.kind) == KIND,
        func.replace(col(CaseEvidence.ref), "-", "")
        == func.replace(cast(col(EveningNote.id), String), "-", ""),
    )
    rows = session.exec(
        select(Case, EveningNote)
        .join(CaseSubject, col(CaseSubject.case_id) == col(Case.id))
        .join(EveningNote, col(EveningNote.staff_id) == col(CaseSubject.staff_id))
        .where(
            col(Case.kind) == Kind.ACCESS,
            col(Case.state) != State.CLOSED,
            or_(
                col(EveningNote.explained_at).is_not(None),
                col(EveningNote.made_at) <= now - patience,
            ),
            col(EveningNote.made_at) >= now - LOOKS_BACK,
            ~told,
        )
        .limit(MOST)
    ).all()
    return sum(_attach(session, case.id, note, now) for case, note in rows)


def _attach(session: Session, case_id: UUID, note: EveningNote, now: datetime) -> bool:
    """Closed or joined at this moment, the case takes nothing any more."""
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None or case.fold is None or case.state == State.CLOSED:
        return False
    asked, explained = session.exec(
        select(func.count(), func.count(col(NotedAccess.explained_at))).where(
            col(NotedAccess.note_id) == note.id
        )
    ).one()
    facts: dict[str, Fact] = {"accesses": asked, "explained": explained, "on": f"{note.on}"}
    evidence = [Evidence(KIND, str(note.id), note.made_at, facts=facts)]
    raise_case(session, Kind.ACCESS, case.fold, evidence, now)
    return True


def of_case(session: Session, case: Case, reader: UUID, now: datetime) -> list[Note]:
    """The notes of a case with what was said to them, for an investigator who sees the case; each
    reading is written down."""
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == KIND,
            evidence_for(reader),
        )
    )
    ids = [UUID(each) for each in refs]
    rows = session.exec(
        select(EveningNote)
        .where(col(EveningNote.id).in_(ids), col(EveningNote.staff_id) != reader)
        .order_by(col(EveningNote.id).desc())
    ).all()
    for row in rows:
        who = audit_log.staff(reader)
        audit_log.record(
            session, who, AuditAct.NOTE_READ, now, purpose=case.reference, detail=f"{row.staff_id}"
        )
    return opened(session, rows)
