"""Language tags: their one form, their fallbacks, and the best match among several."""

from __future__ import annotations

from collections.abc import Sequence

from babel import Locale, UnknownLocaleError

#: The longest tag that a customer's record can hold.
MAX_TAG_LENGTH = 16


def normalise_tag(text: str) -> str:
    """Return a tag in CLDR's form: ``pt-br`` as ``pt_BR``, ``zh_TW`` as ``zh_Hant_TW``. Raises
    ``ValueError`` for what is no language that CLDR knows."""
    try:
        tag = str(Locale.parse(text.strip().replace("-", "_")))
    except (ValueError, UnknownLocaleError, TypeError):
        tag = ""
    if not tag or len(tag) > MAX_TAG_LENGTH:
        raise ValueError(f'"{text}" is no language tag: write tags like en, de or pt-BR')
    return tag


def list_fallback_tags(tag: str) -> list[str]:
    """Return a normalised tag and its ever wider ones: ``zh_Hant_TW``, ``zh_Hant``, ``zh``."""
    parts = tag.split("_")
    return ["_".join(parts[:length]) for length in range(len(parts), 0, -1)]


def match_language(wanted: str, spoken: Sequence[str]) -> str | None:
    """Return the best of the normalised tags ``spoken`` for a tag that somebody wants: the same, a
    wider one, else another region's; ``None`` if no language matches."""
    try:
        tag = normalise_tag(wanted)
    except ValueError:
        tag = wanted.replace("-", "_").partition("_")[0].lower()  # de-DE-x-private
    for fallback in list_fallback_tags(tag):
        if fallback in spoken:
            return fallback
    language = tag.partition("_")[0]
    return next((each for each in spoken if each.partition("_")[0] == language), None)


def to_html_tag(code: str) -> str:
    """Return a normalised tag as HTML and HTTP write it: ``pt_BR`` as ``pt-BR``."""
    return code.replace("_", "-")
