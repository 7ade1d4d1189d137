"""Public holidays by country and region, from the ``holidays`` library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from holidays import country_holidays

from people.errors import InvalidInput
from scheduling.error_codes import SchedulingErrorCode


def holidays_in_years(place: str, years: Iterable[int]) -> frozenset[date]:
    """Return the public holidays of a country (``GB``) or a region (``GB-ENG``) in those years.

    An empty ``place`` has none.
    """
    return (
        frozenset(day for year in years for day in _holidays_of_year(place, year))
        if place
        else _NONE
    )


_NONE: frozenset[date] = frozenset()


@lru_cache(maxsize=1000)
def _holidays_of_year(place: str, year: int) -> frozenset[date]:
    country, _, region = place.partition("-")
    return frozenset(country_holidays(country, subdiv=region or None, years=year))


def require_known_region(place: str) -> None:
    """Raise ``InvalidInput`` for a place that the library does not know."""
    try:
        holidays_in_years(place, [2026])
    except (NotImplementedError, KeyError, ValueError):
        raise InvalidInput("holidays", SchedulingErrorCode.HOLIDAY_REGION_UNKNOWN) from None
