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
    """An instant, stored in UTC and returned with its zone (rule T1).

    SQLite stores no zone and returns naive values, so the zone is added here. Naive values are
    rejected, because it is unknown which instant they mean.
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
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def new_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562 section 5.7). Later ids sort later, with a resolution of
    a quarter of a microsecond (section 6.2, method 3), which keeps inserts at one end of an index
    and events in order; 62 bits come from the system's random generator."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (fraction << 64) | (2 << 62)
    value |= int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)
