"""Counts that processes share in Redis or Valkey, so many and no more.

A counter ends by itself with its time. So what bounds their memory is how many may begin within
one: beyond that :class:`CounterTableFull` is raised, and the caller counts under a name that many
share, as it does on ``memory://``. So Redis never needs to remove what still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from limits.storage import RedisStorage, storage_from_string

from channels.rate_limit_memory import EVERYBODY, SHARED_SUFFIX, CounterTableFull, LimitWindow

MAX_NEW_COUNTERS = 500_000  # that may begin within the time of one, for each length of time
_NEW_COUNTERS_KEY = "begun"
_SAFE_POLICIES = ("noeviction", "volatile-ttl")


class RedisCounters:
    """What :class:`channels.rate_limit_memory.MemoryCounters` is, for several processes. All of it
    raises the ``StorageError`` of the ``limits`` library when Redis is out of reach."""

    def __init__(self, address: str, most: int = MAX_NEW_COUNTERS) -> None:
        found = storage_from_string(address, wrap_exceptions=True, socket_timeout=1.0)
        self._storage = cast(RedisStorage, found)
        self._most = most

    def count_hit(
        self, kind: str, name: str, windows: Sequence[LimitWindow], start: int = 0
    ) -> int:
        """As :meth:`Counts.hit`."""
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
        """As :meth:`Counts.give_back`."""
        for position, (_, seconds) in enumerate(windows):
            key = _counter_key(kind, name, position)
            if self._storage.get(key) > 0:
                self._storage.incr(key, seconds, -1)

    def window_ends_at(self, kind: str, name: str, position: int) -> float:
        """As :meth:`Counts.ends_at`."""
        return self._storage.get_expiry(_counter_key(kind, name, position))

    def find_storage_faults(self) -> list[str]:
        """Whether it may throw counts away that still count: then a flood would end limits."""
        found = self._storage.storage.info("memory")
        policy, most = str(found.get("maxmemory_policy", "")), int(found.get("maxmemory", 0))
        if not most or policy in _SAFE_POLICIES:
            return []
        return [
            f"Redis has maxmemory-policy {policy}, so it forgets limits when it is full: set "
            "noeviction, or volatile-ttl."
        ]

    def increment_key(self, key: str, expiry: int, amount: int = 1) -> int:
        """As :meth:`Counts.incr`; nobody but us chooses such a key, so there is always room."""
        return self._storage.incr(key, expiry, amount=amount)

    def count_of_key(self, key: str) -> int:
        """The count of such a key."""
        return self._storage.get(key)

    def forget_all_counts(self) -> None:
        """Forget all."""
        self._storage.reset()


def _counter_key(kind: str, name: str, position: int) -> str:
    return f"{kind}/{name}/{position}"
