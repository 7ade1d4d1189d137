"""The baselines for tracing: the guilt model of Papadimitriou and Garcia-Molina, and counting.

"Data leakage detection", IEEE Transactions on Knowledge and Data Engineering 23(1), 2011: agent i
is guilty with probability 1 - product over leaked objects t it was given of (1 - (1 - p) / |V_t|),
where V_t are all agents who were given t, and p is how likely the target got an object otherwise.
The model has no base rate: an agent with many objects had many of any set.
"""

from __future__ import annotations

from collections import Counter
from math import exp, log1p

from bench.leak_tracing.simulated_leaks import Reported

GUESSED = 1 / 3
LEADS, ENOUGH = 0.95, 4


class Guilt:
    """The guilt model, report by report."""

    def __init__(self) -> None:
        self._innocent: Counter[str] = Counter()

    def add(self, report: Reported) -> None:
        """Add one report."""
        call, viewers = report
        had = [source for source, sight in viewers.items() if sight.day <= call.day]
        for source in had:
            self._innocent[source] += log1p(-(1 - GUESSED) / len(had))  # type: ignore[assignment]

    def first(self) -> tuple[str | None, bool]:
        """Return the source that ranks first alone, if any, and whether the model accuses it."""
        best = sorted(self._innocent.items(), key=lambda each: each[1])[:2]
        if not best or (len(best) > 1 and best[0][1] == best[1][1]):
            return None, False
        return best[0][0], 1 - exp(best[0][1]) >= LEADS


class Counting:
    """Counts how many of the reporters each source had accessed."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def add(self, report: Reported) -> None:
        """Add one report."""
        call, viewers = report
        self._seen.update(source for source, sight in viewers.items() if sight.day <= call.day)

    def first(self) -> tuple[str | None, bool]:
        """Return the source that ranks first alone, if any, and whether counting accuses it."""
        best = self._seen.most_common(2)
        if not best or (len(best) > 1 and best[0][1] == best[1][1]):
            return None, False
        return best[0][0], best[0][1] >= ENOUGH
