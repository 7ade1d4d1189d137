"""Two who act together: each of the leak's customers comes from one or the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import log1p

#: Pairs are sought among so many of those who best explain the reports alone, where each explains
#: so many that the other does not, in these shares.
MAX_CANDIDATES, MIN_OWN_FINDINGS, MIXTURE_SHARES = 8, 2, (0.3, 0.5, 0.7)

LogValues = list[float]
#: A source's ratios by finding, one for each report of the customer.
RatiosByFinding = dict[int, list[float]]


def select_candidate_pairs(
    plain: Mapping[str, RatiosByFinding], logs: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """The pairs that may explain more together than either alone; ``logs`` is what each has."""
    people = [source for source, found in plain.items() if len(found) >= MIN_OWN_FINDINGS]
    people.sort(key=lambda source: (-logs[source], source))
    for one, other in combinations(sorted(people[:MAX_CANDIDATES]), 2):
        own, others = plain[one].keys(), plain[other].keys()
        if len(own - others) >= MIN_OWN_FINDINGS and len(others - own) >= MIN_OWN_FINDINGS:
            yield one, other


def compute_pair_gains(
    first: RatiosByFinding, second: RatiosByFinding, noise: Mapping[int, Sequence[LogValues]]
) -> list[LogValues]:
    """What the pair gains over having seen nobody, for each of :data:`MIXTURE_SHARES`, by noise
    share; ``noise`` is that of each finding's reports."""
    found = []
    for share in MIXTURE_SHARES:
        row = [0.0] * len(next(iter(noise.values()))[0])
        for number in first.keys() | second.keys():
            none = [0.0] * len(noise[number])
            each = zip(first.get(number, none), second.get(number, none), strict=True)
            accumulate_gain(row, noise[number], [share * a + (1 - share) * b for a, b in each])
        found.append(row)
    return found


def accumulate_gain(gains: LogValues, noises: Sequence[LogValues], ratios: Sequence[float]) -> None:
    """Add what these ratios, one for each report of a customer, gain over ratios of 0."""
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
