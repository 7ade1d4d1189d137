"""Whether what somebody does is unusual: for them, and among their peers, over three windows.

- *hour* and *shift*: how likely are so many or more, given the work done in that time?
- *weeks*: a CUSUM chart over shifts, which adds up what is too little to be seen in one.

What is expected goes with the work (customers with something behind them): a day on which an
outage triples the calls triples it too. Somebody's own past counts as far as it is not over twice
what is usual among their peers, no shift teaches more than was to be expected of it, and one in
which something was found teaches nothing: slowly doing more does not make it usual (on poisoning by
a slow ramp, Rubinstein et al., *Antidote*, 2009). Who is new may err half as much again, less with
each of twenty shifts. It says what is unusual, not who is guilty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import log, sqrt

from incidents.anomaly_detection.distributions import Prior, evidence, fit, tail
from incidents.anomaly_detection.staff_profile import Person, Shift, Signal, Span

#: What is usual where there are no peers to learn from, for each customer with something behind.
USUAL = {Signal.BARE: Prior(0.06), Signal.MISSED: Prior(0.06), Signal.OFF: Prior(0.06)}
Priors = Mapping[Signal, Prior]
MOST_OF_OWN = 2.0
NEW_SHIFTS, NEW_MORE = 20, 0.5
GOOD_AND_BAD_DAYS = 2.0  # the shape of what shifts of one person differ by
#: What a span counts as work at the least, so that something is expected of an idle one as well.
LEAST_WORK = {"hour": 2.0, "shift": 5.0}
LEAST_OFF = 0.5
RARE = {"hour": 7e-5, "shift": 3e-4}
LEAST_SEEN = {Signal.BARE: 3, Signal.MISSED: 4, Signal.OFF: 2}
MORE = 2.0  # a shift: what the chart looks for, or as much again as is usual
BETWEEN_ALARMS = 1500  # shifts between false alarms of a chart at the least, were the model true
ALARM = log(BETWEEN_ALARMS)


class Window(StrEnum):
    """Over what time something is unusual."""

    HOUR = "hour"
    SHIFT = "shift"
    WEEKS = "weeks"


@dataclass(frozen=True)
class Finding:
    """Something unusual, in numbers: ``seen`` against ``expected`` since ``since``. ``chance`` is
    how likely that is in honest work; for weeks, the bound that the chart keeps."""

    signal: Signal
    window: Window
    seen: float
    expected: float
    since: datetime
    chance: float
    own: float
    peers: float


@dataclass(frozen=True)
class _Usual:
    """What is expected of a person, for each customer with something behind; and how surely."""

    rate: float
    shape: float


def priors(people: list[Person]) -> Priors:
    """What is usual among peers."""
    return {
        signal: fit([(p.of(signal).count, p.of(signal).work) for p in people], usual)
        for signal, usual in USUAL.items()
    }


def _usual(person: Person, signal: Signal, prior: Prior) -> _Usual:
    past = person.of(signal)
    work = prior.shape / prior.mean + past.work
    rate = min((prior.shape + past.count) / work, MOST_OF_OWN * prior.mean)
    new = max(0.0, 1 - person.shifts / NEW_SHIFTS) * NEW_MORE
    certain = prior.shape + past.count
    return _Usual(rate * (1 + new), 1 / (1 / GOOD_AND_BAD_DAYS + 1 / certain))


def check(person: Person, peers: Priors) -> list[Finding]:
    """What is unusual now and was not told before in this shift."""
    shift, found = person.shift, []
    if shift is None:
        return []
    for signal in Signal:
        usual = _usual(person, signal, peers[signal])
        for each in (
            _rare(shift.hour, Window.HOUR, signal, usual, peers[signal]),
            _rare(shift.whole, Window.SHIFT, signal, usual, peers[signal]),
            _weeks(person, shift, signal, usual, peers[signal]),
        ):
            name = f"{signal}:{each.window}" if each else ""
            if each and name not in shift.found:
                shift.found.append(name)
                found.append(each)
    return found


def _rare(
    span: Span, window: Window, signal: Signal, usual: _Usual, peers: Prior
) -> Finding | None:
    seen = span.seen.get(signal, 0)
    if seen < LEAST_SEEN[signal]:
        return None
    work = _work(span, signal, LEAST_WORK[window])
    expected = usual.rate * work
    chance = tail(seen, expected, usual.shape)
    if chance >= RARE[window]:
        return None
    return Finding(
        signal, window, seen, expected, span.since, chance, usual.rate * work, peers.mean * work
    )


def _work(span: Span, signal: Signal, least: float) -> float:
    """What is measured against: at unusual hours, the work of those. Who covers for a colleague has
    calls behind what they open."""
    return span.off + LEAST_OFF if signal is Signal.OFF else span.work + least


def _weeks(
    person: Person, shift: Shift, signal: Signal, usual: _Usual, peers: Prior
) -> Finding | None:
    past, seen = person.of(signal), shift.whole.seen.get(signal, 0)
    work = _work(shift.whole, signal, LEAST_WORK["shift"])
    expected = usual.rate * work
    score = past.score + _evidence(seen, expected, usual)
    if seen == 0 or score < ALARM:
        return None
    since = past.since or shift.whole.since
    total = past.expected + expected
    return Finding(
        signal,
        Window.WEEKS,
        past.seen + seen,
        total,
        since,
        1 / BETWEEN_ALARMS,
        total,
        total * peers.mean / usual.rate,
    )


def _evidence(seen: int, expected: float, usual: _Usual) -> float:
    return evidence(seen, expected, max(MORE, expected), usual.shape)


def close(person: Person, peers: Priors) -> None:
    """Put the shift into the person's past."""
    shift = person.shift
    if shift is None:
        return
    person.forget_a_little()
    for signal in Signal:
        work = _work(shift.whole, signal, LEAST_WORK["shift"])
        usual, past = _usual(person, signal, peers[signal]), person.of(signal)
        seen, expected = shift.whole.seen.get(signal, 0), usual.rate * work
        told = any(name.startswith(f"{signal}:") for name in shift.found)
        _chart(person, shift, signal, seen, expected, usual, told)
        if not shift.found:
            spread = sqrt(expected + expected**2 / usual.shape)
            past.count += min(seen, expected + 2 * spread)
            past.work += work
    person.shifts += 1
    person.shift = None


def _chart(
    person: Person,
    shift: Shift,
    signal: Signal,
    seen: int,
    expected: float,
    usual: _Usual,
    told: bool,
) -> None:
    past = person.of(signal)
    past.score = 0.0 if told else max(0.0, past.score + _evidence(seen, expected, usual))
    if past.score == 0:
        past.since, past.seen, past.expected = None, 0.0, 0.0
        return
    past.since = past.since or shift.whole.since
    past.seen += seen
    past.expected += expected
