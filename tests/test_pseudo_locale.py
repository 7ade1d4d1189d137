"""Whatever people read is translated: no page, text or call shows a word that is in no catalogue.

Data is not translated. What counts as data is in :data:`DATA`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import databases, pseudo_locale
from tests.pseudo_locale import LANGUAGE
from tests.security_rules.support import closed_routes
from tests.security_rules.support.closed_routes import LEAVING, ROUTES, House

#: What people typed, names, and the words of other tongues. As few as possible.
DATA = (
    *("Gwen", "Jones", "Ana", "Bob", "Sue", "Ivy", "Carl", "Ortiz", "Eve", "Hall", "Silva"),
    *("Example Bank", "Key", "Phone", "as she told us on the phone", "She asked who looked"),
    *("Ring her back", "Rang her back", "Seen with it", "One and the same", "For the police"),
    *("Day", "Night", "your router", "about your router", "blue teapot", "green kettle"),
    *("your bill", "x+", "GB", "Firefox, Linux"),
    *("English", "Deutsch", "español", "Englisch", "Spanisch", "Vouchline"),
    r"T-\d+",
    r"…[0-9a-f]{6}",
    r"[A-Z0-9]{5}-[A-Z0-9]{5}",
    r"[CR][0-9A-Z]{7}",
    r"[\w.+-]+@[\w.-]+\w",
    r"https?://\S+",
    r"[A-Z]\w+/[A-Z][\w/+-]+",  # time zones
    r"\b(?:UTC|GMT|BST|Uhr)\b",
)


class GermanHouse(House):
    """Every browser reads the language whose catalogue is replaced."""

    def _browser(self, who: str) -> Any:
        browser = super()._browser(who)
        browser.set_cookie("lang", LANGUAGE, secure=True)
        return browser


@pytest.fixture(scope="module")
def allowed() -> re.Pattern[str]:
    dates = (rf"\b{re.escape(word)}\b" for word in pseudo_locale.date_words())
    return re.compile("|".join((*(rf"(?<!\w)(?:{item})(?!\w)" for item in DATA), *dates)))


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with pseudo_locale.pseudo_locale():
        made = GermanHouse(databases.sqlite_copy(sqlite_template, folder), folder)
        yield made
        made.console.context.engine.dispose()


def read(house: House, name: str, allowed: re.Pattern[str]) -> list[str]:
    """Ask, follow where it leads, and return what is not translated."""
    answer = house.ask(name)
    if answer.status_code == 303:
        answer = house._browser(ROUTES[name].who).get(answer.location)
    if answer.mimetype != "text/html":
        return []
    return pseudo_locale.list_untranslated_in_page(answer.text, allowed)


def pages(house: House, method: str) -> list[str]:
    """The rows of the routes that show a page, those that end a session last."""
    people = (*closed_routes.SIGNED_IN, closed_routes.CUSTOMER, closed_routes.ANYBODY)
    names = [name for name, row in ROUTES.items() if row.who in people and name.endswith(method)]
    return [name for name in names if not house.asks()[name][0].startswith(("/api/", "/demo/"))]


def untranslated(house: House, allowed: re.Pattern[str], names: list[str]) -> dict[str, str]:
    """Return what is not translated, with one of the routes that show it."""
    return {line: name for name in names for line in read(house, name, allowed)}


def test_every_page_is_translated(house, allowed):
    assert untranslated(house, allowed, pages(house, "GET")) == {}


@pytest.mark.parametrize("typed", ["", "x" * 500])
def test_what_a_form_answers_to_bad_input_is_translated(house, allowed, monkeypatch, typed):
    names = [name for name in pages(house, "POST") if name not in LEAVING]
    for name in names:
        wrong = dict.fromkeys(ROUTES[name].data, typed)
        monkeypatch.setitem(ROUTES, name, replace(ROUTES[name], data=wrong))
    assert untranslated(house, allowed, names) == {}


def test_what_a_form_answers_when_it_is_done_is_translated(house, allowed):
    assert untranslated(house, allowed, pages(house, "POST")) == {}
