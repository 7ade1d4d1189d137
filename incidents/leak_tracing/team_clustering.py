"""Clusters sources that access the same customers, for logs that do not name teams.

In a sample of customers, count how often two staff members have both accessed one. Two who share
several times as many as expected by chance belong to one group, and groups are closed transitively.
Without groups, calls to one region would seem to point at the one of its fifty agents who happened
to have accessed most of its customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

#: Two sources are similar if they share this many times as many customers as by chance, at least
#: this many, and this many standard deviations more than by chance.
MIN_LIFT, MIN_SHARED, MIN_DEVIATIONS = 3.0, 5, 5.0
#: Maximum number of pairs counted, which bounds time and memory.
MAX_PAIRS = 3_000_000


class CustomerSample:
    """Customers sampled by a hash, with the sources that accessed each: all customers while they
    are few, then a shrinking share, so that memory stays bounded for a log of any length."""

    def __init__(self, most: int = 50_000) -> None:
        self._most, self._every = most, 1
        self._seen: dict[int, set[str]] = {}

    def add_viewer(self, digest: int, source: str) -> None:
        """Record that a source accessed the customer with this hash."""
        if digest % self._every:
            return
        self._seen.setdefault(digest, set()).add(source)
        if len(self._seen) > self._most:
            self._every *= 2
            self._seen = {key: who for key, who in self._seen.items() if key % self._every == 0}

    def get_viewer_sets(self, population: int) -> tuple[list[set[str]], float]:
        """Return the sources of each sampled customer, and how many customers the sample
        represents, accessed or not."""
        return list(self._seen.values()), max(population / self._every, len(self._seen))


def cluster_sources(seen: Iterable[Collection[str]], among: float) -> list[frozenset[str]]:
    """Return groups of sources that access the same customers.

    ``seen`` holds the sources of each sampled customer, and the sample represents ``among``
    customers. A source similar to no other is in no group.
    """
    alone: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    listed = [sorted(who) for who in seen]
    left = MAX_PAIRS
    for place, who in enumerate(listed):
        left -= len(who) * (len(who) - 1) // 2
        if left < 0:
            among *= place / len(listed)
            break
        alone.update(who)
        both.update(combinations(who, 2))
    return _connected_components(_find_similar_pairs(alone, both, among))


def _find_similar_pairs(
    alone: Mapping[str, int], both: Mapping[tuple[str, str], int], among: float
) -> Iterable[tuple[str, str]]:
    for (one, other), shared in both.items():
        chance = alone[one] * alone[other] / max(among, 1.0)
        if shared >= max(MIN_SHARED, MIN_LIFT * chance, chance + MIN_DEVIATIONS * chance**0.5):
            yield one, other


def _connected_components(pairs: Iterable[tuple[str, str]]) -> list[frozenset[str]]:
    """Group sources that are linked, directly or through others."""
    parent: dict[str, str] = {}

    def find_cluster_root(source: str) -> str:
        while parent.setdefault(source, source) != source:
            parent[source] = parent[parent[source]]
            source = parent[source]
        return source

    for one, other in pairs:
        parent[find_cluster_root(one)] = find_cluster_root(other)
    clusters: dict[str, set[str]] = {}
    for source in list(parent):
        clusters.setdefault(find_cluster_root(source), set()).add(source)
    return sorted((frozenset(value) for value in clusters.values()), key=sorted)
