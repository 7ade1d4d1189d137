"""What the watch remembers of one member of staff: counts and times, nothing of any customer but
the ids of those of the shift that is going on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

GAP = timedelta(hours=6)
LONGEST = timedelta(hours=16)
HOUR = timedelta(hours=1)
_REMEMBERED = 0.5 ** (1 / 60)  # a shift counts half after sixty more
_HABIT, _ENOUGH = 0.03, 50.0


class Signal(StrEnum):
    """What is counted: different customers with nothing behind their opening; look-ups that found
    nobody and that nothing followed; openings with nothing behind them at unusual hours."""

    BARE = "nothing_behind"
    MISSED = "found_nobody"
    OFF = "off_hours"


@dataclass
class Past:
    """Of one signal: what was counted in how much work, older shifts less and less; and the chart
    over weeks with its ``score``, ``since`` when, and what it has seen and expected since."""

    count: float = 0.0
    work: float = 0.0
    score: float = 0.0
    since: datetime | None = None
    seen: float = 0.0
    expected: float = 0.0


@dataclass
class Span:
    """What was counted since ``since``; ``work`` are customers with something behind them, ``off``
    those of them at unusual hours."""

    since: datetime
    work: int = 0
    off: int = 0
    seen: dict[Signal, int] = field(default_factory=dict)

    def add(self, signal: Signal, by: int = 1) -> None:
        self.seen[signal] = max(0, self.seen.get(signal, 0) + by)


@dataclass
class Shift:
    """A stretch of work without a gap of six hours, and the hour that is going on in it.
    ``customers`` says of each whether there was something behind; ``found`` names what was found
    unusual, so that it is told once."""

    whole: Span
    hour: Span
    last_at: datetime
    customers: dict[str, bool] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


@dataclass
class Person:
    """``hours`` is the habit: how much work fell into each hour of the person's own day."""

    shifts: int = 0
    shift: Shift | None = None
    past: dict[Signal, Past] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [0.0] * 24)

    def of(self, signal: Signal) -> Past:
        return self.past.setdefault(signal, Past())

    def ends_shift(self, at: datetime) -> bool:
        """Whether an act at this time belongs to another shift than the one before."""
        shift = self.shift
        if shift is None:
            return False
        return at - shift.last_at >= GAP or at - shift.whole.since >= LONGEST

    def at_work(self, at: datetime) -> Shift:
        """The shift that an act at this time falls into."""
        if self.shift is None:
            self.shift = Shift(Span(at), Span(at), at)
        if at - self.shift.hour.since >= HOUR:
            self.shift.hour = Span(at)
        self.shift.last_at = max(self.shift.last_at, at)
        return self.shift

    def is_unusual_hour(self, hour: int) -> bool:
        """Whether next to none of the work so far fell into this hour or its neighbours."""
        total = sum(self.hours)
        near = sum(self.hours[(hour + n) % 24] for n in (-1, 0, 1))
        return total >= _ENOUGH and near < _HABIT * total

    def forget_a_little(self) -> None:
        """Let the past fade by one shift."""
        self.hours = [each * _REMEMBERED for each in self.hours]
        for past in self.past.values():
            past.count *= _REMEMBERED
            past.work *= _REMEMBERED


def with_reason(person: Person, customer: str, at: datetime, hour: int, *, off: bool) -> None:
    """A customer was opened with something behind it; ``hour`` is that of the person's day."""
    shift = person.at_work(at)
    if customer not in shift.customers:
        shift.customers[customer] = True
        for span in (shift.whole, shift.hour):
            span.work += 1
            span.off += off
        person.hours[hour] += 1


def bare(person: Person, customer: str, at: datetime, *, off: bool) -> bool:
    """A customer was opened with nothing behind it, or what was behind it came to nothing. Whether
    that is news."""
    shift = person.at_work(at)
    before = shift.customers.get(customer)
    if before is False:
        return False
    shift.customers[customer] = False
    if before:
        shift.whole.work -= 1
    _count(shift, Signal.BARE)
    if off:
        _count(shift, Signal.OFF)
    return True


def missed(person: Person, at: datetime) -> None:
    """A look-up found nobody, and nothing followed."""
    _count(person.at_work(at), Signal.MISSED)


def _count(shift: Shift, signal: Signal) -> None:
    shift.whole.add(signal)
    shift.hour.add(signal)


def explained(person: Person, customer: str | None, counted_at: datetime, *, off: bool) -> None:
    """What was counted has something behind it after all: a late booking, or a new customer."""
    shift = person.shift
    if shift is None or counted_at < shift.whole.since:
        return
    signals = [Signal.MISSED] if customer is None else [Signal.BARE]
    signals += [Signal.OFF] if off else []
    for signal in signals:
        shift.whole.add(signal, -1)
        if counted_at >= shift.hour.since:
            shift.hour.add(signal, -1)
    if customer is not None:
        shift.customers[customer] = True
        shift.whole.work += 1
