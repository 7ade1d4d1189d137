"""A trace as people read it: who, how likely, on what evidence, and what would change the result.

The ranking is evidence and not a verdict: it says whose access fits the calls, not who sold data.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.posterior import Posterior
from incidents.leak_tracing.tracer import Tracer

#: A source is said to lead from this probability on, and with this many customers accessed.
LEADING_THRESHOLD, MIN_CUSTOMERS_SEEN = 0.95, 4
#: Below this probability a source is not mentioned.
MENTION_THRESHOLD = 0.05
MAX_FURTHER_REPORTS = 20
#: The chance expectation counts the whole day of the call, for daily and hourly counts alike: less
#: would overstate what everybody had accessed. This is when the last hour of a day starts.
LAST_HOUR_OF_DAY = 23 / 24


@dataclass(frozen=True)
class RankedSource:
    """A source in the ranking.

    ``posterior`` is its probability, with its part of its pairs; ``involved`` is the probability
    that it takes part, alone or with another. ``seen`` is how many of the reporting customers it
    had accessed before the call, ``expected`` how many by chance, ``late`` how many only after the
    call. ``since`` and ``until`` are the days of the first and last of the accesses in ``seen``.
    """

    source: str
    posterior: float
    involved: float
    seen: int
    expected: float
    late: int = 0
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True)
class Ranking:
    """All sources, the most likely first.

    ``customers`` is the number of reporting customers, ``strays`` the number of reports from
    numbers that belong to no customer. ``together`` lists the pairs worth mentioning. ``leading``
    is the source said to lead, or ``None``. ``halved_by`` is how many more reports from customers
    that the most likely staff member has not accessed would halve their probability, or ``None`` if
    twenty would not.
    """

    rows: Sequence[RankedSource]
    customers: int
    strays: int
    together: Sequence[tuple[str, str, float]]
    leading: RankedSource | None
    halved_by: int | None

    @property
    def people(self) -> list[RankedSource]:
        """Sources that are staff members or accounts."""
        return [row for row in self.rows if row.source not in (OUTSIDE, EVERYTHING)]

    @property
    def likeliest(self) -> RankedSource | None:
        """The staff member or account that is most likely to take part."""
        return max(self.people, key=lambda row: row.involved, default=None)

    @property
    def unled(self) -> str:
        """The source that is no staff member and fits so well that nobody can lead, or ``""``."""
        first = next(iter(self.rows), None)
        certain = first is not None and first.posterior >= LEADING_THRESHOLD
        return first.source if first and certain and first.source in (OUTSIDE, EVERYTHING) else ""

    @property
    def suspected(self) -> list[str]:
        """Sources worth mentioning, who must not read this ranking."""
        return [row.source for row in self.people if row.involved >= MENTION_THRESHOLD]


def rank_sources(tracer: Tracer) -> Ranking:
    """Rank the sources of a trace in its current state."""
    posterior = tracer.compute_posterior()
    rows = [*_rank_insiders(tracer, posterior), *_rank_non_insiders(tracer, posterior)]
    rows.sort(key=lambda row: (-row.posterior, row.source not in (OUTSIDE, EVERYTHING), row.source))
    people = [row for row in rows if row.source not in (OUTSIDE, EVERYTHING)]
    first = max(people, key=lambda row: row.involved, default=None)
    leads = (
        first is not None
        and first.involved >= LEADING_THRESHOLD
        and first.seen >= MIN_CUSTOMERS_SEEN
    )
    return Ranking(
        rows=rows,
        customers=len(tracer.findings),
        strays=tracer.strays,
        together=[(*p, v) for p, v in posterior.pairs.items() if v >= MENTION_THRESHOLD],
        leading=first if leads else None,
        halved_by=_count_reports_to_halve(tracer, first) if first and first.seen else None,
    )


@dataclass
class _SourceAccesses:
    """A source's accesses to the reporting customers."""

    before: list[float] = field(default_factory=list)
    late: int = 0


def _rank_insiders(tracer: Tracer, found: Posterior) -> list[RankedSource]:
    looks: dict[str, _SourceAccesses] = {}
    for finding in tracer.findings:
        sights = {source: sight.day for _, viewers in finding for source, sight in viewers.items()}
        latest = max(call.day for call, _ in finding)
        for source, day in sights.items():
            accesses = looks.setdefault(source, _SourceAccesses())
            if day <= latest:
                accesses.before.append(day)
            else:
                accesses.late += 1
    days = Counter(
        int(max(call.day for call, _ in finding)) + LAST_HOUR_OF_DAY for finding in tracer.findings
    )
    return [
        _build_ranked_source(tracer, found, name, looks.get(name, _SourceAccesses()), days)
        for name in found.priors
    ]


def _build_ranked_source(
    tracer: Tracer, found: Posterior, source: str, looks: _SourceAccesses, days: Mapping[float, int]
) -> RankedSource:
    seen_by, population = tracer.records.sources[source], tracer.records.population
    return RankedSource(
        source=source,
        posterior=found.attributed_share(source),
        involved=found.involvement_probability(source),
        seen=len(looks.before),
        expected=sum(count * seen_by.count_until(day) for day, count in days.items()) / population,
        late=looks.late,
        since=min(looks.before, default=None),
        until=max(looks.before, default=None),
    )


def _rank_non_insiders(tracer: Tracer, found: Posterior) -> list[RankedSource]:
    """Rank the sources that are no insider. ``everything`` has accessed all reporting customers, by
    definition; ``outside`` none."""
    count = len(tracer.findings)
    return [
        RankedSource(OUTSIDE, found.outside, found.outside, 0, 0.0),
        RankedSource(EVERYTHING, found.everything, found.everything, count, float(count)),
    ]


def _count_reports_to_halve(tracer: Tracer, first: RankedSource) -> int | None:
    """Find the number of reports by bisection: each further report speaks against the source."""

    def is_halved(more: int) -> bool:
        return (
            tracer.compute_posterior(more).involvement_probability(first.source)
            <= first.involved / 2
        )

    return (
        1 + bisect_left(range(1, MAX_FURTHER_REPORTS), True, key=is_halved)
        if is_halved(MAX_FURTHER_REPORTS)
        else None
    )
