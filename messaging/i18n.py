"""Translations from ``languages/`` for texts and pages, independent of a web framework."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.support import NullTranslations, Translations

from config.languages import registry
from config.languages.registry import language_for
from config.languages.tags import match_language

#: The seven-bit alphabet of text messages (3GPP TS 23.038, section 6.2.1). A single other
#: character more than doubles the cost of a text.
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_ASCII_PUNCTUATION = str.maketrans(dict(zip("‘’‚“”„–—", "'''\"\"\"--", strict=True)) | {"…": "..."})
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(r"[.:/]\w|//|@")


def load_catalogue(locale: str) -> NullTranslations:
    """Return the catalogue of a language; English, the source language, needs none."""
    return _load_catalogue(registry.FOLDER, language_for(locale).code)


@lru_cache(maxsize=32)
def _load_catalogue(folder: Path, code: str) -> NullTranslations:
    return Translations.load(str(folder), [code])


def best_language(wanted: str, spoken: Sequence[str]) -> str:
    """Return the best match for a tag like ``de-AT`` among ``spoken``, by default the first."""
    return match_language(wanted, spoken) or spoken[0]


def format_day_and_time(when: datetime, zone: str, locale: str, *, year: bool = False) -> str:
    """Format like ``Tue 24 Nov 14:00``, in local time of ``zone``, optionally with the year."""
    dates = language_for(locale).dates
    pattern = dates.day_time_year if year else dates.day_time
    return format_datetime(when, pattern, tzinfo=ZoneInfo(zone), locale=locale)


def format_time_of_day(when: datetime, zone: str, locale: str) -> str:
    """Format like ``14:00``, in local time of ``zone``."""
    return format_datetime(when, "HH:mm", tzinfo=ZoneInfo(zone), locale=locale)


def format_long_date(on: date, locale: str) -> str:
    """Format like ``24 November 2026``, as usual in that language."""
    return format_date(on, language_for(locale).dates.full_date, locale=locale)


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
