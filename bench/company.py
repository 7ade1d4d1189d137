"""A company like that of the founding case, drawn at random: who has seen whom, and when.

12 million customers live in 20 regions. 1,000 staff, 50 to a region, look at customers of their
own region, and with a small share of their looks at any. How much each looks is heavy-tailed
(log-normal), and so is how often a customer is in touch. Looks are a Poisson process: a source
first sees a customer after an exponential time, at a rate of its looks times the customer's share
of the region's contacts. Whose sets overlap, and by how much, follows from that. Of a customer who
reports, the membership in every set is drawn, once. How many customers somebody has seen by a day
is the expectation of the same process, from which a set of tens of thousands strays by less than
one in a hundred.
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
LOOKS, LOOKS_SPREAD = 60_000, 0.8  # a member of staff's looks in the whole time: median, log-normal
CONTACT_SPREAD = 0.7  # how unevenly customers are in touch
AWAY = 0.05  # the share of looks at customers of any region
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
    """The share of customers that so many looks for each of them have met."""
    place = looks / _STEP
    low = min(int(place), _GRID - 1)
    return _SHARE[low] + (min(place, _GRID) - low) * (_SHARE[low + 1] - _SHARE[low])


@dataclass(frozen=True)
class Looks:
    """One member of staff's timeline: so many looks, spread evenly over all days."""

    total: float
    region: int
    away: float = AWAY

    def rate(self, region: int) -> float:
        """Looks in the whole time for each customer of a region."""
        everywhere = self.total * self.away / CUSTOMERS
        return everywhere + (self.total * (1 - self.away) / PER_REGION) * (region == self.region)

    def count_until(self, day: float) -> float:
        """How many customers were seen by then."""
        part = min(max(day / DAYS, 0.0), 1.0)
        home = share_seen(self.rate(self.region) * part)
        return (
            PER_REGION * home + (CUSTOMERS - PER_REGION) * self.total * self.away * part / CUSTOMERS
        )

    def day_of_count(self, count: float) -> float:
        """When so many had been seen, straight between nine days of the whole time."""
        counts = _at_nine_days(self)
        place = min(max(bisect_left(counts, count), 1), len(counts) - 1)
        low, high = counts[place - 1], counts[place]
        part = (count - low) / (high - low) if high > low else 0.0
        return DAYS / 8 * (place - 1 + min(max(part, 0.0), 1.0))


@lru_cache(4096)
def _at_nine_days(looks: Looks) -> list[float]:
    return [looks.count_until(DAYS * n / 8) for n in range(9)]


class Sum:
    """Several timelines in one, summed at a few days and straight between them."""

    def __init__(self, several: Sequence[CumulativeCount]) -> None:
        self._several = several
        self._known: dict[int, float] = {}

    def _at(self, month: int) -> float:
        if month not in self._known:
            self._known[month] = sum(item.count_until(month * 73.0) for item in self._several)
        return self._known[month]

    def count_until(self, day: float) -> float:
        """How many, whoever saw them."""
        month = min(int(max(day, 0.0) / 73.0), 9)
        part = min(day / 73.0 - month, 1.0)
        return self._at(month) * (1 - part) + self._at(month + 1) * part


@dataclass
class Company:
    """Staff with their looks."""

    chance: Random
    staff: list[Looks] = field(default_factory=list)

    @classmethod
    def drawn(cls, chance: Random) -> Company:
        """A company at random."""
        made = cls(chance)
        made.staff = [
            Looks(LOOKS * exp(chance.gauss(0, LOOKS_SPREAD)), n % REGIONS) for n in range(STAFF)
        ]
        return made

    def records(self, whole: CumulativeCount, *, teams: bool = True) -> AccessRecords:
        """What a trace may know of it; ``whole`` is everybody's timeline."""
        groups = {}
        for region in range(REGIONS) if teams else ():
            members = range(region, STAFF, REGIONS)
            groups[str(region)] = SourceGroup(
                frozenset(str(n) for n in members), Sum([self.staff[n] for n in members])
            )
        sources = {str(n): each for n, each in enumerate(self.staff)}
        return AccessRecords(CUSTOMERS, sources, whole, groups)

    def anybody(self) -> tuple[int, float]:
        """A customer: region and contact rate."""
        return self.chance.randrange(REGIONS), self.chance.choice(_RATES)

    def in_touch(self) -> tuple[int, float]:
        """A customer in proportion to how often they are in touch."""
        while True:
            region, rate = self.anybody()
            if self.chance.random() * _RATES[-1] < rate:
                return region, rate

    def seen_by(self, source: int, until: float, since: float = 0.0) -> tuple[int, float, float]:
        """One of the customers whom a source first saw between two days, evenly: region, contact
        rate and that day."""
        looks, chance = self.staff[source], self.chance
        while True:
            at_home = chance.random() * looks.total > looks.total * looks.away
            region = looks.region if at_home else chance.randrange(REGIONS)
            _, rate = self.in_touch()
            day = chance.random() * DAYS
            # Every look is as likely; it is the first at its customer if none came before.
            if since <= day <= until and chance.random() < exp(
                -looks.rate(region) * rate * day / DAYS
            ):
                return region, rate, day

    def viewers(self, region: int, rate: float, fixed: dict[int, float]) -> dict[str, FirstAccess]:
        """Who has seen such a customer in the whole time, and when first; ``fixed`` is known."""
        chance, found = self.chance, {}
        for n in range(region, STAFF, REGIONS):
            day = DAYS * chance.expovariate(self.staff[n].rate(region) * rate)
            if day < DAYS:
                found[n] = day
        for n in self._from_afar(rate, region):
            found.setdefault(n, chance.random() * DAYS)
        found.update(fixed)
        return {str(n): FirstAccess(day) for n, day in found.items()}

    def _from_afar(self, rate: float, region: int) -> list[int]:
        """Staff of other regions who have looked, one draw for each look."""
        sums = self._sums()
        expected = sums[-1] / CUSTOMERS * rate
        found = []
        for _ in range(_poisson(self.chance, expected)):
            n = bisect_left(sums, self.chance.random() * sums[-1])
            if self.staff[n].region != region:
                found.append(n)
        return found

    def _sums(self) -> list[float]:
        if not hasattr(self, "_running"):
            total, self._running = 0.0, []
            for item in self.staff:
                total += item.total * item.away
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
    """The timeline of all staff of a company, of which the log has kept a share, the same for each:
    of a thousand, the sum hardly differs from one company to the next."""
    staff = Company.drawn(Random(0)).staff
    return Sum([replace(item, total=item.total * kept) for item in staff])
