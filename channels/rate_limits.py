"""Rate limits: several windows for each kind and identifier."""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import blake2b

from limits import parse_many
from limits.errors import StorageError
from prometheus_client import Counter

from channels.rate_limit_memory import BY_NETWORK, EVERYBODY, SHARED, Counts, Full, Window
from channels.rate_limit_redis import RedisCounts
from config.ip_addresses import Network
from vault import external_counters

SHARING = Counter(
    "vouchline_limits_shared", "Hits counted under a name that many share, for want of room"
)
WIDE = "_wide"
WIDE_FACTOR = 5

__all__ = ["Counts", "Limiter", "LimiterUnavailable", "OutsideCounts", "TooMany"]


class TooMany(Exception):
    """A limit is reached; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after


class LimiterUnavailable(Exception):
    """The counts are out of reach, so what they guard is closed (rule F1)."""


class Strategy:
    """Fixed windows, each from its first hit on."""

    def __init__(self, storage: Counts | RedisCounts) -> None:
        self.hit = storage.hit


class Limiter:
    """Counts hits by kind (``check_address`` …) and identifier.

    Kinds that are counted by address take a :class:`Network`. It is counted by itself, and the
    network around it under the same limits ``wide_factor`` times over.
    """

    def __init__(
        self, storage: str, rules: Mapping[str, str], wide_factor: int = WIDE_FACTOR
    ) -> None:
        self._storage = _storage(storage)
        self._strategy = Strategy(self._storage)
        self._rules: dict[str, list[Window]] = {}
        for kind, text in rules.items():
            windows = [Window(each.amount, each.get_expiry()) for each in parse_many(text)]
            self._rules[kind] = windows
            if kind.endswith(BY_NETWORK):
                self._rules[kind + WIDE] = [Window(n * wide_factor, s) for n, s in windows]

    def hit(self, kind: str, who: str | Network) -> None:
        """Count one; raises :class:`TooMany` or :class:`LimiterUnavailable`."""
        try:
            if isinstance(who, str):
                self._hit(kind, who, who)
                return
            self._hit(kind, who.near, who)
            if who.wide:
                self._hit(kind + WIDE, who.wide, who)
        except StorageError as error:
            raise LimiterUnavailable from error

    def give_back(self, kind: str, who: str | Network) -> None:
        """Take one back that was counted beforehand and turned out to be no wrong try. Raises
        :class:`LimiterUnavailable`."""
        near, wide = (who, "") if isinstance(who, str) else (who.near, who.wide)
        try:
            self._storage.give_back(kind, near, self._rules[kind])
            if wide:
                self._storage.give_back(kind + WIDE, wide, self._rules[kind + WIDE])
        except StorageError as error:
            raise LimiterUnavailable from error

    def unsafe(self) -> list[str]:
        """What is wrong about the storage, for the doctor; nothing is raised."""
        try:
            return self._storage.unsafe()
        except Exception as error:  # whatever the storage's own library raises
            reason = str(error).partition("\n")[0] or type(error).__name__
            return [
                f"VOUCHLINE_RATE_STORAGE cannot be used ({reason}), so nobody can check a call."
            ]

    def _hit(self, kind: str, name: str, who: str | Network) -> None:
        windows, start = self._rules[kind], 0
        while start < len(windows):
            try:
                refused = self._strategy.hit(kind, name, windows, start)
            except Full as full:
                self._hit_shared(kind, full.position, who)
                start = full.position + 1
                continue
            if refused >= 0:
                self._refuse(kind, name, refused)
            return

    def _hit_shared(self, kind: str, position: int, who: str | Network) -> None:
        """Count one who came when there was no room for another counter together with others of
        their kind. A count that began before is not touched by it."""
        SHARING.inc()
        rules = self._rules.get(kind + WIDE, self._rules[kind])
        window, shared = [rules[position]], f"{kind} {position}{SHARED}"
        for name in (_crowd(who), EVERYBODY):
            try:
                refused = self._strategy.hit(shared, name, window)
            except Full:
                continue
            if refused >= 0:
                self._refuse(shared, name, refused)
            return

    def _refuse(self, kind: str, name: str, position: int) -> None:
        ends_at = self._storage.ends_at(kind, name, position)
        raise TooMany(max(1, int(ends_at - time.time()) + 1))


def _crowd(who: str | Network) -> str:
    """Of networks the one far around, of anything else one of 4,096 groups at random."""
    if isinstance(who, Network):
        return who.crowd
    return blake2b(who.encode("utf-8", "surrogatepass"), digest_size=2).hexdigest()[:3]


class OutsideCounts:
    """What the domain counts outside the database (:mod:`vault.external_counters`), in a storage of
    its own where it is memory, so that nothing else crowds it out."""

    def __init__(self, storage: str) -> None:
        self._storage = _storage(storage)

    def read(self, name: str) -> int:
        """How much was added of late. Raises :class:`LimiterUnavailable`."""
        try:
            return self._storage.get(f"outside/{name}")
        except StorageError as error:
            raise LimiterUnavailable from error

    def add(self, name: str, amount: int) -> None:
        """Add so much. Raises :class:`LimiterUnavailable`, also where there is no room."""
        try:
            self._storage.incr(f"outside/{name}", external_counters.LASTS, amount)
        except (StorageError, Full) as error:
            raise LimiterUnavailable from error


def _storage(address: str) -> Counts | RedisCounts:
    return Counts() if address.startswith("memory") else RedisCounts(address)
