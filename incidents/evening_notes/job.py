"""The worker's job that writes and mails the evening notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine

from incidents.evening_notes import case_evidence, due_evenings, note_creation, note_mail
from messaging.mail_templates import MailContext
from vault.destinations import DestinationUnreachable, Mailer
from vault.threaded_job import ThreadedJob

log = structlog.get_logger("notes")
INTERVAL = timedelta(minutes=1)


class EveningNotesJob(ThreadedJob):
    """Writes and mails notes once a minute, each staff member's in a transaction of its own.

    ``patience`` is how long a note may stay unexplained before it becomes evidence. Without a
    ``mailer``, notes appear only in the console.
    """

    name = "evening_notes"
    interval = INTERVAL

    def __init__(
        self,
        patience: timedelta,
        mailer: Mailer | None,
        mail: MailContext,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(engine, info, clock)
        self._patience, self._mailer, self._mail = patience, mailer, mail

    def run(self) -> None:
        """Write the notes of due evenings, and mail those that are due."""
        try:
            self._write_due_notes()
            if self._mailer is not None:
                self._mail_due_notes(self._mailer)
        except DestinationUnreachable as error:
            log.warning("mail not taken", reason=str(error))

    def _write_due_notes(self) -> None:
        with self.open_transaction(read_only=True) as session:
            evenings = list(due_evenings.find_due_evenings(session, self._clock()))
        for evening in evenings:
            with self.open_transaction() as session:
                note_creation.create_evening_note(session, evening, self._clock())
        with self.open_transaction() as session:
            case_evidence.attach_notes_to_cases(session, self._patience, self._clock())

    def _mail_due_notes(self, mailer: Mailer) -> None:
        with self.open_transaction(read_only=True) as session:
            due = note_mail.list_notes_to_mail(session, self._clock())
        for note_id in due:
            self._mail_note(mailer, note_id)

    def _mail_note(self, mailer: Mailer, note_id: UUID) -> None:
        """Claim the note before sending it: a mail that may have been sent is not sent twice."""
        with self.open_transaction() as session:
            if not note_mail.claim_note(session, note_id, self._clock()):
                return
            composed = note_mail.compose_note_mail(session, note_id, self._mail)
        try:
            mailer.send_mail(*composed)
        except DestinationUnreachable:
            with self.open_transaction() as session:
                note_mail.release_note(session, note_id)
            raise
