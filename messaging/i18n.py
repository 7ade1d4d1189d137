"""The catalogues of ``translations/``, for texts and pages alike, without a web framework."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_time
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parent.parent / "translations"
FALLBACK = "en"

#: What a text message holds at seven bits a character (3GPP TS 23.038, section 6.2.1). A single
#: character outside makes the whole text cost more than twice.
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
    """The catalogue of a language; English, in which the texts are written, needs none."""
    return Translations.load(str(FOLDER), [locale, locale.split("_", maxsplit=1)[0]])


def best_language(wanted: str, spoken: tuple[str, ...]) -> str:
    """The language of ``spoken`` that comes nearest to a wanted one like ``de-AT``."""
    try:
        language = Locale.parse(wanted.replace("-", "_")).language
    except (ValueError, UnknownLocaleError):
        return spoken[0]
    return language if language in spoken else spoken[0]


def format_day_and_time(when: datetime, zone: str, locale: str, *, year: bool = False) -> str:
    """Like ``Tue 24 Nov 14:00``, on the clock of ``zone``; with its ``year`` where asked for."""
    patterns, other = (_DAYS_OF_YEARS, "EEE d MMM y HH:mm") if year else (_DAYS, "EEE d MMM HH:mm")
    pattern = patterns.get(locale.split("_", maxsplit=1)[0], other)
    return format_datetime(when, pattern, tzinfo=ZoneInfo(zone), locale=locale)


def format_time_of_day(when: datetime, zone: str, locale: str) -> str:
    """Like ``14:00``, on the clock of ``zone``."""
    return format_datetime(when, "HH:mm", tzinfo=ZoneInfo(zone), locale=locale)


def format_hour(hour: int, locale: str) -> str:
    """Like ``2 pm`` or ``14:00``, as that language says it."""
    return format_time(time(hour), "short", locale=locale)


def fold_to_gsm7(text: str) -> str:
    """``text`` with what GSM-7 does not hold written as people do without it: ``sáb`` as ``sab``,
    ``’`` as ``'``. What has no such form, like other scripts, stays as it is; so does a word that
    is shaped like an address, for leaving out an accent must not make a link."""
    return _WORD.sub(_fold_word, unicodedata.normalize("NFC", text))


def _fold_word(found: re.Match[str]) -> str:
    word = found[0]
    return word if _ADDRESS.search(word) else "".join(map(_fold_character, word))


def _fold_character(char: str) -> str:
    parts = unicodedata.normalize("NFD", char.translate(_ASCII_PUNCTUATION))
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare if char not in GSM7 and bare and GSM7.issuperset(bare) else char
