"""The house rules of booking and calling, as plain values read from the settings once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from messaging.calling_hours import CallingHours
from messaging.text_templates import MessageContext
from people import phone_numbers

TimeRange = tuple[time, time | None]


@dataclass(frozen=True)
class Policy:
    """Lengths in minutes or days as named.

    ``decent_hours`` are on the customer's clock; ``decent_by_country`` are those of countries
    (ISO 3166) with others. The buffers and ``holidays`` are those of agents without a team.
    ``reminders`` are how long before a call its customer is reminded, ``retries`` how long after
    one that nobody answered the next is booked, once each. ``number_change_wait_hours`` is how long
    a customer's new number waits before it is rung.
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
    decent_hours: TimeRange
    code_digits: int
    code_minutes: int
    bridge_calls: bool = False
    decent_by_country: Mapping[str, TimeRange] = field(default_factory=dict)
    buffer_before: int = 0
    buffer_after: int = 0
    holidays: str = ""
    reminders: tuple[timedelta, ...] = ()
    retries: tuple[timedelta, ...] = ()
    number_change_wait_hours: int = 48

    def calling_hours_in(self, zone: str) -> TimeRange:
        """The decent hours of somebody who lives in that zone."""
        return self.decent_by_country.get(phone_numbers.country_of_zone(zone), self.decent_hours)

    def calling_hours_for(self, zone: str) -> CallingHours:
        """The same, to be kept with a message."""
        return CallingHours(zone, self.calling_hours_in(zone))

    def message_context_for(
        self, locale: str = "", zone: str = "", phrase: str = ""
    ) -> MessageContext:
        """How we speak to somebody of that language and zone, with that safe phrase."""
        return MessageContext(
            self.organisation,
            self.official_phone,
            locale or self.languages[0],
            zone or self.default_zone,
            phrase,
        )
