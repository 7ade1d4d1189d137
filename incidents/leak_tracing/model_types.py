"""What a trace is made of: calls as they were reported, and who had seen whom by when.

Times are days since 1970 in UTC, as a float: a model has no use for more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Protocol

#: The sources that are nobody with access: callers who have nothing of ours, and callers who have
#: the whole table, or a part of it that is no one person's.
OUTSIDE, EVERYTHING = "outside", "everything"


@dataclass(frozen=True)
class Call:
    """An unexpected call that somebody reports. ``customer`` is none where the number is no
    customer's; ``day`` is when it came, as far as they remember; ``knew`` is what the caller knew,
    or none where nobody was asked. ``doubt`` multiplies the odds that the report has to do with no
    leak: 1 for a usual one, less for one that is surely meant, more for a weak sign."""

    customer: Hashable | None
    day: float
    knew: frozenset[str] | None = None
    doubt: float = 1.0


@dataclass(frozen=True)
class FirstAccess:
    """A source's first look at a customer, and which fields its looks have shown."""

    day: float
    shown: frozenset[str] | None = None


class CumulativeCount(Protocol):
    """How many different customers were seen by when."""

    def count_until(self, day: float) -> float:
        """How many until ``day``."""


class Timeline(CumulativeCount, Protocol):
    """The growth of one source, which can be asked the other way round too."""

    def day_of_count(self, count: float) -> float:
        """By which day there were ``count`` of them."""


class StepTimeline:
    """A timeline from counts of customers first seen, by day, or by hour with ``per_day`` 24.
    ``units`` are those days or hours since 1970, in their order; ``fresh`` has a count for each."""

    def __init__(
        self, units: Sequence[int] = (), fresh: Iterable[int] = (), per_day: float = 1
    ) -> None:
        self._units, self._sums = units, list(accumulate(fresh))
        self._per_day = per_day

    @classmethod
    def from_unit_counts(cls, fresh: Mapping[int, int], per_day: float = 1) -> StepTimeline:
        """The timeline of counts by day or hour, in any order."""
        units = sorted(fresh)
        return cls(units, (fresh[unit] for unit in units), per_day)

    def count_until(self, day: float) -> float:
        """How many by the end of that day or hour: who was seen in it may have been seen before."""
        place = bisect_right(self._units, day * self._per_day)
        return self._sums[place - 1] if place else 0

    def day_of_count(self, count: float) -> float:
        """The end of the day or hour in which the count was reached."""
        if not self._units:
            return 0.0
        place = min(bisect_left(self._sums, count), len(self._units) - 1)
        return (self._units[place] + 1) / self._per_day


def merge_timelines(all_fresh: Iterable[Mapping[int, int]], per_day: float = 1) -> StepTimeline:
    """The timelines of several sources in one; who was seen by two counts twice."""
    sums: dict[int, int] = {}
    for fresh in all_fresh:
        for unit, count in fresh.items():
            sums[unit] = sums.get(unit, 0) + count
    return StepTimeline.from_unit_counts(sums, per_day)


@dataclass(frozen=True)
class SourceGroup:
    """Sources that see the same customers, a team: together, what none of them has alone."""

    members: frozenset[str]
    timeline: CumulativeCount


@dataclass(frozen=True)
class AccessRecords:
    """All access there was. ``population`` is how many customers there are, ``sources`` everyone
    with access, ``together`` all of them in one, ``groups`` the teams."""

    population: int
    sources: Mapping[str, Timeline]
    together: CumulativeCount
    groups: Mapping[str, SourceGroup]


def epoch_days(at: datetime) -> float:
    """An instant as days since 1970."""
    return at.timestamp() / 86400
