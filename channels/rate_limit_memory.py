"""The counts of one process, ``memory://``, in a memory of fixed size.

Strangers choose what is counted: addresses, accounts, numbers. So counters lie in tables that never
grow, and one that counts is kept until its time is over, whatever else comes: nobody gets rid of a
count by flooding. Where a table has no room, :class:`Full` is raised, and the caller counts under
a name that many share.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from threading import Lock
from typing import NamedTuple

#: Kinds of limits that end so are counted by network. What is counted otherwise has a table of its
#: own, so that a flood of networks takes nothing away from it.
BY_NETWORK = ("_address", "_wide")
#: Behind the kind, where the name is one that many share.
SHARED = " shared"
EVERYBODY = "everybody"

NETWORKS, OTHERS, CROWDS = 1 << 20, 1 << 18, 1 << 16
_BUCKET = 8
_COUNT_BITS = 22  # the rest of 64 bits are the milliseconds at which the counter ends
_MOST = (1 << _COUNT_BITS) - 1
_WORD = (1 << 64) - 1
_NEXT_WINDOW = 0x9E3779B97F4A7C15  # odd and far apart, so that windows lie in different buckets


class Window(NamedTuple):
    """So many hits within so many seconds, counted from the first."""

    amount: int
    seconds: int


class Full(Exception):
    """There is no room for one more counter: of the window at ``position``."""

    def __init__(self, position: int = 0) -> None:
        super().__init__("no room for one more counter")
        self.position = position


class Table:
    """Counters in 16 bytes each: a keyed fingerprint of the name, and when it ends with its count.

    A counter lies in one of two buckets that its fingerprint chooses, whichever was emptier.
    Memory is taken from the system when a bucket is first used. The caller has a lock.
    """

    def __init__(self, counters: int) -> None:
        self._secret = secrets.token_hex(8)
        self._mask = counters // _BUCKET - 1
        self._names = _words(counters)
        self._values = _words(counters)

    def __len__(self) -> int:
        """How many count at this moment."""
        now = int(time.time() * 1000)
        return sum(value >> _COUNT_BITS > now for value in self._values)

    def fingerprint(self, key: str) -> int:
        """What a key is known by: SipHash, under Python's key and a prefix of our own."""
        return hash(self._secret + key) & _WORD

    def add(self, name: int, seconds: float, amount: int, now: int) -> int:
        """The count of a fingerprint after ``amount`` more, or fewer; one that begins ends after
        ``seconds``. ``now`` is in milliseconds. Raises :class:`Full`."""
        at = self._place(name)
        value = self._values[at] if at >= 0 else 0
        if value >> _COUNT_BITS > now:
            count = (value & _MOST) + amount
            if 0 <= count <= _MOST:
                self._values[at] = value + amount
                return count
            return 0 if amount < 0 else _MOST
        if amount > 0:
            at = at if at >= 0 else self._room(name, now)
            self._names[at] = name
            self._values[at] = now + int(seconds * 1000) << _COUNT_BITS | min(amount, _MOST)
        return max(amount, 0)

    def read(self, name: int) -> tuple[int, float]:
        """The count of a fingerprint and when it ends; zero and now when there is none."""
        at, now = self._place(name), time.time()
        value = self._values[at] if at >= 0 else 0
        ends_at = (value >> _COUNT_BITS) / 1000
        return (value & _MOST, ends_at) if ends_at > now else (0, now)

    def remove(self, name: int) -> None:
        """Forget the count of a fingerprint."""
        at = self._place(name)
        if at >= 0:
            self._values[at] = 0

    def _place(self, name: int) -> int:
        """Where the counter of a fingerprint lies, -1 for nowhere."""
        start = (name & self._mask) * _BUCKET
        bucket = self._names[start : start + _BUCKET].tolist()
        if name in bucket:
            return start + bucket.index(name)
        start = (name >> 32 & self._mask) * _BUCKET
        bucket = self._names[start : start + _BUCKET].tolist()
        return start + bucket.index(name) if name in bucket else -1

    def _room(self, name: int, now: int) -> int:
        """Where a new counter can lie: nothing is there, or one whose time is over."""
        free = [
            [at for at in range(start, start + _BUCKET) if self._values[at] >> _COUNT_BITS <= now]
            for start in ((name & self._mask) * _BUCKET, (name >> 32 & self._mask) * _BUCKET)
        ]
        emptier = max(free, key=len)
        if not emptier:
            raise Full
        return emptier[0]


def _words(count: int) -> memoryview:
    return memoryview(mmap(-1, count * 8, flags=MAP_PRIVATE | MAP_ANONYMOUS)).cast("Q")


class Counts:
    """The tables: of networks, of what else is counted, and of names that many share."""

    def __init__(
        self, networks: int = NETWORKS, others: int = OTHERS, crowds: int = CROWDS
    ) -> None:
        self._sizes = networks, others, crowds
        self._lock = Lock()
        self._make()

    def _make(self) -> None:
        self._networks, self._counts, self._crowds = map(Table, self._sizes)
        self._everybody: dict[str, tuple[int, float]] = {}

    def hit(self, kind: str, name: str, windows: Sequence[Window], start: int = 0) -> int:
        """Count one in each window from ``start`` on; the position of the first that has had its
        hits, in which and behind which it does not count, or -1. Raises :class:`Full`."""
        table, now = self._table(kind), int(time.time() * 1000)
        mark, position = table.fingerprint(f"{kind}/{name}"), start
        try:
            with self._lock:
                for position in range(start, len(windows)):
                    amount, seconds = windows[position]
                    counter = mark + position * _NEXT_WINDOW & _WORD or 1
                    if table.add(counter, seconds, 1, now) > amount:
                        return position
        except Full:
            if name == EVERYBODY:
                return self._hit_for_everybody(kind, windows)
            raise Full(position) from None
        return -1

    def _hit_for_everybody(self, kind: str, windows: Sequence[Window]) -> int:
        """There are few of these, one for each kind."""
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

    def give_back(self, kind: str, name: str, windows: Sequence[Window]) -> None:
        """Take one hit back in each window."""
        table, now = self._table(kind), int(time.time() * 1000)
        mark = table.fingerprint(f"{kind}/{name}")
        with self._lock:
            for position in range(len(windows)):
                table.add(mark + position * _NEXT_WINDOW & _WORD or 1, 0, -1, now)

    def ends_at(self, kind: str, name: str, position: int) -> float:
        """When a window ends; now when it has not begun."""
        _, ends_at = self._everybody.get(f"{kind}/{position}", (0, 0.0))
        if name == EVERYBODY and ends_at > time.time():
            return ends_at
        table = self._table(kind)
        mark = table.fingerprint(f"{kind}/{name}")
        return table.read(mark + position * _NEXT_WINDOW & _WORD or 1)[1]

    def _table(self, kind: str) -> Table:
        if kind.endswith(BY_NETWORK):
            return self._networks
        return self._crowds if kind.endswith(SHARED) else self._counts

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """The count of any key after one more. Raises :class:`Full`."""
        with self._lock:
            mark = self._counts.fingerprint(key) or 1
            return self._counts.add(mark, expiry, amount, int(time.time() * 1000))

    def get(self, key: str) -> int:
        """The count of such a key."""
        return self._counts.read(self._counts.fingerprint(key) or 1)[0]

    def unsafe(self) -> list[str]:
        """Nothing can be wrong about it."""
        return []

    def reset(self) -> None:
        """Forget all."""
        with self._lock:
            self._make()
