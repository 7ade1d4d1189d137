"""The answers of the report wizard, carried from page to page.

They are in an encrypted cookie for each report. Its path contains a random name, so that two tabs
do not mix, no personal data is in a URL or a log, and nobody can read or change the answers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Response, current_app, request

from channels.app_context import current_context
from people import phone_numbers
from vault.errors import Tampered
from vault.keys import keyring

WIZARD_COOKIE = "report"
KEPT_SECONDS = 3600
NOON = time(12)


@dataclass(frozen=True)
class WizardAnswers:
    """The answers so far; empty ones are skipped. ``answered_at`` is when ``when`` was answered, in
    ISO 8601. After the report was filed, ``reference`` is set and most others are empty."""

    gave: list[str] = field(default_factory=list)
    when: str = ""
    on: str = ""
    hour: str = ""
    answered_at: str = ""
    shown: str = ""
    hidden: bool = False
    who: str = ""
    who_else: str = ""
    knew: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    said: str = ""
    phone: str = ""
    tell: bool = False
    reference: str = ""

    def with_changes(self, **changes: object) -> WizardAnswers:
        """Return these answers with some changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def called_at(self, now: datetime) -> datetime | None:
        """Return the approximate time of the call in the number's time zone: at noon if the hour is
        unknown, and never later than ``now``."""
        if not self.when or not self.answered_at:
            return None
        answered_time = datetime.fromisoformat(self.answered_at)
        if self.when == "now":
            return answered_time
        zone = ZoneInfo(
            phone_numbers.guess_phone_zone(self.phone, current_context().policy.default_zone)
        )
        day = self._day_of_call(answered_time.astimezone(zone).date())
        if day is None:
            return None
        at = datetime.combine(day, time(int(self.hour)) if self.hour else NOON, zone)
        return min(at, now)

    def _day_of_call(self, today: date) -> date | None:
        if self.when == "other":
            return date.fromisoformat(self.on) if self.on else None
        return today - timedelta(days=self.when == "yesterday")


def new_tab_name() -> str:
    """Return a random name for the pages of one report."""
    return secrets.token_hex(6)


def read_wizard_answers(tab: str) -> WizardAnswers | None:
    """Return the answers of this tab from the cookie; ``None`` without a valid one."""
    text = request.cookies.get(WIZARD_COOKIE, "")
    if not text or not re.fullmatch(r"[0-9a-f]{12}", tab):
        return None
    try:
        sealed = base64.urlsafe_b64decode(text)
        plain = current_context().ring.open_for_purpose(
            keyring.REPORTS, _wizard_seal_context(tab), sealed
        )
        return WizardAnswers(**json.loads(plain))
    except (binascii.Error, ValueError, TypeError, Tampered):
        return None


def keep_wizard_answers(response: Response, tab: str, answers: WizardAnswers) -> Response:
    """Set the answers as a cookie on a response."""
    plain = json.dumps(asdict(answers), ensure_ascii=False)
    sealed = current_context().ring.seal_for_purpose(
        keyring.REPORTS, _wizard_seal_context(tab), plain
    )
    response.set_cookie(
        WIZARD_COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=KEPT_SECONDS,
        path=f"/report/{tab}",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def _wizard_seal_context(tab: str) -> str:
    return f"web.report:{tab}"
