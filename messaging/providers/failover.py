"""Chooses the provider of texts, or of calls: fails over to the next when one fails, and fails
back when it recovers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from messaging.providers.base import MessageProvider

WINDOW = timedelta(seconds=60)
MIN_RESULTS = 5
FAILURE_SHARE = 0.5
FIRST_OPEN_DURATION, MAX_OPEN_DURATION = timedelta(seconds=15), timedelta(minutes=5)


@dataclass
class _CircuitBreaker:
    """The recent results of a provider.

    While the breaker is open (``rests_until``), nothing is sent to it. Afterwards one more failure
    opens it for twice as long.
    """

    heard: deque[tuple[datetime, bool]] = field(default_factory=deque)
    rests_until: datetime | None = None
    rest: timedelta = FIRST_OPEN_DURATION
    on_trial: bool = False

    def is_available(self, now: datetime) -> bool:
        return self.rests_until is None or now >= self.rests_until

    def record_result(self, good: bool, now: datetime, asked: timedelta | None) -> None:
        if good and self.on_trial:
            self.on_trial, self.rest = False, FIRST_OPEN_DURATION
        self.heard.append((now, good))
        while self.heard and self.heard[0][0] <= now - WINDOW:
            self.heard.popleft()
        bad = sum(not was for _, was in self.heard)
        ill = len(self.heard) >= MIN_RESULTS and bad >= FAILURE_SHARE * len(self.heard)
        if good or not self.is_available(now):
            return
        if asked:
            self.rests_until = now + min(asked, MAX_OPEN_DURATION)
        elif ill or self.on_trial:
            self._trip_breaker(now)

    def _trip_breaker(self, now: datetime) -> None:
        self.rests_until = now + self.rest
        self.rest, self.on_trial = min(self.rest * 2, MAX_OPEN_DURATION), True
        self.heard.clear()


class FailoverRouter:
    """Providers in order of preference, each with a circuit breaker of this process."""

    def __init__(self, gateways: Sequence[MessageProvider]) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._health = {gateway.name: _CircuitBreaker() for gateway in gateways}
        self._lock = Lock()

    def __getitem__(self, name: str) -> MessageProvider:
        """Return the provider with that name, or the first one if it is no longer configured."""
        return self._gateways.get(name) or next(iter(self._gateways.values()))

    def choose_provider(self, now: datetime) -> MessageProvider | None:
        """Return the first available provider; ``None`` if all are unavailable."""
        with self._lock:
            well = (name for name, health in self._health.items() if health.is_available(now))
            name = next(well, None)
        return self._gateways[name] if name else None

    def is_provider_available(self, name: str, now: datetime) -> bool:
        """Return whether a provider is configured and available."""
        with self._lock:
            return name in self._health and self._health[name].is_available(now)

    def record_provider_result(
        self, name: str, *, good: bool, now: datetime, rest: timedelta | None = None
    ) -> None:
        """Record a result: ``good`` if the provider gave a valid answer, including a rejection.

        ``rest`` is the pause that the provider asked for.
        """
        if name in self._health:
            with self._lock:
                self._health[name].record_result(good, now, rest)
