"""Baseline of how many reports to expect in each hour of the week, learned over time.

Each of the 168 hours of the week has a Gamma posterior of its rate, so the count of the next such
hour is negative binomial: the fewer weeks have been seen, the wider. Its prior is the rate of all
hours times the shape of the day and of the week, worth up to four weeks (partial pooling).
Observations decay with a half-life of eight weeks. Outliers are learned only up to a bound, as in
Noufaily et al. 2013 (Statistics in Medicine 32: 1206-1222), and nothing above usual is learned
during a wave, so that waves do not become usual. Further variation of reports (several of one
household) is measured by Pearson's statistic and damps the evidence (ibid.).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

HOURS_PER_WEEK = 168
HALF_LIFE_WEEKS = 8
PRIOR_WEEKS = 4.0
#: Initial rate: half a report a day, with the weight of one day.
_FIRST_COUNT, _FIRST_HOURS = 0.5, 24.0
_SHAPE_PRIOR = 24.0  # evenly spread reports that the day and week shapes start with
_MIN_WEEKS = 0.25
_FADE_WEEK = 0.5 ** (1 / HALF_LIFE_WEEKS)
_FADE_HOUR = 0.5 ** (1 / (HALF_LIFE_WEEKS * HOURS_PER_WEEK))
_FADE_DAY = _FADE_HOUR**24
_SPREAD_DAYS = 14.0
_MAX_DISPERSION = 10.0
#: No alarms during this time: the usual rate is not known yet.
WARM_UP_HOURS = HOURS_PER_WEEK


@dataclass(frozen=True)
class ExpectedRate:
    """Expected reports of one hour: ``mean``, based on ``weeks`` weeks. ``dispersion`` is how much
    wider counts were distributed than that (1 for no wider)."""

    mean: float
    weeks: float
    dispersion: float

    @property
    def bound(self) -> float:
        """The most that is learned from one such hour."""
        variance = self.mean * (1 + 1 / self.weeks)
        return self.mean + 3 * sqrt(variance) + 1


@dataclass
class Baseline:
    """Everything learned so far. Hours of the week count from Monday 00:00, from 0 to 167."""

    count: float = _FIRST_COUNT
    hours: float = _FIRST_HOURS
    past: int = 0
    day: tuple[float, float] = (0.0, 0.0)
    spread: float = _SPREAD_DAYS
    spread_days: float = _SPREAD_DAYS
    by_hour: list[float] = field(default_factory=lambda: [0.0] * 24)
    by_day: list[float] = field(default_factory=lambda: [0.0] * 7)
    counts: list[float] = field(default_factory=lambda: [0.0] * HOURS_PER_WEEK)
    weeks: list[float] = field(default_factory=lambda: [0.0] * HOURS_PER_WEEK)

    def expected_hour_rate(self, hour_of_week: int) -> ExpectedRate:
        """Return the expected rate of that hour of the week."""
        day, hour = divmod(hour_of_week, 24)
        pooled = self.count / self.hours * self._seasonal_factor(self.by_hour, hour)
        pooled *= self._seasonal_factor(self.by_day, day)
        worth = PRIOR_WEEKS * self.hours / (self.hours + 2 * HOURS_PER_WEEK)
        weeks = max(_MIN_WEEKS, worth + self.weeks[hour_of_week])
        count = (weeks - self.weeks[hour_of_week]) * pooled + self.counts[hour_of_week]
        dispersion = min(_MAX_DISPERSION, max(1.0, self.spread / self.spread_days))
        return ExpectedRate(max(count / weeks, 1e-6), weeks, dispersion)

    @staticmethod
    def _seasonal_factor(seen: list[float], at: int) -> float:
        """Return the ratio of this hour of the day, or day of the week, to an average one."""
        even = _SHAPE_PRIOR / len(seen)
        return len(seen) * (seen[at] + even) / (sum(seen) + _SHAPE_PRIOR)

    def learn_hour_count(self, hour_of_week: int, found: int, *, unusual: bool = False) -> None:
        """Learn the count of a completed hour; in an ``unusual`` time at most the usual count."""
        usual = self.expected_hour_rate(hour_of_week)
        count = float(found)
        if self.past >= WARM_UP_HOURS:
            count = min(count, usual.bound)
            self._update_dispersion(count, usual)
            count = min(count, usual.mean) if unusual else count
        self.past += 1
        self.count = self.count * _FADE_HOUR + count
        self.hours = self.hours * _FADE_HOUR + 1
        day, hour = divmod(hour_of_week, 24)
        self.by_hour = [share * _FADE_HOUR for share in self.by_hour]
        self.by_day = [share * _FADE_HOUR for share in self.by_day]
        self.by_hour[hour] += count
        self.by_day[day] += count
        self.counts[hour_of_week] = self.counts[hour_of_week] * _FADE_WEEK + count
        self.weeks[hour_of_week] = self.weeks[hour_of_week] * _FADE_WEEK + 1

    def _update_dispersion(self, count: float, usual: ExpectedRate) -> None:
        """Update by the day: an hour at night with almost no expected reports says too little."""
        reports, expected = self.day
        reports, expected = reports + count, expected + usual.mean * (1 + 1 / usual.weeks / 24)
        self.day = reports, expected
        if self.past % 24 == 0:
            self.spread = self.spread * _FADE_DAY + (reports - expected) ** 2 / expected
            self.spread_days = self.spread_days * _FADE_DAY + 1
            self.day = 0.0, 0.0
