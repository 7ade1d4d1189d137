"""Names of canaries: common names in the language of their number's country."""

from __future__ import annotations

import secrets

from babel import Locale, UnknownLocaleError

from config.languages.registry import canary_names_for

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def get_region_language(region: str) -> str:
    """Return the most spoken language of a country (ISO 3166), or English if it is unknown."""
    try:
        return Locale.parse(f"und_{region}").language
    except (ValueError, UnknownLocaleError):
        return "en"


def generate_fake_name(language: str) -> str:
    """Return a random first and last name."""
    names = canary_names_for(language)
    return f"{secrets.choice(names.first)} {secrets.choice(names.last)}"


def fill_reference_pattern(pattern: str) -> str:
    """Fill a reference pattern: ``#`` is a digit, ``?`` a letter, everything else is kept."""
    digits = (secrets.choice("0123456789") if c == "#" else c for c in pattern)
    return "".join(secrets.choice(LETTERS) if c == "?" else c for c in digits)
