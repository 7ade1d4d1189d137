"""Detects whether a person's activity is unusual, for them and among their peers, over three
windows.

- *hour* and *shift*: the probability of at least this count, given the work done in that time.
- *weeks*: a CUSUM chart over shifts, which adds up deviations too small to be seen in one shift.

The expected count scales with the work (customers accessed with justification): an outage that
triples the calls triples it too. A person's own past counts only up to twice the usual rate of
their peers, no shift teaches more than was to be expected of it, and a shift with a finding teaches
nothing. So a slow increase does not become usual (on poisoning by a slow ramp, Rubinstein et al.,
*Antidote*, 2009). A new person is allowed half as much again, less with each of their first twenty
shifts. The result says what is unusual, not who is guilty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import log, sqrt

from incidents.anomaly_detection.distributions import (
    GammaPrior,
    fit_prior,
    negative_binomial_log_ratio,
    tail_probability,
)
from incidents.anomaly_detection.staff_profile import ActivityCount, Indicator, Shift, StaffProfile

#: Priors without peers to learn from, for each justified customer.
DEFAULT_PRIORS = {
    Indicator.BARE: GammaPrior(0.06),
    Indicator.MISSED: GammaPrior(0.06),
    Indicator.OFF: GammaPrior(0.06),
}
Priors = Mapping[Indicator, GammaPrior]
MAX_OWN_RATE = 2.0
NEW_SHIFTS, NEW_ALLOWANCE = 20, 0.5
SHIFT_SHAPE = 2.0  # gamma shape of the variation between one person's shifts
#: Minimum work of a span, so that an idle one also has an expected count.
MIN_WORK = {"hour": 2.0, "shift": 5.0}
MIN_OFF_HOURS_WORK = 0.5
BURST_THRESHOLDS = {"hour": 7e-5, "shift": 3e-4}
MIN_SEEN = {Indicator.BARE: 3, Indicator.MISSED: 4, Indicator.OFF: 2}
DRIFT_STEP = 2.0  # increase per shift to detect, or a doubling if that is more
SHIFTS_BETWEEN_ALARMS = 1500  # minimum mean shifts between false alarms, if the model holds
ALARM_THRESHOLD = log(SHIFTS_BETWEEN_ALARMS)


class Window(StrEnum):
    """Time window of a finding."""

    HOUR = "hour"
    SHIFT = "shift"
    WEEKS = "weeks"


@dataclass(frozen=True)
class Finding:
    """An anomaly in numbers: ``seen`` against ``expected`` since ``since``.

    ``chance`` is its probability in honest work; for weeks, the bound that the chart keeps.
    """

    signal: Indicator
    window: Window
    seen: float
    expected: float
    since: datetime
    chance: float
    own: float
    peers: float


@dataclass(frozen=True)
class _ExpectedRate:
    """A person's expected rate for each justified customer, and its certainty as a gamma shape."""

    rate: float
    shape: float


def fit_peer_priors(people: list[StaffProfile]) -> Priors:
    """Fit the priors from the peers' histories."""
    return {
        signal: fit_prior(
            [(p.history_of(signal).count, p.history_of(signal).work) for p in people], usual
        )
        for signal, usual in DEFAULT_PRIORS.items()
    }


def _expected_rate(person: StaffProfile, signal: Indicator, prior: GammaPrior) -> _ExpectedRate:
    past = person.history_of(signal)
    work = prior.shape / prior.mean + past.work
    rate = min((prior.shape + past.count) / work, MAX_OWN_RATE * prior.mean)
    new = max(0.0, 1 - person.shifts / NEW_SHIFTS) * NEW_ALLOWANCE
    certain = prior.shape + past.count
    return _ExpectedRate(rate * (1 + new), 1 / (1 / SHIFT_SHAPE + 1 / certain))


def find_anomalies(person: StaffProfile, peers: Priors) -> list[Finding]:
    """Return the anomalies that are new in the current shift."""
    shift, findings = person.shift, []
    if shift is None:
        return []
    for signal in Indicator:
        usual = _expected_rate(person, signal, peers[signal])
        for finding in (
            _detect_burst(shift.hour, Window.HOUR, signal, usual, peers[signal]),
            _detect_burst(shift.whole, Window.SHIFT, signal, usual, peers[signal]),
            _detect_drift(person, shift, signal, usual, peers[signal]),
        ):
            name = f"{signal}:{finding.window}" if finding else ""
            if finding and name not in shift.found:
                shift.found.append(name)
                findings.append(finding)
    return findings


def _detect_burst(
    span: ActivityCount, window: Window, signal: Indicator, usual: _ExpectedRate, peers: GammaPrior
) -> Finding | None:
    seen = span.seen.get(signal, 0)
    if seen < MIN_SEEN[signal]:
        return None
    work = _measured_work(span, signal, MIN_WORK[window])
    expected = usual.rate * work
    chance = tail_probability(seen, expected, usual.shape)
    if chance >= BURST_THRESHOLDS[window]:
        return None
    return Finding(
        signal, window, seen, expected, span.since, chance, usual.rate * work, peers.mean * work
    )


def _measured_work(span: ActivityCount, signal: Indicator, least: float) -> float:
    """Return the work to measure against: for unusual hours, only the work in those. Someone who
    covers for a colleague has calls that justify what they open."""
    return span.off + MIN_OFF_HOURS_WORK if signal is Indicator.OFF else span.work + least


def _detect_drift(
    person: StaffProfile, shift: Shift, signal: Indicator, usual: _ExpectedRate, peers: GammaPrior
) -> Finding | None:
    past, seen = person.history_of(signal), shift.whole.seen.get(signal, 0)
    work = _measured_work(shift.whole, signal, MIN_WORK["shift"])
    expected = usual.rate * work
    score = past.score + _cusum_increment(seen, expected, usual)
    if seen == 0 or score < ALARM_THRESHOLD:
        return None
    since = past.since or shift.whole.since
    total = past.expected + expected
    return Finding(
        signal,
        Window.WEEKS,
        past.seen + seen,
        total,
        since,
        1 / SHIFTS_BETWEEN_ALARMS,
        total,
        total * peers.mean / usual.rate,
    )


def _cusum_increment(seen: int, expected: float, usual: _ExpectedRate) -> float:
    return negative_binomial_log_ratio(seen, expected, max(DRIFT_STEP, expected), usual.shape)


def close_shift(person: StaffProfile, peers: Priors) -> None:
    """Add the shift to the person's history."""
    shift = person.shift
    if shift is None:
        return
    person.decay_history()
    for signal in Indicator:
        work = _measured_work(shift.whole, signal, MIN_WORK["shift"])
        usual, past = _expected_rate(person, signal, peers[signal]), person.history_of(signal)
        seen, expected = shift.whole.seen.get(signal, 0), usual.rate * work
        was_reported = any(name.startswith(f"{signal}:") for name in shift.found)
        _update_cusum(person, shift, signal, seen, expected, usual, was_reported)
        if not shift.found:
            spread = sqrt(expected + expected**2 / usual.shape)
            past.count += min(seen, expected + 2 * spread)
            past.work += work
    person.shifts += 1
    person.shift = None


def _update_cusum(
    person: StaffProfile,
    shift: Shift,
    signal: Indicator,
    seen: int,
    expected: float,
    usual: _ExpectedRate,
    told: bool,
) -> None:
    past = person.history_of(signal)
    past.score = 0.0 if told else max(0.0, past.score + _cusum_increment(seen, expected, usual))
    if past.score == 0:
        past.since, past.seen, past.expected = None, 0.0, 0.0
        return
    past.since = past.since or shift.whole.since
    past.seen += seen
    past.expected += expected
