"""Mails evening notes. A mail says no more than the note: times, the ends of ids, purposes; it
contains no personal data and no link."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from incidents.evening_notes.explanations import NoteView, unseal_notes
from incidents.evening_notes.models import EveningNote
from messaging import mail_templates
from messaging.mail_templates import MailContext
from people.models import Staff
from people.staff import staff_records

#: Notes older than this are no longer mailed; they stay in the console.
MAIL_WINDOW = timedelta(hours=12)
BATCH_SIZE = 50


def list_notes_to_mail(session: Session, now: datetime) -> list[UUID]:
    """Return the ids of notes to mail."""
    rows = session.exec(
        select(EveningNote.id)
        .where(col(EveningNote.mailed_at).is_(None), col(EveningNote.made_at) > now - MAIL_WINDOW)
        .order_by(col(EveningNote.made_at))
        .limit(BATCH_SIZE)
    )
    return list(rows)


def claim_note(session: Session, note_id: UUID, now: datetime) -> bool:
    """Claim a note for mailing; it stays claimed even if this process dies while sending."""
    taken = session.exec(
        update(EveningNote)
        .where(col(EveningNote.id) == note_id, col(EveningNote.mailed_at).is_(None))
        .values(mailed_at=now)
    )
    return bool(taken.rowcount)


def release_note(session: Session, note_id: UUID) -> None:
    """Release a note that the mail server did not accept, so that it is retried."""
    session.exec(update(EveningNote).where(col(EveningNote.id) == note_id).values(mailed_at=None))


def compose_note_mail(session: Session, note_id: UUID, mail: MailContext) -> tuple[str, str, str]:
    """Return recipient, subject and body."""
    row = session.get_one(EveningNote, note_id)
    member = staff_records.open_staff_details(session, session.get_one(Staff, row.staff_id))
    body = render_note_body(unseal_notes(session, [row])[0], member.timezone, mail)
    return member.email, mail_templates.note_subject(mail, row.on), body


def render_note_body(note: NoteView, zone: str, mail: MailContext) -> str:
    """Render the body of the mail."""
    lines = (
        mail_templates.note_line(mail, item.at, zone, item.customer, item.purpose)
        for item in note.asked
    )
    return mail_templates.note_body(mail, lines)
