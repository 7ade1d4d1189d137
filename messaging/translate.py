"""The catalogues of ``translations/``, for texts and pages alike, without a web framework."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parent.parent / "translations"
FALLBACK = "en"


@lru_cache(maxsize=32)
def catalogue(locale: str) -> NullTranslations:
    """The catalogue of a language; English, in which the texts are written, needs none."""
    return Translations.load(str(FOLDER), [locale, locale.split("_", maxsplit=1)[0]])


def best(wanted: str, spoken: tuple[str, ...]) -> str:
    """The language of ``spoken`` that comes nearest to a wanted one like ``de-AT``."""
    try:
        language = Locale.parse(wanted.replace("-", "_")).language
    except (ValueError, UnknownLocaleError):
        return spoken[0]
    return language if language in spoken else spoken[0]


def day_and_time(when: datetime, zone: str, locale: str) -> str:
    """Like ``Tue 24 Nov 14:00``, on the clock of ``zone``."""
    return format_datetime(when, "EEE d MMM HH:mm", tzinfo=ZoneInfo(zone), locale=locale)


def time_of_day(when: datetime, zone: str, locale: str) -> str:
    """Like ``14:00``, on the clock of ``zone``."""
    return format_datetime(when, "HH:mm", tzinfo=ZoneInfo(zone), locale=locale)
