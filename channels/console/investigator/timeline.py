"""A bar chart over time: by hour for up to three days, by day for longer periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from channels.time_format import LocalClock

#: Column width and chart height, in units of the view box.
COLUMN, HEIGHT = 10, 60
HOURS_UP_TO = timedelta(days=3)
MAX_PERIOD = timedelta(days=92)


@dataclass(frozen=True)
class Bar:
    """The count of one hour or day; ``label`` names it."""

    label: str
    count: int


@dataclass(frozen=True)
class Timeline:
    """The bars of a period, earliest first."""

    bars: list[Bar]
    by_hour: bool

    @property
    def width(self) -> int:
        return COLUMN * max(1, len(self.bars))

    def height_for_count(self, count: int) -> float:
        """Return the height of a bar in units of the view box."""
        return round(HEIGHT * count / max(1, *(bar.count for bar in self.bars)), 1)

    @property
    def busiest(self) -> Bar | None:
        """The highest bar; None if all are empty."""
        highest = max(self.bars, key=lambda each: each.count, default=None)
        return highest if highest and highest.count else None

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)


def build_timeline(
    clock: LocalClock,
    since: datetime,
    until: datetime,
    count: Callable[[Callable[[datetime], int]], Counter[int]],
) -> Timeline:
    """Build the bars from ``since`` (inclusive) to ``until`` (exclusive). ``count`` receives a
    function from an instant to its bin, and returns the counts by bin."""
    if until - since <= HOURS_UP_TO:
        return _build_hourly_timeline(
            clock, since, until, count(lambda at: (at - since) // timedelta(hours=1))
        )
    first, last = clock.local_date_of(since), clock.local_date_of(until - timedelta(microseconds=1))
    days = count(lambda at: (clock.local_date_of(at) - first).days)
    return _build_daily_timeline(clock, first, (last - first).days + 1, days)


def _build_hourly_timeline(
    clock: LocalClock, since: datetime, until: datetime, counts: Counter[int]
) -> Timeline:
    hours = -((since - until) // timedelta(hours=1))
    parts = [since + timedelta(hours=n) for n in range(hours)]
    return Timeline(
        [Bar(clock.format_day_time(at), counts[n]) for n, at in enumerate(parts)], by_hour=True
    )


def _build_daily_timeline(
    clock: LocalClock, first: date, days: int, counts: Counter[int]
) -> Timeline:
    parts = [first + timedelta(days=n) for n in range(days)]
    bars = [Bar(clock.format_day(on), counts[n]) for n, on in enumerate(parts)]
    return Timeline(bars, by_hour=False)
