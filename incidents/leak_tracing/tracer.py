"""Which source explains the reports: the posterior over all of them, kept up report by report.

Source s is the leak, and a share e of the reports has to do with none. Then each report, relative
to a report of no leak (:mod:`incidents.leak_tracing.likelihoods`), has the likelihood

    e' + (1 - e') * ratio(s)         ratio is 0 where s had not seen the customer

where the odds of e' are those of e times the report's doubt. Reports are independent given s, e and
the leak's pattern m; none of these is known, so both e and m are summed over with their priors:

    evidence(s) = sum over e, m of P(e) P(m) * product over reports

Nobody at all (``outside``) has evidence 1, or what the reports have if all of them come from
anybody, or all from people in touch with us. For a source without a hit only e matters, which keeps
a report cheap: one number for each e that all share, and a sum for each source that had seen the
customer. All sums are of logarithms, and added with the largest taken out.

Pairs are mixtures of two sources' ratios. Of several reports by one customer, the mean of their
likelihoods counts: one list rings the same people again, and that is one finding, not several.
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

#: Shares of reports that have to do with no leak, and how likely each is beforehand.
NOISE_SHARES = ((0.05, 0.10), (0.15, 0.20), (0.30, 0.30), (0.45, 0.20), (0.60, 0.12), (0.80, 0.08))
_ODDS = tuple(share / (1 - share) for share, _ in NOISE_SHARES)
_LOG_NOISE = tuple(log(weight) for _, weight in NOISE_SHARES)
_LOG_PATTERNS = tuple(log(weight) for weight in likelihoods.PATTERN_PRIORS)

#: How often a leak leads to a number that is no customer's.
STRAY_PROBABILITY = 0.05
MIN_IN_TOUCH_WEIGHT = (
    0.02  # how likely people in touch are to be some whom nobody has seen, at least
)

Viewers = Mapping[str, FirstAccess]
Finding = Sequence[tuple[Call, Viewers]]


@dataclass
class _SourceGains:
    """What a source gains over having seen nobody: by pattern and noise share, and for pairs its
    plain ratio by finding."""

    gains: list[LogValues]
    plain: RatiosByFinding = field(default_factory=dict)
    _overall: LogValues | None = None

    def add_finding(
        self, number: int, noises: Sequence[LogValues], table: Sequence[Sequence[float]]
    ) -> None:
        """Take in a finding; ``table`` has the ratios of each of its reports by pattern."""
        for gains, pattern in zip(self.gains, zip(*table, strict=True), strict=True):
            accumulate_gain(gains, noises, pattern)
        self.plain[number] = [found[0] for found in table]
        self._overall = None

    def total_gains(self) -> LogValues:
        """The sum over the patterns, by noise share."""
        if self._overall is None:
            patterns = _LOG_PATTERNS if len(self.gains) > 1 else (0.0,)
            self._overall = [
                log_sum_exp([a + b for a, b in zip(patterns, column, strict=True)])
                for column in zip(*self.gains, strict=True)
            ]
        return self._overall


class Tracer:
    """The state of a trace. Rebuilt at any time from the reports; their order does not matter."""

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
        """The reports of customers, by customer, with who had ever seen them."""
        return list(self._findings.values())

    @property
    def strays(self) -> int:
        """How many reports came from numbers that are no customer's."""
        return len(self._strays)

    def add_report(self, call: Call, viewers: Viewers) -> None:
        """Take in one report; ``viewers`` is who has ever seen its customer."""
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
        """Add one customer's reports to what every source has."""
        noises = [_noise_shares_of_call(call) for call, _ in finding]
        self._add_miss(noises)
        self._noise[number] = noises
        self._add_noise_evidence(
            [self._estimate_noise_density(call, viewers)[0] for call, viewers in finding]
        )
        by_source: dict[str, list[list[float]]] = {}
        for place, (call, viewers) in enumerate(finding):
            for source, found in self._list_source_ratios(call, viewers):
                blank = [[0.0] * len(found) for _ in finding]
                by_source.setdefault(source, blank)[place] = found
        for source, table in by_source.items():
            hits = self._hits.get(source)
            if hits is None:
                hits = _SourceGains([[0.0] * len(NOISE_SHARES) for _ in table[0]])
                self._hits[source] = hits
            hits.add_finding(number, noises, table)

    def _list_source_ratios(
        self, call: Call, viewers: Viewers
    ) -> Iterable[tuple[str, list[float]]]:
        """Every source that may have led to this call, with its ratios by pattern."""
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
        """The density of this call by no leak, who had seen its customer, and all looks by then."""
        before = [source for source, sight in viewers.items() if sight.day <= call.day]
        looks = self.records.together.count_until(call.day)
        return likelihoods.noise_density(self.records.population, len(before), looks), before, looks

    def _add_noise_evidence(self, densities: Sequence[float]) -> None:
        """Keep what the reports have if all come from anybody, or all from people in touch."""
        count = len(densities)
        self._anybody += log(sum(1 / density for density in densities) / count)
        touched = (max(2 * density - 1, MIN_IN_TOUCH_WEIGHT) / density for density in densities)
        self._in_touch += log(sum(touched) / count)

    def compute_posterior(self, misses: int = 0) -> Posterior:
        """How likely each explanation is now; or would be after so many more reports from
        customers whom no source had seen."""
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
        hits = {source: len(each.plain) for source, each in self._hits.items()}
        shared = PosteriorBuilder(self.records, self._priors, logs, hits, nothing)
        return shared.build_posterior(log_sum_exp(none), self._compute_pair_evidence(logs, base))

    def _compute_pair_evidence(
        self, logs: Mapping[str, float], base: LogValues
    ) -> dict[tuple[str, str], float]:
        """Log evidence of the pairs worth a try."""
        plain = {s: hits.plain for s, hits in self._hits.items() if s in self.records.sources}
        found = {}
        for one, other in collusion.select_candidate_pairs(plain, logs):
            if (one, other) not in self._pairs:
                self._pairs[one, other] = collusion.compute_pair_gains(
                    plain[one], plain[other], self._noise
                )
            terms = [
                a + b for row in self._pairs[one, other] for a, b in zip(row, base, strict=True)
            ]
            found[one, other] = log_sum_exp(terms) - log(len(collusion.MIXTURE_SHARES))
        return found


def _noise_shares_of_call(call: Call) -> LogValues:
    """The share of reports like this one that have to do with no leak, for each noise share."""
    return [odds * call.doubt / (1 + odds * call.doubt) for odds in _ODDS]


def _sum_log_evidence(hits: _SourceGains, base: LogValues) -> float:
    return log_sum_exp([a + b for a, b in zip(hits.total_gains(), base, strict=True)])
