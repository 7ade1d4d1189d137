"""Choices of languages and time zones for forms."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

from config.time_zones import known_zones


def list_locales(spoken: tuple[str, ...], shown_in: str) -> list[tuple[str, str]]:
    """Return the languages that a customer can choose, with their names in ``shown_in``."""
    return [(code, Locale.parse(code).get_display_name(shown_in) or code) for code in spoken]


@lru_cache(maxsize=1)
def list_time_zones() -> tuple[str, ...]:
    """Return the time zones to choose from: those that are named after places."""
    skipped = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    return tuple(
        sorted(zone for zone in known_zones() if "/" in zone and not zone.startswith(skipped))
    )
