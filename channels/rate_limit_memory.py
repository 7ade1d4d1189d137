"""The rate limit counters of one process, ``memory://``, in a fixed amount of memory.

Clients choose what is counted: addresses, accounts, numbers. So the tables never grow, and a live
counter stays until it expires: flooding cannot evict a count. If a table has no room, it raises
:class:`CounterTableFull` and the caller counts under a shared name.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from channels.counter_table import WORD_MASK, CounterTable, CounterTableFull

#: Kinds of limits with these suffixes are counted by network. Other kinds have their own table, so
#: that a flood of networks cannot fill it.
BY_NETWORK = ("_address", "_wide")
#: The suffix of a kind whose name is shared by many.
SHARED_SUFFIX = " shared"
EVERYBODY = "everybody"

NETWORK_COUNTERS, OTHER_COUNTERS, SHARED_COUNTERS = 1 << 20, 1 << 18, 1 << 16
_WINDOW_OFFSET = 0x9E3779B97F4A7C15  # odd and far apart, so that windows are in different buckets


class LimitWindow(NamedTuple):
    """A number of hits within a number of seconds, counted from the first hit."""

    amount: int
    seconds: int


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
                    counter = mark + position * _WINDOW_OFFSET & WORD_MASK or 1
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
                table.change_count(mark + position * _WINDOW_OFFSET & WORD_MASK or 1, 0, -1, now)

    def window_ends_at(self, kind: str, name: str, position: int) -> float:
        """Return when a window ends; the current time if it has not begun."""
        _, ends_at = self._everybody.get(f"{kind}/{position}", (0, 0.0))
        if name == EVERYBODY and ends_at > time.time():
            return ends_at
        table = self._table_for_kind(kind)
        mark = table.fingerprint_name(f"{kind}/{name}")
        return table.count_and_end(mark + position * _WINDOW_OFFSET & WORD_MASK or 1)[1]

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
