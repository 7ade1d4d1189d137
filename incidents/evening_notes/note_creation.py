"""Writing somebody's note: once an evening, whoever writes it and whatever stopped them before."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from incidents.access.justification import Access, with_nothing_behind
from incidents.evening_notes.due_evenings import Evening
from incidents.evening_notes.models import EveningNote, EveningRound, NotedAccess
from people.models import Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct

A_DAY = timedelta(days=1)


def write(session: Session, evening: Evening, now: datetime) -> EveningNote | None:
    """The note of an evening, if there is anything to ask. It asks about all since the evening
    before that was looked at, so that days on which no worker ran are not lost, and never twice
    about the same; the first looks back over a day."""
    last = _turn(session, evening)
    if last is None or last.on >= evening.on:
        return None
    since, last.on, last.covered_until = last.covered_until, evening.on, evening.until
    session.add(last)
    session.flush()
    found = with_nothing_behind(session, evening.staff_id, since, evening.until, now)
    return _noted(session, evening, found, now) if found else None


def _turn(session: Session, evening: Evening) -> EveningRound | None:
    """The row that lets one at a time write to somebody, locked; none if another is at it who came
    first."""
    row = session.get(EveningRound, evening.staff_id, with_for_update=True, populate_existing=True)
    if row is not None:
        return row
    member = session.get_one(Staff, evening.staff_id)
    row = EveningRound(
        staff_id=evening.staff_id,
        on=evening.on - A_DAY,
        covered_until=max(evening.until - A_DAY, member.created_at),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return row


def _noted(session: Session, evening: Evening, found: list[Access], now: datetime) -> EveningNote:
    note = EveningNote(staff_id=evening.staff_id, on=evening.on, made_at=now)
    session.add(note)
    session.flush()
    session.add_all(_asked(note.id, each) for each in found)
    session.flush()
    detail = f"{evening.staff_id} {len(found)}"
    audit_log.record(session, audit_log.SYSTEM, AuditAct.NOTE_WRITE, now, detail=detail)
    return note


def _asked(note_id: UUID, access: Access) -> NotedAccess:
    return NotedAccess(
        entry_id=access.entry_id,
        note_id=note_id,
        customer_id=access.customer_id,
        callback_id=access.callback_id,
        at=access.at,
        purpose=access.purpose,
    )
