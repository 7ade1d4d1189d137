"""Data types of a trace: reported calls, and which source had accessed which customer by when.

Times are days since 1970 in UTC, as floats, which is precise enough for the model.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Protocol

#: Sources that are no staff member: callers without any of our data, and callers with the whole
#: table or with a part of it that no single person accessed.
OUTSIDE, EVERYTHING = "outside", "everything"


@dataclass(frozen=True)
class Call:
    """A reported unexpected call.

    ``customer`` is ``None`` if the number belongs to no customer. ``day`` is when the call came, as
    remembered by the reporter. ``knew`` is what the caller knew, or ``None`` if that was not asked.
    ``doubt`` multiplies the odds that the report is unrelated to a leak: 1 for a usual report, less
    for a certain one, more for a weak signal.
    """

    customer: Hashable | None
    day: float
    knew: frozenset[str] | None = None
    doubt: float = 1.0


@dataclass(frozen=True)
class FirstAccess:
    """A source's first access to a customer, and the fields that its accesses have shown."""

    day: float
    shown: frozenset[str] | None = None


class CumulativeCount(Protocol):
    """Cumulative number of different customers accessed."""

    def count_until(self, day: float) -> float:
        """Return the number of customers accessed until ``day``."""


class Timeline(CumulativeCount, Protocol):
    """Cumulative count of one source that can also be inverted."""

    def day_of_count(self, count: float) -> float:
        """Return the day by which ``count`` customers were accessed."""


class StepTimeline:
    """A timeline from counts of customers first accessed, by day, or by hour with ``per_day`` 24.

    ``units`` are those days or hours since 1970, in ascending order; ``fresh`` has a count for
    each.
    """

    def __init__(
        self, units: Sequence[int] = (), fresh: Iterable[int] = (), per_day: float = 1
    ) -> None:
        self._units, self._sums = units, list(accumulate(fresh))
        self._per_day = per_day

    @classmethod
    def from_unit_counts(cls, fresh: Mapping[int, int], per_day: float = 1) -> StepTimeline:
        """Build the timeline from counts by day or hour, in any order."""
        units = sorted(fresh)
        return cls(units, (fresh[unit] for unit in units), per_day)

    def count_until(self, day: float) -> float:
        """Return the count at the end of that day or hour: any access within it may have been
        earlier."""
        place = bisect_right(self._units, day * self._per_day)
        return self._sums[place - 1] if place else 0

    def day_of_count(self, count: float) -> float:
        """Return the end of the day or hour in which the count was reached."""
        if not self._units:
            return 0.0
        place = min(bisect_left(self._sums, count), len(self._units) - 1)
        return (self._units[place] + 1) / self._per_day


def merge_timelines(all_fresh: Iterable[Mapping[int, int]], per_day: float = 1) -> StepTimeline:
    """Merge the timelines of several sources. A customer accessed by two of them counts twice."""
    sums: dict[int, int] = {}
    for fresh in all_fresh:
        for unit, count in fresh.items():
            sums[unit] = sums.get(unit, 0) + count
    return StepTimeline.from_unit_counts(sums, per_day)


@dataclass(frozen=True)
class SourceGroup:
    """Sources that access the same customers, such as a team: what none of them accessed alone."""

    members: frozenset[str]
    timeline: CumulativeCount


@dataclass(frozen=True)
class AccessRecords:
    """All recorded access. ``population`` is the number of customers, ``sources`` the timeline of
    each source, ``together`` all of them merged, ``groups`` the teams."""

    population: int
    sources: Mapping[str, Timeline]
    together: CumulativeCount
    groups: Mapping[str, SourceGroup]


def epoch_days(at: datetime) -> float:
    """Convert an instant to days since 1970 (UTC)."""
    return at.timestamp() / 86400
