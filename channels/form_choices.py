"""Languages and zones to choose from in forms."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

from config.time_zones import known_zones


def list_locales(spoken: tuple[str, ...], shown_in: str) -> list[tuple[str, str]]:
    """The languages that a customer can have, with their names."""
    return [(item, Locale.parse(item).get_display_name(shown_in) or item) for item in spoken]


@lru_cache(maxsize=1)
def list_time_zones() -> tuple[str, ...]:
    """Zones to choose from: those of places."""
    skipped = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    return tuple(sorted(z for z in known_zones() if "/" in z and not z.startswith(skipped)))
