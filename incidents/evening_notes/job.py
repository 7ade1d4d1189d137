"""The worker's job that writes and mails the evening notes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from incidents.evening_notes import case_evidence, due_evenings, note_creation, note_mail
from storage.session import StoreUnavailable, transaction
from vault.destinations import DestinationUnreachable, Mailer
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("notes")
INTERVAL = timedelta(minutes=1)


class EveningNotesJob:
    """Any number of workers may run the job.

    It has its own thread and a short transaction for each staff member, so that neither an evening
    with a thousand notes nor a mail server that hangs delays a text. ``patience`` is how long a
    note may stay unexplained before it becomes evidence. Without a ``mailer``, notes appear only in
    the console.
    """

    def __init__(
        self,
        patience: timedelta,
        mailer: Mailer | None,
        organisation: str,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._patience, self._mailer, self._organisation = patience, mailer, organisation
        self._engine, self._info, self._clock = engine, info, clock
        self._hands = ThreadPoolExecutor(1, "notes")
        self._busy: Future[None] | None = None
        self._rests_until: datetime | None = None

    def __call__(self, _session: Session, now: datetime) -> None:
        """Start a run once a minute, unless the last is still running."""
        if self._rests_until is not None and now < self._rests_until:
            return
        if self._busy is None or self._busy.done():
            self._rests_until = now + INTERVAL
            self._busy = self._hands.submit(self.process_evening_notes)

    @property
    def __name__(self) -> str:
        return "evening_notes"

    def process_evening_notes(self) -> None:
        """Write the notes of due evenings, and mail those that are due."""
        try:
            self._write_due_notes()
            if self._mailer is not None:
                self._mail_due_notes(self._mailer)
        except DestinationUnreachable as error:
            log.warning("mail not taken", reason=str(error))
        except (*StoreUnavailable, KeyUnavailable, Tampered):
            log.exception("notes cannot be written")

    def _write_due_notes(self) -> None:
        with self._note_transaction(read_only=True) as session:
            evenings = list(due_evenings.find_due_evenings(session, self._clock()))
        for evening in evenings:
            with self._note_transaction() as session:
                note_creation.create_evening_note(session, evening, self._clock())
        with self._note_transaction() as session:
            case_evidence.attach_notes_to_cases(session, self._patience, self._clock())

    def _mail_due_notes(self, mailer: Mailer) -> None:
        with self._note_transaction(read_only=True) as session:
            due = note_mail.list_notes_to_mail(session, self._clock())
        for note_id in due:
            self._mail_note(mailer, note_id)

    def _mail_note(self, mailer: Mailer, note_id: UUID) -> None:
        """Claim the note before sending it: a mail that may have been sent is not sent twice."""
        with self._note_transaction() as session:
            if not note_mail.claim_note(session, note_id, self._clock()):
                return
            mail = note_mail.compose_note_mail(session, note_id, self._organisation)
        try:
            mailer.send_mail(*mail)
        except DestinationUnreachable:
            with self._note_transaction() as session:
                note_mail.release_note(session, note_id)
            raise

    def _note_transaction(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        return transaction(self._engine, read_only=read_only, info=self._info)
