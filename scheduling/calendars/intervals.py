"""Spans of whole minutes since 1970 (UTC), and what the clock on a wall shows in them.

Pure functions. A span is ``(begin, end)``, its end not in it; lists of spans are in order and
apart.
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
#: No zone is further from UTC than this.
_MAX_UTC_OFFSET = timedelta(hours=15)

Interval = tuple[int, int]
#: From and to in minutes of the day, as the wall shows them.
MinuteRanges = Sequence[tuple[int, int]]


class LocalStretch(NamedTuple):
    """``length`` minutes from ``begin`` on, in which the wall goes on from ``shown``."""

    begin: int
    shown: int
    length: int


def minute_from_instant(instant: datetime) -> int:
    """The minute in which an instant lies."""
    return (instant - _EPOCH) // _MINUTE


def instant_from_minute(at: int) -> datetime:
    """The instant, in UTC, at which a minute begins."""
    return _EPOCH + at * _MINUTE


@lru_cache(maxsize=50_000)
def local_day_stretches(zone: ZoneInfo, on: date) -> tuple[LocalStretch, ...]:
    """The minutes in which it is that day in a zone: one stretch on most days, two where clocks
    change, none on a day that the zone leaves out."""
    begin, end = datetime.combine(on, time(0), zone), _next_midnight(on, zone)
    first, after = begin.astimezone(UTC), end.astimezone(UTC)
    plain = begin.replace(fold=1).astimezone(UTC) == first
    if plain and after - first == timedelta(days=1) and first.astimezone(zone) == begin:
        return (LocalStretch(minute_from_instant(first), 0, DAY_MINUTES),)
    return tuple(_scan_day_minutes(zone, on))


def _next_midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on + timedelta(days=1), time(0), zone)


def _scan_day_minutes(zone: ZoneInfo, on: date) -> Iterator[LocalStretch]:
    """Minute by minute, for the few days on which clocks change."""
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
    """The spans in which the wall shows that day and one of the hours."""
    for stretch in local_day_stretches(zone, on):
        for begin, end in hours:
            low, high = max(begin, stretch.shown), min(end, stretch.shown + stretch.length)
            if low < high:
                shift = stretch.begin - stretch.shown
                yield low + shift, high + shift


def local_dates_around(span: Interval, zone: ZoneInfo) -> Iterator[date]:
    """The days that it is in a zone at some time of a span, and those beside them."""
    on = instant_from_minute(span[0]).astimezone(zone).date() - timedelta(days=1)
    last = instant_from_minute(span[1]).astimezone(zone).date() + timedelta(days=1)
    while on <= last:
        yield on
        on += timedelta(days=1)


def merge_intervals(spans: Iterable[Interval]) -> list[Interval]:
    """The same minutes in order, with what touches joined: a night shift is one span."""
    found: list[Interval] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


def intersect_intervals(ones: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """The minutes that are in both."""
    found, i, k = [], 0, 0
    while i < len(ones) and k < len(others):
        begin, end = max(ones[i][0], others[k][0]), min(ones[i][1], others[k][1])
        if begin < end:
            found.append((begin, end))
        if ones[i][1] <= others[k][1]:
            i += 1
        else:
            k += 1
    return found


def is_covered(spans: Sequence[Interval], span: Interval) -> bool:
    """Whether one of the spans holds the whole of another."""
    return any(begin <= span[0] and span[1] <= end for begin, end in spans)
