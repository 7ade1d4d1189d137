"""A simulated company with labelled accesses, for measuring anomaly detection.

Honest staff differ in how much they call and how often they err. Mondays are busy; an outage
triples a team's calls for a day, with more errors; staff are new, work nights, and cover for others
at unusual hours. The accesses go through the product's own counting and scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from incidents.anomaly_detection import detector
from incidents.anomaly_detection import staff_profile as counting
from incidents.anomaly_detection.detector import Finding, Priors
from incidents.anomaly_detection.job import GRACE
from incidents.anomaly_detection.staff_profile import StaffProfile

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BEAT = timedelta(seconds=5)
LATE, OUTAGE, COVERS, NIGHTS = 0.05, 0.04, 0.03, 0.1
#: An act: instant, kind, customer, and whether it takes a record without permission.
Act = tuple[datetime, str, str, bool]


@dataclass
class Worker:
    """A member of staff: calls per shift, rates of accesses without a reason, and working time."""

    team: int
    calls: float
    bare: float
    missed: float
    begins: int
    since: int
    state: StaffProfile = field(default_factory=StaffProfile)


def workers(dice: Random, count: int, days: int) -> list[Worker]:
    """Return staff in teams of five to forty; a sixth of them start in the middle."""
    staff: list[Worker] = []
    team = 0
    while len(staff) < count:
        team += 1
        for _ in range(dice.choice((5, 8, 12, 20, 40))):
            begins = 21 if dice.random() < NIGHTS else dice.choice((7, 8, 9, 9, 10, 12))
            since = dice.randrange(20, days - 10) if dice.random() < 1 / 6 else 0
            staff.append(
                Worker(
                    team,
                    dice.gammavariate(9, 2),
                    dice.gammavariate(4, 0.04 / 4),
                    dice.gammavariate(3, 0.05 / 3),
                    begins,
                    since,
                )
            )
    return staff[:count]


def honest_day(dice: Random, who: Worker, day: int, outage: bool) -> Iterator[Act]:
    """Yield the acts of one honest shift."""
    at = BEGIN + day * DAY + timedelta(hours=who.begins)
    if dice.random() < COVERS:
        at += timedelta(hours=dice.choice((-7, 7, 10)))
    busy = (1.4 if day % 7 == 0 else 1.0) * (3.0 if outage else 1.0)
    calls = min(_poisson(dice, who.calls * busy), 100)
    errs = dice.gammavariate(3, 1 / 3) * (1.5 if outage else 1.0)
    errs *= 1 + 2 * max(0.0, 1 - (day - who.since) / 28) if who.since else 1
    for n in range(calls):
        yield _when(dice, at), "late" if dice.random() < LATE else "behind", f"{day}h{n}", False
    for n in range(_poisson(dice, who.bare * calls * errs)):
        yield _when(dice, at), "bare", f"{day}b{n}", False
    for _ in range(_poisson(dice, who.missed * calls * errs)):
        yield _when(dice, at), "missed", "", False


def _when(dice: Random, begin: datetime, hours: float = 8.0) -> datetime:
    return begin + timedelta(hours=dice.uniform(0, hours))


def _poisson(dice: Random, mean: float) -> int:
    count, total = 0, dice.expovariate(1.0)
    while total < mean:
        count += 1
        total += dice.expovariate(1.0)
    return count


@dataclass(frozen=True)
class Alarm:
    """A finding, its delay after the act that caused it, and the records taken until then."""

    at: datetime
    after: timedelta
    taken: int
    finding: Finding


def live(who: Worker, acts: list[Act], peers: Priors, dice: Random, taken: int) -> list[Alarm]:
    """Process a day as the worker's job would; return the alarms.

    An access without a reason is judged after the grace period, at the job's next run; a late
    reason withdraws it. ``taken`` counts records taken before.
    """
    alarms: list[Alarm] = []
    waiting: list[tuple[datetime, str, str, bool, datetime]] = []
    for at, kind, customer, theft in acts:
        beat = at + dice.random() * BEAT
        if kind in ("behind", "sham"):
            waiting.append((beat, "behind", customer, False, at))
        if kind == "sham":
            later = at + dice.uniform(20, 60) * MINUTE  # cancelled: the access has no reason now
            waiting.append((later + dice.random() * BEAT, "bare", customer, theft, later))
        elif kind != "behind":
            waiting.append((beat + GRACE, kind, customer, theft, at))
        if kind == "late":
            follows = at + dice.uniform(4, 29) * MINUTE
            waiting.append((max(follows, at + GRACE) + 2 * BEAT, "explained", customer, False, at))
    for at, kind, customer, theft, act in sorted(waiting, key=lambda each: each[0]):
        taken += theft
        if who.state.starts_new_shift(at):
            detector.close_shift(who.state, peers)
        _count(who.state, kind, customer, at)
        if kind not in ("behind", "explained"):
            findings = detector.find_anomalies(who.state, peers)
            alarms += [Alarm(at, at - act, taken, item) for item in findings]
    return alarms


def _count(state: StaffProfile, kind: str, customer: str, at: datetime) -> None:
    off = state.is_unusual_hour(at.hour)
    if kind == "behind":
        counting.record_justified_access(state, customer, at, at.hour, off=off)
    elif kind == "missed":
        counting.record_lookup_miss(state, at)
    elif kind == "explained":
        counting.withdraw_indicator(state, customer, at - GRACE, off=off)
    else:
        counting.record_unjustified_access(state, customer, at, off=off)


@dataclass(frozen=True)
class Honest:
    """The honest company: its shifts, those that were flagged, and the peer priors of each day."""

    shifts: int
    flagged: int
    starters: tuple[int, int]
    busy: tuple[int, int]
    priors: list[Priors]


def honest(seed: int, count: int, days: int) -> Honest:
    """Simulate the company without an insider."""
    dice = Random(seed)
    people = workers(dice, count, days)
    teams = {person.team for person in people}
    totals, usual = {"all": [0, 0], "new": [0, 0], "busy": [0, 0]}, []
    for day in range(days):
        peers = detector.fit_peer_priors([person.state for person in people])
        usual.append(peers)
        outages = {team for team in teams if dice.random() < OUTAGE}
        for who in people if day % 7 < 5 else ():
            if day < who.since:
                continue
            outage = who.team in outages
            acts = sorted(honest_day(dice, who, day, outage))
            is_flagged = bool(live(who, acts, peers, dice, 0))
            new = bool(who.since) and day - who.since < 28
            kinds = {"all": True, "new": new, "busy": outage or day % 7 == 0}
            for kind in (kind for kind, so in kinds.items() if so):
                totals[kind][0] += 1
                totals[kind][1] += is_flagged
    whole, new, busy = (tuple(totals[kind]) for kind in ("all", "new", "busy"))
    return Honest(whole[0], whole[1], new, busy, usual)


Style = Callable[[Random, Worker, int], list[Act]]


def insider(
    seed: int, style: Style, usual: list[Priors], *, new: bool = False
) -> tuple[Alarm | None, int, int]:
    """Simulate an insider who begins to take records after forty days, or in their first week.

    The days before are honest. Return the first alarm after that, on which of their days of taking
    it came, and how many records they took in thirty such days.
    """
    dice = Random(seed)
    days = len(usual)
    who = workers(dice, 1, days)[0]
    who.since = days - 50 if new else 0
    begins = who.since + 3 if new else 40
    taken, taking, first, on = 0, 0, None, 0
    for day in range(who.since, days):
        if day % 7 >= 5:
            continue
        acts = list(honest_day(dice, who, day, dice.random() < OUTAGE))
        if day >= begins and taking < 30:
            stolen = style(dice, who, taking)
            moved = BEGIN + day * DAY + timedelta(hours=who.begins)
            acts += [
                (moved + (at - BEGIN), kind, f"{day}{name}", True) for at, kind, name, _ in stolen
            ]
            taking += 1
        alarms = live(who, sorted(acts), usual[day], dice, taken)
        taken += sum(theft for *_, theft in acts)
        if day >= begins and alarms and first is None:
            first, on = alarms[0], taking
    return first, on, taken
