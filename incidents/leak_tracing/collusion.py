"""Pairs of sources acting together: each of the leaked customers comes from one or the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import log1p

#: Pairs are formed among this many sources that explain the reports best alone, if each explains at
#: least this many findings that the other does not; a pair mixes its two sources in these shares.
MAX_CANDIDATES, MIN_OWN_FINDINGS, MIXTURE_SHARES = 8, 2, (0.3, 0.5, 0.7)

LogValues = list[float]
#: A source's likelihood ratios by finding, one for each report of the customer.
RatiosByFinding = dict[int, list[float]]


def select_candidate_pairs(
    plain: Mapping[str, RatiosByFinding], logs: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """Yield the pairs that may explain more together than either source alone; ``logs`` is each
    source's log evidence."""
    people = [source for source, ratios in plain.items() if len(ratios) >= MIN_OWN_FINDINGS]
    people.sort(key=lambda source: (-logs[source], source))
    for one, other in combinations(sorted(people[:MAX_CANDIDATES]), 2):
        own, others = plain[one].keys(), plain[other].keys()
        if len(own - others) >= MIN_OWN_FINDINGS and len(others - own) >= MIN_OWN_FINDINGS:
            yield one, other


def compute_pair_gains(
    first: RatiosByFinding, second: RatiosByFinding, noise: Mapping[int, Sequence[LogValues]]
) -> list[LogValues]:
    """Compute the pair's log gains over no access, for each of :data:`MIXTURE_SHARES`, by noise
    share.

    ``noise`` holds the noise shares of each finding's reports.
    """
    gains = []
    for share in MIXTURE_SHARES:
        row = [0.0] * len(next(iter(noise.values()))[0])
        for number in first.keys() | second.keys():
            none = [0.0] * len(noise[number])
            ratio_pairs = zip(first.get(number, none), second.get(number, none), strict=True)
            accumulate_gain(
                row, noise[number], [share * a + (1 - share) * b for a, b in ratio_pairs]
            )
        gains.append(row)
    return gains


def accumulate_gain(gains: LogValues, noises: Sequence[LogValues], ratios: Sequence[float]) -> None:
    """Add to ``gains`` what these ratios, one for each report of a customer, gain over ratios of
    0."""
    if not any(ratios):
        return
    if len(ratios) == 1:
        ratio = ratios[0]
        for place, noise in enumerate(noises[0]):
            gains[place] += log1p((1 - noise) / noise * ratio)
        return
    for place, shares in enumerate(zip(*noises, strict=True)):
        hit = sum((1 - share) * ratio for share, ratio in zip(shares, ratios, strict=True))
        gains[place] += log1p(hit / sum(shares))
