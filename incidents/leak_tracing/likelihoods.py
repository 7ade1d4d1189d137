"""Likelihood of one call under each explanation, as a ratio to a call that is unrelated to any
leak.

An unrelated call reaches customer c with density

    noise(c) = (1/N + V(c)/sum V) / 2

for N customers, of which V(c) staff members had accessed c. Half of such reports come from anybody,
and half from customers in proportion to their contact with us, because these report more often. A
source that leaks n accessed customers, by one of the patterns below, reaches each of them with
1/n, so a hit counts 1/n : noise(c). A source that has accessed half of all customers is hit by
every other report and gains almost nothing from it. A customer accessed by forty colleagues says
little about any of them.

The ratio is multiplied by how much more likely a caller from this leak is to know exactly what this
caller knew, given the fields that the access shows.
"""

from __future__ import annotations

from incidents.leak_tracing.model_types import Call, FirstAccess, Timeline

#: Reporters misremember the date, and customers who complain about a call are looked up. So a first
#: access within this many days after the call is evidence neither for nor against.
TOLERANCE_DAYS = 3.0
LATE_ACCESS_RATIO = 0.5

#: Leak patterns and their prior probabilities: everything accessed before the call; what was
#: accessed in the last days before it; a snapshot taken when this share of all accesses was
#: reached.
CONTINUOUS_WEIGHT = 0.4
RECENT_WINDOWS = ((30.0, 0.15), (120.0, 0.15))
SNAPSHOT_SHARES = ((1 / 8, 0.06), (1 / 4, 0.06), (1 / 2, 0.06), (3 / 4, 0.06), (9 / 10, 0.06))
PATTERN_PRIORS = (
    CONTINUOUS_WEIGHT,
    *(share for _, share in RECENT_WINDOWS),
    *(share for _, share in SNAPSHOT_SHARES),
)

#: How often a caller is reported to know a field: a caller from a leak that shows it, and any
#: other. Every caller knows the number, so it carries no information.
FIELD_KNOWLEDGE_RATES = {
    "name": (0.75, 0.35),
    "ticket": (0.40, 0.04),
    "product": (0.45, 0.15),
    "address": (0.35, 0.15),
}
ALL_FIELDS = frozenset(FIELD_KNOWLEDGE_RATES)


def knowledge_likelihood_ratio(call: Call, shown: frozenset[str] | None) -> float:
    """Return how much more likely a caller from a leak of the ``shown`` fields (all if ``None``) is
    to know exactly what this caller knew, compared with any other caller."""
    ratio = 1.0
    for field, (leaked, usual) in FIELD_KNOWLEDGE_RATES.items():
        if call.knew is not None and (shown is None or field in shown):
            known = field in call.knew
            ratio *= leaked / usual if known else (1 - leaked) / (1 - usual)
    return ratio


def noise_density(population: int, viewers: int, looks: float) -> float:
    """Return the density of unrelated calls, in units of 1/population, for a customer accessed by
    ``viewers`` sources, given ``looks`` accesses in total."""
    return 0.5 + 0.5 * viewers * population / looks if looks else 1.0


SnapshotDays = list[tuple[float, float]]


def find_snapshot_days(seen: Timeline, end: float) -> SnapshotDays:
    """Return, for snapshot leaks, the days on which the source reached each share of its accesses
    until ``end``, and how many customers that was."""
    total = max(seen.count_until(end), 1.0)
    days = [seen.day_of_count(share * total) for share, _ in SNAPSHOT_SHARES]
    return [(day, max(seen.count_until(day), 1.0)) for day in days]


def pattern_likelihood_ratios(
    call: Call, sight: FirstAccess, seen: Timeline, known: SnapshotDays, density: float
) -> list[float]:
    """Return, for each pattern, the likelihood ratio of this call under a leak of this source.
    ``density`` is population / noise."""
    if sight.day > call.day:
        return [LATE_ACCESS_RATIO if sight.day <= call.day + TOLERANCE_DAYS else 0.0] * len(
            PATTERN_PRIORS
        )
    scale = density * knowledge_likelihood_ratio(call, sight.shown)
    before = max(seen.count_until(call.day), 1.0)
    ratios = [scale / before]
    for days, _ in RECENT_WINDOWS:
        since = call.day - days
        recent = sight.day > since
        ratios.append(scale / max(before - seen.count_until(since), 1.0) if recent else 0.0)
    for day, count in known:
        meant = sight.day <= day <= call.day + TOLERANCE_DAYS
        ratios.append(scale / count if meant else 0.0)
    return ratios
