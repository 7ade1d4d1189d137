"""Creates a staff member's note: once an evening, with concurrent workers and after crashes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from incidents.access.justification import Access, list_unjustified_accesses
from incidents.evening_notes.due_evenings import DueEvening
from incidents.evening_notes.models import EveningNote, EveningProgress, NotedAccess
from people.models import Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

ONE_DAY = timedelta(days=1)


def create_evening_note(session: Session, evening: DueEvening, now: datetime) -> EveningNote | None:
    """Create the note of an evening, if there is anything to ask; otherwise return ``None``.

    It covers all accesses since the last processed evening, so that days without a worker are not
    lost and no access is asked about twice. The first note covers one day.
    """
    last = _lock_evening_progress(session, evening)
    if last is None or last.on >= evening.on:
        return None
    since, last.on, last.covered_until = last.covered_until, evening.on, evening.until
    session.add(last)
    session.flush()
    accesses = list_unjustified_accesses(session, evening.staff_id, since, evening.until, now)
    return _insert_evening_note(session, evening, accesses, now) if accesses else None


def _lock_evening_progress(session: Session, evening: DueEvening) -> EveningProgress | None:
    """Lock the row that serialises notes to a staff member; ``None`` if another transaction created
    it first."""
    row = session.get(
        EveningProgress, evening.staff_id, with_for_update=True, populate_existing=True
    )
    if row is not None:
        return row
    member = session.get_one(Staff, evening.staff_id)
    row = EveningProgress(
        staff_id=evening.staff_id,
        on=evening.on - ONE_DAY,
        covered_until=max(evening.until - ONE_DAY, member.created_at),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return row


def _insert_evening_note(
    session: Session, evening: DueEvening, found: list[Access], now: datetime
) -> EveningNote:
    note = EveningNote(staff_id=evening.staff_id, on=evening.on, made_at=now)
    session.add(note)
    session.flush()
    session.add_all(_noted_access_row(note.id, access) for access in found)
    session.flush()
    detail = f"{evening.staff_id} {len(found)}"
    audit_log.record_act(session, audit_log.SYSTEM, AuditAct.NOTE_WRITE, now, detail=detail)
    return note


def _noted_access_row(note_id: UUID, access: Access) -> NotedAccess:
    return NotedAccess(
        entry_id=access.entry_id,
        note_id=note_id,
        customer_id=access.customer_id,
        callback_id=access.callback_id,
        at=access.at,
        purpose=access.purpose,
    )
