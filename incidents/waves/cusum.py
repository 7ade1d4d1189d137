"""Likelihood ratio CUSUM over the hours, which decides when more reports than usual are too many
for chance.

Page 1954 (Biometrika 41: 100-115), for counts Lucas 1985 (Technometrics 27: 129-144), with a
negative binomial null as in Hoehle and Paul 2008 (Computational Statistics & Data Analysis 52:
4357-4368). One chart looks for twice the usual rate, one for five times. A chart with threshold h
runs at least exp(h) hours on average until a false alarm (Lorden 1971, Annals of Mathematical
Statistics 42: 1897-1908), and mostly much longer. The threshold used here stays below one false
alarm a year in simulated quiet years of one report in ten days to fifty reports a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

from incidents.waves.baseline import HOURS_PER_WEEK, WARM_UP_HOURS, Baseline, ExpectedRate

RATE_RATIOS = (2.0, 5.0)
THRESHOLD = 8.0
#: Learning pauses above this evidence, for at most two weeks: what lasts longer is usual by then.
LEARNING_PAUSE_THRESHOLD = THRESHOLD / 2
MAX_LEARNING_PAUSE_HOURS = 2 * HOURS_PER_WEEK
#: Fewer reports than this are no wave, however unusual.
MIN_REPORTS = 4


@dataclass(frozen=True)
class WaveAlarm:
    """A wave: detected in hour ``at``, in progress since hour ``since`` (both count from 1970,
    UTC). ``found`` reports came in these hours, where ``usual`` were expected."""

    at: int
    since: int
    found: int
    usual: float


@dataclass
class _CusumRun:
    """One chart: its accumulated evidence, since when, and over which counts."""

    times: float
    evidence: float = 0.0
    since: int = 0
    found: int = 0
    usual: float = 0.0

    def add_observation(self, at: int, found: int, usual: ExpectedRate, share: float) -> None:
        if self.evidence <= 0:
            self.since, self.found, self.usual = at, 0, 0.0
        self.found += found
        self.usual += usual.mean * share
        self.evidence = max(
            0.0, self.evidence + log_likelihood_ratio(found, usual, self.times, share)
        )


def log_likelihood_ratio(
    found: int, usual: ExpectedRate, times: float, share: float = 1.0
) -> float:
    """Return the log likelihood ratio of this count at ``times`` the usual rate to the usual rate,
    in a ``share`` of an hour."""
    weight = usual.weeks
    shape = usual.mean * weight
    wider = log((weight + share) / (weight + share * times))
    return (found * log(times) + (found + shape) * wider) / usual.dispersion


@dataclass
class CusumChart:
    """Runs the charts over the hours in order."""

    baseline: Baseline = field(default_factory=Baseline)
    runs: list[_CusumRun] = field(
        default_factory=lambda: [_CusumRun(times) for times in RATE_RATIOS]
    )
    unusual: int = 0

    def add_completed_hour(self, at: int, hour_of_week: int, found: int) -> WaveAlarm | None:
        """Add a completed hour; an alarm resets the charts."""
        alarm = self._update_cusum_runs(
            at, found, self.baseline.expected_hour_rate(hour_of_week), 1.0
        )
        unusual = alarm is not None or any(
            run.evidence >= LEARNING_PAUSE_THRESHOLD for run in self.runs
        )
        self.unusual = max(0, self.unusual + (1 if unusual else -1))
        unusual = unusual and self.unusual < MAX_LEARNING_PAUSE_HOURS
        self.baseline.learn_hour_count(hour_of_week, found, unusual=unusual)
        return alarm

    def check_current_hour(
        self, at: int, hour_of_week: int, found: int, share: float
    ) -> WaveAlarm | None:
        """Return the alarm that the current hour would raise, of which a ``share`` is over.

        The chart must not be used afterwards.
        """
        return self._update_cusum_runs(
            at, found, self.baseline.expected_hour_rate(hour_of_week), share
        )

    def _update_cusum_runs(
        self, at: int, found: int, usual: ExpectedRate, share: float
    ) -> WaveAlarm | None:
        if self.baseline.past < WARM_UP_HOURS:
            return None
        for run in self.runs:
            run.add_observation(at, found, usual, share)
        over = [
            candidate
            for candidate in self.runs
            if candidate.evidence >= THRESHOLD and candidate.found >= MIN_REPORTS
        ]
        if not over:
            return None
        widest = max(over, key=lambda each: each.evidence)
        alarm = WaveAlarm(at, widest.since, widest.found, widest.usual)
        self.runs = [_CusumRun(times) for times in RATE_RATIOS]
        return alarm
