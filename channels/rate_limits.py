"""Rate limits: several windows for each kind and identifier."""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import blake2b

from limits import parse_many
from limits.errors import StorageError
from prometheus_client import Counter

from channels.counter_table import CounterTableFull
from channels.rate_limit_memory import (
    BY_NETWORK,
    EVERYBODY,
    SHARED_SUFFIX,
    LimitWindow,
    MemoryCounters,
)
from channels.rate_limit_redis import RedisCounters
from config.ip_addresses import Network
from vault import external_counters

SHARED_HITS = Counter(
    "vouchline_limits_shared", "Hits counted under a name that many share, for want of room"
)
WIDE_SUFFIX = "_wide"
WIDE_FACTOR = 5


class RateLimitExceeded(Exception):
    """A limit is reached; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after


class RateLimiterUnavailable(Exception):
    """The counters are unreachable, so the limiter fails closed (rule F1)."""


class FixedWindowStrategy:
    """Fixed windows, each beginning with its first hit."""

    def __init__(self, storage: MemoryCounters | RedisCounters) -> None:
        self.hit = storage.count_hit


class RateLimiter:
    """Counts hits by kind (``check_address`` …) and identifier.

    Kinds that count by address take a :class:`Network`. The network is counted itself, and the one
    around it with ``wide_factor`` times the same limits.
    """

    def __init__(
        self, storage: str, rules: Mapping[str, str], wide_factor: int = WIDE_FACTOR
    ) -> None:
        self._storage = _open_counter_storage(storage)
        self._strategy = FixedWindowStrategy(self._storage)
        self._rules: dict[str, list[LimitWindow]] = {}
        for kind, text in rules.items():
            windows = [LimitWindow(limit.amount, limit.get_expiry()) for limit in parse_many(text)]
            self._rules[kind] = windows
            if kind.endswith(BY_NETWORK):
                self._rules[kind + WIDE_SUFFIX] = [
                    LimitWindow(n * wide_factor, s) for n, s in windows
                ]

    def count_hit(self, kind: str, who: str | Network) -> None:
        """Count a hit. Raises :class:`RateLimitExceeded` or :class:`RateLimiterUnavailable`."""
        try:
            if isinstance(who, str):
                self._count_in_windows(kind, who, who)
                return
            self._count_in_windows(kind, who.near, who)
            if who.wide:
                self._count_in_windows(kind + WIDE_SUFFIX, who.wide, who)
        except StorageError as error:
            raise RateLimiterUnavailable from error

    def refund_hit(self, kind: str, who: str | Network) -> None:
        """Take back a hit that was counted in advance and turned out not to be a failed attempt.
        Raises :class:`RateLimiterUnavailable`."""
        near, wide = (who, "") if isinstance(who, str) else (who.near, who.wide)
        try:
            self._storage.refund_hit(kind, near, self._rules[kind])
            if wide:
                self._storage.refund_hit(kind + WIDE_SUFFIX, wide, self._rules[kind + WIDE_SUFFIX])
        except StorageError as error:
            raise RateLimiterUnavailable from error

    def find_storage_faults(self) -> list[str]:
        """Return the faults of the storage, for the doctor; raises nothing."""
        try:
            return self._storage.find_storage_faults()
        except Exception as error:  # any error of the storage's library
            reason = str(error).partition("\n")[0] or type(error).__name__
            return [
                f"VOUCHLINE_RATE_STORAGE cannot be used ({reason}), so nobody can check a call."
            ]

    def _count_in_windows(self, kind: str, name: str, who: str | Network) -> None:
        windows, start = self._rules[kind], 0
        while start < len(windows):
            try:
                refused = self._strategy.hit(kind, name, windows, start)
            except CounterTableFull as full:
                self._count_in_shared_window(kind, full.position, who)
                start = full.position + 1
                continue
            if refused >= 0:
                self._raise_limit_exceeded(kind, name, refused)
            return

    def _count_in_shared_window(self, kind: str, position: int, who: str | Network) -> None:
        """Count a hit under a name that many share, because there is no room for another counter.
        Existing counters are not affected."""
        SHARED_HITS.inc()
        rules = self._rules.get(kind + WIDE_SUFFIX, self._rules[kind])
        window, shared = [rules[position]], f"{kind} {position}{SHARED_SUFFIX}"
        for name in (_shared_counter_name(who), EVERYBODY):
            try:
                refused = self._strategy.hit(shared, name, window)
            except CounterTableFull:
                continue
            if refused >= 0:
                self._raise_limit_exceeded(shared, name, refused)
            return

    def _raise_limit_exceeded(self, kind: str, name: str, position: int) -> None:
        ends_at = self._storage.window_ends_at(kind, name, position)
        raise RateLimitExceeded(max(1, int(ends_at - time.time()) + 1))


def _shared_counter_name(who: str | Network) -> str:
    """Return the name to share: the large network around a network; one of 4,096 hash groups for
    anything else."""
    if isinstance(who, Network):
        return who.crowd
    return blake2b(who.encode("utf-8", "surrogatepass"), digest_size=2).hexdigest()[:3]


class ExternalCounters:
    """The domain's counters outside the database (:mod:`vault.external_counters`). In memory they
    have their own storage, so that other counters cannot fill it."""

    def __init__(self, storage: str) -> None:
        self._storage = _open_counter_storage(storage)

    def read_counter(self, name: str) -> int:
        """Return the sum of the current window. Raises :class:`RateLimiterUnavailable`."""
        try:
            return self._storage.count_of_key(f"outside/{name}")
        except StorageError as error:
            raise RateLimiterUnavailable from error

    def add_to_counter(self, name: str, amount: int) -> None:
        """Add ``amount``. Raises :class:`RateLimiterUnavailable`, also if there is no room."""
        try:
            self._storage.increment_key(
                f"outside/{name}", external_counters.COUNTER_SECONDS, amount
            )
        except (StorageError, CounterTableFull) as error:
            raise RateLimiterUnavailable from error


def _open_counter_storage(address: str) -> MemoryCounters | RedisCounters:
    return MemoryCounters() if address.startswith("memory") else RedisCounters(address)
