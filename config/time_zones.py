"""The time zones of the IANA database on this machine."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """Return the names of all zones; cached, because the lookup reads many files."""
    return frozenset(available_timezones())
