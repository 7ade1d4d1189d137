"""Notes as evidence, only in cases of unusual access that name their owner. A note opens no
case."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, func, or_
from sqlmodel import Session, col, exists, select

from incidents.cases.creation import FactValue, NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState, CaseSubject
from incidents.cases.visibility import evidence_visible_to
from incidents.evening_notes.explanations import NoteView, unseal_notes
from incidents.evening_notes.models import EveningNote, NotedAccess
from vault.audit import audit_log
from vault.audit.acts import AuditAct

EVIDENCE_KIND = "note"
#: Notes written up to this long ago are attached.
NOTE_LOOKBACK = timedelta(days=90)
BATCH_SIZE = 200


def attach_notes_to_cases(session: Session, patience: timedelta, now: datetime) -> int:
    """Attach notes of the named staff members to each open case of unusual access; return how many
    (a job of the worker).

    A note is attached once it is explained, or has waited longer than ``patience``.
    """
    attached = exists().where(
        col(CaseEvidence.case_id) == col(Case.id),
        col(CaseEvidence.kind) == EVIDENCE_KIND,
        func.replace(col(CaseEvidence.ref), "-", "")
        == func.replace(cast(col(EveningNote.id), String), "-", ""),
    )
    rows = session.exec(
        select(Case, EveningNote)
        .join(CaseSubject, col(CaseSubject.case_id) == col(Case.id))
        .join(EveningNote, col(EveningNote.staff_id) == col(CaseSubject.staff_id))
        .where(
            col(Case.kind) == CaseKind.ACCESS,
            col(Case.state) != CaseState.CLOSED,
            or_(
                col(EveningNote.explained_at).is_not(None),
                col(EveningNote.made_at) <= now - patience,
            ),
            col(EveningNote.made_at) >= now - NOTE_LOOKBACK,
            ~attached,
        )
        .limit(BATCH_SIZE)
    ).all()
    return sum(_attach_note(session, case.id, note, now) for case, note in rows)


def _attach_note(session: Session, case_id: UUID, note: EveningNote, now: datetime) -> bool:
    """Attach a note, unless the case has been closed or merged in the meantime; return whether it
    was attached."""
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None or case.fold is None or case.state == CaseState.CLOSED:
        return False
    asked, explained = session.exec(
        select(func.count(), func.count(col(NotedAccess.explained_at))).where(
            col(NotedAccess.note_id) == note.id
        )
    ).one()
    facts: dict[str, FactValue] = {"accesses": asked, "explained": explained, "on": f"{note.on}"}
    evidence = [NewEvidence(EVIDENCE_KIND, str(note.id), note.made_at, facts=facts)]
    open_or_extend_case(session, CaseKind.ACCESS, case.fold, evidence, now)
    return True


def read_case_notes(session: Session, case: Case, reader: UUID, now: datetime) -> list[NoteView]:
    """Return the notes of a case with their explanations, for an investigator who may see the case.

    Each access is recorded in the audit log.
    """
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == EVIDENCE_KIND,
            evidence_visible_to(reader),
        )
    )
    ids = [UUID(ref) for ref in refs]
    rows = session.exec(
        select(EveningNote)
        .where(col(EveningNote.id).in_(ids), col(EveningNote.staff_id) != reader)
        .order_by(col(EveningNote.id).desc())
    ).all()
    for row in rows:
        who = audit_log.staff_actor(reader)
        audit_log.record_act(
            session, who, AuditAct.NOTE_READ, now, purpose=case.reference, detail=f"{row.staff_id}"
        )
    return unseal_notes(session, rows)
