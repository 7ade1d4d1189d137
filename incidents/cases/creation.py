"""Opens a case, or adds to the case that is already open about the same thing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from incidents.cases import states
from incidents.cases.models import Case, CaseEvent, CaseEvidence, CaseKind, CaseState, CaseSubject
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
FactValue = str | int | float | bool | None | Sequence[str]


@dataclass(frozen=True)
class NewEvidence:
    """A piece of evidence to add. ``facts`` are ids, counts, times (ISO 8601) and fixed words,
    never personal data."""

    kind: str
    ref: str
    at: datetime
    customer_id: UUID | None = None
    facts: Mapping[str, FactValue] = field(default_factory=dict)


def open_or_extend_case(
    session: Session,
    kind: CaseKind,
    fold: str,
    evidence: Sequence[NewEvidence],
    now: datetime,
    *,
    subjects: Iterable[UUID] = (),
    actor: audit_log.Actor = audit_log.SYSTEM,
) -> Case:
    """Add evidence and subjects (staff members) to the case about ``fold``, and return it.

    ``fold`` is the deduplication key, for example ``budget:STAFF:2026-11-25``. A new case is opened
    unless one with this key is open or taken. The same evidence counts once.
    """
    case = _lock_unclosed_case(session, fold) or _insert_new_case(session, kind, fold, actor, now)
    add_case_subjects(session, case, subjects, now)
    added = [piece for piece in evidence if _insert_case_evidence(session, case, piece)]
    if added:
        case.changed_at = now
        session.add(case)
        audit_log.record_act_per_customer(
            session,
            actor,
            AuditAct.CASE_EVIDENCE,
            now,
            about=[(piece.customer_id, None) for piece in added],
            purpose=case.reference,
            detail=kind,
        )
    session.flush()
    return case


def access_dedup_key(staff_id: UUID) -> str:
    """Return the deduplication key of a case about a staff member's unusual accesses."""
    return f"access:{staff_id}"


def budget_dedup_key(staff_id: UUID, now: datetime) -> str:
    """Return the deduplication key of a case about a staff member's exceeded budget on a day
    (UTC)."""
    return f"budget:{staff_id}:{now:%Y-%m-%d}"


def choose_dedup_key(session: Session, now: datetime, *folds: str) -> str:
    """Return the first of the keys that has an unclosed case changed today (UTC), or else the first
    key.

    So one burst is reported in one case.
    """
    rows = session.exec(
        select(Case.fold, Case.changed_at).where(
            col(Case.fold).in_(folds), col(Case.state) != CaseState.CLOSED
        )
    )
    of_today = {fold for fold, changed in rows if changed.date() == now.date()}
    return next((key for key in folds if key in of_today), folds[0])


def add_case_subjects(
    session: Session, case: Case, subjects: Iterable[UUID], now: datetime
) -> None:
    """Add staff members as subjects of a case, and of the cases merged into it.

    A subject who holds the case loses it (rule I5). Merged cases are included because this case
    contains their evidence.
    """
    people = list(subjects)
    for joined in _lock_merged_cases(session, case) if people else ():
        add_case_subjects(session, joined, people, now)
    for person in people:
        if session.get(CaseSubject, (case.id, person)) is None:
            session.add(CaseSubject(case_id=case.id, staff_id=person))
            session.flush()
        if case.state == CaseState.TAKEN and case.taken_by == person:
            states.transition_case(session, case, CaseState.OPEN, now)
            add_case_event(session, case, AuditAct.CASE_WITHDRAWN, "", audit_log.SYSTEM, now)


def _lock_merged_cases(session: Session, case: Case) -> Sequence[Case]:
    statement = select(Case).where(col(Case.joined_into) == case.id).order_by(col(Case.id))
    return session.exec(statement.with_for_update()).all()


def _lock_unclosed_case(session: Session, fold: str) -> Case | None:
    return session.exec(
        select(Case)
        .where(col(Case.fold) == fold, col(Case.state) != CaseState.CLOSED)
        .with_for_update()
    ).first()


def has_unclosed_case(session: Session, fold: str) -> bool:
    """Return whether a case with this deduplication key is not closed."""
    where = col(Case.fold) == fold, col(Case.state) != CaseState.CLOSED
    return session.exec(select(Case.id).where(*where).limit(1)).first() is not None


def generate_case_reference() -> str:
    """Return a random case reference such as ``C2345678``; it does not reveal how many cases there
    are."""
    return "C" + "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(7))


def _insert_new_case(
    session: Session, kind: CaseKind, fold: str, actor: audit_log.Actor, now: datetime
) -> Case:
    case = Case(
        reference=generate_case_reference(), kind=kind, fold=fold, opened_at=now, changed_at=now
    )
    try:
        with session.begin_nested():
            session.add(case)
            session.flush()
    except IntegrityError:  # another transaction opened it concurrently
        return session.exec(select(Case).where(col(Case.fold) == fold).with_for_update()).one()
    add_case_event(session, case, AuditAct.CASE_OPENED, "", actor, now)
    return case


def _insert_case_evidence(session: Session, case: Case, each: NewEvidence) -> bool:
    known = session.exec(
        select(CaseEvidence.id).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == each.kind,
            col(CaseEvidence.ref) == each.ref,
        )
    ).first()
    if known is not None:
        return False
    session.add(
        CaseEvidence(
            case_id=case.id,
            kind=each.kind,
            ref=each.ref,
            customer_id=each.customer_id,
            at=each.at,
            facts=json.dumps(dict(each.facts), sort_keys=True),
        )
    )
    return True


def case_event_kind(act: AuditAct) -> str:
    """Return the event kind of an audit act: ``taken`` for ``case.taken``."""
    return act.value.removeprefix("case.")


def add_case_event(
    session: Session, case: Case, act: AuditAct, words: str, actor: audit_log.Actor, now: datetime
) -> None:
    """Record an event of a case, in the case and in the audit log."""
    row = new_id()
    session.add(
        CaseEvent(
            id=row,
            case_id=case.id,
            at=now,
            actor=actor.kind,
            staff_id=actor.staff_id,
            kind=case_event_kind(act),
            words=keyring.current_keyring(session).seal_for_purpose(
                keyring.REPORTS, f"case_step.words:{row}", words
            ),
        )
    )
    session.flush()
    audit_log.record_act(session, actor, act, now, purpose=case.reference, detail=case.kind)
