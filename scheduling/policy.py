"""The policy of booking and calling: plain values, read from the settings once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from messaging.calling_hours import CallingHours
from messaging.message_context import MessageContext
from people import phone_numbers

TimeRange = tuple[time, time | None]


@dataclass(frozen=True)
class Policy:
    """Lengths are in minutes or days, as named.

    ``calling_hours`` are in the customer's local time; ``calling_hours_by_country`` overrides them
    by country (ISO 3166). The buffers and ``holidays`` apply to agents without a team.
    ``reminders`` are the leads of reminders before a call. ``retries`` are the delays after each
    unanswered call before the next is booked. ``number_change_wait_hours`` is how long a changed
    number is on hold before it is called.
    """

    organisation: str
    official_phone: str
    languages: tuple[str, ...]
    default_region: str
    countries: tuple[str, ...]
    default_zone: str
    min_notice_minutes: int
    max_ahead_days: int
    window_lead_minutes: int
    calling_hours: TimeRange
    code_digits: int
    code_minutes: int
    bridge_calls: bool = False
    calling_hours_by_country: Mapping[str, TimeRange] = field(default_factory=dict)
    buffer_before: int = 0
    buffer_after: int = 0
    holidays: str = ""
    reminders: tuple[timedelta, ...] = ()
    retries: tuple[timedelta, ...] = ()
    number_change_wait_hours: int = 48

    def calling_hours_in(self, zone: str) -> TimeRange:
        """Return the calling hours for customers in that zone."""
        return self.calling_hours_by_country.get(
            phone_numbers.country_of_zone(zone), self.calling_hours
        )

    def calling_hours_for(self, zone: str) -> CallingHours:
        """Return the calling hours with their zone, to be stored with a message."""
        return CallingHours(zone, self.calling_hours_in(zone))

    def message_context_for(
        self, locale: str = "", zone: str = "", phrase: str = ""
    ) -> MessageContext:
        """Return the message context for a language, a zone and a safe phrase."""
        return MessageContext(
            self.organisation,
            self.official_phone,
            locale or self.languages[0],
            zone or self.default_zone,
            phrase,
        )
