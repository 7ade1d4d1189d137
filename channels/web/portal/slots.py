"""Selects few enough times for a small screen, spread over the days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

BOOKING_HORIZON, MAX_FREE_SLOTS = timedelta(days=21), 600
_MAX_DAYS, _MAX_TIMES_A_DAY = 5, 6


def spread_out_times(times: Sequence[datetime], zone: str) -> list[datetime]:
    """Return up to six times of each of the first five days that have any; ``zone`` decides the
    day."""
    local = ZoneInfo(zone)
    days = [list(group) for _, group in groupby(times, lambda at: at.astimezone(local).date())]
    return [time for day in days[:_MAX_DAYS] for time in _spread_over_day(day)]


def _spread_over_day(day: Sequence[datetime]) -> list[datetime]:
    """Return the first time of the day, and others evenly spaced."""
    if len(day) <= _MAX_TIMES_A_DAY:
        return list(day)
    return [day[n * len(day) // _MAX_TIMES_A_DAY] for n in range(_MAX_TIMES_A_DAY)]
