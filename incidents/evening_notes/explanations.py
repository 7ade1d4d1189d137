"""Explanations that staff give for the accesses in their notes.

An explanation cannot be changed. It accuses and clears nobody; it is for investigators of a case
that names its author.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.error_codes import IncidentErrorCode
from incidents.evening_notes.models import EveningNote, NotedAccess
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, NotFound
from scheduling.booking import callback_reference
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

MAX_LENGTH = 500
MAX_SHOWN = 60


@dataclass(frozen=True)
class NotedAccessView:
    """One access of a note. ``customer`` is the end of an id and does not identify anyone;
    ``callback`` is the reference shown on its card; ``words`` is empty until explained."""

    entry_id: int
    at: datetime
    customer: str
    callback: str
    purpose: str
    explained_at: datetime | None
    words: str


@dataclass(frozen=True)
class NoteView:
    """A note with the accesses it asks about, earliest first."""

    id: UUID
    staff_id: UUID
    on: date
    made_at: datetime
    explained_at: datetime | None
    asked: tuple[NotedAccessView, ...]


def count_unexplained_notes(session: Session, staff_id: UUID) -> int:
    """Count the notes that a staff member has not explained in full."""
    return session.exec(
        select(func.count()).where(
            col(EveningNote.staff_id) == staff_id, col(EveningNote.explained_at).is_(None)
        )
    ).one()


def list_staff_notes(session: Session, staff_id: UUID) -> list[NoteView]:
    """Return a staff member's own notes, newest first."""
    rows = session.exec(
        select(EveningNote)
        .where(col(EveningNote.staff_id) == staff_id)
        .order_by(col(EveningNote.id).desc())
        .limit(MAX_SHOWN)
    ).all()
    return unseal_notes(session, rows)


def unseal_notes(session: Session, notes: Sequence[EveningNote]) -> list[NoteView]:
    """Return notes with their accesses and explanations as plain text."""
    ids = [note.id for note in notes]
    asked: dict[UUID, list[NotedAccessView]] = {}
    for row in session.exec(
        select(NotedAccess)
        .where(col(NotedAccess.note_id).in_(ids))
        .order_by(col(NotedAccess.at), col(NotedAccess.entry_id))
    ):
        asked.setdefault(row.note_id, []).append(_noted_access_view(session, row))
    return [
        NoteView(n.id, n.staff_id, n.on, n.made_at, n.explained_at, tuple(asked.get(n.id, ())))
        for n in notes
    ]


def _noted_access_view(session: Session, row: NotedAccess) -> NotedAccessView:
    words = ""
    if row.explanation is not None:
        ring = keyring.current_keyring(session)
        words = ring.open_for_purpose(
            keyring.REPORTS, _explanation_context(row.id), row.explanation
        )
    return NotedAccessView(
        row.entry_id,
        row.at,
        str(row.customer_id)[-6:],
        callback_reference.format_callback_reference(row.callback_id) if row.callback_id else "",
        row.purpose,
        row.explained_at,
        words,
    )


def _explanation_context(row: UUID) -> str:
    return f"noted_access.explanation:{row}"


def save_explanations(
    session: Session,
    staff_id: UUID,
    note_id: UUID,
    words: Mapping[int, str],
    for_all: str,
    now: datetime,
) -> None:
    """Store explanations by audit entry, and ``for_all`` for accesses without their own.

    Existing explanations are kept. Raises ``NotFound``, or ``InvalidInput`` if nothing is written
    or it cannot be stored.
    """
    note = session.exec(
        select(EveningNote)
        .where(col(EveningNote.id) == note_id, col(EveningNote.staff_id) == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if note is None:
        raise NotFound(IncidentErrorCode.NOTE_NOT_FOUND)
    rows = session.exec(
        select(NotedAccess).where(
            col(NotedAccess.note_id) == note.id, col(NotedAccess.explained_at).is_(None)
        )
    ).all()
    general = _clean_explanation("all", for_all)
    explanations = {
        row.entry_id: _clean_explanation(f"e{row.entry_id}", words.get(row.entry_id, ""))
        for row in rows
    }
    done = [
        row
        for row in rows
        if _save_explanation(session, row, explanations[row.entry_id] or general, now)
    ]
    if rows and not done:
        raise InvalidInput("all", IncidentErrorCode.EXPLANATION_MISSING)
    if len(done) == len(rows) and note.explained_at is None:
        note.explained_at = now
        session.add(note)
    session.flush()
    detail = f"{note.id} {len(done)}"
    audit_log.record_act(
        session, audit_log.staff_actor(staff_id), AuditAct.NOTE_EXPLAIN, now, detail=detail
    )


def _save_explanation(session: Session, row: NotedAccess, words: str, now: datetime) -> bool:
    if not words:
        return False
    ring = keyring.current_keyring(session)
    row.explanation = ring.seal_for_purpose(keyring.REPORTS, _explanation_context(row.id), words)
    row.explained_at = now
    session.add(row)
    return True


def _clean_explanation(field: str, text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) > MAX_LENGTH:
        raise InvalidInput(field, PeopleErrorCode.TEXT_TOO_LONG, limit=MAX_LENGTH)
    if any(ord(char) < 32 or ord(char) == 127 for char in plain):
        raise InvalidInput(field, PeopleErrorCode.TEXT_HAS_INVISIBLE_CHARACTER)
    return plain
