"""The house rules of booking and calling, as plain values read from the settings once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from messaging.wording import Voice


@dataclass(frozen=True)
class Policy:
    """Lengths in minutes or days as named; ``decent_hours`` are on the customer's clock."""

    organisation: str
    official_phone: str
    languages: tuple[str, ...]
    default_region: str
    countries: tuple[str, ...]
    default_zone: str
    min_notice_minutes: int
    max_ahead_days: int
    window_lead_minutes: int
    decent_hours: tuple[time, time | None]
    code_digits: int
    code_minutes: int
    bridge_calls: bool = False

    def voice(self, locale: str = "", zone: str = "", phrase: str = "") -> Voice:
        """How we speak to somebody of that language and zone, with that safe phrase."""
        return Voice(
            self.organisation,
            self.official_phone,
            locale or self.languages[0],
            zone or self.default_zone,
            phrase,
        )
