"""What staff say to their notes. What is written stays as it is; it accuses nobody and clears
nobody, and is there for whoever works on a case that names its author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.evening_notes.models import EveningNote, NotedAccess
from people.errors import InvalidInput, NotFound
from scheduling.booking import callback_reference
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

LIMIT = 500
SHOWN = 60


@dataclass(frozen=True)
class Asked:
    """One access of a note. ``customer`` is the end of an id and says nothing of who it is;
    ``callback`` is the reference that stands on its card; ``words`` are empty until explained."""

    entry_id: int
    at: datetime
    customer: str
    callback: str
    purpose: str
    explained_at: datetime | None
    words: str


@dataclass(frozen=True)
class Note:
    """A note with what it asks about, earliest first."""

    id: UUID
    staff_id: UUID
    on: date
    made_at: datetime
    explained_at: datetime | None
    asked: tuple[Asked, ...]


def waiting(session: Session, staff_id: UUID) -> int:
    """How many notes somebody has not explained in full."""
    return session.exec(
        select(func.count()).where(
            col(EveningNote.staff_id) == staff_id, col(EveningNote.explained_at).is_(None)
        )
    ).one()


def of(session: Session, staff_id: UUID) -> list[Note]:
    """Somebody's notes, for themselves, newest first."""
    rows = session.exec(
        select(EveningNote)
        .where(col(EveningNote.staff_id) == staff_id)
        .order_by(col(EveningNote.id).desc())
        .limit(SHOWN)
    ).all()
    return opened(session, rows)


def opened(session: Session, notes: Sequence[EveningNote]) -> list[Note]:
    """Notes with what they ask about and what was said to it."""
    ids = [each.id for each in notes]
    asked: dict[UUID, list[Asked]] = {}
    for row in session.exec(
        select(NotedAccess)
        .where(col(NotedAccess.note_id).in_(ids))
        .order_by(col(NotedAccess.at), col(NotedAccess.entry_id))
    ):
        asked.setdefault(row.note_id, []).append(_asked(session, row))
    return [
        Note(n.id, n.staff_id, n.on, n.made_at, n.explained_at, tuple(asked.get(n.id, ())))
        for n in notes
    ]


def _asked(session: Session, row: NotedAccess) -> Asked:
    words = ""
    if row.explanation is not None:
        ring = keyring.of(session)
        words = ring.open_for(keyring.REPORTS, _place(row.id), row.explanation)
    return Asked(
        row.entry_id,
        row.at,
        str(row.customer_id)[-6:],
        callback_reference.of(row.callback_id) if row.callback_id else "",
        row.purpose,
        row.explained_at,
        words,
    )


def _place(row: UUID) -> str:
    return f"noted_access.explanation:{row}"


def explain(
    session: Session,
    staff_id: UUID,
    note_id: UUID,
    words: Mapping[int, str],
    for_all: str,
    now: datetime,
) -> None:
    """Keep what somebody says to accesses of their note, by audit entry, and ``for_all`` to those
    without words of their own. What has been explained is left as it is.

    Raises ``NotFound``, or ``InvalidInput`` where nothing is said or it cannot be kept.
    """
    note = session.exec(
        select(EveningNote)
        .where(col(EveningNote.id) == note_id, col(EveningNote.staff_id) == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if note is None:
        raise NotFound("There is no such note of yours.")
    rows = session.exec(
        select(NotedAccess).where(
            col(NotedAccess.note_id) == note.id, col(NotedAccess.explained_at).is_(None)
        )
    ).all()
    general = _clean("all", for_all)
    said = {row.entry_id: _clean(f"e{row.entry_id}", words.get(row.entry_id, "")) for row in rows}
    done = [row for row in rows if _keep(session, row, said[row.entry_id] or general, now)]
    if rows and not done:
        raise InvalidInput("all", "Write a sentence or two: what you needed the record for.")
    if len(done) == len(rows) and note.explained_at is None:
        note.explained_at = now
        session.add(note)
    session.flush()
    detail = f"{note.id} {len(done)}"
    audit_log.record(session, audit_log.staff(staff_id), AuditAct.NOTE_EXPLAIN, now, detail=detail)


def _keep(session: Session, row: NotedAccess, words: str, now: datetime) -> bool:
    if not words:
        return False
    ring = keyring.of(session)
    row.explanation = ring.seal_for(keyring.REPORTS, _place(row.id), words)
    row.explained_at = now
    session.add(row)
    return True


def _clean(field: str, text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) > LIMIT:
        raise InvalidInput(field, f"Use at most {LIMIT} characters.")
    if any(ord(char) < 32 or ord(char) == 127 for char in plain):
        raise InvalidInput(field, "Remove the characters that cannot be shown.")
    return plain
