"""What is believed before the reports, and what is believed after: prior times evidence, as shares
of 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from incidents.leak_tracing.model_types import AccessRecords

#: What is believed before any report: no insider; a copy of the table, of what staff have seen or
#: of what a team has seen; one insider; two who act together.
PRIOR_NO_INSIDER, PRIOR_TABLE_COPY, PRIOR_ACCESSED_COPY, PRIOR_TEAM_COPY, PRIOR_SOLO, PRIOR_PAIR = (
    0.38,
    0.05,
    0.02,
    0.05,
    0.47,
    0.03,
)
#: Without an insider: reports as above, all from anybody, all from people in touch with us.
NOISE_MIXED, NOISE_ANYBODY, NOISE_IN_TOUCH = 0.5, 0.25, 0.25
#: Names of sources that are no account's, so that no account can have them.
TABLE_SOURCE, ACCESSED_SOURCE, TEAM_SOURCE_PREFIX = "\0table", "\0touched", "\0team "


@dataclass(frozen=True)
class Posterior:
    """How likely each explanation is; all of it sums to 1. ``alone`` is of sources that had seen
    some of the customers, ``hits`` says how many; the others have their prior, ``priors``, times
    ``unseen``."""

    outside: float
    everything: float
    alone: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    hits: Mapping[str, int]
    priors: Mapping[str, float]
    unseen: float

    def attributed_share(self, source: str) -> float:
        """A source's share: alone, and of each pair the part of the reports that is its own, so
        that who leads in a doubtful pair is not held back by it, nor the other raised."""
        shared = sum(
            value * self.hits[source] / sum(self.hits[item] for item in pair)
            for pair, value in self.pairs.items()
            if source in pair
        )
        return self._solo_probability(source) + shared

    def involvement_probability(self, source: str) -> float:
        """How likely it is that the source takes part, alone or in a pair."""
        return self._solo_probability(source) + self._paired_probability(source)

    def _solo_probability(self, source: str) -> float:
        if source in self.alone:
            return self.alone[source]
        return self.priors.get(source, 0.0) * self.unseen

    def _paired_probability(self, source: str) -> float:
        return sum(value for pair, value in self.pairs.items() if source in pair)


def compute_source_priors(records: AccessRecords, end: float) -> dict[str, float]:
    """How likely each source is the leak before any report, given that one is: every look at a
    customer is as likely to be the one that leaks."""
    seen = {source: line.count_until(end) + 1 for source, line in records.sources.items()}
    total = sum(seen.values())
    return {source: count / total for source, count in seen.items()}


@dataclass(frozen=True)
class PosteriorBuilder:
    """Prior times evidence of everything, as shares of 1; ``logs`` are logarithms of evidence, and
    what has no hit has the evidence ``nothing``."""

    records: AccessRecords
    priors: Mapping[str, float]
    logs: Mapping[str, float]
    hits: Mapping[str, int]
    nothing: float

    def build_posterior(self, none: float, paired: Mapping[tuple[str, str], float]) -> Posterior:
        """All of it; ``none`` is the evidence of no leak at all, ``paired`` that of pairs."""
        priors, each = self.priors, log(PRIOR_SOLO)
        alone = {s: each + log(priors[s]) + self.logs[s] for s in self.logs if s in priors}
        pairs = {pair: self._log_pair_prior(*pair) + value for pair, value in paired.items()}
        left = 1 - sum(priors[source] for source in alone)
        rest = [each + self.nothing + log(left)] if priors and left > 1e-12 else []
        copies, outside = self._log_copy_evidence(), log(PRIOR_NO_INSIDER) + none
        total = log_sum_exp([outside, *copies, *alone.values(), *pairs.values(), *rest])
        return Posterior(
            outside=exp(outside - total),
            everything=sum(exp(value - total) for value in copies),
            alone={source: exp(value - total) for source, value in alone.items()},
            pairs={pair: exp(value - total) for pair, value in pairs.items()},
            hits=self.hits,
            priors=priors,
            unseen=exp(each + self.nothing - total),
        )

    def _log_pair_prior(self, one: str, other: str) -> float:
        """What is believed of a pair beforehand: who would leak alone would leak with another."""
        all_pairs = (1 - sum(prior * prior for prior in self.priors.values())) / 2
        return log(PRIOR_PAIR * self.priors[one] * self.priors[other] / all_pairs)

    def _log_copy_evidence(self) -> list[float]:
        found = [
            log(PRIOR_TABLE_COPY) + self.logs.get(TABLE_SOURCE, self.nothing),
            log(PRIOR_ACCESSED_COPY) + self.logs.get(ACCESSED_SOURCE, self.nothing),
        ]
        if groups := self.records.groups:
            share = log(PRIOR_TEAM_COPY / len(groups))
            found += [
                share + self.logs.get(TEAM_SOURCE_PREFIX + name, self.nothing) for name in groups
            ]
        return found


def log_sum_exp(logs: Sequence[float]) -> float:
    """The logarithm of the sum of what these are the logarithms of."""
    most = max(logs)
    return most + log(sum(exp(one_log - most) for one_log in logs))
