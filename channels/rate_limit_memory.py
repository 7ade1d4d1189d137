"""The rate limit counters of one process, ``memory://``, in a fixed amount of memory.

Clients choose what is counted: addresses, accounts, numbers. So the tables never grow, and a live
counter stays until it expires: flooding cannot evict a count. If a table has no room, it raises
:class:`CounterTableFull` and the caller counts under a shared name.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from threading import Lock
from typing import NamedTuple

#: Kinds of limits with these suffixes are counted by network. Other kinds have their own table, so
#: that a flood of networks cannot fill it.
BY_NETWORK = ("_address", "_wide")
#: The suffix of a kind whose name is shared by many.
SHARED_SUFFIX = " shared"
EVERYBODY = "everybody"

NETWORK_COUNTERS, OTHER_COUNTERS, SHARED_COUNTERS = 1 << 20, 1 << 18, 1 << 16
_BUCKET = 8
_COUNT_BITS = 22  # the other bits of 64 are the time in milliseconds at which the counter expires
_MAX_COUNT = (1 << _COUNT_BITS) - 1
_WORD_MASK = (1 << 64) - 1
_WINDOW_OFFSET = 0x9E3779B97F4A7C15  # odd and far apart, so that windows are in different buckets


class LimitWindow(NamedTuple):
    """A number of hits within a number of seconds, counted from the first hit."""

    amount: int
    seconds: int


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
        return hash(self._secret + key) & _WORD_MASK

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


class MemoryCounters:
    """The tables: for networks, for everything else, and for shared names."""

    def __init__(
        self,
        networks: int = NETWORK_COUNTERS,
        others: int = OTHER_COUNTERS,
        crowds: int = SHARED_COUNTERS,
    ) -> None:
        self._sizes = networks, others, crowds
        self._lock = Lock()
        self._make_tables()

    def _make_tables(self) -> None:
        self._networks, self._counts, self._crowds = map(CounterTable, self._sizes)
        self._everybody: dict[str, tuple[int, float]] = {}

    def count_hit(
        self, kind: str, name: str, windows: Sequence[LimitWindow], start: int = 0
    ) -> int:
        """Count a hit in each window from ``start`` on. Returns the position of the first window
        that is full, or -1; later windows do not count the hit. Raises
        :class:`CounterTableFull`."""
        table, now = self._table_for_kind(kind), int(time.time() * 1000)
        mark, position = table.fingerprint_name(f"{kind}/{name}"), start
        try:
            with self._lock:
                for position in range(start, len(windows)):
                    amount, seconds = windows[position]
                    counter = mark + position * _WINDOW_OFFSET & _WORD_MASK or 1
                    if table.change_count(counter, seconds, 1, now) > amount:
                        return position
        except CounterTableFull:
            if name == EVERYBODY:
                return self._hit_for_everybody(kind, windows)
            raise CounterTableFull(position) from None
        return -1

    def _hit_for_everybody(self, kind: str, windows: Sequence[LimitWindow]) -> int:
        """Count under the name of everybody; there is one such counter for each kind."""
        with self._lock:
            for position, (amount, seconds) in enumerate(windows):
                key = f"{kind}/{position}"
                count, ends_at = self._everybody.get(key, (0, 0.0))
                if ends_at <= time.time():
                    count, ends_at = 0, time.time() + seconds
                self._everybody[key] = count + 1, ends_at
                if count >= amount:
                    return position
        return -1

    def refund_hit(self, kind: str, name: str, windows: Sequence[LimitWindow]) -> None:
        """Take back one hit in each window."""
        table, now = self._table_for_kind(kind), int(time.time() * 1000)
        mark = table.fingerprint_name(f"{kind}/{name}")
        with self._lock:
            for position in range(len(windows)):
                table.change_count(mark + position * _WINDOW_OFFSET & _WORD_MASK or 1, 0, -1, now)

    def window_ends_at(self, kind: str, name: str, position: int) -> float:
        """Return when a window ends; the current time if it has not begun."""
        _, ends_at = self._everybody.get(f"{kind}/{position}", (0, 0.0))
        if name == EVERYBODY and ends_at > time.time():
            return ends_at
        table = self._table_for_kind(kind)
        mark = table.fingerprint_name(f"{kind}/{name}")
        return table.count_and_end(mark + position * _WINDOW_OFFSET & _WORD_MASK or 1)[1]

    def _table_for_kind(self, kind: str) -> CounterTable:
        if kind.endswith(BY_NETWORK):
            return self._networks
        return self._crowds if kind.endswith(SHARED_SUFFIX) else self._counts

    def increment_key(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add ``amount`` to the count of a key and return it. Raises :class:`CounterTableFull`."""
        with self._lock:
            mark = self._counts.fingerprint_name(key) or 1
            return self._counts.change_count(mark, expiry, amount, int(time.time() * 1000))

    def count_of_key(self, key: str) -> int:
        """Return the count of such a key."""
        return self._counts.count_and_end(self._counts.fingerprint_name(key) or 1)[0]

    def find_storage_faults(self) -> list[str]:
        """Return nothing: memory has no faults to report."""
        return []

    def forget_all_counts(self) -> None:
        """Delete all counters."""
        with self._lock:
            self._make_tables()
