"""The zones of the IANA list that this machine knows."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """Their names, read once: each reading walks through the files."""
    return frozenset(available_timezones())
