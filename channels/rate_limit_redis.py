"""Counts that processes share in Redis or Valkey, so many and no more.

A counter ends by itself with its time. So what bounds their memory is how many may begin within
one: beyond that :class:`Full` is raised, and the caller counts under a name that many share, as
it does on ``memory://``. So Redis never needs to remove what still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from limits.storage import RedisStorage, storage_from_string

from channels.rate_limit_memory import EVERYBODY, SHARED, Full, Window

MOST = 500_000  # that may begin within the time of one, for each length of time
_BEGUN = "begun"
_KEEP = ("noeviction", "volatile-ttl")


class RedisCounts:
    """What :class:`channels.rate_limit_memory.Counts` is, for several processes. All of it raises the
    ``StorageError`` of the ``limits`` library when Redis is out of reach."""

    def __init__(self, address: str, most: int = MOST) -> None:
        found = storage_from_string(address, wrap_exceptions=True, socket_timeout=1.0)
        self._storage = cast(RedisStorage, found)
        self._most = most

    def hit(self, kind: str, name: str, windows: Sequence[Window], start: int = 0) -> int:
        """As :meth:`Counts.hit`."""
        for position in range(start, len(windows)):
            amount, seconds = windows[position]
            key = _key(kind, name, position)
            count = self._storage.incr(key, seconds)
            if count == 1 and not kind.endswith(SHARED) and name != EVERYBODY:
                self._require_room(key, seconds, position)
            if count > amount:
                return position
        return -1

    def _require_room(self, key: str, seconds: int, position: int) -> None:
        if self._storage.incr(f"{_BEGUN}/{seconds}", seconds) > self._most:
            self._storage.clear(key)
            raise Full(position)

    def give_back(self, kind: str, name: str, windows: Sequence[Window]) -> None:
        """As :meth:`Counts.give_back`."""
        for position, (_, seconds) in enumerate(windows):
            key = _key(kind, name, position)
            if self._storage.get(key) > 0:
                self._storage.incr(key, seconds, -1)

    def ends_at(self, kind: str, name: str, position: int) -> float:
        """As :meth:`Counts.ends_at`."""
        return self._storage.get_expiry(_key(kind, name, position))

    def unsafe(self) -> list[str]:
        """Whether it may throw counts away that still count: then a flood would end limits."""
        found = self._storage.storage.info("memory")
        policy, most = str(found.get("maxmemory_policy", "")), int(found.get("maxmemory", 0))
        if not most or policy in _KEEP:
            return []
        return [
            f"Redis has maxmemory-policy {policy}, so it forgets limits when it is full: set "
            "noeviction, or volatile-ttl."
        ]

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """As :meth:`Counts.incr`; nobody but us chooses such a key, so there is always room."""
        return self._storage.incr(key, expiry, amount=amount)

    def get(self, key: str) -> int:
        """The count of such a key."""
        return self._storage.get(key)

    def reset(self) -> None:
        """Forget all."""
        self._storage.reset()


def _key(kind: str, name: str, position: int) -> str:
    return f"{kind}/{name}/{position}"
