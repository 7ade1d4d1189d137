"""Access logs and traces for tests: small companies whose every look is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from incidents.leak_tracing.model_types import (
    AccessRecords,
    Call,
    FirstAccess,
    SourceGroup,
    StepTimeline,
    merge_timelines,
)
from incidents.leak_tracing.tracer import Tracer

DAY = 100  # looks happen from here on, for sixty days, and calls after them
Looks = Mapping[str, Mapping[str, float]]


def looks(
    seed: int, staff: int = 20, customers: int = 2000, each: int = 100
) -> dict[str, dict[str, float]]:
    """Return when each member first looked at which customer, evenly at random."""
    chance = Random(seed)
    return {
        f"s{n}": {
            f"c{c}": DAY + 60 * chance.random() for c in chance.sample(range(customers), each)
        }
        for n in range(staff)
    }


def tracer(seen: Looks, population: int, teams: Mapping[str, list[str]] | None = None) -> Tracer:
    """A trace that knows these looks, without reports yet."""
    fresh = {s: Counter(int(day) for day in days.values()) for s, days in seen.items()}
    groups = {
        name: SourceGroup(frozenset(members), merge_timelines(fresh[m] for m in members))
        for name, members in (teams or {}).items()
    }
    lines = {source: StepTimeline.from_unit_counts(counts) for source, counts in fresh.items()}
    return Tracer(
        AccessRecords(population, lines, merge_timelines(fresh.values()), groups), DAY + 120
    )


def viewers(seen: Looks, customer: str) -> dict[str, FirstAccess]:
    """Who has ever seen that customer."""
    return {s: FirstAccess(days[customer]) for s, days in seen.items() if customer in days}


def traced(seen: Looks, population: int, calls: list[Call], **more) -> Tracer:
    """A trace with these reports."""
    made = tracer(seen, population, **more)
    for call in calls:
        made.add_report(call, viewers(seen, str(call.customer)))
    return made


def calls_of(seed: int, seen: Looks, source: str, count: int, population: int) -> list[Call]:
    """Reports of a leak by ``source``, a third of them unrelated."""
    chance = Random(1000 + seed)
    own = sorted(seen[source])
    chosen = [
        chance.choice(own) if chance.random() > 1 / 3 else f"c{chance.randrange(population)}"
        for _ in range(count)
    ]
    return [Call(customer, DAY + 62 + 20 * chance.random()) for customer in chosen]
