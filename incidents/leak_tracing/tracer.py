"""Computes which source explains the reports: the posterior over all sources, updated report by
report.

Suppose that source s is the leak and that a share e of the reports is unrelated to any leak. Then
each report, relative to a report without a leak (:mod:`incidents.leak_tracing.likelihoods`), has
the likelihood

    e' + (1 - e') * ratio(s)         ratio is 0 where s had not accessed the customer

where the odds of e' are those of e times the report's doubt. Reports are independent given s, e and
the leak's pattern m. None of these is known, so e and m are summed out with their priors:

    evidence(s) = sum over e, m of P(e) P(m) * product over reports

No leak (``outside``) has evidence 1, or the evidence of the reports if all of them come from
anybody, or all from customers in touch with us. For a source without a hit only e matters, which
keeps a report cheap: one number for each e, shared by all sources, and a sum for each source that
had accessed the customer. All sums are of logarithms, added with the largest factored out.

Pairs are mixtures of the ratios of two sources. Several reports by one customer count as the mean
of their likelihoods: one list calls the same people repeatedly, which is one finding, not several.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

from incidents.leak_tracing import collusion, likelihoods
from incidents.leak_tracing.collusion import LogValues, RatiosByFinding, accumulate_gain
from incidents.leak_tracing.model_types import AccessRecords, Call, FirstAccess
from incidents.leak_tracing.posterior import (
    ACCESSED_SOURCE,
    NOISE_ANYBODY,
    NOISE_IN_TOUCH,
    NOISE_MIXED,
    TABLE_SOURCE,
    TEAM_SOURCE_PREFIX,
    Posterior,
    PosteriorBuilder,
    compute_source_priors,
    log_sum_exp,
)

#: Shares of reports unrelated to any leak, with their prior probabilities.
NOISE_SHARES = ((0.05, 0.10), (0.15, 0.20), (0.30, 0.30), (0.45, 0.20), (0.60, 0.12), (0.80, 0.08))
_ODDS = tuple(share / (1 - share) for share, _ in NOISE_SHARES)
_LOG_NOISE = tuple(log(weight) for _, weight in NOISE_SHARES)
_LOG_PATTERNS = tuple(log(weight) for weight in likelihoods.PATTERN_PRIORS)

#: How often a leak leads to a number that belongs to no customer.
STRAY_PROBABILITY = 0.05
MIN_IN_TOUCH_WEIGHT = 0.02  # minimum weight of customers that nobody had accessed

Viewers = Mapping[str, FirstAccess]
Finding = Sequence[tuple[Call, Viewers]]


@dataclass
class _SourceGains:
    """A source's log gains over no access, by pattern and noise share and, for pairs, its plain
    ratios by finding."""

    gains: list[LogValues]
    plain: RatiosByFinding = field(default_factory=dict)
    _overall: LogValues | None = None

    def add_finding(
        self, number: int, noises: Sequence[LogValues], table: Sequence[Sequence[float]]
    ) -> None:
        """Add a finding. ``table`` has the ratios of each of its reports by pattern."""
        for gains, pattern in zip(self.gains, zip(*table, strict=True), strict=True):
            accumulate_gain(gains, noises, pattern)
        self.plain[number] = [ratios[0] for ratios in table]
        self._overall = None

    def total_gains(self) -> LogValues:
        """Return the gains summed over the patterns, by noise share."""
        if self._overall is None:
            patterns = _LOG_PATTERNS if len(self.gains) > 1 else (0.0,)
            self._overall = [
                log_sum_exp([a + b for a, b in zip(patterns, column, strict=True)])
                for column in zip(*self.gains, strict=True)
            ]
        return self._overall


class Tracer:
    """State of a trace. It can be rebuilt from the reports at any time; their order does not
    matter."""

    def __init__(self, records: AccessRecords, end: float) -> None:
        self.records = records
        self._end = end
        self._findings: dict[Hashable, Finding] = {}
        self._strays: list[Call] = []
        self._priors = compute_source_priors(records, end)
        self._cuts: dict[str, likelihoods.SnapshotDays] = {}
        self._pairs: dict[tuple[str, str], list[LogValues]] = {}
        self._reset_evidence()

    def _reset_evidence(self) -> None:
        self._missed = [0.0] * len(NOISE_SHARES)
        self._anybody = self._in_touch = 0.0
        self._noise: dict[int, list[LogValues]] = {}
        self._hits: dict[str, _SourceGains] = {}

    @property
    def findings(self) -> list[Finding]:
        """Reports grouped by customer, with all sources that ever accessed the customer."""
        return list(self._findings.values())

    @property
    def strays(self) -> int:
        """Number of reports from numbers that belong to no customer."""
        return len(self._strays)

    def add_report(self, call: Call, viewers: Viewers) -> None:
        """Add a report. ``viewers`` are all sources that ever accessed its customer."""
        self._pairs.clear()
        if call.customer is None:
            self._strays.append(call)
            self._add_miss([_noise_shares_of_call(call)], STRAY_PROBABILITY)
        elif call.customer in self._findings:
            self._findings[call.customer] = [*self._findings[call.customer], (call, viewers)]
            self._rebuild_evidence()
        else:
            self._findings[call.customer] = [(call, viewers)]
            self._add_customer_finding(len(self._findings), self._findings[call.customer])

    def _rebuild_evidence(self) -> None:
        self._reset_evidence()
        for call in self._strays:
            self._add_miss([_noise_shares_of_call(call)], STRAY_PROBABILITY)
        for number, finding in enumerate(self._findings.values(), 1):
            self._add_customer_finding(number, finding)

    def _add_miss(self, noises: Sequence[LogValues], stray: float = 0.0) -> None:
        for place, shares in enumerate(zip(*noises, strict=True)):
            mean = sum(shares) / len(shares)
            self._missed[place] += log(mean + (1 - mean) * stray)

    def _add_customer_finding(self, number: int, finding: Finding) -> None:
        """Add one customer's reports to the evidence of every source."""
        noises = [_noise_shares_of_call(call) for call, _ in finding]
        self._add_miss(noises)
        self._noise[number] = noises
        self._add_noise_evidence(
            [self._estimate_noise_density(call, viewers)[0] for call, viewers in finding]
        )
        by_source: dict[str, list[list[float]]] = {}
        for place, (call, viewers) in enumerate(finding):
            for source, ratios in self._list_source_ratios(call, viewers):
                blank = [[0.0] * len(ratios) for _ in finding]
                by_source.setdefault(source, blank)[place] = ratios
        for source, table in by_source.items():
            hits = self._hits.get(source)
            if hits is None:
                hits = _SourceGains([[0.0] * len(NOISE_SHARES) for _ in table[0]])
                self._hits[source] = hits
            hits.add_finding(number, noises, table)

    def _list_source_ratios(
        self, call: Call, viewers: Viewers
    ) -> Iterable[tuple[str, list[float]]]:
        """Yield every source that may have led to this call, with its ratios by pattern."""
        records = self.records
        noise, before, looks = self._estimate_noise_density(call, viewers)
        density = records.population / noise
        for source, sight in viewers.items():
            seen = records.sources[source]
            if source not in self._cuts:
                self._cuts[source] = likelihoods.find_snapshot_days(seen, self._end)
            yield (
                source,
                likelihoods.pattern_likelihood_ratios(
                    call, sight, seen, self._cuts[source], density
                ),
            )
        known = likelihoods.knowledge_likelihood_ratio(call, None)
        yield TABLE_SOURCE, [known / noise]
        if before:
            yield ACCESSED_SOURCE, [known * density * len(before) / max(looks, 1.0)]
        for name, group in records.groups.items():
            inside = sum(source in group.members for source in before)
            if inside:
                seen_by_them = max(group.timeline.count_until(call.day), 1.0)
                yield TEAM_SOURCE_PREFIX + name, [known * density * inside / seen_by_them]

    def _estimate_noise_density(
        self, call: Call, viewers: Viewers
    ) -> tuple[float, list[str], float]:
        """Return the density of this call without a leak, the sources that had accessed its
        customer, and the total accesses by then."""
        before = [source for source, sight in viewers.items() if sight.day <= call.day]
        looks = self.records.together.count_until(call.day)
        return likelihoods.noise_density(self.records.population, len(before), looks), before, looks

    def _add_noise_evidence(self, densities: Sequence[float]) -> None:
        """Add the evidence of the reports if all come from anybody, or all from customers in touch
        with us."""
        count = len(densities)
        self._anybody += log(sum(1 / density for density in densities) / count)
        touched = (max(2 * density - 1, MIN_IN_TOUCH_WEIGHT) / density for density in densities)
        self._in_touch += log(sum(touched) / count)

    def compute_posterior(self, misses: int = 0) -> Posterior:
        """Return the posterior, as it is or after ``misses`` more reports from customers that no
        source had accessed."""
        missed = self._missed
        if misses:
            missed = [
                so_far + misses * log(share)
                for so_far, (share, _) in zip(missed, NOISE_SHARES, strict=True)
            ]
        base = [a + b for a, b in zip(_LOG_NOISE, missed, strict=True)]
        logs = {source: _sum_log_evidence(hits, base) for source, hits in self._hits.items()}
        nothing = log_sum_exp(base)
        none = [
            log(NOISE_MIXED),
            log(NOISE_ANYBODY) + self._anybody,
            log(NOISE_IN_TOUCH) + self._in_touch,
        ]
        hits = {
            source: len(gains_of_source.plain) for source, gains_of_source in self._hits.items()
        }
        shared = PosteriorBuilder(self.records, self._priors, logs, hits, nothing)
        return shared.build_posterior(log_sum_exp(none), self._compute_pair_evidence(logs, base))

    def _compute_pair_evidence(
        self, logs: Mapping[str, float], base: LogValues
    ) -> dict[tuple[str, str], float]:
        """Return the log evidence of the candidate pairs."""
        plain = {s: hits.plain for s, hits in self._hits.items() if s in self.records.sources}
        evidence = {}
        for one, other in collusion.select_candidate_pairs(plain, logs):
            if (one, other) not in self._pairs:
                self._pairs[one, other] = collusion.compute_pair_gains(
                    plain[one], plain[other], self._noise
                )
            terms = [
                a + b for row in self._pairs[one, other] for a, b in zip(row, base, strict=True)
            ]
            evidence[one, other] = log_sum_exp(terms) - log(len(collusion.MIXTURE_SHARES))
        return evidence


def _noise_shares_of_call(call: Call) -> LogValues:
    """Return the probability that reports like this one are unrelated to a leak, for each noise
    share."""
    return [odds * call.doubt / (1 + odds * call.doubt) for odds in _ODDS]


def _sum_log_evidence(hits: _SourceGains, base: LogValues) -> float:
    return log_sum_exp([a + b for a, b in zip(hits.total_gains(), base, strict=True)])
