"""A trace as people read it: who, how likely, on what evidence, and what would change that.

It is evidence and not a verdict: it says whose access fits the calls, not who sold anything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.posterior import Posterior
from incidents.leak_tracing.tracer import Tracer

#: From this on, and with so many customers seen, a source is said to lead.
LEADING_THRESHOLD, MIN_CUSTOMERS_SEEN = 0.95, 4
#: Below this nobody is worth a word.
MENTION_THRESHOLD = 0.05
MAX_FURTHER_REPORTS = 20
#: What is expected by chance counts the whole day of the call, by the day and by the hour alike:
#: less would make everybody look as if they had seen more. The last hour of a day starts so late.
LAST_HOUR_OF_DAY = 23 / 24


@dataclass(frozen=True)
class RankedSource:
    """One source. ``posterior`` is its share of 1, with its part of what it has in pairs;
    ``involved`` how likely it takes part, alone or with another. ``seen`` is how many of the
    customers who report it had seen before, ``expected`` how many by chance, ``late`` how many only
    after the call; ``since`` and ``until`` are the days of the first and last of those looks."""

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
    """All sources, likeliest first. ``customers`` report, and so many ``strays``, whose numbers are
    no customer's; ``together`` are the pairs worth a word. ``leading`` is who is said to lead, or
    none. ``halved_by`` is how many more reports from customers whom the likeliest member of staff
    has not seen would halve what speaks for them; none where twenty would not."""

    rows: Sequence[RankedSource]
    customers: int
    strays: int
    together: Sequence[tuple[str, str, float]]
    leading: RankedSource | None
    halved_by: int | None

    @property
    def people(self) -> list[RankedSource]:
        """The sources that are members of staff or accounts."""
        return [row for row in self.rows if row.source not in (OUTSIDE, EVERYTHING)]

    @property
    def likeliest(self) -> RankedSource | None:
        """The member of staff or account that is likeliest to take part."""
        return max(self.people, key=lambda row: row.involved, default=None)

    @property
    def unled(self) -> str:
        """The source that is no member of staff and fits so well that nobody can lead; empty where
        there is none."""
        first = next(iter(self.rows), None)
        certain = first is not None and first.posterior >= LEADING_THRESHOLD
        return first.source if first and certain and first.source in (OUTSIDE, EVERYTHING) else ""

    @property
    def suspected(self) -> list[str]:
        """Who would have to be kept from reading this: all that it gives more than a word to."""
        return [row.source for row in self.people if row.involved >= MENTION_THRESHOLD]


def rank_sources(tracer: Tracer) -> Ranking:
    """The ranking of a trace as it stands."""
    found = tracer.compute_posterior()
    rows = [*_rank_insiders(tracer, found), *_rank_non_insiders(tracer, found)]
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
        together=[(*p, v) for p, v in found.pairs.items() if v >= MENTION_THRESHOLD],
        leading=first if leads else None,
        halved_by=_count_reports_to_halve(tracer, first) if first and first.seen else None,
    )


@dataclass
class _SourceAccesses:
    """What one source had seen of the customers who report."""

    before: list[float] = field(default_factory=list)
    late: int = 0


def _rank_insiders(tracer: Tracer, found: Posterior) -> list[RankedSource]:
    looks: dict[str, _SourceAccesses] = {}
    for finding in tracer.findings:
        sights = {source: sight.day for _, viewers in finding for source, sight in viewers.items()}
        latest = max(call.day for call, _ in finding)
        for source, day in sights.items():
            kept = looks.setdefault(source, _SourceAccesses())
            if day <= latest:
                kept.before.append(day)
            else:
                kept.late += 1
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
    """``everything`` has seen all customers who report, and would have; ``outside`` none."""
    count = len(tracer.findings)
    return [
        RankedSource(OUTSIDE, found.outside, found.outside, 0, 0.0),
        RankedSource(EVERYTHING, found.everything, found.everything, count, float(count)),
    ]


def _count_reports_to_halve(tracer: Tracer, first: RankedSource) -> int | None:
    """Each such report speaks against the source, so the number is found by halving."""

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
