"""Few enough times to choose from on a small phone, spread over the days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

BOOKING_HORIZON, MAX_FREE_SLOTS = timedelta(days=21), 600
_MAX_DAYS, _MAX_TIMES_A_DAY = 5, 6


def spread_out_times(times: Sequence[datetime], zone: str) -> list[datetime]:
    """Up to six times of each of the first five days that have any, on the clock of a zone."""
    local = ZoneInfo(zone)
    days = [list(group) for _, group in groupby(times, lambda at: at.astimezone(local).date())]
    return [item for day in days[:_MAX_DAYS] for item in _spread_over_day(day)]


def _spread_over_day(day: Sequence[datetime]) -> list[datetime]:
    """The first of the day, and others at even distances."""
    if len(day) <= _MAX_TIMES_A_DAY:
        return list(day)
    return [day[n * len(day) // _MAX_TIMES_A_DAY] for n in range(_MAX_TIMES_A_DAY)]
