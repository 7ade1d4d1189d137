"""Mails to staff about their own sign-in: a job of the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from channels.console.account.sign_in_labels import NOTICES
from people.models import Staff
from people.staff import security_notices, staff_records
from people.staff.security_notices import Notice
from storage.session import StoreUnavailable, transaction
from vault.destinations import DestinationUnreachable, Mailer
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("staff")


class StaffMailJob:
    """Mails security notices to staff. Any number of workers may run it.

    It runs in its own thread, so that a mail server that hangs delays no text. A mail contains only
    what the account page shows.
    """

    def __init__(
        self,
        mailer: Mailer,
        organisation: str,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._mailer, self._subject = mailer, f"Vouchline {organisation}: your sign-in"
        self._engine, self._info, self._clock = engine, info, clock
        self._hands = ThreadPoolExecutor(1, "staff-mail")
        self._busy: Future[None] | None = None

    def __call__(self, _session: Session, _now: datetime) -> None:
        """Start the job, unless it is still running."""
        if self._busy is None or self._busy.done():
            self._busy = self._hands.submit(self.mail_due_notices)

    @property
    def __name__(self) -> str:
        return "staff_mail"

    def mail_due_notices(self) -> None:
        """Mail the due notices, and stop at the first that the mail server does not accept."""
        try:
            with self._staff_mail_transaction() as session:
                due = [
                    (row.id, row.staff_id, row.kind)
                    for row in security_notices.list_unmailed_notices(session, self._now)
                ]
            for notice_id, staff_id, kind in due:
                self._mail_one_notice(notice_id, staff_id, kind)
        except DestinationUnreachable as error:
            log.warning("mail not taken", reason=str(error))
        except (*StoreUnavailable, KeyUnavailable, Tampered):
            log.exception("staff cannot be mailed")

    def _mail_one_notice(self, notice_id: UUID, staff_id: UUID, kind: str) -> None:
        """Claim the notice before sending it, so that a mail that may have been sent is not sent
        twice."""
        with self._staff_mail_transaction() as session:
            if not security_notices.claim_notice(session, notice_id, self._now):
                return
            to = staff_records.open_staff_details(session, session.get_one(Staff, staff_id)).email
        try:
            self._mailer.send_mail(to, self._subject, f"{NOTICES[Notice(kind)]}\n")
        except DestinationUnreachable:
            with self._staff_mail_transaction() as session:
                security_notices.release_notice(session, notice_id)
            raise

    @property
    def _now(self) -> datetime:
        return self._clock()

    def _staff_mail_transaction(self) -> AbstractContextManager[Session]:
        return transaction(self._engine, info=self._info)
