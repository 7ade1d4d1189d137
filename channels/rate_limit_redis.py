"""Rate limit counters that processes share in Redis or Valkey, up to a maximum.

Each counter expires at the end of its window, so the number of new counters per window bounds their
memory. Beyond that number :class:`CounterTableFull` is raised and the caller counts under a shared
name, as with ``memory://``. So Redis never has to evict a live counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from limits.storage import RedisStorage, storage_from_string

from channels.counter_table import CounterTableFull
from channels.rate_limit_memory import EVERYBODY, SHARED_SUFFIX, LimitWindow

MAX_NEW_COUNTERS = 500_000  # new counters in one window, for each length of window
_NEW_COUNTERS_KEY = "begun"
_SAFE_POLICIES = ("noeviction", "volatile-ttl")


class RedisCounters:
    """The same as :class:`channels.rate_limit_memory.MemoryCounters`, for several processes. All
    methods raise ``StorageError`` of the ``limits`` library if Redis is unreachable."""

    def __init__(self, address: str, most: int = MAX_NEW_COUNTERS) -> None:
        storage = storage_from_string(address, wrap_exceptions=True, socket_timeout=1.0)
        self._storage = cast(RedisStorage, storage)
        self._most = most

    def count_hit(
        self, kind: str, name: str, windows: Sequence[LimitWindow], start: int = 0
    ) -> int:
        """See :meth:`MemoryCounters.count_hit`."""
        for position in range(start, len(windows)):
            amount, seconds = windows[position]
            key = _counter_key(kind, name, position)
            count = self._storage.incr(key, seconds)
            if count == 1 and not kind.endswith(SHARED_SUFFIX) and name != EVERYBODY:
                self._require_counter_room(key, seconds, position)
            if count > amount:
                return position
        return -1

    def _require_counter_room(self, key: str, seconds: int, position: int) -> None:
        if self._storage.incr(f"{_NEW_COUNTERS_KEY}/{seconds}", seconds) > self._most:
            self._storage.clear(key)
            raise CounterTableFull(position)

    def refund_hit(self, kind: str, name: str, windows: Sequence[LimitWindow]) -> None:
        """See :meth:`MemoryCounters.refund_hit`."""
        for position, (_, seconds) in enumerate(windows):
            key = _counter_key(kind, name, position)
            if self._storage.get(key) > 0:
                self._storage.incr(key, seconds, -1)

    def window_ends_at(self, kind: str, name: str, position: int) -> float:
        """See :meth:`MemoryCounters.window_ends_at`."""
        return self._storage.get_expiry(_counter_key(kind, name, position))

    def find_storage_faults(self) -> list[str]:
        """Report whether Redis can evict live counters, because a flood would then end limits."""
        memory_info = self._storage.storage.info("memory")
        policy, most = (
            str(memory_info.get("maxmemory_policy", "")),
            int(memory_info.get("maxmemory", 0)),
        )
        if not most or policy in _SAFE_POLICIES:
            return []
        return [
            f"Redis has maxmemory-policy {policy}, so it forgets limits when it is full: set "
            "noeviction, or volatile-ttl."
        ]

    def increment_key(self, key: str, expiry: int, amount: int = 1) -> int:
        """See :meth:`MemoryCounters.increment_key`. Clients cannot choose such a key, so there is
        room."""
        return self._storage.incr(key, expiry, amount=amount)

    def count_of_key(self, key: str) -> int:
        """Return the count of such a key."""
        return self._storage.get(key)

    def forget_all_counts(self) -> None:
        """Delete all counters."""
        self._storage.reset()


def _counter_key(kind: str, name: str, position: int) -> str:
    return f"{kind}/{name}/{position}"
