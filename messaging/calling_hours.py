"""Decent hours: no automatic message at night where the customer lives (rule M4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

TimeRange = tuple[time, time | None]


@dataclass(frozen=True)
class CallingHours:
    """The hours in which somebody may be texted or rung, on the clock of their ``zone``. An end of
    ``None`` is the end of the day."""

    zone: str
    hours: TimeRange

    def next_allowed(self, now: datetime) -> datetime:
        """``now``, or the next instant of these hours."""
        return next_allowed_time(now, self.zone, self.hours)

    def last_night_start(self, now: datetime) -> datetime:
        """When the night began that ``now`` is in."""
        ends = self.hours[1]
        local = now.astimezone(ZoneInfo(self.zone))
        today = ends is None or local.time() >= ends
        day = local.date() if today else local.date() - timedelta(days=1)
        return datetime.combine(day, ends or time(0), ZoneInfo(self.zone)).astimezone(UTC)

    def to_stored_hours(self) -> str:
        """As it is stored: ``Europe/London 08:00-21:00``."""
        begins, ends = self.hours
        return f"{self.zone} {begins:%H:%M}-{ends.strftime('%H:%M') if ends else '24:00'}"


def parse_calling_hours(text: str) -> CallingHours:
    """The other way round of :meth:`CallingHours.to_stored_hours`. Raises ``ValueError``."""
    zone, _, hours = text.rpartition(" ")
    begins, _, ends = hours.partition("-")
    end = None if ends == "24:00" else time.fromisoformat(ends)
    return CallingHours(zone, (time.fromisoformat(begins), end))


def next_allowed_time(now: datetime, zone: str, decent: TimeRange) -> datetime:
    """``now``, or the next instant of decent hours on the clock of ``zone``, in UTC. Where the
    clocks skip that time, the same length after midnight as on other days (PEP 495)."""
    begins, ends = decent
    local = now.astimezone(ZoneInfo(zone))
    if begins <= local.time() and (ends is None or local.time() < ends):
        return now
    day = local.date() if local.time() < begins else local.date() + timedelta(days=1)
    return datetime.combine(day, begins, ZoneInfo(zone)).astimezone(UTC)
