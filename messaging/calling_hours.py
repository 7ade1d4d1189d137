"""Calling hours: no automatic message at night in the customer's zone (rule M4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

TimeRange = tuple[time, time | None]


@dataclass(frozen=True)
class CallingHours:
    """The hours in which a person may be texted or called, in local time of ``zone``.

    An end of ``None`` is midnight.
    """

    zone: str
    hours: TimeRange

    def next_allowed(self, now: datetime) -> datetime:
        """Return ``now`` if it is within these hours, else the next instant that is."""
        return next_allowed_time(now, self.zone, self.hours)

    def last_night_start(self, now: datetime) -> datetime:
        """Return the instant at which the night containing ``now`` began."""
        ends = self.hours[1]
        local = now.astimezone(ZoneInfo(self.zone))
        today = ends is None or local.time() >= ends
        day = local.date() if today else local.date() - timedelta(days=1)
        return datetime.combine(day, ends or time(0), ZoneInfo(self.zone)).astimezone(UTC)

    def to_stored_hours(self) -> str:
        """Format for storage: ``Europe/London 08:00-21:00``."""
        begins, ends = self.hours
        return f"{self.zone} {begins:%H:%M}-{ends.strftime('%H:%M') if ends else '24:00'}"


def parse_calling_hours(text: str) -> CallingHours:
    """Parse the format of :meth:`CallingHours.to_stored_hours`. Raise ``ValueError``."""
    zone, _, hours = text.rpartition(" ")
    begins, _, ends = hours.partition("-")
    end = None if ends == "24:00" else time.fromisoformat(ends)
    return CallingHours(zone, (time.fromisoformat(begins), end))


def next_allowed_time(now: datetime, zone: str, decent: TimeRange) -> datetime:
    """Return ``now``, or the next instant of calling hours in ``zone``, in UTC.

    If the clocks skip that local time, apply the offset before the change (PEP 495).
    """
    begins, ends = decent
    local = now.astimezone(ZoneInfo(zone))
    if begins <= local.time() and (ends is None or local.time() < ends):
        return now
    day = local.date() if local.time() < begins else local.date() + timedelta(days=1)
    return datetime.combine(day, begins, ZoneInfo(zone)).astimezone(UTC)
