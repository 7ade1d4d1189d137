"""Translations from ``translations/`` for texts and pages, independent of a web framework."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parent.parent / "translations"
FALLBACK = "en"

#: The seven-bit alphabet of text messages (3GPP TS 23.038, section 6.2.1). A single other
#: character more than doubles the cost of a text.
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_ASCII_PUNCTUATION = str.maketrans(dict(zip("‘’‚“”„–—", "'''\"\"\"--", strict=True)) | {"…": "..."})
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(r"[.:/]\w|//|@")
_DAYS = {"de": "ccc d. LLL HH:mm"}
_DAYS_OF_YEARS = {"de": "ccc d. LLL y HH:mm"}


@lru_cache(maxsize=32)
def load_catalogue(locale: str) -> NullTranslations:
    """Return the catalogue of a language; English, the source language, needs none."""
    return Translations.load(str(FOLDER), [locale, locale.split("_", maxsplit=1)[0]])


def best_language(wanted: str, spoken: tuple[str, ...]) -> str:
    """Return the best match for a tag like ``de-AT`` among ``spoken``, by default the first."""
    try:
        language = Locale.parse(wanted.replace("-", "_")).language
    except (ValueError, UnknownLocaleError):
        return spoken[0]
    return language if language in spoken else spoken[0]


def format_day_and_time(when: datetime, zone: str, locale: str, *, year: bool = False) -> str:
    """Format like ``Tue 24 Nov 14:00``, in local time of ``zone``, optionally with the year."""
    patterns, other = (_DAYS_OF_YEARS, "EEE d MMM y HH:mm") if year else (_DAYS, "EEE d MMM HH:mm")
    pattern = patterns.get(locale.split("_", maxsplit=1)[0], other)
    return format_datetime(when, pattern, tzinfo=ZoneInfo(zone), locale=locale)


def format_time_of_day(when: datetime, zone: str, locale: str) -> str:
    """Format like ``14:00``, in local time of ``zone``."""
    return format_datetime(when, "HH:mm", tzinfo=ZoneInfo(zone), locale=locale)


def format_long_date(on: date, locale: str) -> str:
    """Format like ``24 November 2026``, as usual in that language."""
    return format_date(on, "d MMMM y" if locale == FALLBACK else "long", locale=locale)


def format_hour(hour: int, locale: str) -> str:
    """Format like ``2 pm`` or ``14:00``, as usual in that language."""
    return format_time(time(hour), "short", locale=locale)


def fold_to_gsm7(text: str) -> str:
    """Replace characters outside GSM-7: ``sáb`` becomes ``sab``, ``’`` becomes ``'``.

    Characters without such a replacement, like other scripts, stay. Words shaped like an address
    stay too, because removing an accent must not create a link.
    """
    return _WORD.sub(_fold_word, unicodedata.normalize("NFC", text))


def _fold_word(found: re.Match[str]) -> str:
    word = found[0]
    return word if _ADDRESS.search(word) else "".join(map(_fold_character, word))


def _fold_character(char: str) -> str:
    parts = unicodedata.normalize("NFD", char.translate(_ASCII_PUNCTUATION))
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare if char not in GSM7 and bare and GSM7.issuperset(bare) else char
