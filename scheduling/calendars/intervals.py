"""Intervals of whole minutes since 1970 (UTC), and the local times within them. Pure functions.

An interval is ``(begin, end)`` without its end; lists of intervals are sorted and disjoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
#: No zone has a larger offset from UTC.
_MAX_UTC_OFFSET = timedelta(hours=15)

Interval = tuple[int, int]
#: Begin and end in minutes of the local day.
MinuteRanges = Sequence[tuple[int, int]]


class LocalStretch(NamedTuple):
    """``length`` minutes from ``begin`` on, in which local time runs on from minute ``shown``."""

    begin: int
    shown: int
    length: int


def minute_from_instant(instant: datetime) -> int:
    """Return the minute that contains an instant."""
    return (instant - _EPOCH) // _MINUTE


def instant_from_minute(at: int) -> datetime:
    """Return the instant, in UTC, at which a minute begins."""
    return _EPOCH + at * _MINUTE


@lru_cache(maxsize=50_000)
def local_day_stretches(zone: ZoneInfo, on: date) -> tuple[LocalStretch, ...]:
    """Return the minutes of a local day in a zone.

    That is one stretch on most days, two where the clocks change, and none for a date that the zone
    skips.
    """
    begin, end = datetime.combine(on, time(0), zone), _next_midnight(on, zone)
    first, after = begin.astimezone(UTC), end.astimezone(UTC)
    plain = begin.replace(fold=1).astimezone(UTC) == first
    if plain and after - first == timedelta(days=1) and first.astimezone(zone) == begin:
        return (LocalStretch(minute_from_instant(first), 0, DAY_MINUTES),)
    return tuple(_scan_day_minutes(zone, on))


def _next_midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on + timedelta(days=1), time(0), zone)


def _scan_day_minutes(zone: ZoneInfo, on: date) -> Iterator[LocalStretch]:
    """Scan minute by minute, for the few days on which the clocks change."""
    at = datetime.combine(on, time(0), UTC) - _MAX_UTC_OFFSET
    until = at + timedelta(days=1) + 2 * _MAX_UTC_OFFSET
    open_since: tuple[int, int] | None = None
    while at < until:
        wall, now = at.astimezone(zone), minute_from_instant(at)
        shown = wall.hour * 60 + wall.minute if wall.date() == on else None
        if open_since is not None and shown != open_since[1] + now - open_since[0]:
            yield LocalStretch(*open_since, now - open_since[0])
            open_since = None
        if open_since is None and shown is not None:
            open_since = now, shown
        at += _MINUTE


def intervals_of_local_hours(zone: ZoneInfo, on: date, hours: MinuteRanges) -> Iterator[Interval]:
    """Yield the intervals in which local time is on that day and within one of the hours."""
    for stretch in local_day_stretches(zone, on):
        for begin, end in hours:
            low, high = max(begin, stretch.shown), min(end, stretch.shown + stretch.length)
            if low < high:
                shift = stretch.begin - stretch.shown
                yield low + shift, high + shift


def local_dates_around(span: Interval, zone: ZoneInfo) -> Iterator[date]:
    """Yield the local dates of an interval, and one more on each side."""
    on = instant_from_minute(span[0]).astimezone(zone).date() - timedelta(days=1)
    last = instant_from_minute(span[1]).astimezone(zone).date() + timedelta(days=1)
    while on <= last:
        yield on
        on += timedelta(days=1)


def merge_intervals(spans: Iterable[Interval]) -> list[Interval]:
    """Return the intervals sorted, adjacent ones merged, so that a night shift is one interval."""
    merged: list[Interval] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def intersect_intervals(ones: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """Return the minutes that are in both lists."""
    common, i, k = [], 0, 0
    while i < len(ones) and k < len(others):
        begin, end = max(ones[i][0], others[k][0]), min(ones[i][1], others[k][1])
        if begin < end:
            common.append((begin, end))
        if ones[i][1] <= others[k][1]:
            i += 1
        else:
            k += 1
    return common


def is_covered(spans: Sequence[Interval], span: Interval) -> bool:
    """Return whether one of the intervals contains all of ``span``."""
    return any(begin <= span[0] and span[1] <= end for begin, end in spans)
