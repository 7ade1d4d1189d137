"""Times on the console: shown on the agent's clock and the customer's, and read from forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from messaging.i18n import format_day_and_time, format_time_of_day
from people.errors import InvalidInput

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?")
_YEARS = range(2000, 2101)


@dataclass(frozen=True)
class LocalClock:
    """The clock on somebody's wall at a ``moment``, in a language. Days of years before that of
    the moment are shown with their year."""

    zone: ZoneInfo
    locale: str
    moment: datetime

    def format_time(self, when: datetime) -> str:
        """Like ``14:00``; with the offset when the clocks show that time twice."""
        return format_time_of_day(when, self.zone.key, self.locale) + _offset_suffix(
            when, self.zone
        )

    def format_day_time(self, when: datetime) -> str:
        """Like ``Tue 24 Nov 14:00``."""
        past = self._is_past_year(when.astimezone(self.zone).date())
        shown = format_day_and_time(when, self.zone.key, self.locale, year=past)
        return shown + _offset_suffix(when, self.zone)

    def format_with_seconds(self, when: datetime) -> str:
        """Like ``24 Nov 14:00:09``."""
        year = " y" if self._is_past_year(when.astimezone(self.zone).date()) else ""
        pattern = f"d MMM{year} HH:mm:ss"
        return format_datetime(when, pattern, tzinfo=self.zone, locale=self.locale)

    def format_short_day(self, when: datetime) -> str:
        """Like ``Tue 24 Nov``."""
        on = when.astimezone(self.zone).date()
        year = " y" if self._is_past_year(on) else ""
        return format_date(on, f"EEE d MMM{year}", locale=self.locale)

    def format_day(self, on: date) -> str:
        """Like ``Tuesday 24 November``."""
        year = " y" if self._is_past_year(on) else ""
        return format_date(on, f"EEEE d MMMM{year}", locale=self.locale)

    def format_full_date(self, on: date) -> str:
        """Like ``24 November 2026``."""
        form = "d MMMM y" if self.locale == "en" else "long"
        return format_date(on, form, locale=self.locale)

    def format_in_zone(self, when: datetime, zone: str) -> str:
        """The same moment on another wall, with its day where that is another."""
        other = ZoneInfo(zone)
        there = when.astimezone(other)
        if there.date() == when.astimezone(self.zone).date():
            return format_time_of_day(when, zone, self.locale) + _offset_suffix(when, other)
        return format_day_and_time(when, zone, self.locale) + _offset_suffix(when, other)

    def _is_past_year(self, on: date) -> bool:
        return on.year < self.local_date_of(self.moment).year

    def local_date_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()


def _offset_suffix(when: datetime, zone: ZoneInfo) -> str:
    local = when.astimezone(zone).replace(tzinfo=None)
    offsets = {local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    return f" ({when.astimezone(zone):%Z})" if len(offsets) > 1 else ""


def read_date(text: str, field: str) -> date:
    """A day as browsers write it, like 2026-11-24. Raises ``InvalidInput``."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise InvalidInput(field, "Write the day like 2026-11-24.")
    return found


def read_time(text: str, field: str) -> time:
    """A time of day like 14:00. Raises ``InvalidInput``."""
    found = _TIME.fullmatch(text)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise InvalidInput(field, "Write the time like 14:00.")
    return time(int(found[1]), int(found[2]))


def read_instant(text: str, field: str) -> datetime:
    """An offered slot as our own form wrote it. Raises ``InvalidInput``."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in _YEARS:
        raise InvalidInput(field, "Choose one of the times offered.")
    return found
