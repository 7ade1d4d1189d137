"""What the audit log keeps about itself is sealed: who can write to the database but has no key
makes no row of it that fits (rule I6)."""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from sqlmodel import SQLModel

from storage.session import Work
from vault.errors import Tampered
from vault.keys import keyring


class LogTampered(Tampered):
    """What the audit log keeps about itself was changed; the message says what, in a sentence."""


def told(row: SQLModel) -> bytes:
    """What the MAC of a row is made of: its table, and all of its columns but the MAC itself."""
    table: Any = row.__table__  # type: ignore[attr-defined]
    parts = [table.name]
    for column in table.columns:
        if column.name != "mark":
            parts.append(f"{column.name}={_text(getattr(row, column.name))}")
    return "\n".join(parts).encode()


def seal(work: Work, row: Any) -> None:
    """Put the MAC on a row, as it is now."""
    row.mark = keyring.of(work).mac(keyring.WRITERS, told(row))


def fits(work: Work, row: Any) -> bool:
    """Whether a row is as one of us left it (or once left it)."""
    try:
        return row.mark is not None and compare_digest(
            row.mark, keyring.of(work).mac(keyring.WRITERS, told(row))
        )
    except (AttributeError, TypeError, ValueError):  # what no column of that kind can hold
        return False


def require(work: Work, row: Any, sentence: str) -> None:
    """Raises :class:`LogTampered` with the sentence for a row that does not fit."""
    if not fits(work, row):
        raise LogTampered(sentence)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return f"{len(value)}:{value}"
    return repr(value)
