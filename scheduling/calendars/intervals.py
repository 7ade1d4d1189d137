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
_FURTHEST = timedelta(hours=15)

Span = tuple[int, int]
#: From and to in minutes of the day, as the wall shows them.
Hours = Sequence[tuple[int, int]]


class Stretch(NamedTuple):
    """``length`` minutes from ``begin`` on, in which the wall goes on from ``shown``."""

    begin: int
    shown: int
    length: int


def minute(instant: datetime) -> int:
    """The minute in which an instant lies."""
    return (instant - _EPOCH) // _MINUTE


def instant(at: int) -> datetime:
    """The instant, in UTC, at which a minute begins."""
    return _EPOCH + at * _MINUTE


@lru_cache(maxsize=50_000)
def local_day(zone: ZoneInfo, on: date) -> tuple[Stretch, ...]:
    """The minutes in which it is that day in a zone: one stretch on most days, two where clocks
    change, none on a day that the zone leaves out."""
    begin, end = datetime.combine(on, time(0), zone), _midnight_after(on, zone)
    first, after = begin.astimezone(UTC), end.astimezone(UTC)
    plain = begin.replace(fold=1).astimezone(UTC) == first
    if plain and after - first == timedelta(days=1) and first.astimezone(zone) == begin:
        return (Stretch(minute(first), 0, DAY_MINUTES),)
    return tuple(_walked(zone, on))


def _midnight_after(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on + timedelta(days=1), time(0), zone)


def _walked(zone: ZoneInfo, on: date) -> Iterator[Stretch]:
    """Minute by minute, for the few days on which clocks change."""
    at = datetime.combine(on, time(0), UTC) - _FURTHEST
    until = at + timedelta(days=1) + 2 * _FURTHEST
    open_since: tuple[int, int] | None = None
    while at < until:
        wall, now = at.astimezone(zone), minute(at)
        shown = wall.hour * 60 + wall.minute if wall.date() == on else None
        if open_since is not None and shown != open_since[1] + now - open_since[0]:
            yield Stretch(*open_since, now - open_since[0])
            open_since = None
        if open_since is None and shown is not None:
            open_since = now, shown
        at += _MINUTE


def shown(zone: ZoneInfo, on: date, hours: Hours) -> Iterator[Span]:
    """The spans in which the wall shows that day and one of the hours."""
    for stretch in local_day(zone, on):
        for begin, end in hours:
            low, high = max(begin, stretch.shown), min(end, stretch.shown + stretch.length)
            if low < high:
                shift = stretch.begin - stretch.shown
                yield low + shift, high + shift


def days(span: Span, zone: ZoneInfo) -> Iterator[date]:
    """The days that it is in a zone at some time of a span, and those beside them."""
    on = instant(span[0]).astimezone(zone).date() - timedelta(days=1)
    last = instant(span[1]).astimezone(zone).date() + timedelta(days=1)
    while on <= last:
        yield on
        on += timedelta(days=1)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same minutes in order, with what touches joined: a night shift is one span."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


def common(ones: Sequence[Span], others: Sequence[Span]) -> list[Span]:
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


def covers(spans: Sequence[Span], span: Span) -> bool:
    """Whether one of the spans holds the whole of another."""
    return any(begin <= span[0] and span[1] <= end for begin, end in spans)
