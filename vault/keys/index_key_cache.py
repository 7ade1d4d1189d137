"""A cache of the index keys, which may change while the process runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from sqlalchemy import Engine

from storage import statement_timeout
from storage.session import transaction
from vault.errors import KeyForged, KeyUnavailable
from vault.keys import key_register
from vault.keys.blind_index import ONLY, IndexKeys
from vault.keys.key_register import INDEX, NO_KEYS, index_key_number
from vault.keys.master_keys import MasterKeys
from vault.models import PurposeKey

#: Maximum age of the cached keys in seconds.
MAX_AGE_SECONDS = 30.0
_MOST_WAIT = 1.0
_ROW = PurposeKey.__table__  # type: ignore[attr-defined]
INDEX_ROWS = key_register.KEY_ROWS.where(_ROW.c.purpose.startswith(INDEX))


class IndexKeyCache:
    """The index keys, reloaded before they reach their maximum age. Thread-safe."""

    def __init__(
        self,
        master: MasterKeys,
        engine: Engine,
        ticks: Callable[[], float] = statement_timeout.monotonic_seconds,
    ) -> None:
        self._master, self._engine, self._ticks = master, engine, ticks
        self._keys: IndexKeys | None = None
        self._read_at = 0.0
        self._reading, self._changing = Lock(), Lock()

    def get_index_keys(self) -> IndexKeys:
        """Return the index keys. One thread reloads them at half their maximum age; the others wait
        only once they are older than that maximum, and not for long (rule F1)."""
        known, age = self._keys, self._ticks() - self._read_at
        if known is not None and age < MAX_AGE_SECONDS / 2:
            return known
        must = known is None or age > MAX_AGE_SECONDS
        if self._reading.acquire(timeout=_MOST_WAIT if must else 0):
            try:
                if known is self._keys or self._ticks() - self._read_at > MAX_AGE_SECONDS / 2:
                    self._reload_index_keys()
            finally:
                self._reading.release()
        elif must:
            raise KeyUnavailable("the index keys cannot be read just now")
        if self._keys is None:
            raise KeyUnavailable(NO_KEYS)
        return self._keys

    def _reload_index_keys(self) -> None:
        """Reload on a separate connection, outside the caller's transaction."""
        started_at = self._ticks()
        with transaction(self._engine, read_only=True) as session:
            rows = session.connection().execute(INDEX_ROWS).all()
        if rows:
            self.accept_key_rows(rows)
            self._read_at = started_at
        elif self._keys is not None:
            raise KeyForged(key_register.KEY_MISSING.format(INDEX, "purpose_key"))

    def accept_key_rows(self, rows: Sequence[Any]) -> None:
        """Use these key rows, unless newer ones are already known. Raises ``KeyForged`` if they
        differ from the key register."""
        newest = max(rows, key=lambda row: index_key_number(row.purpose))
        stage, known = (len(rows), newest.state or ONLY), self._keys
        if known is not None and stage == (len(known.keys), known.state):
            return
        keys = key_register.open_index_keys(self._master, rows)
        candidate = IndexKeys(keys, stage[1])
        with self._changing:
            if self._keys is None or candidate.stage > self._keys.stage:
                self._keys = candidate
