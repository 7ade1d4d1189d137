"""What a blind index finds is trusted only once it was compared with what is sealed in the row.

Who can write to the database but has no key can put any index into any row. So each look-up goes
through here: a row whose sealed value is another one is not found, and the log says which it was.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from uuid import UUID

import structlog

from vault.errors import Tampered

log = structlog.get_logger("vault")


def matches_sealed_value(table: str, row: UUID, opened: Callable[[], str], asked: str) -> bool:
    """Whether the sealed value that ``opened`` gives is the one that was asked for, compared in a
    time that does not tell where they differ. One that does not open is another one."""
    try:
        same = hmac.compare_digest(opened().encode(), asked.encode())
    except Tampered:
        same = False
    if not same:
        log.error("found by an index that is not its own", table=table, row=str(row))
    return same
