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
LEADS, ENOUGH = 0.95, 4
#: Below this nobody is worth a word.
WORTH_A_WORD = 0.05
FURTHER = 20
#: What is expected by chance counts the whole day of the call, by the day and by the hour alike:
#: less would make everybody look as if they had seen more. The last hour of a day starts so late.
DAYS_END = 23 / 24


@dataclass(frozen=True)
class Ranked:
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

    rows: Sequence[Ranked]
    customers: int
    strays: int
    together: Sequence[tuple[str, str, float]]
    leading: Ranked | None
    halved_by: int | None

    @property
    def people(self) -> list[Ranked]:
        """The sources that are members of staff or accounts."""
        return [row for row in self.rows if row.source not in (OUTSIDE, EVERYTHING)]

    @property
    def likeliest(self) -> Ranked | None:
        """The member of staff or account that is likeliest to take part."""
        return max(self.people, key=lambda row: row.involved, default=None)

    @property
    def unled(self) -> str:
        """The source that is no member of staff and fits so well that nobody can lead; empty where
        there is none."""
        first = next(iter(self.rows), None)
        certain = first is not None and first.posterior >= LEADS
        return first.source if first and certain and first.source in (OUTSIDE, EVERYTHING) else ""

    @property
    def suspected(self) -> list[str]:
        """Who would have to be kept from reading this: all that it gives more than a word to."""
        return [row.source for row in self.people if row.involved >= WORTH_A_WORD]


def rank(tracer: Tracer) -> Ranking:
    """The ranking of a trace as it stands."""
    found = tracer.posterior()
    rows = [*_people(tracer, found), *_nobody(tracer, found)]
    rows.sort(key=lambda row: (-row.posterior, row.source not in (OUTSIDE, EVERYTHING), row.source))
    people = [row for row in rows if row.source not in (OUTSIDE, EVERYTHING)]
    first = max(people, key=lambda row: row.involved, default=None)
    leads = first is not None and first.involved >= LEADS and first.seen >= ENOUGH
    return Ranking(
        rows=rows,
        customers=len(tracer.findings),
        strays=tracer.strays,
        together=[(*p, v) for p, v in found.pairs.items() if v >= WORTH_A_WORD],
        leading=first if leads else None,
        halved_by=_halved_by(tracer, first) if first and first.seen else None,
    )


@dataclass
class _Looks:
    """What one source had seen of the customers who report."""

    before: list[float] = field(default_factory=list)
    late: int = 0


def _people(tracer: Tracer, found: Posterior) -> list[Ranked]:
    looks: dict[str, _Looks] = {}
    for finding in tracer.findings:
        sights = {source: sight.day for _, viewers in finding for source, sight in viewers.items()}
        latest = max(call.day for call, _ in finding)
        for source, day in sights.items():
            kept = looks.setdefault(source, _Looks())
            if day <= latest:
                kept.before.append(day)
            else:
                kept.late += 1
    days = Counter(
        int(max(call.day for call, _ in finding)) + DAYS_END for finding in tracer.findings
    )
    return [_ranked(tracer, found, name, looks.get(name, _Looks()), days) for name in found.priors]


def _ranked(
    tracer: Tracer, found: Posterior, source: str, looks: _Looks, days: Mapping[float, int]
) -> Ranked:
    seen_by, population = tracer.records.sources[source], tracer.records.population
    return Ranked(
        source=source,
        posterior=found.of(source),
        involved=found.involved(source),
        seen=len(looks.before),
        expected=sum(count * seen_by.by(day) for day, count in days.items()) / population,
        late=looks.late,
        since=min(looks.before, default=None),
        until=max(looks.before, default=None),
    )


def _nobody(tracer: Tracer, found: Posterior) -> list[Ranked]:
    """``everything`` has seen all customers who report, and would have; ``outside`` none."""
    count = len(tracer.findings)
    return [
        Ranked(OUTSIDE, found.outside, found.outside, 0, 0.0),
        Ranked(EVERYTHING, found.everything, found.everything, count, float(count)),
    ]


def _halved_by(tracer: Tracer, first: Ranked) -> int | None:
    """Each such report speaks against the source, so the number is found by halving."""

    def halved(more: int) -> bool:
        return tracer.posterior(more).involved(first.source) <= first.involved / 2

    return 1 + bisect_left(range(1, FURTHER), True, key=halved) if halved(FURTHER) else None
