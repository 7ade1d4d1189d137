"""What the audit log keeps about itself is sealed: who can write to the database but has no key
makes no row of it that fits (rule I6)."""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from sqlmodel import SQLModel

from storage.session import UnitOfWork
from vault.errors import Tampered
from vault.keys import keyring


class LogTampered(Tampered):
    """What the audit log keeps about itself was changed; the message says what, in a sentence."""


def encode_row_for_mac(row: SQLModel) -> bytes:
    """What the MAC of a row is made of: its table, and all of its columns but the MAC itself."""
    table: Any = row.__table__  # type: ignore[attr-defined]
    parts = [table.name]
    for column in table.columns:
        if column.name != "mark":
            parts.append(f"{column.name}={_mac_field_text(getattr(row, column.name))}")
    return "\n".join(parts).encode()


def set_row_mac(work: UnitOfWork, row: Any) -> None:
    """Put the MAC on a row, as it is now."""
    row.mark = keyring.current_keyring(work).mac_for_purpose(
        keyring.AUDIT_WRITER, encode_row_for_mac(row)
    )


def has_valid_row_mac(work: UnitOfWork, row: Any) -> bool:
    """Whether a row is as one of us left it (or once left it)."""
    try:
        return row.mark is not None and compare_digest(
            row.mark,
            keyring.current_keyring(work).mac_for_purpose(
                keyring.AUDIT_WRITER, encode_row_for_mac(row)
            ),
        )
    except (AttributeError, TypeError, ValueError):  # what no column of that kind can hold
        return False


def require_valid_row_mac(work: UnitOfWork, row: Any, sentence: str) -> None:
    """Raises :class:`LogTampered` with the sentence for a row that does not fit."""
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
