"""A random company like that of the founding case: which staff accessed which customers, and
when.

12 million customers live in 20 regions. 1,000 staff, 50 per region, access customers of their own
region, and with a small share of accesses those of any region. Accesses per member of staff are
heavy-tailed (log-normal), and so are contacts per customer. Accesses are a Poisson process: a
source first accesses a customer after an exponential time, at a rate of its accesses times the
customer's share of the region's contacts. The overlap of the sets follows from that. For a customer
who reports, membership in every set is drawn once. The number of customers accessed by a day is the
expectation of the same process; a set of tens of thousands deviates from it by less than one
percent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import exp
from random import Random

from incidents.leak_tracing.model_types import (
    AccessRecords,
    CumulativeCount,
    FirstAccess,
    SourceGroup,
)

CUSTOMERS, STAFF, REGIONS = 12_000_000, 1000, 20
DAYS = 730.0
PER_REGION = CUSTOMERS // REGIONS
LOOKS, LOOKS_SPREAD = 60_000, 0.8  # accesses per member of staff in all: median, log-normal sigma
CONTACT_SPREAD = 0.7  # log-normal sigma of customers' contact rates
AWAY = 0.05  # the share of accesses to customers of any region
LEAKED = 68_000
#: The contact rates of customers, as equally likely values with mean 1.
_RATES = sorted(
    exp(CONTACT_SPREAD * z - CONTACT_SPREAD**2 / 2)
    for z in (Random(1).gauss(0, 1) for _ in range(400))
)
_RATES = [rate * len(_RATES) / sum(_RATES) for rate in _RATES]
_STEP, _GRID = 0.005, 1200
_SHARE = [sum(1 - exp(-n * _STEP * r) for r in _RATES) / len(_RATES) for n in range(_GRID + 1)]


def share_seen(looks: float) -> float:
    """Return the share of customers accessed, after ``looks`` accesses per customer."""
    place = looks / _STEP
    low = min(int(place), _GRID - 1)
    return _SHARE[low] + (min(place, _GRID) - low) * (_SHARE[low + 1] - _SHARE[low])


@dataclass(frozen=True)
class Looks:
    """The timeline of one member of staff: ``total`` accesses, spread evenly over all days."""

    total: float
    region: int
    away: float = AWAY

    def rate(self, region: int) -> float:
        """Return the accesses per customer of a region over the whole time."""
        everywhere = self.total * self.away / CUSTOMERS
        return everywhere + (self.total * (1 - self.away) / PER_REGION) * (region == self.region)

    def count_until(self, day: float) -> float:
        """Return how many customers were accessed by that day."""
        part = min(max(day / DAYS, 0.0), 1.0)
        home = share_seen(self.rate(self.region) * part)
        return (
            PER_REGION * home + (CUSTOMERS - PER_REGION) * self.total * self.away * part / CUSTOMERS
        )

    def day_of_count(self, count: float) -> float:
        """Return when ``count`` customers had been accessed, interpolated between nine days."""
        counts = _at_nine_days(self)
        place = min(max(bisect_left(counts, count), 1), len(counts) - 1)
        low, high = counts[place - 1], counts[place]
        part = (count - low) / (high - low) if high > low else 0.0
        return DAYS / 8 * (place - 1 + min(max(part, 0.0), 1.0))


@lru_cache(4096)
def _at_nine_days(looks: Looks) -> list[float]:
    return [looks.count_until(DAYS * n / 8) for n in range(9)]


class Sum:
    """The sum of several timelines, interpolated between a few days."""

    def __init__(self, several: Sequence[CumulativeCount]) -> None:
        self._several = several
        self._known: dict[int, float] = {}

    def _at(self, month: int) -> float:
        if month not in self._known:
            self._known[month] = sum(
                timeline.count_until(month * 73.0) for timeline in self._several
            )
        return self._known[month]

    def count_until(self, day: float) -> float:
        """Return the summed count on that day."""
        month = min(int(max(day, 0.0) / 73.0), 9)
        part = min(day / 73.0 - month, 1.0)
        return self._at(month) * (1 - part) + self._at(month + 1) * part


@dataclass
class Company:
    """Staff with their accesses."""

    chance: Random
    staff: list[Looks] = field(default_factory=list)

    @classmethod
    def drawn(cls, chance: Random) -> Company:
        """Return a random company."""
        company = cls(chance)
        company.staff = [
            Looks(LOOKS * exp(chance.gauss(0, LOOKS_SPREAD)), n % REGIONS) for n in range(STAFF)
        ]
        return company

    def records(self, whole: CumulativeCount, *, teams: bool = True) -> AccessRecords:
        """Return what a trace may know of the company; ``whole`` is the timeline of all staff."""
        groups = {}
        for region in range(REGIONS) if teams else ():
            members = range(region, STAFF, REGIONS)
            groups[str(region)] = SourceGroup(
                frozenset(str(n) for n in members), Sum([self.staff[n] for n in members])
            )
        sources = {str(n): looks for n, looks in enumerate(self.staff)}
        return AccessRecords(CUSTOMERS, sources, whole, groups)

    def anybody(self) -> tuple[int, float]:
        """Draw a customer uniformly: region and contact rate."""
        return self.chance.randrange(REGIONS), self.chance.choice(_RATES)

    def in_touch(self) -> tuple[int, float]:
        """Draw a customer in proportion to their contact rate."""
        while True:
            region, rate = self.anybody()
            if self.chance.random() * _RATES[-1] < rate:
                return region, rate

    def seen_by(self, source: int, until: float, since: float = 0.0) -> tuple[int, float, float]:
        """Draw a customer that ``source`` first accessed between two days.

        Return region, contact rate and that day. All such customers are equally likely.
        """
        looks, chance = self.staff[source], self.chance
        while True:
            at_home = chance.random() * looks.total > looks.total * looks.away
            region = looks.region if at_home else chance.randrange(REGIONS)
            _, rate = self.in_touch()
            day = chance.random() * DAYS
            # Every access is equally likely; it is the customer's first if none came before.
            if since <= day <= until and chance.random() < exp(
                -looks.rate(region) * rate * day / DAYS
            ):
                return region, rate, day

    def viewers(self, region: int, rate: float, fixed: dict[int, float]) -> dict[str, FirstAccess]:
        """Draw who accessed such a customer, with their first days; ``fixed`` are known ones."""
        chance, first_days = self.chance, {}
        for n in range(region, STAFF, REGIONS):
            day = DAYS * chance.expovariate(self.staff[n].rate(region) * rate)
            if day < DAYS:
                first_days[n] = day
        for n in self._from_afar(rate, region):
            first_days.setdefault(n, chance.random() * DAYS)
        first_days.update(fixed)
        return {str(n): FirstAccess(day) for n, day in first_days.items()}

    def _from_afar(self, rate: float, region: int) -> list[int]:
        """Draw staff of other regions who accessed the customer, one draw per access."""
        sums = self._sums()
        expected = sums[-1] / CUSTOMERS * rate
        accessed_by = []
        for _ in range(_poisson(self.chance, expected)):
            n = bisect_left(sums, self.chance.random() * sums[-1])
            if self.staff[n].region != region:
                accessed_by.append(n)
        return accessed_by

    def _sums(self) -> list[float]:
        if not hasattr(self, "_running"):
            total, self._running = 0.0, []
            for looks in self.staff:
                total += looks.total * looks.away
                self._running.append(total)
        return self._running


def _poisson(chance: Random, mean: float) -> int:
    limit, product, count = exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


@lru_cache(4)
def everybody(kept: float = 1.0) -> Sum:
    """Return the timeline of all staff, with the share ``kept`` of accesses that the log has.

    With a thousand staff, the sum hardly differs between companies.
    """
    staff = Company.drawn(Random(0)).staff
    return Sum([replace(looks, total=looks.total * kept) for looks in staff])
