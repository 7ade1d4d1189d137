"""Rate limits over the ``limits`` library: several windows for each identifier."""

from __future__ import annotations

import time
from collections.abc import Mapping

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter


class TooMany(Exception):
    """A limit is reached; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after


class LimiterUnavailable(Exception):
    """The counts are out of reach, so what they guard is closed (rule F1)."""


class Limiter:
    """Counts hits by kind (``check_address`` …) and identifier."""

    def __init__(self, storage: str, rules: Mapping[str, str]) -> None:
        options = {} if storage.startswith("memory") else {"socket_timeout": 1.0}
        self._storage: Storage = storage_from_string(  # type: ignore[assignment]
            storage, wrap_exceptions=True, **options
        )
        self._strategy = FixedWindowRateLimiter(self._storage)
        self._rules: dict[str, list[RateLimitItem]] = {
            kind: parse_many(text) for kind, text in rules.items()
        }

    def hit(self, kind: str, identifier: str) -> None:
        """Count one; raises :class:`TooMany` or :class:`LimiterUnavailable`."""
        try:
            for rule in self._rules[kind]:
                if not self._strategy.hit(rule, kind, identifier):
                    stats = self._strategy.get_window_stats(rule, kind, identifier)
                    raise TooMany(max(1, int(stats.reset_time - time.time()) + 1))
        except StorageError as error:
            raise LimiterUnavailable from error
