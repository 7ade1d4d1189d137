"""Free slots: a pure function of plain values. Instants in, instants out; zones only where
somebody's clock on the wall decides."""

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
#: In minutes; more than anybody needs around a call.
MAX_BUFFER = 120
_MARGIN = MAX_BUFFER // _STEP_MINUTES + 1
_DIGITS = b"01" + bytes(254)


@dataclass(frozen=True)
class SlotRules:
    """What a slot must respect.

    ``hours`` maps weekdays (Monday 0) to minutes of the day in ``agent_zone``; empty means any
    hour. ``dated`` are the hours of single days instead, holidays or not; ``holidays`` have no
    weekly hours, and a day ``off`` none at all. ``before`` and ``after`` are minutes that the agent
    needs around a call. ``decent`` is from and to in ``customer_zone``; ``None`` as its end is
    midnight.
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
        """The agent's hours of one day."""
        if day in self.off:
            return ()
        if day in self.dated:
            return self.dated[day]
        if day in self.holidays:
            return ()
        return self.hours.get(day.weekday(), ()) if self.hours else ((0, DAY_MINUTES),)


def call_steps(starts_at: datetime, minutes: int, before: int = 0, after: int = 0) -> range:
    """The five-minute steps of absolute time (since 1970, UTC) that a call touches, with the
    minutes that are kept free around it."""
    begins_at = starts_at - timedelta(minutes=before)
    ends_at = starts_at + timedelta(minutes=minutes + after)
    return range((begins_at - _EPOCH) // STEP, -((_EPOCH - ends_at) // STEP))


def working_intervals(rules: SlotRules, span: Interval) -> list[Interval]:
    """When the agent is at work, at least within a span."""
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
    """When it is a decent hour where the customer lives, at least within a span."""
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
    """Whether the agent is at work for the whole call."""
    span = _call_interval(starts_at, minutes)
    return intervals.is_covered(working_intervals(rules, span), span)


def is_within_calling_hours(rules: SlotRules, starts_at: datetime, minutes: int) -> bool:
    """Whether the whole call is at a decent hour where the customer lives."""
    span = _call_interval(starts_at, minutes)
    return intervals.is_covered(calling_intervals(rules, span), span)


def _call_interval(starts_at: datetime, minutes: int) -> Interval:
    begin = intervals.minute_from_instant(starts_at)
    return begin, begin + minutes


def callable_intervals(rules: SlotRules, span: Interval) -> list[Interval]:
    """When the agent is at work and it is a decent hour for the customer."""
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
    """Free starts in [``since``, ``until``), every quarter of an hour, earliest first.

    ``busy`` holds the agent's taken steps, as :func:`call_steps` numbers them; at ``others`` the
    call itself cannot be, whereas the agent's buffers can.
    """
    grid = StartGrid(since, until, minutes)
    starts = grid.starts_within(callable_intervals(rules, grid.span))
    starts = grid.exclude_conflicts(starts, grid.steps_to_bits(busy), rules.before, rules.after)
    return grid.bits_to_instants(grid.exclude_conflicts(starts, grid.steps_to_bits(others)))


class StartGrid:
    """Starts of calls of one length in [``since``, ``until``) as bits of a whole number, one bit
    a step: what a thousand calendars have in common is then a few operations on numbers.

    Bit 0 is the step ``first``, as long before ``since`` as a buffer can be.
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
        """Steps as bits; those outside are left out."""
        marks = bytearray(len(self.within))
        for step in taken:
            if step in self.within:
                marks[step - self.first] = 1
        return int(marks[::-1].translate(_DIGITS) or b"0", 2)

    def starts_within(self, possible: Sequence[Interval]) -> int:
        """Where a call lies wholly inside one of the spans, in order and apart, of minutes."""
        found = 0
        for begin, end in possible:
            low = max(-(-begin // _STEP_MINUTES), self._since)
            high = min((end - self.minutes) // _STEP_MINUTES, self._until - 1)
            if low <= high:
                found |= ((1 << (high - low + 1)) - 1) << (low - self.first)
        return found & self._quarter_hour_starts()

    def _quarter_hour_starts(self) -> int:
        """Every quarter of an hour."""
        quarters = len(self.within) // _OFFER_STEPS + 1
        pattern = ((1 << quarters * _OFFER_STEPS) - 1) // ((1 << _OFFER_STEPS) - 1)
        return pattern << -self.first % _OFFER_STEPS

    def exclude_conflicts(self, starts: int, busy: int, before: int = 0, after: int = 0) -> int:
        """Those of the starts whose call, with these minutes around it, touches no busy step."""
        if busy:
            for step in call_steps(_EPOCH, self.minutes, before, after):
                starts &= ~(busy >> step if step >= 0 else busy << -step)
        return starts

    def reachable_steps(self, starts: int) -> range:
        """All steps that calls at these starts could touch, with any buffers."""
        low, high = (starts & -starts).bit_length() - 1, starts.bit_length()
        return range(
            self.first + low - _MARGIN, self.first + high + self.minutes // _STEP_MINUTES + _MARGIN
        )

    def bits_to_instants(self, starts: int) -> Iterator[datetime]:
        """The starts as instants, earliest first."""
        while starts:
            lowest = starts & -starts
            yield _EPOCH + (self.first + lowest.bit_length() - 1) * STEP
            starts ^= lowest
