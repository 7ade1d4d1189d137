"""A language made for tests: each sentence is itself between brackets, so what is not between
brackets was not translated."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from babel.dates import get_day_names, get_month_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from config.languages import registry
from messaging import i18n

#: The language whose catalogue is replaced; its dates stay as they are.
LANGUAGE = "de"
OPEN, CLOSE = "⟦", "⟧"
_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title", "data-label")
_SILENT = ("script", "style", "code", "pre", "kbd")
_VOID = ("meta", "link", "br", "hr", "img", "input", "wbr", "source")


def pseudo_translations() -> Translations:
    """Return a catalogue in which each sentence is itself between brackets."""
    with (registry.FOLDER / "messages.pot").open("rb") as file:
        catalog = read_po(file, locale=LANGUAGE)
    for message in catalog:
        if isinstance(message.id, str):
            message.string = f"{OPEN}{message.id}{CLOSE}" if message.id else message.string
        else:
            message.string = tuple(f"{OPEN}{form}{CLOSE}" for form in message.id)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


@contextmanager
def pseudo_locale() -> Iterator[None]:
    """Replace the catalogue of :data:`LANGUAGE`, for pages and for texts."""
    pseudo, load = pseudo_translations(), Translations.load.__func__  # type: ignore[attr-defined]

    def load_pseudo(cls: Any, folder: Any = None, locales: Any = None, domain: Any = None) -> Any:
        names = [str(name) for name in locales or ()]
        return pseudo if LANGUAGE in names else load(cls, folder, locales, domain)

    i18n._load_catalogue.cache_clear()
    Translations.load = classmethod(load_pseudo)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Translations.load = classmethod(load)  # type: ignore[method-assign]
        i18n._load_catalogue.cache_clear()


class _Reader(HTMLParser):
    """Collects what a page shows, in order, and what its attributes say."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.attributes: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if (
            tag in _SILENT
            or (values.get("lang") or LANGUAGE) != LANGUAGE
            or (self._silent and tag == self._silent[-1] and tag not in _VOID)
        ):
            self._silent.append(tag)
        named = [name for name in _ATTRIBUTES if values.get(name)]
        if tag == "input" and values.get("type") in ("submit", "button"):
            named.append("value")
        if not self._silent:
            self.attributes += [str(values[name]) for name in named]
        self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()
        self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def list_untranslated_in_page(page: str, allowed: re.Pattern[str]) -> list[str]:
    """Return what a page shows that is neither translated nor ``allowed``."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    texts = ["".join(reader.parts), *reader.attributes]
    return [found for text in texts for found in list_untranslated(text, allowed)]


def list_untranslated(text: str, allowed: re.Pattern[str]) -> list[str]:
    """Return the lines of a text with words that are neither translated nor ``allowed``."""
    left = [allowed.sub(" ", line).strip() for line in outside_brackets(text).split("\n")]
    return [line for line in left if re.search(r"[^\W\d_]{2,}", line)]


def outside_brackets(text: str) -> str:
    """Return the text without what is between brackets, which nest."""
    depth, kept = 0, []
    for char in text:
        depth += (char == OPEN) - (char == CLOSE)
        if depth == 0:
            kept.append(" " if char == CLOSE else char)
    return "".join(kept)


def date_words() -> list[str]:
    """The names of days and months in :data:`LANGUAGE`, as dates have them."""
    widths = ("wide", "abbreviated")
    names = [get_day_names(width, "format", LANGUAGE) for width in widths]
    names += [get_month_names(width, "format", LANGUAGE) for width in widths]
    names += [get_month_names(width, "stand-alone", LANGUAGE) for width in widths]
    plain = {str(name).removesuffix(".") for found in names for name in found.values()}
    return sorted(plain, key=len, reverse=True)
