"""Rate limits over the ``limits`` library: several windows for each identifier."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import cast

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from vault import outside_counts


class TooMany(Exception):
    """A limit is reached; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after


class LimiterUnavailable(Exception):
    """The counts are out of reach, so what they guard is closed (rule F1)."""


class Counts(Storage):
    """The counts of one process, ``memory://``.

    The library's own starts a thread that walks all counts up to a hundred times a second, which
    with thousands of callers took longer than their checks. Here each hit removes a few that have
    run out: those of one length run out in the order in which they began.
    """

    STORAGE_SCHEME = None
    base_exceptions = ValueError

    def __init__(self) -> None:
        super().__init__(wrap_exceptions=True)
        self._lock = Lock()
        self._counts: dict[str, tuple[int, float]] = {}
        self._began: dict[float, deque[tuple[float, str]]] = {}

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            count, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + expiry
                self._remove_ended(expiry, now)
                self._began[expiry].append((ends_at, key))
            self._counts[key] = count + amount, ends_at
            return count + amount

    def _remove_ended(self, expiry: float, now: float) -> None:
        began = self._began.setdefault(expiry, deque())
        for _ in range(2):  # more than one comes, so that they cannot pile up
            if began and began[0][0] <= now:
                ends_at, key = began.popleft()
                if self._counts.get(key, (0, 0.0))[1] == ends_at:
                    del self._counts[key]

    def get(self, key: str) -> int:
        count, ends_at = self._counts.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            gone = len(self._counts)
            self._counts.clear()
            self._began.clear()
        return gone

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)


class Limiter:
    """Counts hits by kind (``check_address`` …) and identifier."""

    def __init__(self, storage: str, rules: Mapping[str, str]) -> None:
        self._storage = _storage(storage)
        self._strategy = FixedWindowRateLimiter(self._storage)
        self._rules: dict[str, list[RateLimitItem]] = {
            kind: parse_many(text) for kind, text in rules.items()
        }

    def hit(self, kind: str, identifier: str) -> None:
        """Count one; raises :class:`TooMany` or :class:`LimiterUnavailable`."""
        try:
            for rule in self._rules[kind]:
                if not self._strategy.hit(rule, kind, identifier):
                    stats = self._strategy.get_window_stats(rule, kind, identifier)
                    raise TooMany(max(1, int(stats.reset_time - time.time()) + 1))
        except StorageError as error:
            raise LimiterUnavailable from error

    def give_back(self, kind: str, identifier: str) -> None:
        """Take one back that was counted beforehand and turned out to be no wrong try. Raises
        :class:`LimiterUnavailable`."""
        try:
            for rule in self._rules[kind]:
                key = rule.key_for(kind, identifier)
                self._storage.incr(key, rule.get_expiry(), -1)
        except StorageError as error:
            raise LimiterUnavailable from error


class OutsideCounts:
    """What the domain counts outside the database (:mod:`vault.outside_counts`), in a
    storage of its own where it is memory, so that nothing else crowds it out."""

    def __init__(self, storage: str) -> None:
        self._storage = _storage(storage)

    def read(self, name: str) -> int:
        """How much was added of late. Raises :class:`LimiterUnavailable`."""
        try:
            return self._storage.get(f"outside/{name}")
        except StorageError as error:
            raise LimiterUnavailable from error

    def add(self, name: str, amount: int) -> None:
        """Add so much. Raises :class:`LimiterUnavailable`."""
        try:
            self._storage.incr(f"outside/{name}", outside_counts.LASTS, amount=amount)
        except StorageError as error:
            raise LimiterUnavailable from error


def _storage(address: str) -> Storage:
    if address.startswith("memory"):
        return Counts()
    found = storage_from_string(address, wrap_exceptions=True, socket_timeout=1.0)
    return cast(Storage, found)
