"""How likely one call is under each explanation, as a ratio to a call that has to do with no leak.

A call that has to do with no leak reaches customer c with density

    noise(c) = (1/N + V(c)/sum V) / 2

N customers, of whom V(c) members of staff had seen c: half of such reports come from anybody, half
from people as they are in touch with us, who are likelier to tell us. A source who leaks customers
from those it has seen, by one of the patterns below, reaches each of n of them with 1/n, so a hit
counts 1/n : noise(c). Who has seen half of all customers is hit by every other report, and gains
next to nothing by it; a customer whom forty colleagues have seen says little about any of them.

What the caller knew multiplies the ratio by how much likelier a caller from this leak is to know
just that, given which fields the access shows.
"""

from __future__ import annotations

from incidents.leak_tracing.model_types import Call, FirstAccess, Timeline

#: Reporters err on the date, and people who were rung are looked up by those they complain to: a
#: first look within so many days after the call speaks neither for nor against.
TOLERANCE_DAYS = 3.0
LATE_ACCESS_RATIO = 0.5

#: The patterns of a leak and how likely each is beforehand: all that was seen before the call; what
#: was seen in the last days before it; at once, when this share of all was seen.
CONTINUOUS_WEIGHT = 0.4
RECENT_WINDOWS = ((30.0, 0.15), (120.0, 0.15))
SNAPSHOT_SHARES = ((1 / 8, 0.06), (1 / 4, 0.06), (1 / 2, 0.06), (3 / 4, 0.06), (9 / 10, 0.06))
PATTERN_PRIORS = (
    CONTINUOUS_WEIGHT,
    *(share for _, share in RECENT_WINDOWS),
    *(share for _, share in SNAPSHOT_SHARES),
)

#: How often a caller is said to have known a field: one from a leak that shows it, and any other.
#: A number is known to whoever rings it, so it tells nothing.
FIELD_KNOWLEDGE_RATES = {
    "name": (0.75, 0.35),
    "ticket": (0.40, 0.04),
    "product": (0.45, 0.15),
    "address": (0.35, 0.15),
}
ALL_FIELDS = frozenset(FIELD_KNOWLEDGE_RATES)


def knowledge_likelihood_ratio(call: Call, shown: frozenset[str] | None) -> float:
    """How much likelier a caller from a leak of the ``shown`` fields (all, when none) is to know
    just what this one knew than any other caller."""
    ratio = 1.0
    for field, (leaked, usual) in FIELD_KNOWLEDGE_RATES.items():
        if call.knew is not None and (shown is None or field in shown):
            known = field in call.knew
            ratio *= leaked / usual if known else (1 - leaked) / (1 - usual)
    return ratio


def noise_density(population: int, viewers: int, looks: float) -> float:
    """The density of calls that have to do with no leak, in units of 1/population: for a customer
    whom ``viewers`` had seen, of ``looks`` looks in all."""
    return 0.5 + 0.5 * viewers * population / looks if looks else 1.0


SnapshotDays = list[tuple[float, float]]


def find_snapshot_days(seen: Timeline, end: float) -> SnapshotDays:
    """For leaks at once: the days on which the shares of all that was seen until ``end`` were
    reached, and how many that had been."""
    total = max(seen.count_until(end), 1.0)
    days = [seen.day_of_count(share * total) for share, _ in SNAPSHOT_SHARES]
    return [(day, max(seen.count_until(day), 1.0)) for day in days]


def pattern_likelihood_ratios(
    call: Call, sight: FirstAccess, seen: Timeline, known: SnapshotDays, density: float
) -> list[float]:
    """For each pattern, how much likelier this call is by a leak of this source than by none.
    ``density`` is population / noise."""
    if sight.day > call.day:
        return [LATE_ACCESS_RATIO if sight.day <= call.day + TOLERANCE_DAYS else 0.0] * len(
            PATTERN_PRIORS
        )
    scale = density * knowledge_likelihood_ratio(call, sight.shown)
    before = max(seen.count_until(call.day), 1.0)
    found = [scale / before]
    for days, _ in RECENT_WINDOWS:
        since = call.day - days
        recent = sight.day > since
        found.append(scale / max(before - seen.count_until(since), 1.0) if recent else 0.0)
    for day, count in known:
        meant = sight.day <= day <= call.day + TOLERANCE_DAYS
        found.append(scale / count if meant else 0.0)
    return found
