"""Checks blind index matches against the sealed value of the row.

Somebody who can write to the database but has no key can put any index into any row. So each
look-up goes through here: a row whose sealed value differs is not found, and the log names it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from uuid import UUID

import structlog

from vault.errors import Tampered

log = structlog.get_logger("vault")


def matches_sealed_value(table: str, row: UUID, opened: Callable[[], str], asked: str) -> bool:
    """Return whether the sealed value that ``opened`` decrypts equals ``asked``, compared in
    constant time. A value that does not decrypt does not match."""
    try:
        same = hmac.compare_digest(opened().encode(), asked.encode())
    except Tampered:
        same = False
    if not same:
        log.error("found by an index that is not its own", table=table, row=str(row))
    return same
