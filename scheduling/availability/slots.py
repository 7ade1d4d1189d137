"""Free slots as pure functions of plain values.

Take and return instants; a zone is used only where local time decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.calendars import intervals
from scheduling.calendars.intervals import DAY_MINUTES, Interval, MinuteRanges

STEP = timedelta(minutes=5)
OFFER_EVERY = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP_MINUTES = STEP // timedelta(minutes=1)
_OFFER_STEPS = OFFER_EVERY // STEP
#: In minutes; more than any agent needs around a call.
MAX_BUFFER = 120
_MARGIN = MAX_BUFFER // _STEP_MINUTES + 1
_DIGITS = b"01" + bytes(254)


@dataclass(frozen=True)
class SlotRules:
    """Rules that a slot must satisfy.

    ``hours`` maps weekdays (Monday is 0) to minutes of the day in ``agent_zone``; empty means any
    hour. ``dated`` replaces the hours of single days, including holidays; ``holidays`` have no
    weekly hours, and a day in ``off`` has no hours at all. ``before`` and ``after`` are the agent's
    buffers around a call, in minutes. ``decent`` holds begin and end of calling hours in
    ``customer_zone``; ``None`` as its end means midnight.
    """

    hours: Mapping[int, MinuteRanges]
    agent_zone: ZoneInfo
    customer_zone: ZoneInfo
    decent: tuple[time, time | None]
    dated: Mapping[date, MinuteRanges] = field(default_factory=dict)
    holidays: Collection[date] = frozenset()
    off: Collection[date] = frozenset()
    before: int = 0
    after: int = 0

    def working_hours_on(self, day: date) -> MinuteRanges:
        """Return the agent's hours on one day."""
        if day in self.off:
            return ()
        if day in self.dated:
            return self.dated[day]
        if day in self.holidays:
            return ()
        return self.hours.get(day.weekday(), ()) if self.hours else ((0, DAY_MINUTES),)


def call_steps(starts_at: datetime, minutes: int, before: int = 0, after: int = 0) -> range:
    """Return the five-minute steps (counted from 1970, UTC) that a call and its buffers touch."""
    begins_at = starts_at - timedelta(minutes=before)
    ends_at = starts_at + timedelta(minutes=minutes + after)
    return range((begins_at - _EPOCH) // STEP, -((_EPOCH - ends_at) // STEP))


def working_intervals(rules: SlotRules, span: Interval) -> list[Interval]:
    """Return the intervals in which the agent works, at least within ``span``."""
    if not (rules.hours or rules.dated or rules.off or rules.holidays):
        return [span]
    zone = rules.agent_zone
    days = intervals.local_dates_around(span, zone)
    return intervals.merge_intervals(
        hour
        for day in days
        for hour in intervals.intervals_of_local_hours(zone, day, rules.working_hours_on(day))
    )


def calling_intervals(rules: SlotRules, span: Interval) -> list[Interval]:
    """Return the calling hours in the customer's zone, at least within ``span``."""
    begin, end = rules.decent
    if begin == time(0) and end is None:
        return [span]
    hours = [(_minute_of_day(begin), _minute_of_day(end) if end else DAY_MINUTES)]
    zone = rules.customer_zone
    days = intervals.local_dates_around(span, zone)
    return intervals.merge_intervals(
        hour for day in days for hour in intervals.intervals_of_local_hours(zone, day, hours)
    )


def _minute_of_day(at: time) -> int:
    return at.hour * 60 + at.minute


def is_within_working_hours(rules: SlotRules, starts_at: datetime, minutes: int) -> bool:
    """Return whether the agent works during the whole call."""
    span = _call_interval(starts_at, minutes)
    return intervals.is_covered(working_intervals(rules, span), span)


def is_within_calling_hours(rules: SlotRules, starts_at: datetime, minutes: int) -> bool:
    """Return whether the whole call is within calling hours in the customer's zone."""
    span = _call_interval(starts_at, minutes)
    return intervals.is_covered(calling_intervals(rules, span), span)


def _call_interval(starts_at: datetime, minutes: int) -> Interval:
    begin = intervals.minute_from_instant(starts_at)
    return begin, begin + minutes


def callable_intervals(rules: SlotRules, span: Interval) -> list[Interval]:
    """Return the intervals in the agent's working hours and the customer's calling hours."""
    return intervals.intersect_intervals(
        working_intervals(rules, span), calling_intervals(rules, span)
    )


def iter_free_starts(
    rules: SlotRules,
    busy: Iterable[int],
    since: datetime,
    until: datetime,
    minutes: int,
    others: Iterable[int] = (),
) -> Iterator[datetime]:
    """Yield free starts in [``since``, ``until``), every quarter of an hour, earliest first.

    ``busy`` are the agent's reserved steps, numbered as in :func:`call_steps`. The call itself may
    not touch ``others``; the agent's buffers may.
    """
    grid = StartGrid(since, until, minutes)
    starts = grid.starts_within(callable_intervals(rules, grid.span))
    starts = grid.exclude_conflicts(starts, grid.steps_to_bits(busy), rules.before, rules.after)
    return grid.bits_to_instants(grid.exclude_conflicts(starts, grid.steps_to_bits(others)))


class StartGrid:
    """Starts of calls of one length in [``since``, ``until``), as the bits of an integer.

    One bit stands for one step, so that comparing a thousand calendars takes a few integer
    operations. Bit 0 is the step ``first``, which precedes ``since`` by the longest buffer.
    """

    def __init__(self, since: datetime, until: datetime, minutes: int) -> None:
        self.minutes = minutes
        self._since = -((_EPOCH - since) // STEP)
        self._until = max(self._since, -((_EPOCH - until) // STEP))
        self.within = range(
            self._since - _MARGIN, self._until + minutes // _STEP_MINUTES + _MARGIN + 1
        )
        self.first = self.within.start
        self.span: Interval = (
            self._since * _STEP_MINUTES,
            self._until * _STEP_MINUTES + minutes,
        )

    def steps_to_bits(self, taken: Iterable[int]) -> int:
        """Return steps as bits; ignore those outside the grid."""
        marks = bytearray(len(self.within))
        for step in taken:
            if step in self.within:
                marks[step - self.first] = 1
        return int(marks[::-1].translate(_DIGITS) or b"0", 2)

    def starts_within(self, possible: Sequence[Interval]) -> int:
        """Return the starts at which a call lies entirely within one of the intervals.

        The intervals are in minutes, sorted and disjoint.
        """
        starts = 0
        for begin, end in possible:
            low = max(-(-begin // _STEP_MINUTES), self._since)
            high = min((end - self.minutes) // _STEP_MINUTES, self._until - 1)
            if low <= high:
                starts |= ((1 << (high - low + 1)) - 1) << (low - self.first)
        return starts & self._quarter_hour_starts()

    def _quarter_hour_starts(self) -> int:
        """Return a mask of every quarter of an hour."""
        quarters = len(self.within) // _OFFER_STEPS + 1
        pattern = ((1 << quarters * _OFFER_STEPS) - 1) // ((1 << _OFFER_STEPS) - 1)
        return pattern << -self.first % _OFFER_STEPS

    def exclude_conflicts(self, starts: int, busy: int, before: int = 0, after: int = 0) -> int:
        """Return those starts whose call, including buffers in minutes, touches no busy step."""
        if busy:
            for step in call_steps(_EPOCH, self.minutes, before, after):
                starts &= ~(busy >> step if step >= 0 else busy << -step)
        return starts

    def reachable_steps(self, starts: int) -> range:
        """Return all steps that calls at these starts could touch, with the longest buffers."""
        low, high = (starts & -starts).bit_length() - 1, starts.bit_length()
        return range(
            self.first + low - _MARGIN, self.first + high + self.minutes // _STEP_MINUTES + _MARGIN
        )

    def bits_to_instants(self, starts: int) -> Iterator[datetime]:
        """Yield the starts as instants, earliest first."""
        while starts:
            lowest = starts & -starts
            yield _EPOCH + (self.first + lowest.bit_length() - 1) * STEP
            starts ^= lowest
