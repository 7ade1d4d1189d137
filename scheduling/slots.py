"""Free slots: a pure function of plain values. Instants in, instants out; zones only where
somebody's clock on the wall decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=5)
OFFER_EVERY = timedelta(minutes=15)
DAY_MINUTES = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rules:
    """What a slot must respect.

    ``hours`` maps weekdays (Monday 0) to minutes of the day in ``agent_zone``; empty means any
    hour. ``decent`` is from and to in ``customer_zone``; ``None`` as its end is midnight.
    """

    hours: Mapping[int, Sequence[tuple[int, int]]]
    agent_zone: ZoneInfo
    customer_zone: ZoneInfo
    decent: tuple[time, time | None]


def steps(starts_at: datetime, minutes: int) -> range:
    """The five-minute steps of absolute time (since 1970, UTC) that a call touches."""
    ends_at = starts_at + timedelta(minutes=minutes)
    return range((starts_at - _EPOCH) // STEP, -((_EPOCH - ends_at) // STEP))


def at_work(rules: Rules, starts_at: datetime, minutes: int) -> bool:
    """Whether the whole call lies inside one stretch of the agent's working hours."""
    if not rules.hours:
        return True
    ends_at = starts_at + timedelta(minutes=minutes)
    day = starts_at.astimezone(rules.agent_zone).date()
    return any(
        begin <= starts_at and ends_at <= end
        for on in (day - timedelta(days=1), day)
        for begin, end in _stretches(rules, on)
    )


def _stretches(rules: Rules, on: date) -> Iterator[tuple[datetime, datetime]]:
    for begin, end in rules.hours.get(on.weekday(), ()):
        yield _wall(on, begin, rules.agent_zone), _wall(on, end, rules.agent_zone)


def _wall(on: date, minute: int, zone: ZoneInfo) -> datetime:
    """That minute of the day on the wall clock. A wall time that DST skips is read with the
    offset before the change, so it lies just after it (PEP 495)."""
    days, rest = divmod(minute, DAY_MINUTES)
    local = datetime.combine(on + timedelta(days=days), time(rest // 60, rest % 60), zone)
    return local.astimezone(ZoneInfo("UTC"))


def decent(rules: Rules, starts_at: datetime, minutes: int) -> bool:
    """Whether the whole call is at a decent hour where the customer lives."""
    begin, end = rules.decent
    here = starts_at.astimezone(rules.customer_zone)
    # Its last instant, so that a call may end exactly when the decent hours do.
    last = (starts_at + timedelta(minutes=minutes, microseconds=-1)).astimezone(rules.customer_zone)
    if begin == time(0) and end is None:
        return True
    if here.date() != last.date() or here.time() < begin:
        return False
    return end is None or last.time() < end


def free(
    rules: Rules,
    busy: frozenset[int] | set[int],
    since: datetime,
    until: datetime,
    minutes: int,
) -> Iterator[datetime]:
    """Free starts in [``since``, ``until``), every quarter of an hour, earliest first.

    ``busy`` holds the taken steps, as :func:`steps` numbers them.
    """
    start = _EPOCH - (_EPOCH - since) // OFFER_EVERY * OFFER_EVERY
    while start < until:
        if (
            not any(step in busy for step in steps(start, minutes))
            and at_work(rules, start, minutes)
            and decent(rules, start, minutes)
        ):
            yield start
        start += OFFER_EVERY
