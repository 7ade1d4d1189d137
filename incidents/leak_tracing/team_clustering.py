"""Who sees the same customers, where nobody says who is in which team.

Of a sample of customers it is counted how often two members of staff have both seen one. Who share
several times as many as chance would have it are of one group, and so is who is of a group with
either. Without groups, callers who ring one region would seem to point at whoever of the fifty who
serve it happened to have seen most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

#: Two are alike who share so many times as many customers as by chance, at least so many, and so
#: many standard deviations more.
MIN_LIFT, MIN_SHARED, MIN_DEVIATIONS = 3.0, 5, 5.0
#: So many pairs are counted at the most, which bounds time and memory.
MAX_PAIRS = 3_000_000


class CustomerSample:
    """Customers chosen by a hash, with who has seen them: all while they are few, then ever fewer
    of them, so that it stays bounded however long the log is."""

    def __init__(self, most: int = 50_000) -> None:
        self._most, self._every = most, 1
        self._seen: dict[int, set[str]] = {}

    def add_viewer(self, digest: int, source: str) -> None:
        """A source has seen the customer of this hash."""
        if digest % self._every:
            return
        self._seen.setdefault(digest, set()).add(source)
        if len(self._seen) > self._most:
            self._every *= 2
            self._seen = {key: who for key, who in self._seen.items() if key % self._every == 0}

    def get_viewer_sets(self, population: int) -> tuple[list[set[str]], float]:
        """Who has seen each of them, and of how many customers they are a sample, seen or not."""
        return list(self._seen.values()), max(population / self._every, len(self._seen))


def cluster_sources(seen: Iterable[Collection[str]], among: float) -> list[frozenset[str]]:
    """The groups of those who see the same customers; ``seen`` is who has seen each of a sample,
    which stands for ``among`` customers. Who is like nobody is in none."""
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
    """Who is linked, by however many steps, together."""
    parent: dict[str, str] = {}

    def find_cluster_root(source: str) -> str:
        while parent.setdefault(source, source) != source:
            parent[source] = parent[parent[source]]
            source = parent[source]
        return source

    for one, other in pairs:
        parent[find_cluster_root(one)] = find_cluster_root(other)
    found: dict[str, set[str]] = {}
    for source in list(parent):
        found.setdefault(find_cluster_root(source), set()).add(source)
    return sorted((frozenset(value) for value in found.values()), key=sorted)
