"""Formats times on the agent's and the customer's clock, and parses times from forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from channels.error_codes import ChannelErrorCode
from config.languages.registry import language_for
from messaging.i18n import format_day_and_time, format_time_of_day
from people.errors import InvalidInput

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?")
_YEARS = range(2000, 2101)


@dataclass(frozen=True)
class LocalClock:
    """A clock in a time zone and a language at a ``moment``. Dates of other years than that of the
    moment include the year if they are earlier."""

    zone: ZoneInfo
    locale: str
    moment: datetime

    def format_time(self, when: datetime) -> str:
        """Format as ``14:00``, with the zone's abbreviation if that local time occurs twice."""
        return format_time_of_day(when, self.zone.key, self.locale) + _offset_suffix(
            when, self.zone
        )

    def format_day_time(self, when: datetime) -> str:
        """Format as ``Tue 24 Nov 14:00``."""
        past = self._is_past_year(when.astimezone(self.zone).date())
        shown = format_day_and_time(when, self.zone.key, self.locale, year=past)
        return shown + _offset_suffix(when, self.zone)

    def format_with_seconds(self, when: datetime) -> str:
        """Format as ``24 Nov 14:00:09``."""
        year = " y" if self._is_past_year(when.astimezone(self.zone).date()) else ""
        pattern = f"d MMM{year} HH:mm:ss"
        return format_datetime(when, pattern, tzinfo=self.zone, locale=self.locale)

    def format_short_day(self, when: datetime) -> str:
        """Format as ``Tue 24 Nov``."""
        on = when.astimezone(self.zone).date()
        year = " y" if self._is_past_year(on) else ""
        return format_date(on, f"EEE d MMM{year}", locale=self.locale)

    def format_day(self, on: date) -> str:
        """Format as ``Tuesday 24 November``."""
        year = " y" if self._is_past_year(on) else ""
        return format_date(on, f"EEEE d MMMM{year}", locale=self.locale)

    def format_full_date(self, on: date) -> str:
        """Format as ``24 November 2026``."""
        return format_date(on, language_for(self.locale).dates.full_date, locale=self.locale)

    def format_in_zone(self, when: datetime, zone: str) -> str:
        """Format the same moment in another ``zone``, with its date if that differs."""
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
    """Parse a date as browsers send it, like 2026-11-24. Raises ``InvalidInput``."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise InvalidInput(field, ChannelErrorCode.DAY_INVALID)
    return day


def read_time(text: str, field: str) -> time:
    """Parse a time of day like 14:00. Raises ``InvalidInput``."""
    match = _TIME.fullmatch(text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise InvalidInput(field, ChannelErrorCode.TIME_OF_DAY_INVALID)
    return time(int(match[1]), int(match[2]))


def read_instant(text: str, field: str) -> datetime:
    """Parse an offered slot in ISO 8601, as our form has it. Raises ``InvalidInput``."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant.year not in _YEARS:
        raise InvalidInput(field, ChannelErrorCode.TIME_NOT_OFFERED)
    return instant
