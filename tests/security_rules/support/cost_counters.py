"""What a request does inside: statements, rows, ciphers and codes, counted."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pyotp
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, event, select
from sqlmodel import SQLModel

from tests.databases import Store
from vault.keys import aead
from vault.keys.keyring import Keyring


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What the store is asked for, transactions included, in order."""
    asked: list[str] = []
    hooks: dict[str, Callable[..., None]] = {
        "begin": lambda *_: asked.append("BEGIN"),
        "before_cursor_execute": lambda _c, _cursor, sql, *_: asked.append(sql),
        "commit": lambda *_: asked.append("COMMIT"),
        "rollback": lambda *_: asked.append("ROLLBACK"),
    }
    for name, hook in hooks.items():
        event.listen(engine, name, hook)
    try:
        yield asked
    finally:
        for name, hook in hooks.items():
            event.remove(engine, name, hook)


def stop_reloads(ring: Keyring) -> None:
    """Let the cached index keys stay young: a test on a busy machine takes longer than the fifteen
    seconds after which a check reloads them."""
    ring._index._ticks = lambda: 0.0


@contextmanager
def sent_values(engine: Engine) -> Iterator[list[list[tuple[str, int]]]]:
    """The type and the length of each value that each statement is given, in order."""
    given: list[list[tuple[str, int]]] = []

    def note(_c: Any, _cursor: Any, _sql: str, values: Any, *_: Any) -> None:
        each = values.values() if isinstance(values, dict) else values
        given.append([(type(value).__name__, _length(value)) for value in each])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield given
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _length(value: Any) -> int:
    """A count may have a digit more; a text or bytes may not."""
    return len(value) if isinstance(value, str | bytes | memoryview) else 0


def rows(store: Store, but: Collection[str] = ()) -> dict[str, set[Any]]:
    """Every row of every table, ``but`` some."""
    with store.engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(select(table))}
            for table in SQLModel.metadata.sorted_tables
            if table.name not in but
        }


def difference(before: dict[str, set[Any]], after: dict[str, set[Any]]) -> dict[str, Any]:
    """How many rows of each table are gone or changed, and how many new or changed."""
    counts = {
        name: (len(before[name] - each), len(each - before[name])) for name, each in after.items()
    }
    return {name: count for name, count in counts.items() if count != (0, 0)}


def costly(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every cipher opened or sealed, code computed, and MAC made or compared, with its size."""
    done: list[tuple[str, int]] = []

    class Counted:
        def __init__(self, key: bytes) -> None:
            self._inner = AESGCM(key)

        def encrypt(self, nonce: bytes, data: bytes, place: bytes) -> bytes:
            done.append(("seal", len(data)))
            return self._inner.encrypt(nonce, data, place)

        def decrypt(self, nonce: bytes, data: bytes, place: bytes) -> bytes:
            done.append(("open", len(data)))
            return self._inner.decrypt(nonce, data, place)

    def counting(
        name: str, act: Callable[..., Any], size: Callable[..., int]
    ) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            done.append((name, size(*given)))
            return act(*given, **more)

        return counted

    monkeypatch.setattr(aead, "AESGCM", Counted)
    at = counting("hotp", pyotp.HOTP.at, lambda otp, *_: len(otp.secret))
    monkeypatch.setattr(pyotp.HOTP, "at", at)
    monkeypatch.setattr(
        hmac, "digest", counting("mac", hmac.digest, lambda _k, text, _d: len(text))
    )
    compare = counting("compare", hmac.compare_digest, lambda a, b: len(a))
    monkeypatch.setattr(hmac, "compare_digest", compare)
    return done
