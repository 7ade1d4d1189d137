"""A table of counters in a fixed amount of memory."""

from __future__ import annotations

import secrets
import time
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

_BUCKET = 8
_COUNT_BITS = 22  # the other bits of 64 are the time in milliseconds at which the counter expires
_MAX_COUNT = (1 << _COUNT_BITS) - 1
WORD_MASK = (1 << 64) - 1


class CounterTableFull(Exception):
    """There is no room for another counter: that of the window at ``position``."""

    def __init__(self, position: int = 0) -> None:
        super().__init__("no room for one more counter")
        self.position = position


class CounterTable:
    """Counters of 16 bytes each: a keyed fingerprint of the name, and the expiry with the count.

    A counter is in one of two buckets given by its fingerprint, the emptier one when it was added.
    The system allocates the memory of a bucket on first use. The caller must hold a lock.
    """

    def __init__(self, counters: int) -> None:
        self._secret = secrets.token_hex(8)
        self._mask = counters // _BUCKET - 1
        self._names = _allocate_counters(counters)
        self._values = _allocate_counters(counters)

    def __len__(self) -> int:
        """Return the number of live counters."""
        now = int(time.time() * 1000)
        return sum(value >> _COUNT_BITS > now for value in self._values)

    def fingerprint_name(self, key: str) -> int:
        """Return the fingerprint of a key: SipHash, with Python's key and a random prefix."""
        return hash(self._secret + key) & WORD_MASK

    def change_count(self, name: int, seconds: float, amount: int, now: int) -> int:
        """Add ``amount``, which may be negative, to the count of a fingerprint and return the
        count. A new counter expires after ``seconds``. ``now`` is in milliseconds. Raises
        :class:`CounterTableFull`."""
        at = self._find_counter(name)
        value = self._values[at] if at >= 0 else 0
        if value >> _COUNT_BITS > now:
            count = (value & _MAX_COUNT) + amount
            if 0 <= count <= _MAX_COUNT:
                self._values[at] = value + amount
                return count
            return 0 if amount < 0 else _MAX_COUNT
        if amount > 0:
            at = at if at >= 0 else self._find_free_counter(name, now)
            self._names[at] = name
            self._values[at] = now + int(seconds * 1000) << _COUNT_BITS | min(amount, _MAX_COUNT)
        return max(amount, 0)

    def count_and_end(self, name: int) -> tuple[int, float]:
        """Return the count of a fingerprint and when it expires; zero and the current time without
        one."""
        at, now = self._find_counter(name), time.time()
        value = self._values[at] if at >= 0 else 0
        ends_at = (value >> _COUNT_BITS) / 1000
        return (value & _MAX_COUNT, ends_at) if ends_at > now else (0, now)

    def _find_counter(self, name: int) -> int:
        """Return the position of a fingerprint's counter, or -1."""
        start = (name & self._mask) * _BUCKET
        bucket = self._names[start : start + _BUCKET].tolist()
        if name in bucket:
            return start + bucket.index(name)
        start = (name >> 32 & self._mask) * _BUCKET
        bucket = self._names[start : start + _BUCKET].tolist()
        return start + bucket.index(name) if name in bucket else -1

    def _find_free_counter(self, name: int, now: int) -> int:
        """Return a free position for a new counter: an empty or an expired one."""
        free = [
            [at for at in range(start, start + _BUCKET) if self._values[at] >> _COUNT_BITS <= now]
            for start in ((name & self._mask) * _BUCKET, (name >> 32 & self._mask) * _BUCKET)
        ]
        emptier = max(free, key=len)
        if not emptier:
            raise CounterTableFull
        return emptier[0]


def _allocate_counters(count: int) -> memoryview:
    return memoryview(mmap(-1, count * 8, flags=MAP_PRIVATE | MAP_ANONYMOUS)).cast("Q")
