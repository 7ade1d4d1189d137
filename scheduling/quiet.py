"""Quiet hours: no automatic message at night where the customer lives (rule M4)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def until_decent(now: datetime, zone: str, decent: tuple[time, time | None]) -> datetime:
    """``now``, or the next instant of decent hours on the clock of ``zone``, in UTC. Where the
    clocks skip that time, the same length after midnight as on other days (PEP 495)."""
    begins, ends = decent
    local = now.astimezone(ZoneInfo(zone))
    if begins <= local.time() and (ends is None or local.time() < ends):
        return now
    day = local.date() if local.time() < begins else local.date() + timedelta(days=1)
    return datetime.combine(day, begins, ZoneInfo(zone)).astimezone(UTC)
