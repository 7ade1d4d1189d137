"""Mails to staff about their own sign-in: a job of the worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine

from channels.console.account.sign_in_labels import NOTICES
from messaging import mail_templates
from messaging.mail_templates import MailContext
from people.models import Staff
from people.staff import security_notices, staff_records
from people.staff.security_notices import Notice
from vault.destinations import DestinationUnreachable, Mailer
from vault.threaded_job import ThreadedJob

log = structlog.get_logger("staff")


class StaffMailJob(ThreadedJob):
    """Mails security notices to staff. A mail contains only what the account page shows."""

    name = "staff_mail"

    def __init__(
        self,
        mailer: Mailer,
        mail: MailContext,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(engine, info, clock)
        self._mailer, self._mail = mailer, mail

    def run(self) -> None:
        """Mail the due notices, and stop at the first that the mail server does not accept."""
        try:
            with self.open_transaction() as session:
                due = [
                    (row.id, row.staff_id, row.kind)
                    for row in security_notices.list_unmailed_notices(session, self._now)
                ]
            for notice_id, staff_id, kind in due:
                self._mail_one_notice(notice_id, staff_id, kind)
        except DestinationUnreachable as error:
            log.warning("mail not taken", reason=str(error))

    def _mail_one_notice(self, notice_id: UUID, staff_id: UUID, kind: str) -> None:
        """Claim the notice before sending it, so that a mail that may have been sent is not sent
        twice."""
        with self.open_transaction() as session:
            if not security_notices.claim_notice(session, notice_id, self._now):
                return
            to = staff_records.open_staff_details(session, session.get_one(Staff, staff_id)).email
        try:
            words = self._mail.gettext(NOTICES[Notice(kind)])
            self._mailer.send_mail(to, mail_templates.sign_in_subject(self._mail), f"{words}\n")
        except DestinationUnreachable:
            with self.open_transaction() as session:
                security_notices.release_notice(session, notice_id)
            raise

    @property
    def _now(self) -> datetime:
        return self._clock()
