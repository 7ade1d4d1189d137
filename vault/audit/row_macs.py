"""MACs of the rows that the audit log keeps about itself: somebody who can write to the database
but has no key cannot forge one (rule I6)."""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from sqlmodel import SQLModel

from storage.session import UnitOfWork
from vault.errors import Tampered
from vault.keys import keyring


class LogTampered(Tampered):
    """The rows that the audit log keeps about itself were changed; the message says what, in a
    sentence."""


def encode_row_for_mac(row: SQLModel) -> bytes:
    """Return the MAC input of a row: its table, and all of its columns but the MAC itself."""
    table: Any = row.__table__  # type: ignore[attr-defined]
    parts = [table.name]
    for column in table.columns:
        if column.name != "mark":
            parts.append(f"{column.name}={_mac_field_text(getattr(row, column.name))}")
    return "\n".join(parts).encode()


def set_row_mac(work: UnitOfWork, row: Any) -> None:
    """Set the MAC of a row in its current state."""
    row.mark = keyring.current_keyring(work).mac_for_purpose(
        keyring.AUDIT_WRITER, encode_row_for_mac(row)
    )


def has_valid_row_mac(work: UnitOfWork, row: Any) -> bool:
    """Return whether the MAC of a row holds (also true for an old version of the row)."""
    try:
        return row.mark is not None and compare_digest(
            row.mark,
            keyring.current_keyring(work).mac_for_purpose(
                keyring.AUDIT_WRITER, encode_row_for_mac(row)
            ),
        )
    except (AttributeError, TypeError, ValueError):  # a value that no column of that type can hold
        return False


def require_valid_row_mac(work: UnitOfWork, row: Any, sentence: str) -> None:
    """Raise :class:`LogTampered` with the sentence if the MAC of a row does not hold."""
    if not has_valid_row_mac(work, row):
        raise LogTampered(sentence)


def _mac_field_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return f"{len(value)}:{value}"
    return repr(value)
