"""Prior and posterior probabilities: prior times evidence, normalised to sum to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from incidents.leak_tracing.model_types import AccessRecords

#: Prior probabilities: no insider; a copy of the table, of what staff have accessed or of what a
#: team has accessed; one insider; two insiders acting together.
PRIOR_NO_INSIDER, PRIOR_TABLE_COPY, PRIOR_ACCESSED_COPY, PRIOR_TEAM_COPY, PRIOR_SOLO, PRIOR_PAIR = (
    0.38,
    0.05,
    0.02,
    0.05,
    0.47,
    0.03,
)
#: Priors without an insider: reports from the mixture above, all from anybody, all from customers
#: in touch with us.
NOISE_MIXED, NOISE_ANYBODY, NOISE_IN_TOUCH = 0.5, 0.25, 0.25
#: Names of sources that are no account. No account can have such a name.
TABLE_SOURCE, ACCESSED_SOURCE, TEAM_SOURCE_PREFIX = "\0table", "\0touched", "\0team "


@dataclass(frozen=True)
class Posterior:
    """Posterior probability of each explanation; all of them sum to 1.

    ``alone`` holds sources that had accessed some of the reporting customers, ``hits`` how many of
    them. Every other source has its prior in ``priors`` times ``unseen``.
    """

    outside: float
    everything: float
    alone: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    hits: Mapping[str, int]
    priors: Mapping[str, float]
    unseen: float

    def attributed_share(self, source: str) -> float:
        """Return a source's probability of acting alone, plus its part of each pair.

        Its part of a pair is proportional to its hits, so that a doubtful pair neither holds back
        the leading source nor raises the other.
        """
        shared = sum(
            value * self.hits[source] / sum(self.hits[member] for member in pair)
            for pair, value in self.pairs.items()
            if source in pair
        )
        return self._solo_probability(source) + shared

    def involvement_probability(self, source: str) -> float:
        """Return the probability that the source takes part, alone or in a pair."""
        return self._solo_probability(source) + self._paired_probability(source)

    def _solo_probability(self, source: str) -> float:
        if source in self.alone:
            return self.alone[source]
        return self.priors.get(source, 0.0) * self.unseen

    def _paired_probability(self, source: str) -> float:
        return sum(value for pair, value in self.pairs.items() if source in pair)


def compute_source_priors(records: AccessRecords, end: float) -> dict[str, float]:
    """Return each source's prior probability of being the leak, given that one source is.

    Every access to a customer is equally likely to be the one that leaks.
    """
    seen = {source: line.count_until(end) + 1 for source, line in records.sources.items()}
    total = sum(seen.values())
    return {source: count / total for source, count in seen.items()}


@dataclass(frozen=True)
class PosteriorBuilder:
    """Builds the posterior. ``logs`` are log evidences; a source without a hit has the log evidence
    ``nothing``."""

    records: AccessRecords
    priors: Mapping[str, float]
    logs: Mapping[str, float]
    hits: Mapping[str, int]
    nothing: float

    def build_posterior(self, none: float, paired: Mapping[tuple[str, str], float]) -> Posterior:
        """Build the posterior. ``none`` is the log evidence of no leak, ``paired`` the log evidence
        of each pair."""
        priors, solo_prior = self.priors, log(PRIOR_SOLO)
        alone = {s: solo_prior + log(priors[s]) + self.logs[s] for s in self.logs if s in priors}
        pairs = {pair: self._log_pair_prior(*pair) + value for pair, value in paired.items()}
        left = 1 - sum(priors[source] for source in alone)
        rest = [solo_prior + self.nothing + log(left)] if priors and left > 1e-12 else []
        copies, outside = self._log_copy_evidence(), log(PRIOR_NO_INSIDER) + none
        total = log_sum_exp([outside, *copies, *alone.values(), *pairs.values(), *rest])
        return Posterior(
            outside=exp(outside - total),
            everything=sum(exp(value - total) for value in copies),
            alone={source: exp(value - total) for source, value in alone.items()},
            pairs={pair: exp(value - total) for pair, value in pairs.items()},
            hits=self.hits,
            priors=priors,
            unseen=exp(solo_prior + self.nothing - total),
        )

    def _log_pair_prior(self, one: str, other: str) -> float:
        """Return the log prior of a pair: proportional to both sources' priors of leaking alone."""
        all_pairs = (1 - sum(prior * prior for prior in self.priors.values())) / 2
        return log(PRIOR_PAIR * self.priors[one] * self.priors[other] / all_pairs)

    def _log_copy_evidence(self) -> list[float]:
        evidence = [
            log(PRIOR_TABLE_COPY) + self.logs.get(TABLE_SOURCE, self.nothing),
            log(PRIOR_ACCESSED_COPY) + self.logs.get(ACCESSED_SOURCE, self.nothing),
        ]
        if groups := self.records.groups:
            share = log(PRIOR_TEAM_COPY / len(groups))
            evidence += [
                share + self.logs.get(TEAM_SOURCE_PREFIX + name, self.nothing) for name in groups
            ]
        return evidence


def log_sum_exp(logs: Sequence[float]) -> float:
    """Return the logarithm of the sum of the exponentials."""
    most = max(logs)
    return most + log(sum(exp(value - most) for value in logs))
