"""Simulated leaks at a company and the reports about them, as input for tracing.

A scenario says who leaks, what, and how the reports come about. Some scenarios break the model's
assumptions on purpose: results on data drawn from one's own model prove little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from random import Random

from bench.leak_tracing.company import (
    CUSTOMERS,
    DAYS,
    LEAKED,
    REGIONS,
    STAFF,
    Company,
    Looks,
    Sum,
    everybody,
)
from incidents.leak_tracing.model_types import AccessRecords, Call, FirstAccess

REPORTS = 16
CALLS_FOR = 60.0  # days over which the customers of a sold list are called


@dataclass(frozen=True)
class Scenario:
    """A leak and its reports.

    ``leaks`` is ``once``, ``slowly``, ``part`` (of three times as many) or ``""`` (no leak).
    ``noise`` is the share of unrelated reports, ``insiders`` how many act together, ``errs`` the
    share of wrong dates, ``days`` their deviation, ``strangers`` where unrelated customers come
    from.
    """

    title: str
    leaks: str = "once"
    noise: float = 1 / 3
    insiders: int = 1
    errs: float = 0.2
    days: float = 5.0
    strangers: str = "anybody"
    late: bool = False  # calls come half a year or a year later
    screen: bool = False  # half of it is read on a colleague's screen
    missing: float = 0.0  # the share of accesses missing in the log
    decoy: bool = False  # one honest account has accessed half of all customers
    teams: bool = True  # whether the log names teams


ASKED = {
    "once": Scenario("one insider sells 68,000 at once"),
    "slowly": Scenario("one insider leaks all they open for three months", leaks="slowly"),
    "pair": Scenario("two insiders act together", insiders=2),
    "decoy": Scenario("sells at once; an honest account has seen half of all", decoy=True),
    "outside": Scenario("no insider: callers ring random people", leaks=""),
}
BROKEN = {
    "part": Scenario("sells 68,000 of more than 136,000 seen", leaks="part"),
    "noisy": Scenario("six reports in ten are unrelated", noise=0.6),
    "late": Scenario("callers wait half a year", late=True),
    "dates": Scenario("half of the dates are wrong by weeks", leaks="slowly", errs=0.5, days=14.0),
    "screen": Scenario("half was read on a colleague's screen", screen=True),
    "missing": Scenario("the log lacks a third of all accesses", missing=1 / 3),
    "no teams": Scenario("the log names no teams", teams=False),
    "region": Scenario("no insider: callers ring one region", leaks="", strangers="region"),
    "region, no teams": Scenario(
        "the same, without teams in the log", leaks="", strangers="region", teams=False
    ),
    "touch": Scenario(
        "no insider: people in contact with us report", leaks="", strangers="in touch"
    ),
}
Reported = tuple[Call, Mapping[str, FirstAccess]]


@dataclass(frozen=True)
class Leak:
    """The truth at one company: the guilty sources, and reports with each customer's viewers."""

    records: AccessRecords
    guilty: frozenset[str]
    reports: list[Reported]


def drawn(scenario: Scenario, seed: int) -> Leak:
    """Draw one company and its leak."""
    return _Drawing(scenario, Random(seed)).leak()


class _Drawing:
    def __init__(self, scenario: Scenario, chance: Random) -> None:
        self.scenario, self.chance = scenario, chance
        self.company = Company.drawn(chance)
        self.guilty: list[int] = []
        self.added: Looks | None = None
        self.at = DAYS * (0.4 + 0.4 * chance.random())
        if scenario.leaks:
            self._choose()
        self._bend()

    def _choose(self) -> None:
        """Choose insiders who had accessed enough customers by then."""
        while len(self.guilty) < self.scenario.insiders:
            n = self.chance.randrange(STAFF)
            line = self.company.staff[n]
            if self.scenario.leaks == "part":
                fits = line.count_until(self.at) >= 2 * LEAKED
            else:
                day = line.day_of_count(LEAKED if len(self.guilty) == 0 else LEAKED / 2)
                fits = 0.1 * DAYS < day < 0.8 * DAYS
                self.at = day if fits and not self.guilty else self.at
            if fits and n not in self.guilty:
                self.guilty.append(n)

    def _bend(self) -> None:
        """Apply what makes the company differ from the usual one."""
        staff, scenario = self.company.staff, self.scenario
        if scenario.decoy:
            n = (self.guilty[0] + REGIONS) % STAFF
            staff[n] = Looks(0.8 * CUSTOMERS, staff[n].region, away=1.0)
            self.added = staff[n]
        if scenario.screen:
            first = self.guilty[0]
            other = (first + REGIONS) % STAFF
            half = staff[first].total / 2
            staff[first] = replace(staff[first], total=half)
            staff[other] = replace(staff[other], total=staff[other].total + half)
            self.guilty.append(other)
        if scenario.missing:
            kept_share = 1 - scenario.missing
            self.company.staff = [replace(looks, total=looks.total * kept_share) for looks in staff]

    def leak(self) -> Leak:
        reports = [self._report(n) for n in range(REPORTS)]
        whole = everybody(1 - self.scenario.missing)
        if self.added:
            whole = Sum([whole, self.added])
        records = self.company.records(whole, teams=self.scenario.teams)
        return Leak(records, frozenset(map(str, self.guilty)), reports)

    def _report(self, number: int) -> Reported:
        chance, scenario = self.chance, self.scenario
        if not self.guilty or chance.random() < scenario.noise:
            region, rate = self._stranger()
            day, known = self.at + chance.random() * CALLS_FOR, {}
        else:
            region, rate, day, known = self._leaked()
        if chance.random() < scenario.errs:
            day += chance.gauss(0, scenario.days)
        return Call(number, day), self.company.viewers(region, rate, known)

    def _stranger(self) -> tuple[int, float]:
        if self.scenario.strangers == "in touch":
            return self.company.in_touch()
        region, rate = self.company.anybody()
        if self.scenario.strangers == "region" and self.chance.random() > 1 / 3:
            return 3, rate
        return region, rate

    def _leaked(self) -> tuple[int, float, float, dict[int, float]]:
        """Draw a leaked customer and the day of the call, with the known viewers."""
        chance, scenario = self.chance, self.scenario
        source = chance.choice(self.guilty)
        if scenario.leaks == "slowly":
            until = min(self.at + 90, DAYS)
            region, rate, seen = self.company.seen_by(source, until, self.at)
            day = seen + 1 + chance.expovariate(1 / 20)
        else:
            region, rate, seen = self.company.seen_by(source, self.at)
            day = self.at + chance.random() * CALLS_FOR
        if scenario.late:
            day += 150 * exp(chance.gauss(0, 0.6))
        lost = chance.random() < scenario.missing
        return region, rate, day, {} if lost else {source: seen}


SCENARIOS = {**ASKED, **BROKEN}
