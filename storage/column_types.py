"""Column types and ids that are the same on both databases."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, stored in UTC and handed back with its zone (rule T1).

    SQLite keeps no zone and returns naive values, so the zone is put back here, in one place.
    A naive value is refused, since nobody could say which instant it is.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562 section 5.7): ids made later sort later, by a quarter of a
    microsecond (its section 6.2, method 3), which keeps inserts at one end of an index and steps in
    their order; 62 bits of it come from the system's generator."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (fraction << 64) | (2 << 62)
    value |= int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)
