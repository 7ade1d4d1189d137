"""Profile of one staff member: counts and times, and nothing of any customer except the ids of
those in the current shift."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

SHIFT_GAP = timedelta(hours=6)
MAX_SHIFT = timedelta(hours=16)
HOUR = timedelta(hours=1)
_DECAY = 0.5 ** (1 / 60)  # a shift counts half after sixty more
_HABIT_SHARE, _MIN_WORK = 0.03, 50.0


class Indicator(StrEnum):
    """What is counted: different customers accessed without justification; look-ups that found
    nobody and had no follow-up; unjustified accesses at unusual hours."""

    BARE = "nothing_behind"
    MISSED = "found_nobody"
    OFF = "off_hours"


@dataclass
class IndicatorHistory:
    """History of one indicator.

    ``count`` and ``work`` are what was counted in how much work, with older shifts decayed.
    ``score`` is the CUSUM chart over weeks, ``since`` its start, and ``seen`` and ``expected`` its
    totals since then.
    """

    count: float = 0.0
    work: float = 0.0
    score: float = 0.0
    since: datetime | None = None
    seen: float = 0.0
    expected: float = 0.0


@dataclass
class ActivityCount:
    """Counts since ``since``. ``work`` is the number of justified customers, ``off`` those of them
    at unusual hours."""

    since: datetime
    work: int = 0
    off: int = 0
    seen: dict[Indicator, int] = field(default_factory=dict)

    def add_indicator(self, signal: Indicator, by: int = 1) -> None:
        self.seen[signal] = max(0, self.seen.get(signal, 0) + by)


@dataclass
class Shift:
    """A stretch of work without a gap of six hours, and its current hour.

    ``customers`` says of each whether the access was justified; ``found`` names the anomalies
    already reported, so that each is reported once.
    """

    whole: ActivityCount
    hour: ActivityCount
    last_at: datetime
    customers: dict[str, bool] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


@dataclass
class StaffProfile:
    """Profile of a staff member. ``hours`` is the habit: how much work fell into each hour of the
    person's own day."""

    shifts: int = 0
    shift: Shift | None = None
    past: dict[Indicator, IndicatorHistory] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [0.0] * 24)

    def history_of(self, signal: Indicator) -> IndicatorHistory:
        return self.past.setdefault(signal, IndicatorHistory())

    def starts_new_shift(self, at: datetime) -> bool:
        """Return whether an act at this time starts a new shift."""
        shift = self.shift
        if shift is None:
            return False
        return at - shift.last_at >= SHIFT_GAP or at - shift.whole.since >= MAX_SHIFT

    def current_shift_at(self, at: datetime) -> Shift:
        """Return the shift of an act at this time."""
        if self.shift is None:
            self.shift = Shift(ActivityCount(at), ActivityCount(at), at)
        if at - self.shift.hour.since >= HOUR:
            self.shift.hour = ActivityCount(at)
        self.shift.last_at = max(self.shift.last_at, at)
        return self.shift

    def is_unusual_hour(self, hour: int) -> bool:
        """Return whether almost none of the work so far fell into this hour or its neighbours."""
        total = sum(self.hours)
        near = sum(self.hours[(hour + n) % 24] for n in (-1, 0, 1))
        return total >= _MIN_WORK and near < _HABIT_SHARE * total

    def decay_history(self) -> None:
        """Decay the history by one shift."""
        self.hours = [hour * _DECAY for hour in self.hours]
        for past in self.past.values():
            past.count *= _DECAY
            past.work *= _DECAY


def record_justified_access(
    person: StaffProfile, customer: str, at: datetime, hour: int, *, off: bool
) -> None:
    """Count a justified access to a customer; ``hour`` is the hour of the person's day."""
    shift = person.current_shift_at(at)
    if customer not in shift.customers:
        shift.customers[customer] = True
        for span in (shift.whole, shift.hour):
            span.work += 1
            span.off += off
        person.hours[hour] += 1


def record_unjustified_access(
    person: StaffProfile, customer: str, at: datetime, *, off: bool
) -> bool:
    """Count an unjustified access to a customer, or one whose justification has lapsed;
    return whether it is new."""
    shift = person.current_shift_at(at)
    before = shift.customers.get(customer)
    if before is False:
        return False
    shift.customers[customer] = False
    if before:
        shift.whole.work -= 1
    _count_indicator(shift, Indicator.BARE)
    if off:
        _count_indicator(shift, Indicator.OFF)
    return True


def record_lookup_miss(person: StaffProfile, at: datetime) -> None:
    """Count a look-up that found nobody and had no follow-up."""
    _count_indicator(person.current_shift_at(at), Indicator.MISSED)


def _count_indicator(shift: Shift, signal: Indicator) -> None:
    shift.whole.add_indicator(signal)
    shift.hour.add_indicator(signal)


def withdraw_indicator(
    person: StaffProfile, customer: str | None, counted_at: datetime, *, off: bool
) -> None:
    """Withdraw a count that was justified after all, by a late booking or a new customer."""
    shift = person.shift
    if shift is None or counted_at < shift.whole.since:
        return
    signals = [Indicator.MISSED] if customer is None else [Indicator.BARE]
    signals += [Indicator.OFF] if off else []
    for signal in signals:
        shift.whole.add_indicator(signal, -1)
        if counted_at >= shift.hour.since:
            shift.hour.add_indicator(signal, -1)
    if customer is not None:
        shift.customers[customer] = True
        shift.whole.work += 1
